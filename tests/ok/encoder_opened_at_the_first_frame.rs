//! An encoder for the pool of the first frame, in a push loop.
use avsluice::*;

fn case(device: &Device<Cuda>, input: &mut Demuxer, video: &Stream) -> Result<()> {
    let mut decoder = Decoder::new(device, video).open()?;
    let mut encoder: Option<Encoder<Cuda>> = None;
    while let Some(packet) = input.read()? {
        if packet.stream() != video.index() {
            continue; // audio, say
        }
        for frame in decoder.send(packet)? {
            let frame = frame?;
            let encoder = match &mut encoder {
                Some(encoder) => encoder,
                none => none.insert(Encoder::new(&frame.pool(), video.time_base(), nvenc::H264::new()).open()?),
            };
            encoder.send(frame)?.try_for_each(|packet| packet.map(drop))?;
        }
    }
    Ok(())
}

fn main() {}
