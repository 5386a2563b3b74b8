//! What differs between FFmpeg's versions, as far as the crate's code cares: the only place where that is decided.
//!
//! Each capability is asked of the headers themselves. Distributions patch FFmpeg, and releases share a major version, so a
//! version number decides only where the headers say nothing (a change of behaviour).

use crate::bindings::Inventory;

type Probe = fn(&Inventory) -> bool;

/// cfg name, and how the headers are asked for it.
const CAPABILITIES: &[(&str, Probe)] = &[
    // avcodec_close(): gone in FFmpeg 8, where avcodec_free_context() alone closes.
    ("has_avcodec_close", |headers| headers.function("avcodec_close")),
    // avcodec_get_supported_config(): FFmpeg 7.1; before it AVCodec.pix_fmts, gone in 9.
    ("has_supported_config", |headers| headers.function("avcodec_get_supported_config")),
    // AV_FRAME_FLAG_KEY and _INTERLACED: FFmpeg 6.1; before it AVFrame.key_frame and its siblings, gone in 9.
    ("has_frame_flags", |headers| headers.constant("AV_FRAME_FLAG_KEY")),
    // AVFrame.duration: FFmpeg 6.0; before it AVFrame.pkt_duration, gone in 8.
    ("has_frame_duration", |headers| headers.field("AVFrame.duration")),
    // AVCodecParameters.coded_side_data: FFmpeg 6.1; before it AVStream.side_data, gone in 8.
    ("has_coded_side_data", |headers| headers.field("AVCodecParameters.coded_side_data")),
    // AVCodecContext.decoded_side_data, by which an encoder is told HDR metadata: FFmpeg 7.1; before it containers alone carry it.
    ("has_decoded_side_data", |headers| headers.field("AVCodecContext.decoded_side_data")),
    // AV_CODEC_FLAG_COPY_OPAQUE, by which a frame is known to be a packet's: FFmpeg 6.1; before it reordered_opaque,
    // gone in 8.
    ("has_copy_opaque", |headers| headers.constant("AV_CODEC_FLAG_COPY_OPAQUE")),
    // AVCodecParameters.framerate: FFmpeg 6.1; before it only AVStream.avg_frame_rate carries it.
    ("has_codecpar_framerate", |headers| headers.field("AVCodecParameters.framerate")),
    // nvdec hands out the decoder's own mapped surfaces; copies of them since libavcodec 59.55 (FFmpeg 6.0).
    ("nvdec_direct_surfaces", |headers| headers.before("LIBAVCODEC", 59, 55)),
    // vaapi encoders crash when the driver refuses a surface for a picture's reconstruction: from libavcodec 61 (FFmpeg 7) on, 63 included.
    ("vaapi_encoders_crash_without_room", |headers| !headers.before("LIBAVCODEC", 61, 0)),
];

impl Inventory {
    fn function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    fn field(&self, name: &str) -> bool {
        self.fields.contains(name)
    }

    fn constant(&self, name: &str) -> bool {
        self.macros.contains_key(name)
    }

    fn number(&self, name: &str) -> i64 {
        self.macros.get(name).copied().unwrap_or_else(|| panic!("the headers define no {name}"))
    }

    fn major(&self, library: &str) -> i64 {
        self.number(&format!("{library}_VERSION_MAJOR"))
    }

    fn before(&self, library: &str, major: i64, minor: i64) -> bool {
        (self.major(library), self.number(&format!("{library}_VERSION_MINOR"))) < (major, minor)
    }
}

/// Tells rustc all names, so that a misspelt cfg is a warning.
pub fn declare() {
    for (name, _) in CAPABILITIES {
        println!("cargo::rustc-check-cfg=cfg({name})");
    }
    // What `cargo xtask attack` sets: see src/raw/canary.rs.
    println!("cargo::rustc-check-cfg=cfg(avsluice_canaries)");
}

/// The capabilities of these headers.
pub fn of(headers: &Inventory) -> Vec<&'static str> {
    CAPABILITIES.iter().filter(|(_, probe)| probe(headers)).map(|(name, _)| *name).collect()
}

/// The capabilities that a generated file says it was made with.
pub fn of_file(text: &str) -> Vec<&str> {
    let line = text.lines().find_map(|line| line.strip_prefix("// capabilities: "));
    line.unwrap_or_default().split_whitespace().collect()
}

/// Sets the cfgs.
pub fn enable(names: Vec<&str>) {
    names.iter().for_each(|name| println!("cargo::rustc-cfg={name}"));
}
