//! Without it: `into_error` first.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) -> anyhow::Result<()> {
    drop(encoder.open().map_err(Failed::into_error)?);
    Ok(())
}

fn main() {}
