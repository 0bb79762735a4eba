fn load(id: usize) -> u32 {
    let orders = vec![1, 2, 3];
    orders[id]
}

fn main() {
    eprintln!("start");
    let words: Vec<String> = std::env::args().collect();
    if words[1] == "thread" {
        let thread = std::thread::Builder::new().name("worker-1".into()).spawn(|| assert_eq!(1 + 1, 3, "sums\nover two lines"));
        let _ = thread.unwrap().join();
        eprintln!("between");
        let number: Result<i32, _> = "seven".parse::<i32>();
        number.expect("a number");
    }
    load(7);
}
