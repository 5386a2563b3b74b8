//! With the feature `anyhow`: `?` on `Failed`.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) -> anyhow::Result<()> {
    drop(encoder.open()?);
    Ok(())
}

fn main() {}
