//! What could not be opened is changed, and opened again.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) -> Result<Encoder<Cuda>> {
    encoder.open().or_else(|failed| {
        let (error, mut encoder) = failed.into_parts();
        eprintln!("{error}, trying a faster preset");
        let options = encoder.options_mut();
        *options = options.clone().preset(nvenc::Preset::P1);
        Ok(encoder.open()?)
    })
}

fn main() {}
