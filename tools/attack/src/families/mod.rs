//! The kinds of programs.

mod device;
mod encode;
mod frames;
mod input;
mod logs;
mod output;
mod packets;
mod plant;
mod threads;

use crate::rng::Rng;
use crate::world::World;

/// Programs of one part of the library.
#[derive(Clone, Copy)]
pub struct Family {
    pub name: &'static str,
    /// How often it is chosen, of the sum of all.
    weight: usize,
    pub run: fn(&mut World),
}

const FAMILIES: &[Family] = &[
    Family { name: "encode", weight: 20, run: encode::run },
    Family { name: "input", weight: 20, run: input::run },
    Family { name: "output", weight: 20, run: output::run },
    Family { name: "packets", weight: 15, run: packets::run },
    Family { name: "frames", weight: 15, run: frames::run },
    Family { name: "device", weight: 12, run: device::run },
    Family { name: "logger", weight: 12, run: logs::run },
    Family { name: "threads", weight: 6, run: threads::run },
    // Never chosen: defects on purpose, for the tests of `cargo xtask attack`.
    Family { name: "planted-crash", weight: 0, run: plant::crash },
    Family { name: "planted-leak", weight: 0, run: plant::leak },
    Family { name: "planted-descriptor", weight: 0, run: plant::descriptor },
    Family { name: "planted-hang", weight: 0, run: plant::hang },
    Family { name: "planted-spin", weight: 0, run: plant::spin },
    Family { name: "planted-panic", weight: 0, run: plant::panic },
    Family { name: "planted-fresh", weight: 0, run: plant::fresh },
    Family { name: "planted-noise", weight: 0, run: plant::noise },
];

/// The names of all.
pub fn names() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.name).collect()
}

/// The one of that name, or one by chance.
pub fn choose(rng: &mut Rng, name: Option<&str>) -> Family {
    let sum: usize = FAMILIES.iter().map(|family| family.weight).sum();
    let mut place = rng.below(sum);
    if let Some(family) = FAMILIES.iter().find(|family| Some(family.name) == name) {
        return *family;
    }
    *FAMILIES
        .iter()
        .find(|family| {
            let chosen = place < family.weight;
            place = place.wrapping_sub(family.weight);
            chosen
        })
        .unwrap_or(&FAMILIES[0])
}
