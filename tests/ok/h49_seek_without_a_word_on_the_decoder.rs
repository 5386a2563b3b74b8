use avsluice::{Decoder, Demuxer, Result, System, demux::Seek};

pub fn main() -> Result<()> {
    let mut input = Demuxer::open("in.mp4")?;
    let video = input.video()?;
    let mut decoder = Decoder::new(System, &video).open()?;
    input.seek(&video, Seek::Start, &mut decoder)?;
    drop(decoder);
    Ok(())
}
