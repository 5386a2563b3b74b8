//! What one output is to be, as a user writes it: `out.mp4,encoder=libx264,bit_rate=2M,crf=23`.

use avsluice::{Error, Named, Result};
use std::path::PathBuf;

/// One output.
#[derive(Debug, PartialEq)]
pub struct Job {
    pub path: PathBuf,
    pub encoder: String,
    pub bit_rate: Option<u64>,
    pub gop: Option<u32>,
    /// The codec's own, by FFmpeg's names.
    pub options: Vec<(String, String)>,
}

impl Job {
    /// Reads what a user wrote.
    pub fn parse(text: &str, encoder: &str) -> Result<Self> {
        let mut words = text.split(',');
        let path = PathBuf::from(words.next().unwrap_or_default());
        let mut job = Job { path, encoder: encoder.into(), bit_rate: None, gop: None, options: Vec::new() };
        for word in words {
            let wrong = |what: &str| Error::other(format!("`{word}` in `{text}`: {what}"));
            let (name, value) = word.split_once('=').ok_or_else(|| wrong("an option is NAME=VALUE"))?;
            match name {
                "encoder" => job.encoder = value.into(),
                "bit_rate" => {
                    job.bit_rate = Some(number(value).ok_or_else(|| wrong("a bit rate is 800k, 6M or 6000000"))?)
                }
                "gop" => job.gop = Some(value.parse().map_err(|_| wrong("a number of frames is due"))?),
                _ => job.options.push((name.into(), value.into())),
            }
        }
        Ok(job)
    }
    /// The codec with its options, which are checked when it is opened.
    pub fn codec(&self) -> Named {
        self.options.iter().fold(Named::new(&self.encoder), |codec, (name, value)| codec.set(name, value))
    }
    /// The name of a part: a stream whose pictures change their size goes on in `out.2.mp4`.
    pub fn part(&self, number: usize) -> PathBuf {
        if number == 1 {
            return self.path.clone();
        }
        let extension = self.path.extension().unwrap_or_default().to_string_lossy();
        self.path.with_extension(format!("{number}.{extension}"))
    }
}

fn number(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1_000),
        b'M' => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
