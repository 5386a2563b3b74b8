//! Input and output beyond files: the application's readers and writers, MP4 in fragments, options of formats. Servers are in servers.rs.

#[path = "files/tools.rs"]
mod tools;

use avsluice::{Demuxer, ErrorKind, Muxer, Packet, Result, mux::Fragments};
use std::{
    error::Error as _,
    fs,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tools::*;

fn packets(mut input: Demuxer) -> Result<Vec<Packet>> {
    let video = input.video()?;
    input.packets(&video).collect()
}

fn data(packets: &[Packet]) -> Vec<&[u8]> {
    packets.iter().map(Packet::data).collect()
}

/// Gives a few bytes at a time, and then what `end` says.
struct Drip<E> {
    bytes: Cursor<Vec<u8>>,
    step: usize,
    end: E,
    calls: Arc<AtomicUsize>,
}

impl<E> Drip<E> {
    fn new(bytes: Vec<u8>, step: usize, end: E) -> (Self, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        (Drip { bytes: Cursor::new(bytes), step, end, calls: Arc::clone(&calls) }, calls)
    }
}

impl<E: FnMut() -> io::Result<usize>> Read for Drip<E> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if call % 3 == 1 {
            return Err(io::ErrorKind::Interrupted.into()); // to be asked again
        }
        let most = self.step.min(into.len());
        match self.bytes.read(&mut into[..most])? {
            0 => (self.end)(),
            count => Ok(count),
        }
    }
}
impl<E> Seek for Drip<E> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn what_the_application_reads_gives_the_packets_of_the_file() {
    let expected = packets(Demuxer::open(bare_stream()).unwrap()).unwrap();
    for extension in ["mkv", "ts", "mp4"] {
        let (reader, _) = Drip::new(contained(extension), 1000, || Ok(0));
        let found = packets(Demuxer::from_read_seek(reader).unwrap()).unwrap();
        assert_eq!(found.len(), expected.len(), "{extension}");
        if extension != "mp4" {
            // An MP4 file's index is at its end, which a reader that goes forward alone meets too late.
            let (reader, _) = Drip::new(contained(extension), 1000, || Ok(0));
            let forward = packets(Demuxer::from_read(reader).unwrap()).unwrap();
            assert_eq!(data(&forward), data(&found), "{extension}");
        }
    }
    // A bare stream has no container to tell it by.
    let (reader, _) = Drip::new(fs::read(bare_stream()).unwrap(), 777, || Ok(0));
    let found = packets(Demuxer::options().format("h264").from_read(reader).unwrap()).unwrap();
    assert_eq!(data(&found), data(&expected));
}

#[test]
fn a_readers_error_is_the_source_of_ours() {
    let bytes = contained("ts");
    for (length, what) in [(100, "in the opening"), (bytes.len() / 2, "on the way")] {
        let end = || Err(io::Error::new(io::ErrorKind::ConnectionReset, "the cable is out"));
        let (reader, calls) = Drip::new(bytes[..length].to_vec(), 4096, end);
        let error = Demuxer::options().format("mpegts").from_read(reader).and_then(packets).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::ConnectionReset), "{what}: {error}");
        assert!(error.to_string().contains("the cable is out"), "{what}: {error}");
        let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::ConnectionReset, "{what}");
        assert!(calls.load(Ordering::Relaxed) > 0);
    }
}

#[test]
fn what_came_before_a_readers_error_comes_out() {
    let bytes = contained("ts");
    let half = bytes[..bytes.len() / 2].to_vec();
    let (reader, _) = Drip::new(half.clone(), 4096, || Err(io::Error::other("gone")));
    let mut input = Demuxer::from_read(reader).unwrap();
    let video = input.video().unwrap();
    let (mut failed, mut whole) = (0, 0);
    for packet in input.packets(&video).take(1000) {
        match packet {
            Ok(_) => whole += 1,
            Err(error) => {
                assert!(error.to_string().contains("gone"), "{error}");
                failed += 1;
                if failed == 3 {
                    break; // it stays so
                }
            }
        }
    }
    assert_eq!(failed, 3);
    let (reader, _) = Drip::new(half, 4096, || Ok(0));
    let expected = packets(Demuxer::from_read(reader).unwrap()).unwrap().len();
    assert!(whole + 1 >= expected && whole > 50, "{whole} of {expected}");
}

#[test]
fn h38_a_reader_that_panics_is_an_error_and_is_not_called_again() {
    let bytes = contained("ts");
    let (reader, calls) = Drip::new(bytes[..bytes.len() / 2].to_vec(), 4096, || panic!("the reader's own bug"));
    let mut input = Demuxer::from_read(reader).unwrap();
    let error = loop {
        match input.read() {
            Ok(packet) => assert!(packet.is_some(), "the end of a stream that failed"),
            Err(error) => break error,
        }
    };
    assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::Other));
    assert!(error.to_string().contains("panicked: the reader's own bug"), "{error}");
    let before = calls.load(Ordering::Relaxed);
    assert!(input.read().is_err());
    assert_eq!(calls.load(Ordering::Relaxed), before);
    // In the opening.
    let (reader, _) = Drip::new(Vec::new(), 1, || panic!("at once"));
    let error = Demuxer::from_read(reader).unwrap_err();
    assert!(error.to_string().contains("panicked: at once"), "{error}");
}

/// Says that it read more than there is room for.
struct Liar;
impl Read for Liar {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(into.len() + 1)
    }
}
impl Write for Liar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len() + 1)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_count_that_cannot_be_is_refused() {
    let error = Demuxer::from_read(Liar).unwrap_err();
    assert!(error.to_string().contains("bytes where there are"), "{error}");
    let error = write_to(Muxer::to_write("mpegts", Liar).unwrap()).unwrap_err();
    assert!(error.to_string().contains("bytes where there are"), "{error}");
}

/// Copies the standard stream.
fn write_to(mut output: Muxer<avsluice::mux::Configured>) -> Result<Muxer> {
    let mut input = Demuxer::open(bare_stream())?;
    let video = input.video()?;
    let track = output.add_copy(&video)?;
    let mut output = output.open()?;
    for packet in input.packets(&video) {
        output.write(track, packet?)?;
    }
    output.flush()?;
    Ok(output)
}

#[test]
fn what_goes_to_the_applications_writer_is_the_file() {
    for format in ["mp4", "matroska", "mpegts", "h264"] {
        let output = write_to(Muxer::to_write_seek(format, Cursor::new(Vec::new())).unwrap()).unwrap();
        let written: Cursor<Vec<u8>> = output.finish_into().unwrap();
        let found =
            packets(Demuxer::options().format(format).from_read_seek(Cursor::new(written.into_inner())).unwrap());
        assert_eq!(found.unwrap().len(), 250, "{format}");
    }
    let output = write_to(Muxer::to_write("mpegts", Vec::new()).unwrap()).unwrap();
    let error = output.finish_into::<String>().unwrap_err();
    assert!(error.to_string().contains("String"), "{error}");
}

/// Takes so many bytes, and then fails.
struct Full {
    room: usize,
    at_flush: bool,
}
impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room);
        self.room -= count;
        if count == 0 && !bytes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the tape is full"));
        }
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        if self.at_flush { Err(io::Error::other("the tape has jammed")) } else { Ok(()) }
    }
}

#[test]
fn a_writers_error_is_the_source_of_ours() {
    let error = write_to(Muxer::to_write("mpegts", Full { room: 50_000, at_flush: false }).unwrap()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::StorageFull), "{error}");
    assert!(error.source().unwrap().to_string().contains("the tape is full"));
    let error = write_to(Muxer::to_write("mpegts", Full { room: usize::MAX, at_flush: true }).unwrap()).unwrap_err();
    assert!(error.to_string().contains("the tape has jammed"), "{error}");
    let error = write_to(Muxer::to_write("mpegts", Panics).unwrap()).unwrap_err();
    assert!(error.to_string().contains("panicked: in the writer"), "{error}");
}

struct Panics;
impl Write for Panics {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("in the writer")
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Drop for Panics {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("and in its destructor");
        }
    }
}

#[test]
fn a_failed_opening_gives_the_writer_back() {
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    let mut output = Muxer::to_write_seek("mp4", Cursor::new(Vec::new())).unwrap();
    output.add_copy(&video).unwrap();
    output.option("movflag", "faststart");
    let failed = output.open().unwrap_err();
    let expected = ErrorKind::OptionUnknown { name: "movflag".into(), nearest: Some("movflags".into()) };
    assert_eq!(*failed.kind(), expected, "{failed}");
    // It is as it was, so it fails the same way, and not for want of a writer.
    assert_eq!(*failed.into_value().open().unwrap_err().kind(), expected);
    drop(input.read());
}

fn boxes(file: &[u8], name: &[u8; 4]) -> usize {
    let mut rest = file;
    let mut count = 0;
    while rest.len() >= 8 {
        let size = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        count += usize::from(&rest[4..8] == name);
        rest = &rest[size.max(8).min(rest.len())..];
    }
    count
}

#[test]
fn mp4_is_written_in_fragments_where_nothing_can_be_written_again() {
    let cases = [
        (Fragments::AtKeyframes, 2..=20),
        (Fragments::Every(Duration::from_secs(2)), 4..=6),
        (Fragments::EachPacket, 250..=250),
    ];
    for (fragments, expected) in cases {
        let mut output = Muxer::to_write("mp4", Vec::new()).unwrap();
        output.fragmented(fragments);
        let written: Vec<u8> = write_to(output).unwrap().finish_into().unwrap();
        let count = boxes(&written, b"moof");
        assert!(expected.contains(&count), "{fragments:?}: {count} fragments");
        let found = packets(Demuxer::from_read(Cursor::new(written)).unwrap()).unwrap();
        assert_eq!(found.len(), 250, "{fragments:?}");
    }
    let error = write_to(Muxer::to_write("mp4", Vec::new()).unwrap()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("fragments"), "{error}");
    let mut output = Muxer::to_write("matroska", Vec::new()).unwrap();
    output.fragmented(Fragments::AtKeyframes);
    let error = write_to(output).unwrap_err();
    assert!(error.to_string().contains("matroska has no fragments"), "{error}");
}

#[test]
fn an_input_option_that_nobody_knows_is_refused() {
    let open = |name: &str| Demuxer::options().option(name, 1).open(bare_stream());
    let expected = ErrorKind::OptionUnknown { name: "framerat".into(), nearest: Some("framerate".into()) };
    assert_eq!(*open("framerat").unwrap_err().kind(), expected);
    assert!(open("framerate").is_ok());
    let error = Demuxer::options().format("h265000").open(bare_stream()).unwrap_err();
    assert!(error.to_string().contains("h265000"), "{error}");
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
}
