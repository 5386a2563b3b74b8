//! Bits, Exp-Golomb codes and NAL units.

/// A growing string of bits.
#[derive(Default)]
pub struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are used; 0 when the last byte is full.
    used: u32,
}

impl Bits {
    /// Makes room for this many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// u(n): the low `count` bits of `value`, the highest first.
    pub fn u(&mut self, count: u32, value: u32) {
        for bit in (0..count).rev().map(|shift| (value >> shift & 1) as u8) {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// A flag.
    pub fn flag(&mut self, set: bool) {
        self.u(1, set.into());
    }

    /// ue(v).
    pub fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = 64 - code.leading_zeros();
        self.u(length - 1, 0);
        // A code has at most 33 bits, of which the first is a 1.
        self.u(1, 1);
        self.u(length - 1, (code & ((1 << (length - 1)) - 1)) as u32);
    }

    /// se(v).
    pub fn se(&mut self, value: i32) {
        self.ue(if value > 0 { value as u32 * 2 - 1 } else { value.unsigned_abs() * 2 });
    }

    /// Fills the last byte with zeros.
    pub fn align(&mut self) {
        self.used = 0;
    }

    /// Fills the last byte with ones.
    pub fn align_with_ones(&mut self) {
        while self.used != 0 {
            self.flag(true);
        }
    }

    /// Whole bytes; the string must be aligned.
    pub fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.used, 0);
        self.bytes.extend_from_slice(bytes);
    }

    /// Closes the string as a NAL unit with a start code and emulation prevention.
    pub fn into_nal(mut self, header: u8) -> Vec<u8> {
        self.flag(true);
        self.into_stopped_nal(header)
    }

    /// The same for a string that ends with its stop bit already, as arithmetic coding leaves it.
    pub fn into_stopped_nal(self, header: u8) -> Vec<u8> {
        let mut nal = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 64 + 8);
        nal.extend_from_slice(&[0, 0, 0, 1, header]);
        let mut copied = 0;
        let mut zeros = 0;
        for (at, byte) in self.bytes.iter().enumerate() {
            if zeros >= 2 && *byte <= 3 {
                nal.extend_from_slice(&self.bytes[copied..at]);
                nal.push(3);
                copied = at;
                zeros = 0;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
        }
        nal.extend_from_slice(&self.bytes[copied..]);
        nal
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn exp_golomb_codes_are_the_standards() {
        let mut bits = Bits::default();
        for value in [0, 1, 2, 3] {
            bits.ue(value);
        }
        for value in [1, -1] {
            bits.se(value);
        }
        // 1 010 011 00100 | 010 011 and the stop bit
        assert_eq!(bits.into_nal(9), [0, 0, 0, 1, 9, 0b1010_0110, 0b0100_0100, 0b1110_0000]);
    }

    #[test]
    fn the_largest_code_is_whole() {
        let mut bits = Bits::default();
        bits.ue(u32::MAX);
        bits.align();
        // 32 zeros would be start-code emulation, so 3s appear.
        assert_eq!(bits.into_nal(9)[5..], [0, 0, 3, 0, 0, 0x80, 0, 0, 3, 0, 0, 0x80]);
    }

    #[test]
    fn start_codes_are_not_emulated() {
        let mut bits = Bits::default();
        bits.bytes(&[0, 0, 0, 0, 0, 1, 0, 0, 4, 0, 0, 3]);
        let nal = bits.into_nal(9);
        assert_eq!(nal[5..], [0, 0, 3, 0, 0, 3, 0, 1, 0, 0, 4, 0, 0, 3, 3, 0x80]);
    }
}
