//! The loop of avsluice.

fn main() {
    let (path, packets, bit_rate) = counter::arguments();
    match loops::run(&path, packets, bit_rate) {
        Ok(counts) => counter::report(counts.packets, counts.bytes),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
