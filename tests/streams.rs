//! Input and output beyond files: the application's readers and writers, servers that stop answering, MP4 in fragments.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{Demuxer, Error, ErrorKind, Interrupt, Muxer, Packet, Result, mux::Fragments};
use std::{
    error::Error as _,
    fs,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use support::isolated;
use tempfile::tempdir;
use tools::*;

/// The standard stream in a container of that extension.
fn file(extension: &str) -> Vec<u8> {
    let dir = tempdir().unwrap();
    let path = dir.path().join(format!("in.{extension}"));
    remux(&bare_stream(), &path).unwrap();
    fs::read(path).unwrap()
}

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
        let (reader, _) = Drip::new(file(extension), 1000, || Ok(0));
        let found = packets(Demuxer::from_read_seek(reader).unwrap()).unwrap();
        assert_eq!(found.len(), expected.len(), "{extension}");
        if extension != "mp4" {
            // An MP4 file's index is at its end, which a reader that goes forward alone meets too late.
            let (reader, _) = Drip::new(file(extension), 1000, || Ok(0));
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
    let bytes = file("ts");
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
    let bytes = file("ts");
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
    let bytes = file("ts");
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

/// A server on this machine that treats its first caller so; its port.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    port
}

const PATIENCE: Duration = Duration::from_millis(300);

fn timed_out(error: &Error) -> bool {
    *error.kind() == ErrorKind::TimedOut { after: PATIENCE }
}

#[test]
fn a_server_that_stops_sending_ends_with_an_error_in_its_time() {
    isolated("a_server_that_stops_sending_ends_with_an_error_in_its_time", || {
        let bytes = file("ts");
        let (over, wait) = mpsc::channel::<()>();
        let port = server(move |mut caller| {
            caller.write_all(&bytes[..bytes.len() / 2]).unwrap();
            let _ = wait.recv(); // and nothing more, with the line open
        });
        let mut input = Demuxer::options().timeout(PATIENCE).open(format!("tcp://127.0.0.1:{port}")).unwrap();
        let video = input.video().unwrap();
        let (mut count, mut packets) = (0, input.packets(&video));
        let error = loop {
            match packets.next().expect("an end that is none") {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
        };
        assert!(timed_out(&error), "{error:?}");
        assert!(error.to_string().contains("no answer within 300ms"), "{error}");
        assert!(count > 50, "only {count} packets came out first");
        assert!(timed_out(&input.read().unwrap_err()), "it stays so");
        drop(over);
    });
}

#[test]
fn a_server_that_never_answers_ends_with_an_error_in_its_time() {
    isolated("a_server_that_never_answers_ends_with_an_error_in_its_time", || {
        for protocol in ["http", "tcp", "rtsp"] {
            let (over, wait) = mpsc::channel::<()>();
            let port = server(move |caller| {
                let _ = wait.recv();
                drop(caller);
            });
            let error =
                Demuxer::options().timeout(PATIENCE).open(format!("{protocol}://127.0.0.1:{port}/x")).unwrap_err();
            assert!(timed_out(&error), "{protocol}: {error:?}");
            drop(over);
        }
    });
}

#[test]
fn a_wait_ends_when_another_thread_says_so() {
    isolated("a_wait_ends_when_another_thread_says_so", || {
        let (over, wait) = mpsc::channel::<()>();
        let (called, is_called) = mpsc::channel::<()>();
        let port = server(move |caller| {
            drop(called);
            let _ = wait.recv();
            drop(caller);
        });
        let stop = Interrupt::new();
        let input = Demuxer::options().interrupt(&stop);
        let waiting = thread::spawn(move || input.open(format!("http://127.0.0.1:{port}/x")));
        let _ = is_called.recv();
        stop.interrupt();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Interrupted, "{error:?}");
        drop(over);
    });
}

#[test]
fn a_receiver_that_takes_nothing_ends_with_an_error_in_its_time() {
    isolated("a_receiver_that_takes_nothing_ends_with_an_error_in_its_time", || {
        let (over, wait) = mpsc::channel::<()>();
        let port = server(move |caller| {
            let _ = wait.recv();
            drop(caller);
        });
        let mut input = Demuxer::open(bare_stream()).unwrap();
        let video = input.video().unwrap();
        let mut output = Muxer::create_as("mpegts", format!("tcp://127.0.0.1:{port}")).unwrap();
        output.timeout(PATIENCE);
        let track = output.add_copy(&video).unwrap();
        let mut output = output.open().unwrap();
        let first: Vec<_> = input.packets(&video).map(Result::unwrap).collect();
        // More than a socket's buffers hold, sooner or later.
        let error = (0..100_000_i64)
            .find_map(|index| {
                let packet = first[usize::try_from(index % 250).unwrap()].share().unwrap();
                let mut packet = Packet::new(packet.data()).unwrap();
                packet.set_pts(index * 3600);
                packet.set_dts(index * 3600);
                output.write(track, packet).err()
            })
            .expect("a socket has room for all of it");
        assert!(timed_out(&error), "{error:?}");
        drop(over);
    });
}

#[test]
fn protocol_options_reach_the_protocol() {
    isolated("protocol_options_reach_the_protocol", || {
        let (asked, question) = mpsc::channel();
        let port = server(move |mut caller| {
            let mut text = Vec::new();
            let mut byte = [0];
            while !text.ends_with(b"\r\n\r\n") && caller.read(&mut byte).unwrap() == 1 {
                text.extend(byte);
            }
            caller.write_all(b"HTTP/1.0 404 Not Found\r\n\r\n").unwrap();
            asked.send(String::from_utf8(text).unwrap()).unwrap();
        });
        let url = PathBuf::from(format!("http://127.0.0.1:{port}/x.ts"));
        let error = Demuxer::options().option("user_agent", "sluice/1").timeout(PATIENCE).open(&url).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::NotFound), "{error:?}");
        assert!(question.recv().unwrap().contains("User-Agent: sluice/1"));
    });
}
