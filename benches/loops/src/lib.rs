//! The loop that is measured, with avsluice: the video of a file decoded and encoded as MPEG-4, with one thread each.

use avsluice::{Decoder, Demuxer, Encoder, Muxer, Packet, Result, System, mpeg4};
use c_loop::Counts;
use std::{fs, io::Cursor, path::Path};

/// A whole life, from the opening of the file to the freeing of the codecs. `most` packets of the input are taken.
///
/// # Errors
/// What avsluice reports.
pub fn run(path: &Path, most: usize, bit_rate: u64) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut count = |packet: Packet| {
        counts.packets += 1;
        counts.bytes += packet.data().len() as i64;
    };
    let mut input = Demuxer::open(path)?;
    let video = input.video()?;
    let mut frames = Decoder::new(System, &video).threads(1).open()?.frames(input.packets(&video).take(most));
    let pool = frames.pool()?;
    let encoder = Encoder::new(&pool, video.time_base(), mpeg4::Mpeg4::new()).bit_rate(bit_rate).threads(1);
    let mut encoder = encoder.global_header().open()?;
    for frame in &mut frames {
        for packet in encoder.send(frame?)? {
            count(packet?);
        }
    }
    let mut encoder = encoder.flush()?;
    while let Some(packet) = encoder.receive()? {
        count(packet);
    }
    encoder.abandon().free();
    frames.close().free();
    Ok(counts)
}

/// Puts a bare H.264 stream, so many times in a row, into a container, where packets have times: what every loop is then given.
///
/// # Errors
/// What avsluice reports.
pub fn contain(from: &Path, times: usize, to: &Path) -> Result<()> {
    let bytes = fs::read(from)?.repeat(times);
    let mut input = Demuxer::options().format("h264").from_read(Cursor::new(bytes))?;
    let video = input.video()?;
    let mut output = Muxer::create(to)?;
    let track = output.add_copy(&video)?;
    let mut output = output.open()?;
    input.packets(&video).try_for_each(|packet| output.write(track, packet?))?;
    output.finish().map(drop)
}
