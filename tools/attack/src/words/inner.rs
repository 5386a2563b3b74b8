//! Options within an option: what the libraries behind encoders are told in one string.
//!
//! Half of the strings have values that their library takes, few at a time: a wrong one ends the opening, and shows
//! nothing of the others.

use crate::rng::Rng;

/// The encoders that have them, and the options' names.
const NAMES: &[(&str, &str)] = &[
    ("libx265", "x265-params"),
    ("libx264", "x264-params"),
    ("libx264", "x264opts"),
    ("libx264rgb", "x264-params"),
    ("libx264rgb", "x264opts"),
    ("libsvtav1", "svtav1-params"),
    ("libaom-av1", "aom-params"),
    ("librav1e", "rav1e-params"),
];

/// Keys with values.
type Keys = &'static [(&'static str, &'static [&'static str])];

/// What each library takes: of what the pictures are that it is given, and of how it codes them.
const VALID: &[(&str, Keys, Keys)] = &[
    (
        "x265-params",
        &[
            ("input-res", &["64x64", "128x96", "64x2048", "16x16", "160x96"]),
            ("input-csp", &["0", "1", "2", "3", "i400", "i420", "i422", "i444"]),
            ("copy-pic", &["0", "1"]),
            ("field", &["0", "1"]),
        ],
        &[
            ("interlace", &["0", "tff", "bff"]),
            ("fps", &["25", "30000/1001"]),
            ("frames", &["0", "1", "100"]),
            ("lossless", &["0", "1"]),
            ("keyint", &["1", "2", "250"]),
            ("bframes", &["0", "1", "4"]),
            ("rc-lookahead", &["0", "5", "20"]),
            ("frame-threads", &["1", "2", "4"]),
            ("pools", &["none", "1", "2"]),
            ("slices", &["1", "2"]),
            ("ref", &["1", "3"]),
            ("crf", &["0", "28", "51"]),
            ("qp", &["0", "20", "51"]),
            ("ctu", &["16", "32", "64"]),
            ("annexb", &["0", "1"]),
            ("repeat-headers", &["0", "1"]),
            ("aud", &["0", "1"]),
            ("psnr", &["1"]),
        ],
    ),
    ("x264-params", X264_PICTURE, X264),
    ("x264opts", X264_PICTURE, X264),
    (
        "svtav1-params",
        &[
            ("width", &["64", "128", "4096"]),
            ("height", &["64", "96", "2048"]),
            ("input-depth", &["8", "10"]),
            ("encoder-bit-depth", &["8", "10"]),
            ("color-format", &["0", "1", "2", "3"]),
        ],
        &[
            ("preset", &["8", "12"]),
            ("keyint", &["1", "10", "-1"]),
            ("lookahead", &["0", "10"]),
            ("hierarchical-levels", &["3", "4"]),
            ("lp", &["1", "2"]),
            ("tile-columns", &["0", "1"]),
            ("film-grain", &["0", "8"]),
            ("irefresh-type", &["1", "2"]),
            ("pred-struct", &["1", "2"]),
            ("frames", &["0", "1", "100"]),
        ],
    ),
    (
        "aom-params",
        &[("input-bit-depth", &["8", "10"]), ("bit-depth", &["8", "10"]), ("monochrome", &["0", "1"])],
        &[
            ("tile-columns", &["0", "1"]),
            ("enable-cdef", &["0", "1"]),
            ("enable-restoration", &["0", "1"]),
            ("film-grain-test", &["0", "1"]),
            ("lossless", &["0", "1"]),
            ("row-mt", &["0", "1"]),
            ("aq-mode", &["0", "1", "3"]),
            ("cq-level", &["0", "63"]),
        ],
    ),
    (
        "rav1e-params",
        &[
            ("width", &["64", "128", "4096"]),
            ("height", &["64", "96", "2048"]),
            ("bit_depth", &["8", "10"]),
            ("chroma_sampling", &["420", "422", "444", "400"]),
        ],
        &[
            ("speed", &["9", "10"]),
            ("low_latency", &["true", "false"]),
            ("key_frame_interval", &["1", "10"]),
            ("tiles", &["1", "2"]),
            ("quantizer", &["0", "100"]),
        ],
    ),
];

const X264_PICTURE: Keys = &[
    ("width", &["64", "4096"]),
    ("height", &["64", "2048"]),
    ("input-csp", &["i420", "i444", "nv12"]),
    ("output-csp", &["i420", "i444", "rgb"]),
    ("bitdepth", &["8", "10"]),
];
const X264: Keys = &[
    ("fullrange", &["on", "off"]),
    ("interlaced", &["0", "1"]),
    ("fake-interlaced", &["0", "1"]),
    ("keyint", &["1", "2", "250"]),
    ("bframes", &["0", "1", "16"]),
    ("rc-lookahead", &["0", "5", "40"]),
    ("sliced-threads", &["0", "1"]),
    ("threads", &["1", "2", "4"]),
    ("slices", &["1", "4"]),
    ("ref", &["1", "3", "16"]),
    ("qp", &["0", "20", "51"]),
    ("annexb", &["0", "1"]),
    ("intra-refresh", &["0", "1"]),
    ("open-gop", &["0", "1"]),
    ("psnr", &["1"]),
];

/// The name of such an option that this encoder has.
pub fn option_of(rng: &mut Rng, encoder: &str) -> Option<&'static str> {
    let own: Vec<_> = NAMES.iter().filter(|(name, _)| *name == encoder).map(|(_, option)| *option).collect();
    (!own.is_empty()).then(|| rng.pick(&own))
}

/// Whether an option of that name has options within.
pub fn is_one(name: &str) -> bool {
    NAMES.iter().any(|(_, option)| *option == name)
}

/// A value for the option of that name.
pub fn options(rng: &mut Rng, name: &str) -> String {
    if rng.one_in(2) { valid(rng, name) } else { anything(rng) }
}

/// One to four options with values that the library knows.
pub fn valid(rng: &mut Rng, name: &str) -> String {
    let known = VALID.iter().find(|(option, ..)| *option == name);
    let (picture, coding) = known.map_or((X264_PICTURE, X264), |(_, picture, coding)| (*picture, *coding));
    let one = |rng: &mut Rng| {
        let keys = if rng.one_in(3) { picture } else { coding };
        let (key, values) = keys[rng.below(keys.len())];
        format!("{key}={}", rng.pick(values))
    };
    let count = rng.choose(&[1, 1, 2, 2, 3, 4]);
    (0..count).map(|_| one(rng)).collect::<Vec<_>>().join(":")
}

/// Any names with any values.
fn anything(rng: &mut Rng) -> String {
    let names: &[&str] = &[
        "input-res",
        "width",
        "height",
        "SourceWidth",
        "input-csp",
        "input-depth",
        "bitdepth",
        "lossless",
        "keyint",
        "bframes",
        "log-level",
        "log",
        "frames",
        "ref",
        "rc-lookahead",
        "sliced-threads",
        "threads",
        "pools",
        "frame-threads",
        "slices",
        "stats",
        "pass",
        "crf",
        "qp",
        "scenecut",
        "annexb",
        "interlace",
        "fake-interlaced",
        "csv",
        "recon",
        "psnr",
        "tune",
        "profile",
        "tile-rows",
        "enc-mode",
        "preset",
        "lp",
        "hierarchical-levels",
        "irefresh-type",
        "tile-columns",
        "film-grain",
        "input-file",
        "fps",
        "dither",
        "analysis-save",
    ];
    let one = |rng: &mut Rng| {
        let name = if rng.one_in(3) {
            rng.pick(&["input-res", "width", "height", "input-csp", "SourceWidth"])
        } else {
            rng.pick(names)
        };
        let value = match name {
            "input-res" => format!("{}x{}", rng.choose(&[16, 64, 160, 4096, 2]), rng.choose(&[16, 64, 96, 2048, 1])),
            "input-csp" => rng.pick(&["i400", "i420", "i422", "i444", "nv12", "rgb"]).to_owned(),
            "width" | "height" | "SourceWidth" => rng.choose(&[0, 1, 16, 4096, 100_000]).to_string(),
            "input-depth" | "bitdepth" => rng.choose(&[8, 10, 12, 16]).to_string(),
            "csv" | "recon" | "stats" | "analysis-save" | "input-file" => "attack.log".to_owned(),
            "log" | "log-level" => "none".to_owned(),
            _ => rng.choose(&[0, 1, 2, 3, 4, 8, 16, 51, -1, 1000]).to_string(),
        };
        format!("{name}={value}")
    };
    let count = rng.between(1, 4);
    (0..count).map(|_| one(rng)).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_such_option_has_values_that_its_library_takes() {
        for (_, option) in NAMES {
            assert!(VALID.iter().any(|(name, _, coding)| name == option && coding.len() > 4), "{option}");
            let text = valid(&mut Rng::of_program(1, 2), option);
            assert!(text.split(':').all(|part| part.split('=').count() == 2), "{text}");
        }
    }
}
