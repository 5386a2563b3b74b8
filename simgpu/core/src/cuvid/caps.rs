//! What the simulated decoder can do: 8-bit 4:2:0 H.264, in the sizes of a real one.
use super::structs::{CHROMA_420, CODEC_H264, CreateInfo, DecodeCaps, SURFACE_NV12};
use crate::ledger;

const MIN_WIDTH: u64 = 48;
const MIN_HEIGHT: u64 = 16;
const MAX_SIDE: u64 = 4096;
const MAX_MACROBLOCKS: u64 = 65_536;

/// `cuvidGetDecoderCaps`
pub fn fill(caps: &mut DecodeCaps) {
    let supported = why_not(caps.codec_type, caps.chroma_format, caps.bit_depth_minus8.into()).is_none();
    let or_zero = |value: u64| if supported { value } else { 0 };
    caps.is_supported = supported.into();
    caps.num_nvdecs = supported.into();
    caps.output_format_mask = or_zero(1 << SURFACE_NV12) as u16;
    caps.max_width = or_zero(MAX_SIDE) as u32;
    caps.max_height = or_zero(MAX_SIDE) as u32;
    caps.max_mb_count = or_zero(MAX_MACROBLOCKS) as u32;
    caps.min_width = or_zero(MIN_WIDTH) as u16;
    caps.min_height = or_zero(MIN_HEIGHT) as u16;
}

/// Whether a decoder of this kind can exist; a sentence otherwise.
pub fn check(info: &CreateInfo) -> Result<(), String> {
    if let Some(why) = why_not(info.codec_type, info.chroma_format, info.bit_depth_minus8) {
        return Err(format!("{why} is not supported"));
    }
    if info.output_format != SURFACE_NV12 {
        return Err(format!("output format {} is not supported, NV12 (0) is", info.output_format));
    }
    let (width, height) = (info.width, info.height);
    let small = width < MIN_WIDTH || height < MIN_HEIGHT;
    if small || width > MAX_SIDE || height > MAX_SIDE || width * height / 256 > MAX_MACROBLOCKS {
        let range = format!("{MIN_WIDTH}x{MIN_HEIGHT} to {MAX_SIDE}x{MAX_SIDE}");
        return Err(format!("{width}x{height} pixels are not supported, {range} are"));
    }
    Ok(())
}

/// The name of what is missing.
pub fn why_not(codec_type: u32, chroma_format: u32, bit_depth_minus8: u64) -> Option<String> {
    if !ledger::lock().config.nvdec_engine {
        return Some("decoding (this GPU has no decoder)".into());
    }
    if codec_type != CODEC_H264 {
        return Some(format!("codec {}", codec_name(codec_type)));
    }
    if chroma_format != CHROMA_420 {
        let name = ["4:0:0", "4:2:0", "4:2:2", "4:4:4"].get(chroma_format as usize).unwrap_or(&"of an unknown kind");
        return Some(format!("H.264 with chroma format {name}"));
    }
    (bit_depth_minus8 != 0).then(|| format!("H.264 with {} bits", bit_depth_minus8.saturating_add(8)))
}

/// The name of a `cudaVideoCodec`.
fn codec_name(codec_type: u32) -> String {
    let names =
        ["MPEG-1", "MPEG-2", "MPEG-4", "VC-1", "H.264", "JPEG", "H.264 SVC", "H.264 MVC", "HEVC", "VP8", "VP9", "AV1"];
    names.get(codec_type as usize).map_or_else(|| codec_type.to_string(), |name| (*name).into())
}
