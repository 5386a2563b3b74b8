//! Errors and words that led astray: each says what is the matter, and what to do.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{Decoder, Demuxer, Device, ErrorKind, FramePool, Result, System};
use std::{fs, io::Cursor, path::Path, process::Command, thread};
use support::{NV12, open, simulated, simulated_vaapi};
use tempfile::tempdir;
use tools::*;

#[test]
fn a_stream_of_no_known_codec_is_no_missing_decoder() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mp4");
    remux(&bare_stream(), &path).unwrap();
    let mut file = fs::read(&path).unwrap();
    // The brand in the file's head, and the description of the samples.
    for at in 0..file.len() - 4 {
        if file[at..].starts_with(b"avc1") {
            file[at] ^= 0x80;
        }
    }
    fs::write(&path, file).unwrap();
    let input = Demuxer::open(&path).unwrap();
    let stream = &input.streams()[0];
    let error = Decoder::new(System, stream).open().err().unwrap().into_error();
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("codec is not known") && !error.to_string().contains("install"), "{error}");
}

/// The packets that are read, up to the first error.
fn read(mut input: Demuxer) -> Result<usize> {
    let video = input.video()?;
    input.packets(&video).try_fold(0, |count, packet| packet.map(|_| count + 1))
}

#[test]
fn an_index_at_the_end_is_no_file_that_was_cut() {
    let dir = tempdir().unwrap();
    let (behind, before) = (dir.path().join("behind.mp4"), dir.path().join("before.mp4"));
    let mp4 = |to: &Path, more: &[&str]| {
        let input = ["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4", "-c:v", "mpeg4", "-b:v", "1M"];
        ffmpeg(&[&input[..], more].concat(), to);
    };
    mp4(&behind, &[]);
    mp4(&before, &["-movflags", "+faststart"]);
    let bytes = fs::read(&behind).unwrap();
    let fifo = dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let writer = thread::spawn({
        let (fifo, bytes) = (fifo.clone(), bytes.clone());
        move || fs::write(fifo, bytes)
    });
    let of_fifo = Demuxer::open(&fifo).and_then(read);
    // The reader may have hung up before all was written.
    drop(writer.join().unwrap());
    for error in [of_fifo, Demuxer::from_read(Cursor::new(bytes.clone())).and_then(read)].map(Result::unwrap_err) {
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        for words in ["index is behind", "can seek", "faststart"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    // What can seek reads it, and what cannot reads one with its index before its pictures.
    assert_eq!(Demuxer::from_read_seek(Cursor::new(bytes)).and_then(read).unwrap(), 100);
    let bytes = fs::read(&before).unwrap();
    assert_eq!(Demuxer::from_read(Cursor::new(bytes.clone())).and_then(read).unwrap(), 100);
    // One that was cut is still called so.
    let cut = bytes[..bytes.len() / 2].to_vec();
    let mut input = Demuxer::from_read(Cursor::new(cut)).unwrap();
    let video = input.video().unwrap();
    let told: Vec<_> = input.packets(&video).filter_map(Result::err).map(|error| error.to_string()).collect();
    assert!(told.iter().all(|error| error.contains("cut off here")), "{told:?}");
    assert!(input.early_end().is_some());
}

#[test]
fn a_device_that_is_in_use_blames_ffmpeg_7_there_alone() {
    simulated_vaapi("a_device_that_is_in_use_blames_ffmpeg_7_there_alone", |_| {
        let device = std::sync::Arc::new(Device::vaapi(simgpu::va::NODE).unwrap());
        let pool = FramePool::new(&device, NV12).unwrap();
        let device = std::sync::Arc::into_inner(device).unwrap();
        let (error, device) = device.close().unwrap_err().into_parts();
        assert_eq!(*error.kind(), ErrorKind::InUse { references: 1 });
        assert_eq!(error.to_string().contains("7.1"), avsluice::libavcodec_version().0 == 61, "{error}");
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn references_are_counted_as_their_words_say() {
    simulated("references_are_counted_as_their_words_say", |_| {
        let device = Device::cuda(0).unwrap();
        assert_eq!(device.references(), 0);
        let pool = FramePool::new(&device, NV12).unwrap();
        assert_eq!(device.references(), 1);
        let frames = [pool.frame().unwrap(), pool.frame().unwrap()];
        assert_eq!(device.references(), 1, "a pool with all its frames has one");
        drop(pool);
        assert_eq!(device.references(), 1, "its frames keep the pool");
        drop(frames);
        assert_eq!(device.references(), 0);
        let (mut file, video) = open(media::standard().path).unwrap();
        let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
        let opened = device.references();
        assert!(opened > 1, "a codec has several: {opened}");
        let _ = frames.first().unwrap();
        assert!(device.references() > opened, "and a decoder more with its pictures");
        drop(frames);
        assert_eq!(device.references(), 0);
        device.close().unwrap();
    });
}

#[test]
fn copies_within_the_device_need_no_surfaces_to_be_held() {
    simulated("copies_within_the_device_need_no_surfaces_to_be_held", |_| {
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(media::standard().path).unwrap();
        // More than NVDEC has; the frames are held all the same.
        let frames = Decoder::new(&device, &video).extra_frames(100).open().unwrap().frames(file.packets(&video));
        assert_eq!(frames.map(Result::unwrap).collect::<Vec<_>>().len(), 250);
        device.close().unwrap();
    });
}
