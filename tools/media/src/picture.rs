//! Hashing a decoded picture as the streams' publisher did: the visible picture as NV12, rows without padding.

use md5::{Digest, Md5};

/// One plane of a picture in system memory.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// The plane's bytes, from its first visible sample; the last row need not be padded.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub pitch: usize,
}

impl<'a> Plane<'a> {
    /// The first `bytes` of each of `rows` rows.
    fn rows(self, rows: usize, bytes: usize) -> impl Iterator<Item = &'a [u8]> {
        assert!(self.pitch >= bytes, "a row of {bytes} bytes does not fit a pitch of {}", self.pitch);
        (0..rows).map(move |row| {
            let start = row * self.pitch;
            self.data.get(start..start + bytes).unwrap_or_else(|| {
                panic!("row {row} ends at byte {}, the plane at byte {}", start + bytes, self.data.len())
            })
        })
    }
}

/// A picture of 8 bits a sample, 4:2:0, in one of the two layouts that decoders give.
#[derive(Clone, Copy, Debug)]
pub enum Picture<'a> {
    /// NV12: a plane of Y, a plane of interleaved U and V.
    Nv12 {
        /// Visible width in pixels.
        width: usize,
        /// Visible height in pixels.
        height: usize,
        /// Y.
        luma: Plane<'a>,
        /// U and V, interleaved.
        chroma: Plane<'a>,
    },
    /// yuv420p: a plane each of Y, U and V.
    Yuv420p {
        /// Visible width in pixels.
        width: usize,
        /// Visible height in pixels.
        height: usize,
        /// Y.
        y: Plane<'a>,
        /// U.
        u: Plane<'a>,
        /// V.
        v: Plane<'a>,
    },
}

impl Picture<'_> {
    /// The MD5 of the picture as NV12, in lower-case hexadecimal: what
    /// [`Stream::frame_count`](crate::Stream::frame_count) lists.
    ///
    /// # Panics
    /// When a plane is smaller than the picture.
    pub fn md5(&self) -> String {
        let mut md5 = Md5::new();
        match *self {
            Picture::Nv12 { width, height, luma, chroma } => {
                luma.rows(height, width).for_each(|row| md5.update(row));
                chroma.rows(height.div_ceil(2), width.div_ceil(2) * 2).for_each(|row| md5.update(row));
            }
            Picture::Yuv420p { width, height, y, u, v } => {
                y.rows(height, width).for_each(|row| md5.update(row));
                let (columns, rows) = (width.div_ceil(2), height.div_ceil(2));
                let mut interleaved = Vec::with_capacity(columns * 2);
                for (u, v) in u.rows(rows, columns).zip(v.rows(rows, columns)) {
                    interleaved.clear();
                    interleaved.extend(u.iter().zip(v).flat_map(|(&u, &v)| [u, v]));
                    md5.update(&interleaved);
                }
            }
        }
        md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NV12: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 20, 30, 21, 31];

    fn md5_of(bytes: &[u8]) -> String {
        Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn nothing_hashes_to_what_rfc_1321_says() {
        assert_eq!(md5_of(b""), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn padding_is_not_hashed() {
        let luma = [1, 2, 3, 4, 99, 99, 5, 6, 7, 8];
        let chroma = [20, 30, 21, 31, 99, 99, 99, 99];
        let picture = Picture::Nv12 {
            width: 4,
            height: 2,
            luma: Plane { data: &luma, pitch: 6 },
            chroma: Plane { data: &chroma, pitch: 8 },
        };
        assert_eq!(picture.md5(), md5_of(&NV12));
    }

    #[test]
    fn both_layouts_of_one_picture_hash_the_same() {
        let planar = Picture::Yuv420p {
            width: 4,
            height: 2,
            y: Plane { data: &NV12[..8], pitch: 4 },
            u: Plane { data: &[20, 21, 0], pitch: 3 },
            v: Plane { data: &[30, 31], pitch: 2 },
        };
        assert_eq!(planar.md5(), md5_of(&NV12));
    }

    #[test]
    fn odd_sizes_round_the_chroma_up() {
        let picture = Picture::Yuv420p {
            width: 3,
            height: 1,
            y: Plane { data: &[1, 2, 3], pitch: 3 },
            u: Plane { data: &[4, 5], pitch: 2 },
            v: Plane { data: &[6, 7], pitch: 2 },
        };
        assert_eq!(picture.md5(), md5_of(&[1, 2, 3, 4, 6, 5, 7]));
    }

    #[test]
    #[should_panic(expected = "row 1 ends at byte 8, the plane at byte 7")]
    fn a_plane_that_is_too_small_is_told() {
        let short = Plane { data: &[0; 7], pitch: 4 };
        Picture::Nv12 { width: 4, height: 2, luma: short, chroma: short }.md5();
    }
}
