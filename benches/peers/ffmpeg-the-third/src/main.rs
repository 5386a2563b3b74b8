//! The loop with ffmpeg-the-third, written as its own transcoding example is: one frame and one packet for all.

use ffmpeg_the_third::{
    Dictionary, Error, Packet, Rational, codec, encoder, format, format::stream::Stream, frame, media, picture,
    threading,
};

struct Loop {
    decoder: codec::decoder::Video,
    encoder: Option<encoder::Video>,
    time_base: Rational,
    frame_rate: Rational,
    bit_rate: usize,
    packets: i64,
    bytes: i64,
}

impl Loop {
    fn open_encoder(&mut self, first: &frame::Video) -> Result<encoder::Video, Error> {
        let codec = encoder::find_by_name("mpeg4").ok_or(Error::EncoderNotFound)?;
        let mut context = codec::context::Context::new_with_codec(codec);
        context.set_threading(threading::Config { count: 1, ..Default::default() });
        let mut encoder = context.encoder().video()?;
        encoder.set_width(first.width());
        encoder.set_height(first.height());
        encoder.set_format(first.format());
        encoder.set_time_base(self.time_base);
        encoder.set_frame_rate(Some(self.frame_rate));
        encoder.set_aspect_ratio(first.aspect_ratio());
        encoder.set_bit_rate(self.bit_rate);
        encoder.set_flags(codec::Flags::GLOBAL_HEADER);
        encoder.open_with(Dictionary::new())
    }
    fn encoded(&mut self, packet: &mut Packet) {
        let Some(encoder) = &mut self.encoder else { return };
        while encoder.receive_packet(packet).is_ok() {
            self.packets += 1;
            self.bytes += packet.size() as i64;
        }
    }
    fn decoded(&mut self, frame: &mut frame::Video, packet: &mut Packet) -> Result<(), Error> {
        while self.decoder.receive_frame(frame).is_ok() {
            if self.encoder.is_none() {
                self.encoder = Some(self.open_encoder(frame)?);
            }
            let time = frame.timestamp();
            frame.set_pts(time);
            frame.set_kind(picture::Type::None);
            if let Some(encoder) = &mut self.encoder {
                encoder.send_frame(frame)?;
            }
            self.encoded(packet);
        }
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    let (path, most, bit_rate) = counter::arguments();
    ffmpeg_the_third::init()?;
    let mut input = format::input(&path)?;
    let stream = input.streams().best(media::Type::Video).ok_or(Error::StreamNotFound)?;
    let (index, time_base, frame_rate) = (stream.index(), stream.time_base(), stream.avg_frame_rate());
    let mut context = codec::context::Context::from_parameters(stream.parameters())?;
    context.set_threading(threading::Config { count: 1, ..Default::default() });
    let decoder = context.decoder().video()?;
    let bit_rate = usize::try_from(bit_rate).expect("a bit rate");
    let mut all = Loop { decoder, encoder: None, time_base, frame_rate, bit_rate, packets: 0, bytes: 0 };
    let (mut frame, mut out) = (frame::Video::empty(), Packet::empty());
    let of_video = |read: &Result<(Stream, Packet), Error>| !matches!(read, Ok((stream, _)) if stream.index() != index);
    for read in input.packets().filter(of_video).take(most) {
        let (_, packet) = read?;
        all.decoder.send_packet(&packet)?;
        all.decoded(&mut frame, &mut out)?;
    }
    all.decoder.send_eof()?;
    all.decoded(&mut frame, &mut out)?;
    if let Some(encoder) = &mut all.encoder {
        encoder.send_eof()?;
    }
    all.encoded(&mut out);
    counter::report(all.packets, all.bytes);
    Ok(())
}
