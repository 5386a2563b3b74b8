//! What an application's strings may do. FFmpeg and the libraries behind it take options by name, and some of those reach into memory that the
//! application's objects own: the flag that says whose AVIOContext it is, the size that a frame's rows are read by. What is refused, and what to use
//! instead, is decided here and nowhere else.

use crate::{
    error::{Error, ErrorKind, Result, line::Line},
    ffi,
    raw::{CodecContext, avutil::dictionary::Dictionary, c_string},
    types::setting::Setting,
};
use std::{borrow::Cow, ptr};

/// Codecs whose packets are no bytes but pointers: forged or copied ones would be followed.
pub(super) fn refuse_pointers(codec: ffi::AVCodecID, operation: &'static str) -> Result<()> {
    if codec != ffi::AV_CODEC_ID_WRAPPED_AVFRAME {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, operation).detail(format!(
        "the packets of {} are pointers into this process and no data: use `rawvideo`, or pass the frames themselves",
        ffi::names::codec(codec)
    )))
}

/// Muxers that write in a thread of their own, which only their trailer joins: a muxer that is dropped would be freed under it.
const THREADED: [&str; 2] = ["fifo", "tee"];

pub(super) fn refuse_threads(format: &str) -> Result<()> {
    if !THREADED.contains(&format) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "av_guess_format").detail(format!(
        "FFmpeg's `{format}` writes in threads of its own, which outlive a muxer that is dropped: run a muxer on a thread of yours, or write each packet \
         (`try_clone`) to several muxers"
    )))
}

/// Checks an option of a format or protocol.
pub(super) fn check_format_option(setting: &Setting) -> Result<()> {
    let Setting { name, value, .. } = setting;
    if name.eq_ignore_ascii_case("fflags") {
        return check_words(name, value);
    }
    if name.ends_with("_format") {
        // FFmpeg takes a format's name in either case.
        let inner = value.trim().to_ascii_lowercase();
        refuse_threads(&inner)?;
        if inner.starts_with("rtp") {
            return Err(Error::invalid(name, "RTP is not written inside of another format: use a muxer of its own"));
        }
    }
    check_number(name, value)?;
    // Options for the formats within a format, FFmpeg's way: `key=value:key=value`, with quotes and backslashes.
    let plain: String = value.chars().filter(|c| !matches!(c, '\\' | '\'')).flat_map(char::to_lowercase).collect();
    if !["fflags", "packetsize", "_offset"].iter().any(|word| plain.contains(word)) {
        return Ok(());
    }
    for (inner, value) in Dictionary::parse(name, value)?.entries() {
        check_number(&inner, &value)?;
        if inner.eq_ignore_ascii_case("fflags") {
            check_words(&inner, &value).map_err(|error| error.with_kind(invalid(name)))?;
        }
    }
    Ok(())
}

/// Bytes of a packet, below which FFmpeg's RTP muxer computes negative sizes.
pub(crate) const SMALLEST_PACKET: i64 = 256;
/// Seconds by which times may be moved: 30 years. FFmpeg adds them with no thought of 64 bits.
const FARTHEST_OFFSET: u64 = 1_000_000_000;

/// Numbers that FFmpeg computes with unchecked.
fn check_number(name: &str, value: &str) -> Result<()> {
    if name.eq_ignore_ascii_case("packetsize") {
        let size = value.trim().parse().unwrap_or(-1);
        if size != 0 && size < SMALLEST_PACKET {
            let detail = format!("packets are to have {SMALLEST_PACKET} bytes or more, as a plain number");
            return Err(Error::invalid("packetsize", detail));
        }
    }
    if name.to_ascii_lowercase().ends_with("_offset") {
        let digits: String =
            value.trim().trim_start_matches(['-', '+']).chars().take_while(char::is_ascii_digit).collect();
        let is_fine = value.trim().ends_with("us") || value.trim().ends_with("ms");
        if !is_fine && digits.parse().map_or(!digits.is_empty(), |seconds: u64| seconds > FARTHEST_OFFSET) {
            return Err(Error::invalid(
                name,
                format!("an offset of {value} s is too far: {FARTHEST_OFFSET} s at most"),
            ));
        }
    }
    Ok(())
}

/// Checks an option of an encoder.
pub(super) fn check_encoder_option(setting: &Setting) -> Result<()> {
    let Setting { name, value, .. } = setting;
    let instead = match name.as_str() {
        "flags" | "flags2" => return check_words(name, value),
        "time_base" => "Encoder::new takes the time base",
        "threads" if value.parse().is_ok_and(|count: i64| !(0..=1024).contains(&count)) => "use threads, 1024 at most",
        "bf" if value.parse().is_ok_and(|count: i64| count > 16) => "use max_b_frames, 16 at most",
        "ticks_per_frame" | "pkt_timebase" | "framerate" => "use frame_rate",
        "hwaccel_flags" | "extra_hw_frames" => "frames come from the pool that the encoder is made for",
        _ => return Ok(()),
    };
    Err(Error::invalid(name, format!("`{name}` is not set by name: {instead}")))
}

/// Flags are added or taken away by name. A number, or a word without a sign, would replace those that avsluice has set.
fn check_words(name: &str, value: &str) -> Result<()> {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let signed = value.starts_with(['+', '-']);
    if signed && value[1..].split(['+', '-']).all(is_word) {
        return Ok(());
    }
    let words: Vec<_> = value.split(['+', '-']).filter(|word| is_word(word)).map(|word| format!("+{word}")).collect();
    let example = if words.is_empty() { "+bitexact".into() } else { words.concat() };
    let detail = format!(
        "`{name}` takes words with a sign, which add a flag or take it away, such as `{example}`: not `{value}`"
    );
    Err(Error::invalid(name, detail))
}

/// What an encoder's library is told by FFmpeg alone. A size or a format of its own makes it read frames as what they are not, and a picture that
/// it does not copy is read after it was freed.
const OF_THE_PICTURE: [&str; 28] = [
    "width",
    "height",
    "w",
    "h",
    "size",
    "res",
    "resolution",
    "input",
    "input-res",
    "input-csp",
    "input-depth",
    "input-bitdepth",
    "input-bit-depth",
    "input-format",
    "source-width",
    "source-height",
    "sourcewidth",
    "sourceheight",
    "csp",
    "output-csp",
    "bitdepth",
    "bit-depth",
    "encoder-bit-depth",
    "encoder-color-format",
    "color-format",
    "chroma-sampling",
    "copy-pic",
    "field",
];

/// The key of an option within an option, as the libraries read it: `_` for `-`, and a `no` in front that turns it off.
fn plain(key: &str) -> String {
    let key = key.trim().trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
    key.strip_prefix("no-").map_or(key.clone(), str::to_owned)
}

fn is_of_the_picture(key: &str) -> bool {
    let key = plain(key);
    let negated = key.strip_prefix("no").unwrap_or(&key);
    // x265 and others take `inputRes` and the like for their own names in some versions.
    let letters = |text: &str| text.replace('-', "");
    OF_THE_PICTURE.iter().any(|known| [key.as_str(), negated].iter().any(|key| letters(key) == letters(known)))
}

impl CodecContext {
    /// Checks what has become of an option whose value is itself options, such as `x265-params`: FFmpeg has taken the quotes and backslashes away.
    pub(super) fn check_inner_options(&self, setting: &Setting) -> Result<()> {
        let name = &setting.name;
        let key = c_string("option", name)?;
        let (context, flags) = (self.as_ptr().cast(), ffi::AV_OPT_SEARCH_CHILDREN);
        // SAFETY: the context is live and starts with its AVClass, as av_opt_* want; the name is terminated, the result null or static.
        let option = unsafe { ffi::av_opt_find(context, key.as_ptr(), ptr::null(), 0, flags).as_ref() };
        let keys: Vec<String> = match option.map(|option| option.type_) {
            Some(ffi::AV_OPT_TYPE_DICT) => {
                let mut inner = Dictionary::new(&[])?;
                // SAFETY: as above; the option is a dictionary, which is copied into ours.
                unsafe { ffi::av_opt_get_dict_val(context, key.as_ptr(), flags, inner.as_mut_ptr()) };
                inner.entries().into_iter().map(|(key, _)| key).collect()
            }
            // Read by the encoder, each in its own way: with the backslashes, and without.
            Some(ffi::AV_OPT_TYPE_STRING) if ["params", "opts"].iter().any(|end| name.ends_with(end)) => {
                let value = &setting.value;
                [Cow::from(value), value.replace('\\', "").into()]
                    .iter()
                    .flat_map(|text| {
                        text.split([':', ','])
                            .map(|part| part.split('=').next().unwrap_or("").to_owned())
                            .collect::<Vec<_>>()
                    })
                    .collect()
            }
            _ => return Ok(()),
        };
        let Some(key) = keys.iter().find(|key| is_of_the_picture(key)) else { return Ok(()) };
        Err(Error::invalid(
            name,
            format!("`{key}` in `{name}` is refused: size and layout of the pictures are those of the encoder's pool"),
        ))
    }
}

/// What encoders say of an option within an option that their library does not take, and then leave out.
const NOT_TAKEN: [&str; 6] = [
    "Error parsing option",
    "Unknown option",
    "Invalid value for",
    "bad option",
    "bad value for",
    "Error setting option",
];

/// Some encoders open all the same when their library refuses an option, and only log it.
pub(super) fn refused_by_the_library(encoder: &str, lines: &[Line]) -> Result<()> {
    let told = |line: &&Line| line.class == encoder && NOT_TAKEN.iter().any(|words| line.text.contains(words));
    let Some(line) = lines.iter().find(told) else { return Ok(()) };
    Err(Error::new(invalid("options"), "avcodec_open2")
        .detail(format!("{encoder}'s library does not take an option: {}", line.text)))
}

fn invalid(name: &str) -> ErrorKind {
    ErrorKind::InvalidSetting { name: name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_added_or_taken_away_by_name() {
        for good in ["+genpts", "+genpts+nobuffer", "-autobsf", "+bitexact-flush_packets"] {
            assert!(check_words("fflags", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "+",
            "-",
            "genpts",
            "0",
            "128",
            "+128",
            "-64",
            "+genpts+128",
            "genpts+nobuffer",
            "+0x80",
            "++genpts",
            "+ genpts",
        ] {
            let error = check_words("fflags", bad).unwrap_err();
            assert_eq!(*error.kind(), invalid("fflags"), "{bad}");
        }
        let error = check_words("fflags", "genpts+nobuffer").unwrap_err().to_string();
        assert!(error.contains("`+genpts+nobuffer`"), "{error}");
    }

    #[test]
    fn a_formats_options_are_looked_into() {
        let check = |name: &str, value: &str| check_format_option(&Setting::new(name, value));
        for (name, value) in [
            ("FFLAGS", "0"),
            ("segment_format", "fifo"),
            ("seg_format_options", "probesize=5:fflags=0"),
            ("seg_format_options", r"f\flags=nobuffer"),
            ("segment_format_options", "'fflags'=+128"),
        ] {
            assert!(check(name, value).is_err(), "{name}={value}");
        }
        for (name, value) in [
            ("segment_format", "mp4"),
            ("seg_format_options", "fflags=+nobuffer"),
            ("movflags", "+faststart"),
            ("f", "a=b=c:'"),
        ] {
            assert!(check(name, value).is_ok(), "{name}={value}");
        }
    }

    #[test]
    fn keys_of_the_picture_are_known_however_they_are_written() {
        for key in [
            "input-res",
            "input_res",
            "Input-Res",
            "--input-res",
            "no-copy-pic",
            "nocopy-pic",
            "no-field",
            "width",
            "inputRes",
        ] {
            assert!(is_of_the_picture(key), "{key}");
        }
        for key in [
            "keyint",
            "bframes",
            "lossless",
            "no-scenecut",
            "high-tier",
            "level",
            "w-pred",
            "hme",
            "interlaced",
            "depth",
        ] {
            assert!(!is_of_the_picture(key), "{key}");
        }
    }
}
