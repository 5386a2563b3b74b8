//! What a container says of a whole stream (rotation, HDR metadata): on each frame, after each seek, into each encoder
//! and file.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{
    AsDevice, Decoder, Demuxer, Device, Encoder, Frame, Limit, Memory, Muxer, Named, System, TimeBase,
    decode::Frames,
    demux::{Packets, Seek},
    encode::Encodes,
    nvenc, vaapi, x264,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use support::{isolated, open, simulated, simulated_vaapi_leaking};
use tempfile::tempdir;
use tools::*;

/// The standard stream in an MP4 file that says in its track header that it is to be turned: all that a telephone
/// writes.
fn turned(dir: &Path) -> PathBuf {
    let path = dir.join("turned.mp4");
    remux(&bare_stream(), &path).unwrap();
    let mut file = fs::read(&path).unwrap();
    let header = file.windows(4).position(|name| name == b"tkhd").unwrap();
    // Behind name, version and flags (4 + 4) come 20 bytes of times and numbers, 16 of layers and volume.
    let matrix = header + 8 + 20 + 16;
    let turned: [u32; 9] = [0, 0x10000, 0, 0xFFFF_0000, 0, 0, 0, 0, 0x4000_0000];
    let bytes: Vec<_> = turned.iter().flat_map(|value| value.to_be_bytes()).collect();
    file[matrix..matrix + 36].copy_from_slice(&bytes);
    fs::write(&path, file).unwrap();
    path
}

fn frames<'d, M: Memory>(on: impl AsDevice<'d, Memory = M>, path: &Path) -> Frames<'d, M, Packets<Demuxer>> {
    let input = Demuxer::open(path).unwrap();
    let video = input.video().unwrap();
    Decoder::new(on, &video).open().unwrap().frames(input.into_packets(&video))
}

/// How many frames come, each of which is to be turned by 90 degrees.
fn all_turned<'d, M: Memory>(frames: impl Iterator<Item = avsluice::Result<Frame<'d, M>>>, what: &str) -> usize {
    frames
        .enumerate()
        .map(|(index, frame)| assert_eq!(frame.unwrap().rotation(), Some(90), "{what}: frame {index}"))
        .count()
}

/// Encodes what is left of the frames, with an encoder that their pool configures.
fn encode<'d, M: Memory, P: Iterator<Item = avsluice::Result<avsluice::Packet>>>(
    frames: &mut Frames<'d, M, P>,
    options: impl Encodes<M>,
    count: usize,
    to: &Path,
) {
    let pool = frames.pool().unwrap();
    let mut encoder = Encoder::new(&pool, TimeBase::hz(1000), options).open().unwrap();
    drop(pool);
    let mut output = Muxer::create(to).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    for frame in frames.take(count) {
        encoder.send(frame.unwrap()).unwrap().try_for_each(|packet| output.write(track, packet?)).unwrap();
    }
    encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap().free();
    output.finish().unwrap();
}

/// On each frame of a file, after seeks of both kinds, and in a file encoded after each.
fn h71<'d, M: Memory, O: Encodes<M>>(on: impl AsDevice<'d, Memory = M>, options: impl Fn() -> O) {
    let dir = tempdir().unwrap();
    let source = turned(dir.path());
    let mut player = frames(on, &source);
    assert_eq!(all_turned(player.by_ref(), "from the start"), 250);
    let copy = dir.path().join("copy.mp4");
    for seconds in [0, 3, 7, 2] {
        let what = format!("after a seek to {seconds} s");
        player.seek(Seek::before(Duration::from_secs(seconds))).unwrap();
        assert!(all_turned(player.by_ref(), &what) >= 50, "{what}");
        player.seek_exact(Duration::from_millis(seconds * 1000 + 500)).unwrap();
        assert_eq!(all_turned(player.by_ref().take(20), &what), 20, "{what}, exact");
        player.seek_exact(Duration::from_millis(seconds * 1000 + 500)).unwrap();
        encode(&mut player, options(), 5, &copy);
        assert_eq!(open(&copy).unwrap().1.rotation(), Some(90), "encoded {what}");
        assert_eq!(all_turned(frames(System, &copy), "encoded"), 5, "encoded {what}");
    }
}

#[test]
fn h71_each_frame_says_what_its_stream_says() {
    isolated("h71_each_frame_says_what_its_stream_says", || h71(System, x264::H264::new));
}

#[test]
fn h71_each_frame_says_what_its_stream_says_on_cuda() {
    simulated("h71_each_frame_says_what_its_stream_says_on_cuda", |_| {
        let device = Device::cuda(0).unwrap();
        h71(&device, nvenc::H264::new);
        // FFmpeg's other decoder for NVIDIA makes its frames by itself.
        let dir = tempdir().unwrap();
        let (mut file, video) = open(turned(dir.path())).unwrap();
        let decoder = Decoder::new(&device, &video).codec("h264_cuvid").open().unwrap();
        assert_eq!(all_turned(decoder.frames(file.packets(&video)), "h264_cuvid"), 250);
        device.close().unwrap();
    });
}

#[test]
fn h71_each_frame_says_what_its_stream_says_on_vaapi() {
    let leaked = support::leaked_by_encoders();
    simulated_vaapi_leaking("h71_each_frame_says_what_its_stream_says_on_vaapi", leaked, |_| {
        let device = Device::vaapi(simgpu::va::NODE).unwrap();
        h71(&device, vaapi::H264::new);
    });
}

#[test]
fn a_stream_says_how_its_pictures_are_turned() {
    let dir = tempdir().unwrap();
    assert_eq!(open(bare_stream()).unwrap().1.rotation(), None);
    let source = turned(dir.path());
    assert_eq!(open(&source).unwrap().1.rotation(), Some(90));
    // A copy of the packets keeps it.
    let copy = dir.path().join("copy.mov");
    remux(&source, &copy).unwrap();
    assert_eq!(open(&copy).unwrap().1.rotation(), Some(90));
    assert_eq!(all_turned(frames(System, &copy), "copied"), 250);
}

/// What a file says of its first stream's mastering display and light level, in the container alone.
fn hdr(path: &Path) -> Vec<String> {
    let lines = probe(&["-show_entries", "stream_side_data"], path);
    let mut values: Vec<_> = lines.split([',', '\n']).map(str::trim).filter(|value| !value.is_empty()).collect();
    values.sort_unstable();
    values.into_iter().map(str::to_string).collect()
}

#[test]
fn h71_hdr_metadata_of_the_container_goes_into_a_file_encoded_after_a_seek() {
    let dir = tempdir().unwrap();
    let (coded, source) = (dir.path().join("coded.mkv"), dir.path().join("source.mkv"));
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "20", "-pix_fmt", "yuv420p10le"];
    let display =
        "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400";
    let options = format!("log-level=none:hdr10=1:colorprim=9:transfer=16:colormatrix=9:{display}");
    ffmpeg(&[&picture[..], &["-c:v", "libx265", "-x265-params", &options]].concat(), &coded);
    // FFV1 has no word for it in its own stream.
    encode(&mut frames(System, &coded), Named::new("ffv1"), 20, &source);
    let due = hdr(&source);
    assert!(due.iter().any(|value| value.contains("Mastering display")), "{due:?}");
    assert!(due.iter().any(|value| value.contains("Content light level")), "{due:?}");
    for milliseconds in [0, 400, 120] {
        let copy = dir.path().join(format!("{milliseconds}.mkv"));
        let mut player = frames(System, &source);
        player.seek_exact(Duration::from_millis(milliseconds)).unwrap();
        // Not the frame that FFmpeg itself puts it on.
        let _ = player.next().unwrap().unwrap();
        encode(&mut player, Named::new("ffv1"), 3, &copy);
        assert_eq!(hdr(&copy), due, "after {milliseconds} ms");
    }
}
