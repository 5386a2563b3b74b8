//! What the parser tells an application about a sequence: the facts of a sequence parameter set.
use super::bits::BitReader;

/// The parts of a sequence parameter set that a CUVIDEOFORMAT carries or that decide what can be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    pub id: u32,
    pub profile_idc: u32,
    pub level_idc: u32,
    pub chroma_format_idc: u32,
    pub bit_depth_luma: u32,
    pub bit_depth_chroma: u32,
    pub log2_max_frame_num: u32,
    pub separate_colour_plane: bool,
    pub pic_order_cnt_type: u32,
    pub num_ref_frames: u32,
    pub frame_mbs_only: bool,
    /// In pixels of the whole frame, a multiple of 16.
    pub coded_width: u32,
    pub coded_height: u32,
    /// Pixels cut off: left, right, top, bottom.
    pub crop: [u32; 4],
    pub sar: (u32, u32),
    pub video_format: u32,
    pub full_range: bool,
    /// colour_primaries, transfer_characteristics, matrix_coefficients; 2 is unspecified.
    pub colour: [u32; 3],
    /// Frames per second as a fraction; (0, 0) when the stream does not say.
    pub frame_rate: (u32, u32),
    pub max_dec_frame_buffering: Option<u32>,
}

/// Table E-1, without Extended_SAR.
const SARS: [(u32, u32); 17] = [
    (1, 1), // unspecified
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

impl Sps {
    /// `nal` begins with its header byte. `None` for what is no valid sequence parameter set.
    pub fn parse(nal: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(nal.get(1..)?, 1024);
        let profile_idc = r.bits(8)?;
        r.bits(8)?;
        let level_idc = r.bits(8)?;
        let id = r.ue()?;
        let mut sps = Sps {
            id,
            profile_idc,
            level_idc,
            chroma_format_idc: 1,
            bit_depth_luma: 8,
            bit_depth_chroma: 8,
            log2_max_frame_num: 4,
            separate_colour_plane: false,
            pic_order_cnt_type: 0,
            num_ref_frames: 0,
            frame_mbs_only: true,
            coded_width: 0,
            coded_height: 0,
            crop: [0; 4],
            sar: (1, 1),
            video_format: 5,
            full_range: false,
            colour: [2; 3],
            frame_rate: (0, 0),
            max_dec_frame_buffering: None,
        };
        if matches!(profile_idc, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 144 | 244) {
            sps.high_profile_fields(&mut r)?;
        }
        sps.log2_max_frame_num = r.ue()? + 4;
        sps.pic_order_cnt_type = r.ue()?;
        match sps.pic_order_cnt_type {
            0 => drop(r.ue()?),
            1 => {
                r.flag()?;
                r.se()?;
                r.se()?;
                for _ in 0..r.ue()?.min(255) {
                    r.se()?;
                }
            }
            _ => {}
        }
        sps.num_ref_frames = r.ue()?;
        r.flag()?; // gaps_in_frame_num_value_allowed_flag
        let width_in_mbs = r.ue()?.checked_add(1)?;
        let map_units = r.ue()?.checked_add(1)?;
        sps.frame_mbs_only = r.flag()?;
        if !sps.frame_mbs_only {
            r.flag()?; // mb_adaptive_frame_field_flag
        }
        r.flag()?; // direct_8x8_inference_flag
        let valid = id < 32 && sps.log2_max_frame_num <= 16 && width_in_mbs <= 1 << 12 && map_units <= 1 << 12;
        if !valid || sps.chroma_format_idc > 3 || sps.num_ref_frames > 16 {
            return None;
        }
        sps.coded_width = width_in_mbs * 16;
        sps.coded_height = map_units * 16 * if sps.frame_mbs_only { 1 } else { 2 };
        if r.flag()? {
            sps.cropping(&mut r)?;
        }
        if r.flag()? {
            // a truncated VUI is common and costs only what it would have told
            let _ = sps.vui(&mut r);
        }
        Some(sps)
    }

    fn high_profile_fields(&mut self, r: &mut BitReader) -> Option<()> {
        self.chroma_format_idc = r.ue()?;
        if self.chroma_format_idc == 3 {
            self.separate_colour_plane = r.flag()?;
        }
        self.bit_depth_luma = r.ue()?.checked_add(8)?;
        self.bit_depth_chroma = r.ue()?.checked_add(8)?;
        r.flag()?; // qpprime_y_zero_transform_bypass_flag
        if r.flag()? {
            for list in 0..if self.chroma_format_idc == 3 { 12 } else { 8 } {
                if r.flag()? {
                    skip_scaling_list(r, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some(())
    }

    fn cropping(&mut self, r: &mut BitReader) -> Option<()> {
        let step_x = if matches!(self.chroma_format_idc, 1 | 2) { 2 } else { 1 };
        let step_y = if self.chroma_format_idc == 1 { 2 } else { 1 } * if self.frame_mbs_only { 1 } else { 2 };
        let mut crop = [0; 4];
        for (pixels, step) in crop.iter_mut().zip([step_x, step_x, step_y, step_y]) {
            *pixels = r.ue()?.checked_mul(step)?;
        }
        let [left, right, top, bottom] = crop;
        // FFmpeg ignores a cropping that leaves nothing, so a stream with one still plays
        if left.checked_add(right)? < self.coded_width && top.checked_add(bottom)? < self.coded_height {
            self.crop = crop;
        }
        Some(())
    }

    fn vui(&mut self, r: &mut BitReader) -> Option<()> {
        if r.flag()? {
            let idc = r.bits(8)?;
            let sar = if idc == 255 { (r.bits(16)?, r.bits(16)?) } else { *SARS.get(idc as usize).unwrap_or(&(1, 1)) };
            self.sar = if sar.0 == 0 || sar.1 == 0 { (1, 1) } else { sar };
        }
        if r.flag()? {
            r.flag()?; // overscan_appropriate_flag
        }
        if r.flag()? {
            self.video_format = r.bits(3)?;
            self.full_range = r.flag()?;
            if r.flag()? {
                self.colour = [r.bits(8)?, r.bits(8)?, r.bits(8)?];
            }
        }
        if r.flag()? {
            r.ue()?; // chroma_sample_loc_type_top_field, _bottom_field
            r.ue()?;
        }
        if r.flag()? {
            let (units_in_tick, time_scale) = (r.bits(32)?, r.bits(32)?);
            r.flag()?; // fixed_frame_rate_flag
            if units_in_tick != 0 && time_scale != 0 {
                self.frame_rate = reduce(u64::from(time_scale), u64::from(units_in_tick) * 2);
            }
        }
        let nal_hrd = r.flag()?;
        if nal_hrd {
            skip_hrd(r)?;
        }
        let vcl_hrd = r.flag()?;
        if vcl_hrd {
            skip_hrd(r)?;
        }
        if nal_hrd || vcl_hrd {
            r.flag()?; // low_delay_hrd_flag
        }
        r.flag()?; // pic_struct_present_flag
        if r.flag()? {
            r.flag()?; // motion_vectors_over_pic_boundaries_flag
            for _ in 0..5 {
                r.ue()?;
            }
            self.max_dec_frame_buffering = Some(r.ue()?.min(16));
        }
        Some(())
    }

    /// The decoded picture buffer in frames: what the stream says, or what its level allows (table A-1).
    pub fn dpb_frames(&self) -> u32 {
        let max_dpb_mbs = match self.level_idc {
            ..=10 => 396,
            11 => 900,
            12..=20 => 2376,
            21 => 4752,
            22 | 30 => 8100,
            31 => 18_000,
            32 => 20_480,
            40 | 41 => 32_768,
            42 => 34_816,
            50 => 110_400,
            51 | 52 => 184_320,
            _ => 696_320,
        };
        let by_level = (max_dpb_mbs / (self.coded_width / 16 * self.coded_height / 16)).clamp(1, 16);
        self.max_dec_frame_buffering.unwrap_or(by_level).max(self.num_ref_frames).clamp(1, 16)
    }
}

fn skip_scaling_list(r: &mut BitReader, size: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            next = (last + r.se()?) & 0xff;
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

fn skip_hrd(r: &mut BitReader) -> Option<()> {
    let cpbs = r.ue()?.min(31) + 1;
    r.bits(8)?;
    for _ in 0..cpbs {
        r.ue()?;
        r.ue()?;
        r.flag()?;
    }
    r.bits(20)?;
    Some(())
}

/// A fraction in its lowest terms, halved until it fits 32 bits.
pub fn reduce(mut numerator: u64, mut denominator: u64) -> (u32, u32) {
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    numerator /= a.max(1);
    denominator /= a.max(1);
    while numerator > u64::from(u32::MAX) || denominator > u64::from(u32::MAX) {
        numerator >>= 1;
        denominator >>= 1;
    }
    (numerator as u32, denominator as u32)
}
