//! Frames are pulled, and the packets of another stream, read on the way to them, are copied.
use avsluice::*;
use std::{cell::RefCell, collections::VecDeque};

fn case(device: &Device<Cuda>, input: &mut Demuxer, video: &Stream, audio: &Stream) -> Result<()> {
    let waiting = RefCell::new(VecDeque::new()); // what was read on the way to the first frame, and since
    let packets = std::iter::from_fn(|| {
        loop {
            match input.read() {
                Ok(Some(packet)) if packet.stream() == audio.index() => waiting.borrow_mut().push_back(packet),
                Ok(Some(packet)) if packet.stream() != video.index() => continue,
                read => break read.transpose(),
            }
        }
    });
    let mut frames = Decoder::new(device, video).open()?.frames(packets);
    let mut encoder = Encoder::new(&frames.pool()?, video.time_base(), nvenc::H264::new()).open()?;

    let mut output = Muxer::create("out.mp4")?;
    let (picture, sound) = (output.add(&encoder)?, output.add_copy(audio)?);
    let mut output = output.open()?;
    for frame in &mut frames {
        for packet in waiting.borrow_mut().drain(..) {
            output.write(sound, packet)?;
        }
        for packet in encoder.send(frame?)? {
            output.write(picture, packet?)?;
        }
    }
    for packet in waiting.borrow_mut().drain(..) {
        output.write(sound, packet)?; // easily forgotten: what was read after the last frame
    }
    encoder.flush()?.finish(Limit::default(), |packet| output.write(picture, packet))?.free();
    output.finish().map(drop)
}

fn main() {}
