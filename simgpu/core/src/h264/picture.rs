//! A picture as the encoder takes it: planar 4:2:0, padded to whole macroblocks.

/// 8-bit 4:2:0 planes whose sizes are whole macroblocks.
pub struct Picture {
    /// Luma, 16 * across wide.
    pub y: Vec<u8>,
    /// Cb, 8 * across wide.
    pub u: Vec<u8>,
    /// Cr, likewise.
    pub v: Vec<u8>,
    width: usize,
    height: usize,
    across: usize,
    down: usize,
}

impl Picture {
    /// A black picture of `width` x `height` pixels.
    pub fn new(width: usize, height: usize) -> Picture {
        Picture::cropped(width, height, width.div_ceil(16), height.div_ceil(16))
    }

    /// The same in a frame of so many macroblocks.
    pub fn cropped(width: usize, height: usize, across: usize, down: usize) -> Picture {
        let chroma = vec![128; across * down * 64];
        Picture { y: vec![16; across * down * 256], u: chroma.clone(), v: chroma, width, height, across, down }
    }

    /// Width in macroblocks.
    pub fn across(&self) -> usize {
        self.across
    }

    /// Bytes per row of luma; chroma has half.
    pub fn stride(&self) -> usize {
        self.across * 16
    }

    /// Repeats the last column and row into the padding, once the pixels are in.
    pub fn pad(&mut self) {
        let (width, height, across, down) = (self.width, self.height, self.across, self.down);
        extend(&mut self.y, across * 16, down * 16, width, height);
        for plane in [&mut self.u, &mut self.v] {
            extend(plane, across * 8, down * 8, width.div_ceil(2), height.div_ceil(2));
        }
    }

    /// The 384 bytes of a macroblock, in the order I_PCM has them.
    pub fn macroblock(&self, across: usize, down: usize, bytes: &mut [u8; 384]) {
        let stride = self.stride();
        for row in 0..16 {
            let at = (down * 16 + row) * stride + across * 16;
            bytes[row * 16..][..16].copy_from_slice(&self.y[at..][..16]);
        }
        for (plane, offset) in [(&self.u, 256), (&self.v, 320)] {
            for row in 0..8 {
                let at = (down * 8 + row) * (stride / 2) + across * 8;
                bytes[offset + row * 8..][..8].copy_from_slice(&plane[at..][..8]);
            }
        }
    }
}

fn extend(plane: &mut [u8], stride: usize, rows: usize, width: usize, height: usize) {
    for row in plane.chunks_exact_mut(stride).take(height) {
        let last = row[width - 1];
        row[width..].fill(last);
    }
    for row in height..rows {
        plane.copy_within((height - 1) * stride..height * stride, row * stride);
    }
}
