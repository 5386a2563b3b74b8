//! Slice data: I_PCM macroblocks, in both entropy codings.

use super::bits::Bits;
use super::cabac::{Arithmetic, Contexts};
use super::picture::Picture;
use std::ops::Range;

/// mb_type of I_PCM in I slices.
const I_PCM: u32 = 25;

/// What a slice may predict from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    I,
    P,
    B,
}

/// How a slice's data is coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entropy {
    Cavlc,
    Cabac {
        /// SliceQPY.
        qp: i32,
        /// cabac_init_idc.
        init_idc: usize,
    },
}

/// Appends the macroblocks of this range, in raster order, to a slice header, and gives the NAL unit.
pub fn finish_slice(
    mut header: Bits,
    nal_header: u8,
    picture: &Picture,
    range: Range<usize>,
    kind: Kind,
    entropy: Entropy,
) -> Vec<u8> {
    header.reserve(range.len() * 388);
    match entropy {
        Entropy::Cavlc => {
            cavlc(&mut header, picture, range, kind);
            header.into_nal(nal_header)
        }
        Entropy::Cabac { qp, init_idc } => {
            cabac(&mut header, picture, range, kind, Contexts::new(kind, qp, init_idc));
            header.into_stopped_nal(nal_header)
        }
    }
}

fn cavlc(s: &mut Bits, picture: &Picture, range: Range<usize>, kind: Kind) {
    let (skip_run, offset) = match kind {
        Kind::I => (false, 0),
        Kind::P => (true, 5),
        Kind::B => (true, 23),
    };
    for address in range {
        if skip_run {
            s.ue(0);
        }
        s.ue(offset + I_PCM);
        s.align();
        s.bytes(&samples(picture, address));
    }
}

fn cabac(s: &mut Bits, picture: &Picture, range: Range<usize>, kind: Kind, mut contexts: Contexts) {
    s.align_with_ones();
    let first = range.start;
    let last = range.end.saturating_sub(1);
    let across = picture.across();
    let mut encoder = Arithmetic::new();
    for address in range {
        // Both neighbours, where they are in the slice, are I_PCM and so neither skipped, direct nor I_NxN.
        let left = address % across > 0 && address > first;
        let above = address >= first + across;
        let neighbours = usize::from(left) + usize::from(above);
        let mut bins = |list: &[(usize, bool)]| {
            list.iter().for_each(|(number, value)| encoder.bin(s, &mut contexts, *number, *value));
        };
        match kind {
            Kind::I => bins(&[(3 + neighbours, true)]),
            Kind::P => bins(&[(11 + neighbours, false), (14, true), (17, true)]),
            Kind::B => {
                bins(&[(24 + neighbours, false), (27 + neighbours, true), (30, true)]);
                // 1101: the prefix of intra macroblocks.
                bins(&[(31, true), (32, true), (32, false), (32, true), (32, true)]);
            }
        }
        encoder.terminate(s, true);
        s.align();
        s.bytes(&samples(picture, address));
        encoder = Arithmetic::new();
        encoder.terminate(s, address == last);
    }
}

fn samples(picture: &Picture, address: usize) -> [u8; 384] {
    let mut bytes = [0; 384];
    picture.macroblock(address % picture.across(), address / picture.across(), &mut bytes);
    bytes
}
