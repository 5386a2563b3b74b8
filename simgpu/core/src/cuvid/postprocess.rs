//! What mapping a frame does to a picture: crop, scale, deinterlace, convert to NV12.
use super::structs::{CreateInfo, Rect};
use crate::decode::Planes;

/// Every row of a mapped frame begins at a multiple of this, as on a GPU.
const PITCH_ALIGNMENT: usize = 512;
const GREY: u8 = 128;
const BLACK: u8 = 16;

/// The layout of a mapped frame: Y rows, then rows of interleaved U and V.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub width: usize,
    pub height: usize,
    pub pitch: usize,
}

impl Layout {
    pub fn new(info: &CreateInfo) -> Layout {
        let [width, height] =
            [info.target_width, info.target_height].map(|pixels| (pixels as usize).next_multiple_of(2));
        Layout { width, height, pitch: width.next_multiple_of(PITCH_ALIGNMENT) }
    }

    /// Where the chroma rows begin.
    fn chroma(self) -> usize {
        self.pitch * self.height
    }

    pub fn size(self) -> usize {
        self.chroma() + self.pitch * self.height.div_ceil(2)
    }
}

/// One axis: `length` samples from `start` of the source become `out_length` samples from `out_start`.
#[derive(Clone, Copy)]
struct Axis {
    start: usize,
    length: usize,
    out_start: usize,
    out_length: usize,
    /// The source's number of samples: no position goes beyond.
    limit: usize,
}

impl Axis {
    fn halved(self, limit: usize) -> Axis {
        let end = |start: usize, length: usize| (start + length).div_ceil(2) - start / 2;
        Axis {
            start: self.start / 2,
            length: end(self.start, self.length),
            out_start: self.out_start / 2,
            out_length: end(self.out_start, self.out_length),
            limit,
        }
    }

    /// The source position of an output position. Sizes that differ are scaled by the nearest sample.
    fn source(self, out: usize) -> usize {
        (self.start + out * self.length / self.out_length.max(1)).min(self.limit - 1)
    }

    fn is_copy(self) -> bool {
        self.length == self.out_length && self.start + self.length <= self.limit
    }
}

/// Writes a picture into a mapped frame. `parity` picks the field whose rows replace the other's (bob).
pub fn render(planes: Option<Planes<'_>>, info: &CreateInfo, parity: Option<usize>, out: &mut [u8]) {
    let layout = Layout::new(info);
    let (luma, chroma) = out.split_at_mut(layout.chroma());
    let Some(planes) = planes else {
        luma.fill(GREY);
        chroma.fill(GREY);
        return;
    };
    let (x, y) = axes(info, layout, &planes);
    if y.out_length < layout.height || x.out_length < layout.width {
        luma.fill(BLACK);
        chroma.fill(GREY);
    }
    let row_of = |axis: Axis, row: usize| {
        let source = axis.source(row);
        parity.map_or(source, |parity| (source & !1 | parity).min(axis.limit - 1))
    };
    for row in 0..y.out_length {
        let from = &planes.data[0][row_of(y, row) * planes.strides[0]..];
        let to = &mut luma[(y.out_start + row) * layout.pitch + x.out_start..][..x.out_length];
        if x.is_copy() {
            to.copy_from_slice(&from[x.start..][..x.length]);
        } else {
            to.iter_mut().enumerate().for_each(|(at, sample)| *sample = from[x.source(at)]);
        }
    }
    let (x, y) = (x.halved(planes.width.div_ceil(2)), y.halved(planes.height.div_ceil(2)));
    for row in 0..y.out_length.min(layout.height.div_ceil(2) - y.out_start) {
        let source = row_of(y, row);
        let [from_u, from_v] = [1, 2].map(|plane| &planes.data[plane][source * planes.strides[plane]..]);
        let columns = x.out_length.min(layout.pitch / 2 - x.out_start);
        let to = &mut chroma[(y.out_start + row) * layout.pitch + 2 * x.out_start..][..2 * columns];
        if x.is_copy() {
            let pairs = from_u[x.start..].iter().zip(&from_v[x.start..]);
            to.chunks_exact_mut(2).zip(pairs).for_each(|(pair, (u, v))| {
                pair[0] = *u;
                pair[1] = *v;
            });
        } else {
            to.chunks_exact_mut(2).enumerate().for_each(|(at, pair)| {
                let column = x.source(at);
                pair[0] = from_u[column];
                pair[1] = from_v[column];
            });
        }
    }
}

/// The columns and the rows: from display_area to target_rect, each the whole when it encloses nothing.
fn axes(info: &CreateInfo, layout: Layout, planes: &Planes<'_>) -> (Axis, Axis) {
    let clip = |rect: Rect, width: usize, height: usize| -> [usize; 4] {
        let whole = [0, 0, width, height];
        if rect.size().is_none() {
            return whole;
        }
        let inside = |value: i16, limit: usize| usize::try_from(value).unwrap_or(0).min(limit);
        let (left, top) = (inside(rect.left, width), inside(rect.top, height));
        let (right, bottom) = (inside(rect.right, width), inside(rect.bottom, height));
        if left < right && top < bottom { [left, top, right - left, bottom - top] } else { whole }
    };
    let from = clip(info.display_area, planes.width, planes.height);
    let to = clip(info.target_rect, layout.width, layout.height);
    let axis = |at: usize, limit| Axis {
        start: from[at],
        length: from[at + 2],
        out_start: to[at],
        out_length: to[at + 2],
        limit,
    };
    (axis(0, planes.width), axis(1, planes.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(display_area: [i16; 4], target: (u64, u64)) -> CreateInfo {
        let [left, top, right, bottom] = display_area;
        // SAFETY: CreateInfo has integers only.
        let zero: CreateInfo = unsafe { std::mem::zeroed() };
        let display_area = Rect { left, top, right, bottom };
        CreateInfo { display_area, target_width: target.0, target_height: target.1, ..zero }
    }

    /// An 8x8 picture whose samples tell their position.
    fn picture() -> [Vec<u8>; 3] {
        let plane = |side: usize, base: usize| (0..side * side).map(|at| (base + at) as u8).collect();
        [plane(8, 0), plane(4, 100), plane(4, 200)]
    }

    fn rendered(info: &CreateInfo, parity: Option<usize>) -> (Layout, Vec<u8>) {
        let data = picture();
        let planes = Planes { data: [&data[0], &data[1], &data[2]], strides: [8, 4, 4], width: 8, height: 8 };
        let layout = Layout::new(info);
        let mut out = vec![0; layout.size()];
        render(Some(planes), info, parity, &mut out);
        (layout, out)
    }

    #[test]
    fn the_display_area_is_cut_out() {
        let (layout, out) = rendered(&info([2, 2, 6, 6], (4, 4)), None);
        assert_eq!(layout.pitch, 512);
        assert_eq!(out[..4], [18, 19, 20, 21]);
        assert_eq!(out[3 * 512..][..4], [42, 43, 44, 45]);
        assert_eq!(out[4 * 512..][..4], [105, 205, 106, 206]);
    }

    #[test]
    fn an_empty_display_area_is_the_whole_picture() {
        let (_, out) = rendered(&info([0; 4], (8, 8)), None);
        assert_eq!(out[7 * 512..][..8], [56, 57, 58, 59, 60, 61, 62, 63]);
        assert_eq!(out[11 * 512..][..8], [112, 212, 113, 213, 114, 214, 115, 215]);
    }

    #[test]
    fn another_target_size_scales() {
        let (_, out) = rendered(&info([0; 4], (4, 4)), None);
        assert_eq!(out[512..][..4], [16, 18, 20, 22]);
        let (_, out) = rendered(&info([0; 4], (16, 16)), None);
        assert_eq!(out[512..][..4], [0, 0, 1, 1]);
        let (_, out) = rendered(&info([-5, -5, 300, 300], (8, 8)), None);
        assert_eq!(out[0..2], [0, 1], "an area beyond the picture is clipped");
    }

    #[test]
    fn bob_doubles_the_rows_of_one_field() {
        let (_, out) = rendered(&info([0; 4], (8, 8)), Some(1));
        assert_eq!((out[0], out[512], out[2 * 512]), (8, 8, 24));
    }

    #[test]
    fn what_was_never_decoded_right_is_grey() {
        let info = info([0; 4], (8, 8));
        let mut out = vec![0; Layout::new(&info).size()];
        render(None, &info, None, &mut out);
        assert!(out.iter().all(|sample| *sample == GREY));
    }
}
