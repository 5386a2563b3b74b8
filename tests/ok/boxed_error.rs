//! `?` on `Failed` where errors are boxed.
use avsluice::*;

fn case(
    encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    drop(encoder.open()?);
    Ok(())
}

fn main() {}
