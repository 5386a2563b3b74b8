//! Writes small H.264 streams with the syntax that x264 does not make: field pictures, long-term references, several picture
//! parameter sets, every picture order count type, gaps in frame_num.
//!
//! Pictures are 64x64, CAVLC, of I_PCM and of inter macroblocks with random references and motion and no residual. What
//! matters is that a decoder that keeps another reference, weight or order gives another picture.

#![allow(dead_code)] // each test file uses a part

mod bits;
mod macroblocks;

use bits::Bits;
use macroblocks::{Random, macroblocks};

pub const SIDE: u32 = 64;

/// A sequence parameter set.
#[derive(Clone, Copy)]
pub struct Sequence {
    pub frame_mbs_only: bool,
    pub mbaff: bool,
    pub poc_type: u32,
    pub num_ref_frames: u32,
    pub gaps_allowed: bool,
    pub reorder: u32,
}

pub const FRAMES: Sequence =
    Sequence { frame_mbs_only: true, mbaff: false, poc_type: 0, num_ref_frames: 4, gaps_allowed: false, reorder: 2 };

pub const FIELDS: Sequence = Sequence { frame_mbs_only: false, ..FRAMES };

/// A picture parameter set.
#[derive(Clone, Copy, Default)]
pub struct Parameters {
    pub weighted_pred: bool,
    pub weighted_bipred: u32,
    pub qp: i32,
    pub num_ref_idx: (u32, u32),
    pub bottom_delta: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    P = 0,
    B = 1,
    I = 2,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Structure {
    Frame,
    Top,
    Bottom,
}

/// One frame or field.
#[derive(Clone)]
pub struct Pic {
    pub kind: Kind,
    pub structure: Structure,
    pub idr: bool,
    pub reference: bool,
    pub frame_num: u32,
    pub poc: i32,
    pub pps: u32,
    pub slices: u32,
    /// ref_pic_list_modification of list 0: operation and value.
    pub reorder: Vec<(u32, u32)>,
    /// memory_management_control_operation with its values.
    pub mmco: Vec<Vec<u32>>,
    pub temporal_direct: bool,
    /// delta_pic_order_cnt of type 1.
    pub delta: i32,
}

impl Pic {
    pub fn new(kind: Kind, frame_num: u32, poc: i32) -> Pic {
        Pic {
            kind,
            structure: Structure::Frame,
            idr: false,
            reference: kind != Kind::B,
            frame_num,
            poc,
            pps: 0,
            slices: 1,
            reorder: Vec::new(),
            mmco: Vec::new(),
            temporal_direct: false,
            delta: 0,
        }
    }

    pub fn idr() -> Pic {
        Pic { idr: true, ..Pic::new(Kind::I, 0, 0) }
    }

    pub fn field(self, structure: Structure) -> Pic {
        Pic { structure, ..self }
    }

    pub fn disposable(self) -> Pic {
        Pic { reference: false, ..self }
    }
}

pub const LOG2_MAX_FRAME_NUM: u32 = 4;
pub const LOG2_MAX_POC: u32 = 6;

/// A stream being written.
pub struct Stream {
    pub bytes: Vec<u8>,
    sequence: Sequence,
    parameters: [Parameters; 4],
    random: Random,
    idr_id: u32,
    /// Reference frames that the decoder has now, and whether a first field of one waits for its second.
    references: u32,
    first_field: bool,
}

impl Stream {
    /// Starts a stream with its parameter sets; `parameters` get the ids 0, 1, ..
    pub fn new(sequence: Sequence, parameters: &[Parameters]) -> Stream {
        let mut all = [Parameters::default(); 4];
        all[..parameters.len()].copy_from_slice(parameters);
        let mut stream = Stream {
            bytes: Vec::new(),
            sequence,
            parameters: all,
            random: Random(7),
            idr_id: 0,
            references: 0,
            first_field: false,
        };
        stream.write_sequence();
        (0..parameters.len() as u32).for_each(|id| stream.write_parameters(id));
        stream
    }

    /// Replaces a picture parameter set.
    pub fn change(&mut self, id: u32, parameters: Parameters) {
        self.parameters[id as usize] = parameters;
        self.write_parameters(id);
    }

    /// Starts a new sequence; an IDR picture must follow.
    pub fn restart(&mut self, sequence: Sequence) {
        self.sequence = sequence;
        self.write_sequence();
        (0..4).for_each(|id| self.write_parameters(id));
    }

    fn write_sequence(&mut self) {
        let s = self.sequence;
        let mut b = Bits::default();
        b.u(8, 77);
        b.u(8, 0);
        b.u(8, 30);
        b.ue(0);
        b.ue(LOG2_MAX_FRAME_NUM - 4);
        b.ue(s.poc_type);
        match s.poc_type {
            0 => b.ue(LOG2_MAX_POC - 4),
            1 => {
                b.u(1, 0);
                b.se(-1);
                b.se(1);
                b.ue(2);
                b.se(2);
                b.se(4);
            }
            _ => {}
        }
        b.ue(s.num_ref_frames);
        b.u(1, s.gaps_allowed.into());
        b.ue(SIDE / 16 - 1);
        b.ue(SIDE / if s.frame_mbs_only { 16 } else { 32 } - 1);
        b.u(1, s.frame_mbs_only.into());
        if !s.frame_mbs_only {
            b.u(1, s.mbaff.into());
        }
        b.u(1, 1); // direct_8x8_inference_flag
        b.u(1, 0); // no cropping
        b.u(1, 1); // VUI: timing and bitstream restriction
        b.u(4, 0);
        b.u(1, 1);
        b.u(32, 1);
        b.u(32, 50);
        b.u(1, 1);
        b.u(3, 0);
        b.u(2, 3);
        [0, 0, 16, 16, s.reorder, s.num_ref_frames].into_iter().for_each(|value| b.ue(value));
        b.nal(0x67, &mut self.bytes);
    }

    fn write_parameters(&mut self, id: u32) {
        let p = self.parameters[id as usize];
        let mut b = Bits::default();
        b.ue(id);
        b.ue(0);
        b.u(1, 0); // CAVLC
        b.u(1, p.bottom_delta.into());
        b.ue(0);
        b.ue(p.num_ref_idx.0);
        b.ue(p.num_ref_idx.1);
        b.u(1, p.weighted_pred.into());
        b.u(2, p.weighted_bipred);
        b.se(p.qp);
        b.se(0);
        b.se(p.qp % 5);
        b.u(1, 1); // deblocking_filter_control_present_flag
        b.u(2, 0);
        b.nal(0x68, &mut self.bytes);
    }

    /// Appends a frame or a field.
    pub fn push(&mut self, pic: &Pic) {
        if pic.idr {
            self.references = 0;
        }
        let rows = if pic.structure == Structure::Frame { SIDE / 16 } else { SIDE / 32 };
        let count = rows * SIDE / 16;
        let step = count.div_ceil(pic.slices);
        for first in (0..count).step_by(step as usize) {
            let mut b = Bits::default();
            let references = self.header(&mut b, pic, first);
            macroblocks(&mut b, pic.kind, step.min(count - first), references, &mut self.random);
            let kind = if pic.idr { 5 } else { 1 };
            b.nal(kind | if pic.reference { 0x60 } else { 0 }, &mut self.bytes);
        }
        self.idr_id += u32::from(pic.idr);
        self.mark(pic);
    }

    /// Keeps count of what can be referred to.
    fn mark(&mut self, pic: &Pic) {
        for operation in &pic.mmco {
            match operation[0] {
                1 | 2 => self.references -= 1,
                5 => self.references = 0,
                _ => {}
            }
        }
        self.first_field = pic.reference && pic.structure == Structure::Top;
        if pic.reference && !self.first_field {
            self.references = (self.references + 1).min(self.sequence.num_ref_frames);
        }
    }

    /// Writes a slice header; the active references of both lists.
    fn header(&mut self, b: &mut Bits, pic: &Pic, first: u32) -> (u32, u32) {
        let (s, p) = (self.sequence, self.parameters[pic.pps as usize]);
        let field = pic.structure != Structure::Frame;
        b.ue(first);
        b.ue(pic.kind as u32 + 5);
        b.ue(pic.pps);
        b.u(LOG2_MAX_FRAME_NUM, pic.frame_num % (1 << LOG2_MAX_FRAME_NUM));
        if !s.frame_mbs_only {
            b.u(1, field.into());
            if field {
                b.u(1, (pic.structure == Structure::Bottom).into());
            }
        }
        if pic.idr {
            b.ue(self.idr_id % 2);
        }
        match s.poc_type {
            0 => {
                b.u(LOG2_MAX_POC, pic.poc.rem_euclid(1 << LOG2_MAX_POC) as u32);
                if p.bottom_delta && !field {
                    b.se(1);
                }
            }
            1 => {
                b.se(pic.delta);
                if p.bottom_delta && !field {
                    b.se(0);
                }
            }
            _ => {}
        }
        if pic.kind == Kind::B {
            b.u(1, (!pic.temporal_direct).into());
        }
        let fields = 2 * self.references + u32::from(self.first_field);
        let most = if field { fields } else { self.references };
        let active = ((p.num_ref_idx.0 + 1).min(most), (p.num_ref_idx.1 + 1).min(most));
        if pic.kind != Kind::I {
            let fewer = active != (p.num_ref_idx.0 + 1, p.num_ref_idx.1 + 1);
            b.u(1, fewer.into());
            if fewer {
                b.ue(active.0 - 1);
            }
            if fewer && pic.kind == Kind::B {
                b.ue(active.1 - 1);
            }
            b.u(1, (!pic.reorder.is_empty()).into());
            if !pic.reorder.is_empty() {
                for (operation, value) in &pic.reorder {
                    b.ue(*operation);
                    b.ue(*value);
                }
                b.ue(3);
            }
            if pic.kind == Kind::B {
                b.u(1, 0);
            }
            let weighted = if pic.kind == Kind::P { p.weighted_pred } else { p.weighted_bipred == 1 };
            if weighted {
                self.weights(b, active.0 + if pic.kind == Kind::B { active.1 } else { 0 });
            }
        }
        if pic.reference {
            if pic.idr {
                b.u(1, 0);
                b.u(1, 0);
            } else {
                b.u(1, (!pic.mmco.is_empty()).into());
                if !pic.mmco.is_empty() {
                    pic.mmco.iter().flatten().for_each(|value| b.ue(*value));
                    b.ue(0);
                }
            }
        }
        b.se(self.random.below(5) as i32 - 2);
        b.ue(0); // deblocking is on
        b.se(self.random.below(3) as i32 - 1);
        b.se(self.random.below(3) as i32 - 1);
        active
    }

    fn weights(&mut self, b: &mut Bits, references: u32) {
        b.ue(5);
        b.ue(4);
        let mut weight = |b: &mut Bits, one: i32| {
            b.se(one + self.random.below(21) as i32 - 10);
            b.se(self.random.below(15) as i32 - 7);
        };
        for _ in 0..references {
            b.u(1, 1);
            weight(b, 32);
            b.u(1, 1);
            weight(b, 16);
            weight(b, 16);
        }
    }
}
