//! In the arm that has the frame back, the encoder can be used again.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<usize> {
    match encoder.send(frame) {
        Ok(packets) => Ok(packets.count()),
        Err(failed) if failed.error().is_fatal() => Err(failed.into_error()),
        Err(failed) => {
            if encoder.poisoned().is_none() {
                encoder.force_keyframe()?;
                return Ok(encoder.send(failed.into_value())?.count());
            }
            Ok(0)
        }
    }
}

fn main() {}
