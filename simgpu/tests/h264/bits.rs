//! Bits of a NAL unit. The driver under test has its own writer; this one shares nothing with it.

#[derive(Default)]
pub struct Bits(Vec<bool>);

impl Bits {
    pub fn u(&mut self, count: u32, value: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    pub fn ue(&mut self, value: u32) {
        let length = u32::BITS - (value + 1).leading_zeros();
        self.u(length - 1, 0);
        self.u(length, value + 1);
    }

    pub fn se(&mut self, value: i32) {
        self.ue(if value > 0 { 2 * value as u32 - 1 } else { 2 * value.unsigned_abs() });
    }

    pub fn align(&mut self) {
        while self.0.len() % 8 != 0 {
            self.0.push(false);
        }
    }

    /// Ends the NAL unit and appends it to a byte stream.
    pub fn nal(mut self, header: u8, stream: &mut Vec<u8>) {
        self.0.push(true);
        self.align();
        stream.extend([0, 0, 0, 1, header]);
        let mut zeros = 0;
        for bits in self.0.chunks(8) {
            let byte = bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
            if zeros == 2 && byte < 4 {
                stream.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            stream.push(byte);
        }
    }
}
