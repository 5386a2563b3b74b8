//! The arithmetic encoder (clause 9.3.4), and the contexts that a slice of I_PCM macroblocks needs.

use super::bits::Bits;
use super::macroblocks::Kind;

/// rangeTabLPS: the range of the less probable symbol by state and by quarter of the range.
const LPS_RANGE: [[u16; 4]; 64] = [
    [128, 176, 208, 240],
    [128, 167, 197, 227],
    [128, 158, 187, 216],
    [123, 150, 178, 205],
    [116, 142, 169, 195],
    [111, 135, 160, 185],
    [105, 128, 152, 175],
    [100, 122, 144, 166],
    [95, 116, 137, 158],
    [90, 110, 130, 150],
    [85, 104, 123, 142],
    [81, 99, 117, 135],
    [77, 94, 111, 128],
    [73, 89, 105, 122],
    [69, 85, 100, 116],
    [66, 80, 95, 110],
    [62, 76, 90, 104],
    [59, 72, 86, 99],
    [56, 69, 81, 94],
    [53, 65, 77, 89],
    [51, 62, 73, 85],
    [48, 59, 69, 80],
    [46, 56, 66, 76],
    [43, 53, 63, 72],
    [41, 50, 59, 69],
    [39, 48, 56, 65],
    [37, 45, 54, 62],
    [35, 43, 51, 59],
    [33, 41, 48, 56],
    [32, 39, 46, 53],
    [30, 37, 43, 50],
    [29, 35, 41, 48],
    [27, 33, 39, 45],
    [26, 31, 37, 43],
    [24, 30, 35, 41],
    [23, 28, 33, 39],
    [22, 27, 32, 37],
    [21, 26, 30, 35],
    [20, 24, 29, 33],
    [19, 23, 27, 31],
    [18, 22, 26, 30],
    [17, 21, 25, 28],
    [16, 20, 23, 27],
    [15, 19, 22, 25],
    [14, 18, 21, 24],
    [14, 17, 20, 23],
    [13, 16, 19, 22],
    [12, 15, 18, 21],
    [12, 14, 17, 20],
    [11, 14, 16, 19],
    [11, 13, 15, 18],
    [10, 12, 15, 17],
    [10, 12, 14, 16],
    [9, 11, 13, 15],
    [9, 11, 12, 14],
    [8, 10, 12, 14],
    [8, 9, 11, 13],
    [7, 9, 11, 12],
    [7, 9, 10, 12],
    [7, 8, 10, 11],
    [6, 8, 9, 11],
    [6, 7, 9, 10],
    [6, 7, 8, 9],
    [2, 2, 2, 2],
];

/// transIdxLPS: the state after a less probable symbol.
const AFTER_LPS: [u8; 64] = [
    0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
    24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37,
    38, 38, 63,
];

/// A context: state and more probable symbol.
#[derive(Clone, Copy, Default)]
struct Context {
    state: u8,
    probable: bool,
}

impl Context {
    /// From the standard's m and n and the slice's quantiser (clause 9.3.1.1).
    fn new((m, n): (i32, i32), qp: i32) -> Context {
        let state = (((m * qp.clamp(0, 51)) >> 4) + n).clamp(1, 126);
        let probable = state > 63;
        Context { state: if probable { state - 64 } else { 63 - state } as u8, probable }
    }
}

/// m and n of tables 9-12 to 9-14, for the contexts that are used: where they begin in the standard's numbering, and theirs.
/// mb_type in I slices.
const INTRA: (usize, &[(i32, i32)]) = (3, &[(20, -15), (2, 54), (3, 74)]);
/// mb_skip_flag and mb_type in P slices, by cabac_init_idc.
const PREDICTED: [(usize, &[(i32, i32)]); 3] = [
    (11, &[(23, 33), (23, 2), (21, 0), (1, 9), (0, 49), (-37, 118), (5, 57)]),
    (11, &[(22, 25), (34, 0), (16, 0), (-2, 9), (4, 41), (-29, 118), (2, 65)]),
    (11, &[(29, 16), (25, 0), (14, 0), (-10, 51), (-3, 62), (-27, 99), (26, 16)]),
];
/// The same in B slices.
const BIPREDICTED: [(usize, &[(i32, i32)]); 3] = [
    (24, &[(18, 64), (9, 43), (29, 0), (26, 67), (16, 90), (9, 104), (-46, 127), (-20, 104), (1, 67)]),
    (24, &[(26, 34), (19, 22), (40, 0), (57, 2), (41, 36), (26, 69), (-45, 127), (-15, 101), (-4, 76)]),
    (24, &[(20, 40), (20, 10), (29, 0), (54, 0), (37, 42), (12, 97), (-32, 127), (-22, 117), (-2, 74)]),
];

/// The contexts of a slice, all whose macroblocks are I_PCM.
pub struct Contexts {
    first: usize,
    contexts: [Context; 9],
}

impl Contexts {
    /// As they are at the beginning of a slice.
    pub fn new(kind: Kind, qp: i32, init_idc: usize) -> Contexts {
        let (first, list) = match kind {
            Kind::I => INTRA,
            Kind::P => PREDICTED[init_idc.min(2)],
            Kind::B => BIPREDICTED[init_idc.min(2)],
        };
        let mut contexts = [Context::default(); 9];
        for (context, values) in contexts.iter_mut().zip(list) {
            *context = Context::new(*values, qp);
        }
        Contexts { first, contexts }
    }
}

/// The encoder. It is made anew behind each I_PCM macroblock's samples; contexts go on.
pub struct Arithmetic {
    low: u32,
    range: u32,
    outstanding: u32,
    first: bool,
}

impl Arithmetic {
    pub fn new() -> Arithmetic {
        Arithmetic { low: 0, range: 510, outstanding: 0, first: true }
    }

    /// One bin, in the context that has this number in the standard.
    pub fn bin(&mut self, s: &mut Bits, contexts: &mut Contexts, number: usize, value: bool) {
        let context = &mut contexts.contexts[number - contexts.first];
        let less = u32::from(LPS_RANGE[usize::from(context.state)][(self.range >> 6 & 3) as usize]);
        self.range -= less;
        if value == context.probable {
            context.state = (context.state + 1).min(62);
        } else {
            self.low += self.range;
            self.range = less;
            context.probable ^= context.state == 0;
            context.state = AFTER_LPS[usize::from(context.state)];
        }
        self.renormalise(s);
    }

    /// The bin that ends a slice or announces samples: what follows an end begins at a byte after alignment.
    pub fn terminate(&mut self, s: &mut Bits, end: bool) {
        self.range -= 2;
        if end {
            self.low += self.range;
            self.range = 2;
            self.renormalise(s);
            self.put(s, self.low >> 9 & 1 == 1);
            // The last of them is the stop bit when the slice ends here.
            s.u(2, self.low >> 7 & 3 | 1);
        } else {
            self.renormalise(s);
        }
    }

    fn renormalise(&mut self, s: &mut Bits) {
        while self.range < 256 {
            if self.low < 256 {
                self.put(s, false);
            } else if self.low >= 512 {
                self.low -= 512;
                self.put(s, true);
            } else {
                self.low -= 256;
                self.outstanding += 1;
            }
            self.range <<= 1;
            self.low <<= 1;
        }
    }

    fn put(&mut self, s: &mut Bits, bit: bool) {
        if !std::mem::replace(&mut self.first, false) {
            s.flag(bit);
        }
        for _ in 0..std::mem::take(&mut self.outstanding) {
            s.flag(!bit);
        }
    }
}
