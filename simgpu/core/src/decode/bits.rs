//! Bits as H.264 writes them: Exp-Golomb codes, start codes, emulation prevention bytes.

/// Writes the payload of one NAL unit.
#[derive(Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    /// The low `count` bits of `value`, most significant first.
    pub fn bits(&mut self, count: u32, value: u32) {
        for shift in (0..count).rev() {
            if self.used % 8 == 0 {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> shift & 1) as u8) << (7 - self.used % 8);
            self.used += 1;
        }
    }

    pub fn flag(&mut self, value: bool) {
        self.bits(1, value.into());
    }

    /// ue(v)
    pub fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = 64 - code.leading_zeros();
        self.bits(length - 1, 0);
        if length > 32 {
            self.bits(length - 32, (code >> 32) as u32);
        }
        self.bits(length.min(32), code as u32);
    }

    /// se(v)
    pub fn se(&mut self, value: i32) {
        let magnitude = value.unsigned_abs();
        self.ue(if value > 0 { 2 * magnitude - 1 } else { magnitude.saturating_mul(2) });
    }

    /// Ends the payload with rbsp_trailing_bits and gives the whole NAL unit, four-byte start code included.
    pub fn into_nal(mut self, header: u8) -> Vec<u8> {
        self.bits(1, 1);
        let mut nal = vec![0, 0, 0, 1, header];
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros >= 2 && byte <= 3 {
                nal.push(3);
                zeros = 0;
            }
            nal.push(byte);
            zeros = if byte == 0 { zeros + 1 } else { 0 };
        }
        nal
    }
}

/// Reads the payload of one NAL unit; every reading past its end is `None`.
pub struct BitReader {
    bytes: Vec<u8>,
    position: usize,
}

impl BitReader {
    /// `payload` follows the NAL header byte; at most `limit` bytes of it are looked at.
    pub fn new(payload: &[u8], limit: usize) -> Self {
        let mut bytes = Vec::with_capacity(payload.len().min(limit));
        let mut zeros = 0;
        for &byte in payload.iter().take(limit) {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, position: 0 }
    }

    pub fn bits(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    pub fn flag(&mut self) -> Option<bool> {
        Some(self.bits(1)? == 1)
    }

    /// ue(v)
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// se(v)
    pub fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 } as i32)
    }
}

/// The NAL units of an Annex B buffer, without their start codes; each begins with its header byte.
pub fn nal_units(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> =
        data.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    let ends = starts.iter().skip(1).map(|next| next - 3).chain([data.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let nal = &data[start..end];
            // trailing zeros belong to the next start code, or are trailing_zero_8bits
            &nal[..nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
        })
        .filter(|nal| !nal.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let unsigned = [0, 1, 2, 7, 8, 255, 65_534, i32::MAX as u32];
        let signed = [0, 1, -1, 2, -2, 127, -128, 40_000, -40_000];
        let mut writer = BitWriter::default();
        writer.bits(24, 1);
        unsigned.iter().for_each(|value| writer.ue(*value));
        signed.iter().for_each(|value| writer.se(*value));
        writer.flag(true);
        let nal = writer.into_nal(0x67);
        assert_eq!(nal_units(&nal).len(), 1, "emulation prevention hides the start code pattern");
        let mut reader = BitReader::new(&nal[5..], usize::MAX);
        assert_eq!(reader.bits(24), Some(1));
        unsigned.iter().for_each(|value| assert_eq!(reader.ue(), Some(*value)));
        signed.iter().for_each(|value| assert_eq!(reader.se(), Some(*value)));
        assert_eq!(reader.flag(), Some(true));
    }

    #[test]
    fn reading_past_the_end_is_none() {
        assert_eq!(BitReader::new(&[], 8).flag(), None);
        assert_eq!(BitReader::new(&[0; 8], 8).ue(), None);
        assert_eq!(BitReader::new(&[0xff], 8).bits(9), None);
    }

    #[test]
    fn nal_units_lose_start_codes_and_trailing_zeros() {
        let data = [9, 0, 0, 0, 1, 0x67, 5, 0, 0, 0, 1, 0x68, 6, 0, 0, 1, 0, 0, 1, 0x65, 7, 0];
        assert_eq!(nal_units(&data), [&[0x67, 5][..], &[0x68, 6], &[0x65, 7]]);
        assert!(nal_units(&[0, 0]).is_empty());
    }
}
