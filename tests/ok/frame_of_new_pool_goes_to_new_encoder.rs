//! The stream changes its size: the frame that came back goes to a new encoder.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>, clock: TimeBase) -> Result<()> {
    let frame = match encoder.send(frame) {
        Ok(packets) => return packets.map(|packet| packet.map(drop)).collect(),
        Err(failed) if *failed.kind() == ErrorKind::WrongFormat => failed.into_value(),
        Err(failed) => return Err(failed.into_error()),
    };
    let fresh = Encoder::new(&frame.pool(), clock, nvenc::H264::new()).open()?;
    let old = std::mem::replace(encoder, fresh);
    old.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    encoder.send(frame)?.map(|packet| packet.map(drop)).collect()
}

fn main() {}
