//! Encoders and streams that several test programs use.

use super::{CLOCK, NV12, YUV420P, md5, open, picture};
use avsluice::{Cuda, Decoder, Encoder, Frame, FramePool, Packet, Result, System, mpeg4};
use simgpu::Fault;
use std::{path::Path, process::Command};

/// An encoder that every FFmpeg has, in one thread.
pub fn encoder() -> Encoder<'static, System> {
    let pool = FramePool::new(System, YUV420P).unwrap();
    Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).bit_rate(400_000).threads(1).open().unwrap()
}

/// The packets that come out as these pictures go in.
pub fn encode(encoder: &mut Encoder<'_, System>, frames: std::ops::Range<usize>) -> Vec<Packet> {
    let packets = frames.flat_map(|number| {
        let ready = encoder.send(picture(YUV420P, number)).unwrap();
        ready.collect::<Result<Vec<_>>>().unwrap()
    });
    packets.collect()
}

/// Hashes of the pictures of a file, decoded in software.
pub fn hashes(path: &Path) -> Vec<String> {
    let (mut file, video) = open(path).unwrap();
    let frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    frames.map(|frame| md5(&frame.unwrap())).collect()
}

/// Makes a file with the `ffmpeg` program.
pub fn ffmpeg(arguments: &[&str], path: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]).args(arguments).arg(path);
    let status = command.status().expect("the ffmpeg program: `cargo xtask test --setup` installs it");
    assert!(status.success(), "{command:?}");
}

pub const NV_ENC_ERR_GENERIC: u32 = 20;
pub const CUDA_ERROR_UNKNOWN: u32 = 999;

/// What the driver says of a session that ends with pictures inside.
pub const UNDRAINED: &[&str] = &["never collected"];

/// A failure of the driver's nth call of a function from now.
pub fn fault(function: &str, nth: u64, status: u32) -> Fault {
    Fault { function: function.into(), nth, status, sticky: false }
}

/// A picture in the pool's memory.
pub fn frame<'d>(pool: &FramePool<'d, Cuda>, number: usize) -> Frame<'d, Cuda> {
    picture(NV12, number).upload(pool).unwrap()
}

/// What comes out as the frame goes in.
pub fn packets<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Vec<Packet> {
    encoder.send(frame).unwrap().collect::<Result<_>>().unwrap()
}

/// Types of the NAL units of an Annex B packet.
pub fn nal_types(packet: &Packet) -> Vec<u8> {
    packet.data().windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] & 31).collect()
}
