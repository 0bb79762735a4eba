package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"
)

type order struct{ items []int }

func (o *order) item(n int) int { return o.items[n] }

func main() {
	switch os.Args[1] {
	case "index":
		log.Print("start")
		fmt.Fprintln(os.Stderr, "a line without time")
		(&order{}).item(5)
	case "nil":
		var o *order
		log.Print("start")
		o.item(0)
	case "error":
		panic(fmt.Errorf("first line\nsecond line"))
	case "again":
		defer func() { panic(fmt.Sprint("again: ", recover())) }()
		panic("first")
	case "http":
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic("in a handler") }))
		log.Print("serving")
		http.Get(server.URL)
		log.Print("still serving")
		go func() { select {} }()
		time.Sleep(10 * time.Millisecond)
		log.Panicf("cannot go on: %v", os.ErrClosed)
	case "race":
		count := 0
		var group sync.WaitGroup
		for i := 0; i < 2; i++ {
			group.Add(1)
			go func() { count++; group.Done() }()
		}
		group.Wait()
		fmt.Fprintln(os.Stderr, "counted")
	}
}
