//! Readers and writers whose errors, payloads and own drops panic, that lie, and that call back into the library.

use crate::{
    Bomb,
    support::{isolated, open},
};
use avsluice::{Demuxer, ErrorKind, Muxer, Packet, Stream, TimeBase};
use std::{
    fmt,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
};

/// An error that panics when it is dropped.
struct Explosive(#[allow(dead_code)] Bomb);
impl fmt::Debug for Explosive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Explosive")
    }
}
impl fmt::Display for Explosive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error that panics when it is dropped")
    }
}
impl std::error::Error for Explosive {}

struct Failing(Box<dyn FnMut(&mut [u8]) -> io::Result<usize> + Send>);
impl Read for Failing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (self.0)(into)
    }
}

fn explosive(kind: io::ErrorKind) -> io::Result<usize> {
    Err(io::Error::new(kind, Explosive(Bomb)))
}

#[test]
fn h68_a_readers_error_may_panic_when_it_is_dropped() {
    isolated("readers::h68_a_readers_error_may_panic_when_it_is_dropped", || {
        std::panic::set_hook(Box::new(|_| {}));
        let mut calls = 0;
        let interrupted = Failing(Box::new(move |_| {
            calls += 1;
            if calls < 4 { explosive(io::ErrorKind::Interrupted) } else { Ok(0) }
        }));
        assert_eq!(*Demuxer::from_read(interrupted).unwrap_err().kind(), ErrorKind::InvalidData);
        let broken = Failing(Box::new(|_| explosive(io::ErrorKind::Other)));
        let error = Demuxer::from_read(broken).unwrap_err();
        assert!(error.to_string().contains("panics when it is dropped"), "{error}");
        drop(error);
        let payload = Failing(Box::new(|_| std::panic::panic_any(Bomb)));
        assert!(Demuxer::from_read(payload).unwrap_err().to_string().contains("panicked"));
    });
}

/// Its words panic, and so does its drop: where the reader is first asked to go to its beginning.
#[test]
fn h68_an_errors_words_may_panic() {
    struct Evil(#[allow(dead_code)] Bomb);
    impl fmt::Debug for Evil {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("its words")
        }
    }
    impl fmt::Display for Evil {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("its words")
        }
    }
    impl std::error::Error for Evil {}
    struct Lost;
    impl Read for Lost {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other(Evil(Bomb)))
        }
    }
    impl Write for Lost {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other(Evil(Bomb)))
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::Error::other(Evil(Bomb)))
        }
    }
    impl Seek for Lost {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Err(io::Error::other(Evil(Bomb)))
        }
    }
    isolated("readers::h68_an_errors_words_may_panic", || {
        std::panic::set_hook(Box::new(|_| {}));
        assert!(Demuxer::from_read(Lost).is_err());
        assert!(Demuxer::from_read_seek(Lost).is_err());
        let (_, video) = open(media::standard().path).unwrap();
        for format in ["mpegts", "matroska", "mp4"] {
            let mut output = Muxer::to_write_seek(format, Lost).unwrap();
            output.add_copy(&video).unwrap();
            assert!(output.open().is_err(), "{format}");
            let mut output = Muxer::to_write("mpegts", Lost).unwrap();
            output.add_copy(&video).unwrap();
            if let Ok(output) = output.open() {
                assert!(output.finish().is_err());
            }
        }
    });
}

#[test]
fn a_reader_that_is_interrupted_for_ever_is_an_error() {
    isolated("readers::a_reader_that_is_interrupted_for_ever_is_an_error", || {
        let reader = Failing(Box::new(|_| Err(io::ErrorKind::Interrupted.into())));
        let error = Demuxer::from_read(reader).unwrap_err();
        assert!(error.to_string().contains("interrupted"), "{error}");
    });
}

/// It says that it is elsewhere than it was asked to go: FFmpeg's nut demuxer aborts on such an answer.
#[test]
fn a_reader_that_lies_about_its_place_is_an_error() {
    struct Lying(Cursor<Vec<u8>>);
    impl Read for Lying {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(into)
        }
    }
    impl Seek for Lying {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            let place = self.0.seek(to)?;
            Ok(if matches!(to, SeekFrom::Start(1..)) { place / 2 } else { place })
        }
    }
    isolated("readers::a_reader_that_lies_about_its_place_is_an_error", || {
        let (mut input, video) = open(media::standard().path).unwrap();
        let mut output = Muxer::to_write_seek("mp4", Cursor::new(Vec::new())).unwrap();
        let track = output.add_copy(&video).unwrap();
        let mut output = output.open().unwrap();
        input.packets(&video).for_each(|packet| output.write(track, packet.unwrap()).unwrap());
        let file: Cursor<Vec<u8>> = output.finish_into().unwrap();
        // Its index lies at its end.
        let error = Demuxer::from_read_seek(Lying(file)).unwrap_err();
        assert!(error.to_string().contains("asked to go to byte"), "{error}");
    });
}

/// Reads, and calls back into the library while it does.
struct Reentrant {
    bytes: Cursor<Vec<u8>>,
    depth: u32,
    bomb: bool,
}
impl Read for Reentrant {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.depth > 0 {
            let inner =
                Reentrant { bytes: Cursor::new(self.bytes.get_ref().clone()), depth: self.depth - 1, bomb: false };
            self.depth = 0;
            let mut inner = Demuxer::from_read_seek(inner).map_err(|error| io::Error::other(error.to_string()))?;
            let video = inner.video().unwrap();
            let decoder = avsluice::Decoder::new(avsluice::System, &video).open().unwrap();
            assert_eq!(decoder.frames(inner.packets(&video)).take(2).filter(Result::is_ok).count(), 2);
            assert!(Demuxer::from_read(&[7u8; 4000][..]).is_err());
        }
        self.bytes.read(into)
    }
}
impl Seek for Reentrant {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
impl Drop for Reentrant {
    fn drop(&mut self) {
        drop(Demuxer::from_read(&[7u8; 4000][..]));
        if self.bomb {
            panic!("the reader is dropped");
        }
    }
}

#[test]
fn readers_may_call_back_and_panic_when_they_are_dropped() {
    isolated("readers::readers_may_call_back_and_panic_when_they_are_dropped", || {
        std::panic::set_hook(Box::new(|_| {}));
        let bytes = std::fs::read(media::standard().path).unwrap();
        let reader = |depth, bomb| Reentrant { bytes: Cursor::new(bytes.clone()), depth, bomb };
        let mut input = Demuxer::from_read_seek(reader(2, false)).unwrap();
        let video = input.video().unwrap();
        assert_eq!(input.packets(&video).map(Result::unwrap).count(), 250);
        std::thread::spawn(move || drop(input)).join().unwrap();
        drop(Demuxer::from_read_seek(reader(0, true)).unwrap());
        let text = || Reentrant { bytes: Cursor::new(vec![1; 100]), depth: 0, bomb: true };
        // Dropped while the error is on its way, which a panic would leak.
        assert!(Demuxer::from_read(text()).is_err());
        assert!(Demuxer::options().format("none such").from_read(text()).is_err());
        assert!(Demuxer::options().option("fflags", "0").from_read_seek(text()).is_err());
    });
}

/// Writes, and lies, panics or calls back at some calls.
struct Writer {
    calls: u64,
    bomb: u64,
    bytes: Cursor<Vec<u8>>,
}
impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls == self.bomb {
            panic!("the writer");
        }
        if self.calls % 3 == 0 {
            drop(Packet::new(bytes).unwrap());
            let mut inner = Muxer::to_write("mpegts", io::sink()).unwrap();
            inner.add_copy(&Stream::of_packets("h264", TimeBase::hz(25)).unwrap()).unwrap();
            drop(inner.open().map(Muxer::finish));
        }
        if self.calls % 5 == 0 {
            return Ok(bytes.len() + usize::from(self.calls % 2 == 0));
        }
        self.bytes.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Seek for Writer {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.calls % 7 == 6 { Ok(u64::MAX) } else { self.bytes.seek(to) }
    }
}

#[test]
fn writers_may_lie_panic_and_call_back() {
    isolated("readers::writers_may_lie_panic_and_call_back", || {
        std::panic::set_hook(Box::new(|_| {}));
        let (_, video) = open(media::standard().path).unwrap();
        let mut ended = 0;
        for format in ["mp4", "matroska", "mpegts", "avi", "mov", "nut", "flv", "asf"] {
            for (bomb, seeks) in [0, 1, 2, 3, 8].into_iter().flat_map(|bomb| [(bomb, false), (bomb, true)]) {
                let writer = Writer { calls: 0, bomb, bytes: Cursor::new(Vec::new()) };
                let output = if seeks { Muxer::to_write_seek(format, writer) } else { Muxer::to_write(format, writer) };
                let mut output = output.unwrap();
                let Ok(track) = output.add_copy(&video) else { continue };
                let opened = output.open().or_else(|failed| failed.into_value().open());
                let Ok(mut output) = opened else { continue };
                let (mut input, video) = open(media::standard().path).unwrap();
                for packet in input.packets(&video).take(40) {
                    drop(output.write(track, packet.unwrap().trusted()));
                }
                match bomb % 3 {
                    0 => drop(output.finish()),
                    1 => drop(output.finish_into::<Writer>()),
                    _ => drop(output),
                }
                ended += 1;
            }
        }
        assert!(ended > 20, "{ended}");
    });
}
