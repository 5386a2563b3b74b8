//! The checks of gpu-test, one a process
fn main() {}
