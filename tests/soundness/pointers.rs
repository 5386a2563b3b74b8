//! Codecs whose packets are no bytes but pointers.

use crate::support::{YUV420P, isolated, simulated};
use avsluice::{
    BitstreamFilter, Decoder, Device, Encoder, Error, ErrorKind, FramePool, Memory, Muxer, Named, Packet, Parser,
    PixelFormat, Stream, System, TimeBase, encode::Encodes,
};

const POINTERS: &str = "wrapped_avframe";

fn refused(error: &Error) {
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("pointers"), "{error}");
}

fn encoder<M: Memory>(pool: &FramePool<'_, M>) -> Error
where
    Named: Encodes<M>,
{
    Encoder::new(pool, TimeBase::hz(25), Named::new(POINTERS)).open().err().expect("refused").into_error()
}

#[test]
fn h62_packets_of_pointers_are_refused_everywhere() {
    isolated("pointers::h62_packets_of_pointers_are_refused_everywhere", || {
        let pool = FramePool::new(System, YUV420P).unwrap();
        refused(&encoder(&pool));
        let stream = Stream::of_packets(POINTERS, TimeBase::hz(25)).unwrap().with_size(64, 64).unwrap();
        match Decoder::new(System, &stream).open() {
            Err(failed) => refused(failed.error()),
            Ok(mut decoder) => {
                let _ = decoder.send(Packet::new(&[0x41; 4096]).unwrap()).map(Iterator::count);
                panic!("forged pointers were taken");
            }
        }
        match Decoder::new(System, &stream).codec(POINTERS).open() {
            Err(failed) => refused(failed.error()),
            Ok(_) => panic!("opened by name"),
        }
        for format in ["yuv4mpegpipe", "framecrc", "matroska", "nut"] {
            let mut output = Muxer::to_write(format, std::io::sink()).unwrap();
            refused(&output.add_copy(&stream).unwrap_err());
        }
        refused(&BitstreamFilter::new("noise=amount=1", &stream).unwrap_err());
        refused(&Parser::new(&stream).unwrap_err());
    });
}

/// A packet with a device's frame in it would keep the device, with no lifetime to say so. No encoder takes a device's frames that does not list
/// them.
#[test]
fn h62_no_packet_keeps_a_device() {
    simulated("pointers::h62_no_packet_keeps_a_device", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, avsluice::Format { pixels: PixelFormat::Nv12, ..YUV420P }).unwrap();
        refused(&encoder(&pool));
        for name in ["rawvideo", "mpeg4", "libx264"] {
            let failed = Encoder::new(&pool, TimeBase::hz(25), Named::new(name)).open().err().expect(name);
            assert_eq!(*failed.kind(), ErrorKind::Unsupported, "{}", failed.error());
            assert!(failed.to_string().contains("CUDA"), "{}", failed.error());
        }
        drop(pool);
        device.close().unwrap();
    });
}
