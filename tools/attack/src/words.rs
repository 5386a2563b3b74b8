//! Names that FFmpeg knows, of words/*.txt, and option strings made of them. Options within options are in `inner`.
//!
//! The lists are what `ffmpeg -encoders`, `-muxers`, `-h full` and so on say (words/README.md). A name that the FFmpeg at hand has not
//! is answered with an error, which is a test too.

pub mod inner;

use crate::rng::Rng;
use std::sync::OnceLock;

/// Encoders of pictures.
pub fn encoders() -> Vec<&'static str> {
    lines(include_str!("../words/encoders.txt"))
}
/// Decoders of pictures.
pub fn decoders() -> Vec<&'static str> {
    lines(include_str!("../words/decoders.txt"))
}
/// Codecs of all kinds.
pub fn codecs() -> Vec<&'static str> {
    lines(include_str!("../words/codecs.txt"))
}
/// Output formats.
pub fn muxers() -> Vec<&'static str> {
    let mut all = lines(include_str!("../words/muxers.txt"));
    all.retain(|name| !["sap", "rtp_mpegts", "rtsp"].contains(name));
    all
}
/// Input formats.
pub fn demuxers() -> Vec<&'static str> {
    let mut all = lines(include_str!("../words/demuxers.txt"));
    // They wait for the network, whatever they are given.
    all.retain(|name| !["sap", "rtp", "rtsp", "sdp"].contains(name));
    all
}
/// Bitstream filters.
pub fn bitstream_filters() -> Vec<&'static str> {
    lines(include_str!("../words/bsfs.txt"))
}

fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}

/// An option of FFmpeg's: whose, its name, its type, what it is for, and the words it takes.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub class: &'static str,
    pub name: &'static str,
    pub kind: &'static str,
    pub flags: &'static str,
    pub words: &'static str,
}

/// All of them.
pub fn options() -> &'static [Known] {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    ALL.get_or_init(|| {
        let known = |line: &'static str| {
            let mut parts = line.split('\t');
            let mut next = || parts.next().unwrap_or("");
            Known { class: next(), name: next(), kind: next(), flags: next(), words: next() }
        };
        include_str!("../words/options.txt").lines().map(known).collect()
    })
}

/// What an option belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'n> {
    Encoder(&'n str),
    Demuxer(&'n str),
    Muxer(&'n str),
}

/// An option's name and value for it: most often one that belongs there.
pub fn option(rng: &mut Rng, of: Of<'_>) -> (String, String) {
    if rng.one_in(3) {
        let (name, value) = special(rng, of);
        return (name.to_owned(), value);
    }
    let fits = |known: &&Known| match of {
        Of::Encoder(name) => {
            known.flags.starts_with('E')
                && known.flags.contains('V')
                && (known.class == "AVCodecContext" || related(known.class, name))
        }
        Of::Demuxer(name) => {
            known.flags.contains('D') && (known.class == "AVFormatContext" || related(known.class, name))
        }
        Of::Muxer(name) => {
            known.flags.starts_with('E') && (known.class == "AVFormatContext" || related(known.class, name))
        }
    };
    let own: Vec<_> = options().iter().filter(fits).collect();
    let known = match rng.below(12) {
        0 => options()[rng.below(options().len())],
        _ if !own.is_empty() => *own[rng.below(own.len())],
        _ => options()[rng.below(options().len())],
    };
    (known.name.to_owned(), value(rng, &known))
}

/// Whether the class that `ffmpeg -h full` prints is that of this codec or format.
fn related(class: &str, name: &str) -> bool {
    let (class, name) = (class.to_lowercase(), name.to_lowercase());
    let bare = name.trim_start_matches("lib");
    class.contains(&name)
        || (bare.len() > 2 && class.contains(bare))
        || (class.contains("generic mpegvideo") && name.contains("mpeg"))
        || (name == "fifo" && class.starts_with("fifo"))
}

fn value(rng: &mut Rng, known: &Known) -> String {
    let words: Vec<_> = known.words.split('|').filter(|word| !word.is_empty()).collect();
    if !words.is_empty() && !rng.one_in(4) {
        let word = rng.pick(&words);
        return match (known.kind, rng.below(5)) {
            ("flags", 0) => word.to_owned(),
            ("flags", 1) => format!("-{word}"),
            ("flags", 2) => format!("+{word}+{}", rng.pick(&words)),
            ("flags", 3) => format!("+{}", 1u64 << rng.below(32)),
            ("flags", _) => format!("+{word}"),
            _ => word.to_owned(),
        };
    }
    match known.kind {
        "boolean" => rng.pick(&["0", "1", "auto", "maybe"]).to_owned(),
        "rational" | "video_rate" => format!("{}/{}", rng.edge(), rng.edge()),
        "float" | "double" => rng.pick(&["0", "-1", "1e300", "nan", "inf", "0.5", "51"]).to_owned(),
        "image_size" => rng.pick(&["0x0", "64x2048", "1x1", "100000x100000", "vga"]).to_owned(),
        "string" | "binary" | "dictionary" => text(rng),
        _ => rng.edge().to_string(),
    }
}

fn text(rng: &mut Rng) -> String {
    match rng.below(8) {
        0 => String::new(),
        1 => "%s%n%d%100s".to_owned(),
        2 => "a=b:c=d".to_owned(),
        3 => "x".repeat(rng.between(1, 5000)),
        4 => "no\0t".to_owned(),
        5 => "../attack.out".to_owned(),
        6 => format!("{}={}", rng.pick(&["key", "flags", "f"]), rng.edge()),
        _ => rng.edge().to_string(),
    }
}

/// Options that reach further than they look: flags of contexts, and strings with options inside.
fn special(rng: &mut Rng, of: Of<'_>) -> (&'static str, String) {
    let number = rng.edge();
    let flag = 1u64 << rng.below(24);
    match of {
        Of::Encoder(encoder) => {
            let own = inner::option_of(rng, encoder);
            let any = rng.pick(&[
                "x265-params",
                "x264-params",
                "x264opts",
                "svtav1-params",
                "aom-params",
                "rav1e-params",
                "flags",
                "flags2",
                "pixel_format",
                "video_size",
                "time_base",
                "strict",
                "export_side_data",
                "threads",
                "thread_type",
                "debug",
                "lowres",
                "g",
                "bf",
                "slices",
                "rc_init_occupancy",
                "passlogfile",
                "stats",
                "copy_opaque",
                "dump_separator",
            ]);
            let name = if rng.one_in(3) { any } else { own.unwrap_or(any) };
            let inside = inner::options(rng, name);
            let value = match name {
                name if inner::is_one(name) => inside,
                "flags" | "flags2" | "export_side_data" | "debug" => match rng.below(3) {
                    0 => format!("+{flag}"),
                    1 => flag.to_string(),
                    _ => rng
                        .pick(&["pass1", "+qpel", "+bitexact", "low_delay", "+global_header", "gray", "-1"])
                        .to_owned(),
                },
                "pixel_format" => rng.pick(&["yuv444p", "rgb24", "gray", "p010le", "cuda"]).to_owned(),
                "video_size" => rng.pick(&["64x2048", "1x1", "8192x8192"]).to_owned(),
                "time_base" => format!("{}/{}", rng.edge(), rng.edge()),
                "strict" => rng.pick(&["-2", "experimental", "2"]).to_owned(),
                "stats" | "passlogfile" | "dump_separator" => text(rng),
                _ => number.to_string(),
            };
            (name, value)
        }
        Of::Demuxer(_) | Of::Muxer(_) => {
            let name = rng.pick(&[
                "fflags",
                "fflags",
                "fflags",
                "fflags",
                "fflags",
                "probesize",
                "probesize",
                "avioflags",
                "probesize",
                "analyzeduration",
                "packetsize",
                "use_wallclock_as_timestamps",
                "protocol_whitelist",
                "format_whitelist",
                "fdebug",
                "max_delay",
                "flush_packets",
                "avoid_negative_ts",
                "dump_separator",
                "skip_initial_bytes",
                "max_streams",
                "strict",
            ]);
            let value = match (name, rng.below(5)) {
                ("fflags", 0) => "nobuffer".to_owned(),
                ("fflags", 1) => format!("+{flag}"),
                ("fflags", 2) => flag.to_string(),
                ("fflags", 3) => {
                    rng.pick(&["0", "+128", "+128", "-1", "+bitexact", "-custom_io", "+nofillin+noparse"]).to_owned()
                }
                ("fflags", _) => rng
                    .pick(&["genpts", "igndts", "fastseek", "+discardcorrupt", "+sortdts", "flush_packets"])
                    .to_owned(),
                ("avioflags", _) => rng.pick(&["direct", "+direct", "0", "-1"]).to_owned(),
                ("protocol_whitelist" | "format_whitelist" | "dump_separator", _) => text(rng),
                (_, 0) => "five".to_owned(),
                _ => number.to_string(),
            };
            (name, value)
        }
    }
}
