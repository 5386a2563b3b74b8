//! Input for the benches: H.264 of any size, made on the spot.

use avsluice::{Encoder, Format, Frame, FramePool, Limit, Muxer, PixelFormat, Result, System, TimeBase, x264};
use std::path::Path;

/// Frames per second of what is made.
pub const RATE: i32 = 25;

/// Writes a file of H.264 (libx264, B-frames) in which a texture moves over a gradient, so that there is motion to code.
pub fn h264(path: &Path, width: u32, height: u32, frames: usize) -> Result<()> {
    let pool = FramePool::new(System, Format { width, height, pixels: PixelFormat::Yuv420p })?;
    let options = x264::H264::new().set("preset", "veryfast");
    let mut encoder = Encoder::new(&pool, TimeBase::hz(RATE), options).open()?;
    let mut output = Muxer::create(path)?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;
    for number in 0..frames {
        let mut frame = pool.frame()?;
        paint(&mut frame, number);
        for packet in encoder.send(frame)? {
            output.write(track, packet?)?;
        }
    }
    encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?.free();
    output.finish().map(drop)
}

fn paint(frame: &mut Frame<'static, System>, number: usize) {
    for index in 0..3 {
        let plane = frame.plane_mut(index).expect("a new frame of three planes has no second reference");
        for (y, line) in plane.lines_mut().enumerate() {
            for (x, sample) in line.iter_mut().enumerate() {
                let (moved_x, moved_y) = (x + 3 * number, y + number);
                let texture = ((moved_x * 7) ^ (moved_y * 5)) & 31;
                *sample = (64 + (x + y) / 8 % 96 + texture) as u8;
            }
        }
    }
    frame.set_pts(number as i64);
}
