//! Picture types, decode order and slices.

use super::bits::Bits;
use super::headers::{FRAME_NUM_BITS, ORDER_BITS, Parameters};
use super::macroblocks::{Entropy, Kind, finish_slice};
use super::picture::Picture;

/// What the program wants a picture to be, whatever the GOP says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Force {
    Nothing,
    Intra,
    Idr,
}

/// What a picture became.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PictureKind {
    Idr,
    I,
    P,
    B,
}

impl PictureKind {
    /// slice_type when all slices of the picture have it, and the slices' kind.
    fn syntax(self) -> (u32, Kind) {
        match self {
            PictureKind::Idr | PictureKind::I => (7, Kind::I),
            PictureKind::P => (5, Kind::P),
            PictureKind::B => (6, Kind::B),
        }
    }
}

/// One encoded picture, without parameter sets.
pub struct Packet {
    pub data: Vec<u8>,
    /// What the program gave with the picture.
    pub timestamp: u64,
    pub kind: PictureKind,
}

struct Waiting {
    picture: Picture,
    timestamp: u64,
    display: u64,
}

/// The encoder: pictures in display order go in, packets in decode order come out.
pub struct Encoder {
    parameters: Parameters,
    /// B pictures whose anchor has not come yet.
    waiting: Vec<Waiting>,
    /// Display number of the next picture.
    next: u64,
    /// Display number of the last IDR picture, and of the last I or IDR picture.
    last_idr: u64,
    last_intra: u64,
    frame_num: u32,
    idr_pic_id: u32,
}

impl Encoder {
    pub fn new(parameters: Parameters) -> Encoder {
        Encoder { parameters, waiting: Vec::new(), next: 0, last_idr: 0, last_intra: 0, frame_num: 0, idr_pic_id: 0 }
    }

    /// Takes a picture; the packets that are complete now.
    pub fn push(&mut self, picture: Picture, timestamp: u64, force: Force) -> Vec<Packet> {
        let display = self.next;
        self.next += 1;
        let due = |since: u64, period: u64| period > 0 && display - since >= period;
        let idr = display == 0 || force == Force::Idr || due(self.last_idr, self.parameters.idr_period);
        let intra = force == Force::Intra || due(self.last_intra, self.parameters.gop_length);
        let mut packets = Vec::new();
        if idr {
            // A GOP is closed: what waits does not refer to the IDR picture.
            packets = self.flush();
            (self.last_idr, self.last_intra) = (display, display);
            self.frame_num = 0;
            packets.push(self.encode(Waiting { picture, timestamp, display }, PictureKind::Idr));
            self.idr_pic_id ^= 1;
            return packets;
        }
        self.waiting.push(Waiting { picture, timestamp, display });
        if intra || self.parameters.frame_interval == 0 {
            self.last_intra = display;
            self.close_group(PictureKind::I, &mut packets);
        } else if self.waiting.len() >= self.parameters.frame_interval {
            self.close_group(PictureKind::P, &mut packets);
        }
        packets
    }

    /// Ends the stream: the packets of all that waits.
    pub fn flush(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        self.close_group(PictureKind::P, &mut packets);
        packets
    }

    /// The last picture that waits becomes the anchor, those before it B pictures.
    fn close_group(&mut self, anchor: PictureKind, packets: &mut Vec<Packet>) {
        let mut group = std::mem::take(&mut self.waiting);
        let Some(last) = group.pop() else { return };
        packets.push(self.encode(last, anchor));
        packets.extend(group.into_iter().map(|waiting| self.encode(waiting, PictureKind::B)));
    }

    fn encode(&mut self, waiting: Waiting, kind: PictureKind) -> Packet {
        let (across, down) = self.parameters.macroblocks();
        let idr = kind == PictureKind::Idr;
        let reference = kind != PictureKind::B;
        let (slice_type, slice_kind) = kind.syntax();
        let mut s = Bits::default();
        s.ue(0); // first_mb_in_slice
        s.ue(slice_type);
        s.ue(0); // pic_parameter_set_id
        s.u(FRAME_NUM_BITS, self.frame_num);
        if idr {
            s.ue(self.idr_pic_id);
        }
        s.u(ORDER_BITS, ((waiting.display - self.last_idr) as u32).wrapping_mul(2));
        if kind == PictureKind::B {
            s.flag(true); // direct_spatial_mv_pred_flag
        }
        if matches!(kind, PictureKind::P | PictureKind::B) {
            s.flag(false); // num_ref_idx_active_override_flag
            s.flag(false); // ref_pic_list_modification_flag_l0
        }
        if kind == PictureKind::B {
            s.flag(false); // ref_pic_list_modification_flag_l1
        }
        if idr {
            s.flag(false); // no_output_of_prior_pics_flag
            s.flag(false); // long_term_reference_flag
        } else if reference {
            s.flag(false); // adaptive_ref_pic_marking_mode_flag
        }
        s.se(0); // slice_qp_delta
        s.ue(1); // disable_deblocking_filter_idc
        if reference {
            self.frame_num = self.frame_num.wrapping_add(1);
        }
        let header = match kind {
            PictureKind::Idr => 0x65,
            PictureKind::I | PictureKind::P => 0x61,
            PictureKind::B => 0x01,
        };
        let data = finish_slice(s, header, &waiting.picture, 0..across * down, slice_kind, Entropy::Cavlc);
        Packet { data, timestamp: waiting.timestamp, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::super::headers::Profile;
    use super::*;

    fn encoder(frame_interval: usize, idr_period: u64) -> Encoder {
        Encoder::new(Parameters {
            width: 16,
            height: 16,
            profile: Profile::Main,
            level: 0,
            frame_interval,
            gop_length: idr_period,
            idr_period,
            frame_rate: (25, 1),
            sample_aspect_ratio: (1, 1),
            signal_type: None,
            chroma_location: None,
        })
    }

    fn order(encoder: &mut Encoder, pictures: u64, force: impl Fn(u64) -> Force) -> Vec<(u64, PictureKind)> {
        let mut packets = Vec::new();
        for timestamp in 0..pictures {
            packets.extend(encoder.push(Picture::new(16, 16), timestamp, force(timestamp)));
        }
        packets.extend(encoder.flush());
        packets.iter().map(|packet| (packet.timestamp, packet.kind)).collect()
    }

    #[test]
    fn anchors_come_before_the_b_pictures_between_them() {
        use PictureKind::{B, Idr, P};
        let order = order(&mut encoder(3, 100), 6, |_| Force::Nothing);
        assert_eq!(order, [(0, Idr), (3, P), (1, B), (2, B), (5, P), (4, B)]);
    }

    #[test]
    fn an_idr_picture_closes_the_gop() {
        use PictureKind::{B, Idr, P};
        let force = |picture| if picture == 3 { Force::Idr } else { Force::Nothing };
        let order = order(&mut encoder(4, 5), 9, force);
        assert_eq!(order, [(0, Idr), (2, P), (1, B), (3, Idr), (7, P), (4, B), (5, B), (6, B), (8, Idr)]);
    }

    #[test]
    fn a_forced_intra_picture_is_no_idr_picture() {
        use PictureKind::{B, I, Idr, P};
        let force = |picture| if picture == 2 { Force::Intra } else { Force::Nothing };
        let order = order(&mut encoder(3, 100), 6, force);
        assert_eq!(order, [(0, Idr), (2, I), (1, B), (5, P), (3, B), (4, B)]);
    }

    #[test]
    fn an_interval_of_0_gives_intra_pictures_only() {
        let order = order(&mut encoder(0, 100), 3, |_| Force::Nothing);
        assert_eq!(order, [(0, PictureKind::Idr), (1, PictureKind::I), (2, PictureKind::I)]);
    }
}
