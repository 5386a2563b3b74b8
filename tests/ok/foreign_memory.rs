//! An application gives them traits of its own.
use avsluice::*;

trait Vram {}
impl Vram for Cuda {}
fn case<M: Memory + Vram>(_: &Frame<M>) {}

fn main() {}
