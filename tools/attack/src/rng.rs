//! The one source of chance: the same seed gives the same numbers on every machine.

/// SplitMix64, by Sebastiano Vigna (public domain).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The numbers of program `number` of a seed. Neighbours have nothing in common.
    pub fn of_program(seed: u64, number: u64) -> Self {
        let mut rng = Rng(seed ^ 0xA5A5_5A5A_1234_5678);
        let a = rng.next();
        let mut rng = Rng(a ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        rng.next();
        rng
    }
    /// Another source, which this one decides.
    pub fn fork(&mut self) -> Self {
        Rng(self.next())
    }
    /// 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// 0 to `end - 1`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }
    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }
    /// True once in `times` times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
    /// One of them.
    pub fn pick<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }
    /// One of them, copied.
    pub fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
    /// Any bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
    /// A number where arithmetic goes wrong, or a small one.
    pub fn edge(&mut self) -> i64 {
        match self.below(14) {
            0 => i64::MIN + 1,
            1 => i64::MAX,
            2 => i64::MAX / 2,
            3 => i64::from(i32::MIN),
            4 => i64::from(i32::MAX),
            5 => i64::from(u32::MAX),
            6 => -1,
            7 => 0,
            8 => 1 << self.below(63),
            9 => -(1 << self.below(63)),
            10 => self.next() as i64,
            _ => self.below(2000) as i64 - 200,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_program_has_the_same_numbers() {
        let numbers = |seed, program| {
            let mut rng = Rng::of_program(seed, program);
            [rng.next(), rng.next()]
        };
        assert_eq!(numbers(1, 2), numbers(1, 2));
        assert_ne!(numbers(1, 2), numbers(1, 3));
        assert_ne!(numbers(1, 2), numbers(2, 2));
        assert_ne!(numbers(1, 2), numbers(2, 1));
    }
}
