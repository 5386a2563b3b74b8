//! x
#[test]
fn smoke() {
    let gpu = simgpu::start().unwrap();
    println!("{}", gpu.ledger());
}
