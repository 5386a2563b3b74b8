//! The loop with ac-ffmpeg, written as its own examples are.

use ac_ffmpeg::{
    Error,
    codec::{
        CodecParameters, Decoder, Encoder,
        video::{VideoDecoder, VideoEncoder, VideoFrame, frame::PictureType},
    },
    format::{demuxer::Demuxer, io::IO},
    time::TimeBase,
};
use std::fs::File;

struct Loop {
    encoder: Option<VideoEncoder>,
    time_base: TimeBase,
    bit_rate: u64,
    packets: i64,
    bytes: i64,
}

impl Loop {
    fn open_encoder(&self, first: &VideoFrame) -> Result<VideoEncoder, Error> {
        VideoEncoder::builder("mpeg4")?
            .width(first.width())
            .height(first.height())
            .pixel_format(first.pixel_format())
            .time_base(self.time_base)
            .bit_rate(self.bit_rate)
            .set_option("threads", 1)
            .set_option("flags", "+global_header")
            .build()
    }
    fn encoded(&mut self) -> Result<(), Error> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        while let Some(packet) = encoder.take()? {
            self.packets += 1;
            self.bytes += packet.data().len() as i64;
        }
        Ok(())
    }
    fn decoded(&mut self, decoder: &mut VideoDecoder) -> Result<(), Error> {
        while let Some(frame) = decoder.take()? {
            if self.encoder.is_none() {
                self.encoder = Some(self.open_encoder(&frame)?);
            }
            let time = frame.best_effort_timestamp();
            // The decoder's picture type would force the encoder's. Only a frame of one's own can have it changed, which copies the picture.
            let frame = frame.with_pts(time).into_mut().with_picture_type(PictureType::None).freeze();
            if let Some(encoder) = &mut self.encoder {
                encoder.push(frame)?;
            }
            self.encoded()?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    let (path, most, bit_rate) = counter::arguments();
    let file = File::open(path).map_err(|error| Error::new(error.to_string()))?;
    let demuxer = Demuxer::builder().build(IO::from_seekable_read_stream(file))?;
    let mut input = demuxer.find_stream_info(None).map_err(|(_, error)| error)?;
    let is_video = |parameters: CodecParameters| parameters.is_video_codec();
    let index = input.streams().iter().position(|stream| is_video(stream.codec_parameters())).expect("a video");
    let stream = &input.streams()[index];
    let time_base = stream.time_base();
    let mut decoder = VideoDecoder::from_stream(stream)?.set_option("threads", 1).build()?;
    let mut all = Loop { encoder: None, time_base, bit_rate, packets: 0, bytes: 0 };
    let mut taken = 0;
    while taken < most {
        let Some(packet) = input.take()? else { break };
        if packet.stream_index() == index {
            taken += 1;
            decoder.push(packet)?;
            all.decoded(&mut decoder)?;
        }
    }
    decoder.flush()?;
    all.decoded(&mut decoder)?;
    if let Some(encoder) = &mut all.encoder {
        encoder.flush()?;
    }
    all.encoded()?;
    counter::report(all.packets, all.bytes);
    Ok(())
}
