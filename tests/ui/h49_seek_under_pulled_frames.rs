use avsluice::{Decoder, Demuxer, Result, System, demux::Seek};

fn main() -> Result<()> {
    let mut input = Demuxer::open("in.mp4")?;
    let video = input.video()?;
    let mut frames = Decoder::new(System, &video).open()?.frames(input.packets(&video));
    frames.next();
    input.seek(&video, Seek::Start, &mut ())?;
    frames.next();
    Ok(())
}
