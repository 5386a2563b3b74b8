use avsluice::{Decoder, Demuxer, Result, System, demux::Seek};

fn main() -> Result<()> {
    let mut input = Demuxer::open("in.mp4")?;
    let video = input.video()?;
    let decoder = Decoder::new(System, &video).open()?;
    input.seek(&video, Seek::Start)?;
    drop(decoder);
    Ok(())
}
