//! Slice data: macroblocks chosen by a fixed sequence of random numbers.

use super::Kind;
use super::bits::Bits;

/// xorshift
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as u32 % limit
    }
}

/// Macroblocks of one slice; `references` are the active entries of list 0 and list 1.
pub fn macroblocks(b: &mut Bits, kind: Kind, count: u32, references: (u32, u32), random: &mut Random) {
    let mut skipped = 0;
    for _ in 0..count {
        if kind == Kind::I {
            b.ue(25);
            pcm(b, random);
            continue;
        }
        let choice = random.below(8);
        if choice < 2 {
            skipped += 1;
            continue;
        }
        b.ue(skipped);
        skipped = 0;
        match (kind, choice) {
            (_, 2) => {
                b.ue(if kind == Kind::P { 30 } else { 48 });
                pcm(b, random);
            }
            (Kind::P, _) => inter(b, 0, &[references.0], random),
            (_, 3) => inter(b, 0, &[], random), // B_Direct_16x16
            (_, 4) => inter(b, 1, &[references.0], random),
            (_, 5) => inter(b, 2, &[references.1], random),
            _ => inter(b, 3, &[references.0, references.1], random),
        }
    }
    if skipped > 0 {
        b.ue(skipped);
    }
}

/// A 16x16 macroblock with one random reference and motion for each list in `lists`, and no residual.
fn inter(b: &mut Bits, mb_type: u32, lists: &[u32], random: &mut Random) {
    b.ue(mb_type);
    for references in lists {
        match references {
            1 => {}
            2 => b.u(1, random.below(2)),
            _ => b.ue(random.below(*references)),
        }
    }
    for _ in lists {
        b.se(random.below(25) as i32 - 12);
        b.se(random.below(25) as i32 - 12);
    }
    b.ue(0); // coded_block_pattern 0
}

fn pcm(b: &mut Bits, random: &mut Random) {
    b.align();
    let (base, slope) = (random.below(180) + 20, random.below(4));
    for at in 0..384 {
        b.u(8, (base + at % 16 * slope + random.below(6)).min(254));
    }
}
