//! The floors of the library: a module names what lies on its own floor or below, and nothing above.

use super::imports::{Import, Imports, Module};

/// From the ground up, by the first part of a module's path. What is not named here lies on top.
pub const FLOORS: [&str; 4] = ["ffi", "types", "error", "raw"];

/// The floor of a module; 0 is the ground.
pub fn floor(module: &Module) -> usize {
    let first = module.first().map(String::as_str);
    FLOORS.iter().position(|name| first == Some(name)).unwrap_or(FLOORS.len())
}

/// Imports that go up.
pub fn upward(imports: &Imports) -> Vec<&Import> {
    imports.all.iter().filter(|import| floor(&import.to) > floor(&import.from)).collect()
}
