//! The kinds of memory are a closed set.
use avsluice::*;

enum Vram {}
impl Memory for Vram {}

fn main() {}
