//! What a picture is besides its pixels and colours, from the source through decoder and encoder to the file: fields, rotation, times.
//! Colour, aspect ratio and HDR metadata are in properties.rs, the crop of hardware frames in zero_copy.rs.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{
    AsDevice, Decoder, Device, Encoder, FieldOrder, Format, FramePool, Limit, Memory, Muxer, Named, PixelFormat,
    System, TimeBase, encode::Encodes, mpeg4, nvenc, x264,
};
use std::{fs, path::Path};
use support::{open, picture, simulated};
use tempfile::tempdir;
use tools::*;

/// Decodes a file and encodes its frames for a second one.
fn transcode<'d, M: Memory, O: Encodes<M>>(on: impl AsDevice<'d, Memory = M>, options: O, from: &Path, to: &Path) {
    let (mut file, video) = open(from).unwrap();
    let mut frames = Decoder::new(on, &video).open().unwrap().frames(file.packets(&video));
    let pool = frames.pool().unwrap();
    // MPEG-4 has no finer clock.
    let clock = if video.time_base().den > 65_535 { TimeBase::hz(50) } else { video.time_base() };
    let mut encoder = Encoder::new(&pool, clock, options).open().unwrap();
    drop(pool);
    let mut output = Muxer::create(to).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    for frame in &mut frames {
        encoder.send(frame.unwrap()).unwrap().try_for_each(|packet| output.write(track, packet?)).unwrap();
    }
    encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap().free();
    output.finish().unwrap();
}

/// Of each frame of a file, what `fact` says.
fn of_frames<T>(path: &Path, fact: impl Fn(&avsluice::Frame<'static, System>) -> T) -> Vec<T> {
    let (mut file, video) = open(path).unwrap();
    let frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    frames.map(|frame| fact(&frame.unwrap())).collect()
}

fn stream_field_order(path: &Path) -> String {
    probe(&["-show_entries", "stream=field_order"], path).trim().trim_end_matches(',').to_string()
}

#[test]
fn fields_stay_fields_and_keep_their_order() {
    simulated("fields_stay_fields_and_keep_their_order", |_| {
        let dir = tempdir().unwrap();
        let interlaced = media::h264().into_iter().find(|stream| stream.interlaced).unwrap().path;
        let top = dir.path().join("top.mkv");
        let lines =
            ["-f", "lavfi", "-i", "testsrc2=s=160x96:r=50:d=1", "-vf", "tinterlace=interleave_top,setfield=tff"];
        ffmpeg(&[&lines[..], &["-c:v", "mpeg2video", "-flags", "+ilme+ildct"]].concat(), &top);
        let device = Device::cuda(0).unwrap();
        // FFmpeg itself calls streams of H.264 fields by the field that is coded first, or shown first.
        for (source, order, words) in
            [(&interlaced, FieldOrder::BottomFirst, ["bb", "tt", "bt"]), (&top, FieldOrder::TopFirst, ["tt"; 3])]
        {
            let due = of_frames(source, |frame| frame.field_order());
            assert!(due.iter().filter(|found| **found == order).count() > due.len() / 2, "{source:?}: {due:?}");
            for (codec, name) in [("libx264", "x264.mp4"), ("libx264", "x264.mkv"), ("mpeg4", "mpeg4.mkv")] {
                let copy = dir.path().join(name);
                transcode(System, Named::new(codec), source, &copy);
                let found = of_frames(&copy, |frame| frame.field_order());
                assert_eq!(found.len(), due.len(), "{name}");
                assert!(found.iter().all(|found| *found == order), "{name} from {source:?}: {found:?}");
                assert!(words.contains(&&*stream_field_order(&copy)), "{name} from {source:?}");
            }
            // Many GPUs cannot code fields: the container says what the pictures are.
            if source == &interlaced {
                let copy = dir.path().join("nvenc.mkv");
                transcode(&device, nvenc::H264::new(), source, &copy);
                assert!(words.contains(&&*stream_field_order(&copy)));
            }
        }
        // What is not interlaced is not called so.
        let copy = dir.path().join("progressive.mkv");
        transcode(System, x264::H264::new(), &bare_stream(), &copy);
        assert_eq!(stream_field_order(&copy), "progressive");
        device.close().unwrap();
    });
}

#[test]
fn fields_are_coded_where_that_is_asked() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("out.mkv");
    let format = Format { width: 160, height: 96, pixels: PixelFormat::Yuv420p };
    let pool = FramePool::new(System, format).unwrap();
    let encoder = Encoder::new(&pool, TimeBase::hz(25), Named::new("libx264")).field_order(FieldOrder::TopFirst);
    let mut encoder = encoder.open().unwrap();
    let mut output = Muxer::create(&path).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    for number in 0..5 {
        let mut frame = picture(format, number);
        frame.set_pts(number as i64);
        encoder.send(frame).unwrap().try_for_each(|packet| output.write(track, packet?)).unwrap();
    }
    encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap().free();
    output.finish().unwrap();
    let found = of_frames(&path, |frame| frame.field_order());
    assert!(found.len() == 5 && found.iter().all(|order| *order != FieldOrder::Progressive), "{found:?}");
}

/// Turns an MP4 file's first track by 90 degrees: the matrix in its track header, which is all that a telephone writes either.
fn turn(path: &Path) {
    let mut file = fs::read(path).unwrap();
    let header = file.windows(4).position(|name| name == b"tkhd").unwrap();
    // Behind name, version and flags (4 + 4) come 20 bytes of times and numbers, 16 of layers and volume.
    let matrix = header + 8 + 20 + 16;
    let identity: [u32; 9] = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000];
    let turned: [u32; 9] = [0, 0x10000, 0, 0xFFFF_0000, 0, 0, 0, 0, 0x4000_0000];
    let bytes = |matrix: [u32; 9]| matrix.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<_>>();
    assert_eq!(file[matrix..matrix + 36], bytes(identity));
    file[matrix..matrix + 36].copy_from_slice(&bytes(turned));
    fs::write(path, file).unwrap();
}

#[test]
fn a_turned_picture_stays_turned() {
    simulated("a_turned_picture_stays_turned", |_| {
        let dir = tempdir().unwrap();
        let source = dir.path().join("source.mp4");
        remux(&bare_stream(), &source).unwrap();
        assert_eq!(of_frames(&source, |frame| frame.rotation())[0], None);
        turn(&source);
        assert_eq!(of_frames(&source, |frame| frame.rotation())[0], Some(90));
        let device = Device::cuda(0).unwrap();
        for name in ["x264.mp4", "x264.mov"] {
            let copy = dir.path().join(name);
            transcode(System, x264::H264::new(), &source, &copy);
            assert_eq!(of_frames(&copy, |frame| frame.rotation())[0], Some(90), "{name}");
        }
        let copy = dir.path().join("nvenc.mp4");
        transcode(&device, nvenc::H264::new(), &source, &copy);
        assert_eq!(of_frames(&copy, |frame| frame.rotation())[0], Some(90), "nvenc");
        // A copy of the packets keeps it as well.
        let copy = dir.path().join("copy.mp4");
        remux(&source, &copy).unwrap();
        assert_eq!(of_frames(&copy, |frame| frame.rotation())[0], Some(90), "copy");
        device.close().unwrap();
    });
}

/// Times of a camera that slows down in the dark, in milliseconds.
fn uneven() -> Vec<i64> {
    let mut time = 0;
    (0..60)
        .map(|frame| {
            let now = time;
            time += [33, 33, 34, 100, 17, 250][frame % 6];
            now
        })
        .collect()
}

#[test]
fn a_variable_frame_rate_stays_as_it_is() {
    simulated("a_variable_frame_rate_stays_as_it_is", |_| {
        let dir = tempdir().unwrap();
        let source = dir.path().join("source.mkv");
        let format = Format { width: 160, height: 96, pixels: PixelFormat::Yuv420p };
        let pool = FramePool::new(System, format).unwrap();
        let clock = TimeBase::hz(1000);
        let mut encoder = Encoder::new(&pool, clock, x264::H264::new()).frame_rate(30, 1).open().unwrap();
        let mut output = Muxer::create(&source).unwrap();
        let track = output.add(&encoder).unwrap();
        let mut output = output.open().unwrap();
        for (number, time) in uneven().into_iter().enumerate() {
            let mut frame = picture(format, number);
            frame.set_pts(time);
            encoder.send(frame).unwrap().try_for_each(|packet| output.write(track, packet?)).unwrap();
        }
        encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap().free();
        output.finish().unwrap();
        let milliseconds = |path: &Path| -> Vec<i64> {
            of_frames(path, |frame| (frame.time_base().unwrap().seconds(frame.pts().unwrap()) * 1000.0).round() as i64)
        };
        assert_eq!(milliseconds(&source), uneven());
        let device = Device::cuda(0).unwrap();
        for name in ["copy.mkv", "copy.mp4", "copy.mov"] {
            let copy = dir.path().join(name);
            transcode(System, x264::H264::new(), &source, &copy);
            assert_eq!(milliseconds(&copy), uneven(), "{name} by x264");
            transcode(System, mpeg4::Mpeg4::new(), &source, &copy);
            assert_eq!(milliseconds(&copy), uneven(), "{name} by mpeg4");
            transcode(&device, nvenc::H264::new(), &source, &copy);
            assert_eq!(milliseconds(&copy), uneven(), "{name} by nvenc");
        }
        device.close().unwrap();
    });
}

#[test]
fn each_frames_aspect_ratio_can_be_asked_for() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mkv");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=0.2", "-vf", "setsar=16/11", "-c:v", "libx264"], &path);
    assert!(of_frames(&path, |frame| frame.sample_aspect_ratio()).iter().all(|ratio| *ratio == Some((16, 11))));
}
