package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "start")
	done := make(chan bool)
	go func() { done <- <-done }()
	<-done
}
