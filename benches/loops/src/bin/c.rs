//! The loop in C.

fn main() {
    let (path, packets, bit_rate) = counter::arguments();
    match c_loop::run(&path, packets, bit_rate as i64) {
        Ok(counts) => counter::report(counts.packets, counts.bytes),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
