//! The states are a closed set.
use avsluice::*;

struct Reopened;
impl encode::State for Reopened {}

fn main() {}
