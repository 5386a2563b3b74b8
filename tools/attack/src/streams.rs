//! Readers and writers that fail, lie and panic.

use crate::rng::Rng;
use crate::world::{Bomb, Planned};
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::panic::panic_any;

/// What goes wrong with a reader or writer, at which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// Never more than so many bytes at once.
    Short(usize),
    /// Says more bytes than there were.
    Lies,
    /// An error with a value that panics when it is dropped.
    FailsWithBomb,
    /// "Interrupted", with such a value: std's readers are called again then.
    InterruptedWithBomb,
    Fails,
    Panics,
    PanicsWithBomb,
    PanicsWithValue,
    /// Takes nothing, or has nothing more.
    Nothing,
    /// Seeks go elsewhere.
    SeeksElsewhere,
    /// Calls the library again.
    Reenters,
    /// Panics when it is dropped.
    DropPanics,
}

const TROUBLES: [Trouble; 12] = [
    Trouble::Lies,
    Trouble::FailsWithBomb,
    Trouble::InterruptedWithBomb,
    Trouble::Fails,
    Trouble::Panics,
    Trouble::PanicsWithBomb,
    Trouble::PanicsWithValue,
    Trouble::Nothing,
    Trouble::SeeksElsewhere,
    Trouble::Reenters,
    Trouble::DropPanics,
    Trouble::Short(1),
];

/// A file in memory with troubles.
#[derive(Debug)]
pub struct Troubled {
    inner: Cursor<Vec<u8>>,
    pub trouble: Trouble,
    /// Calls until it happens.
    pub after: usize,
    rng: Rng,
}

impl Troubled {
    /// A reader of these bytes, or a writer, with a trouble that the dice choose.
    pub fn new(rng: &mut Rng, bytes: Vec<u8>) -> Self {
        let trouble = match rng.below(4) {
            0 => Trouble::None,
            1 => Trouble::Short(rng.between(1, 5000)),
            _ => rng.choose(&TROUBLES),
        };
        let after = if rng.one_in(2) { rng.below(3) } else { rng.below(60) };
        Troubled { inner: Cursor::new(bytes), trouble, after, rng: rng.fork() }
    }
    pub fn into_bytes(mut self) -> Vec<u8> {
        if self.trouble == Trouble::DropPanics {
            self.trouble = Trouble::None;
        }
        std::mem::take(self.inner.get_mut())
    }
    /// The bytes that this call may give or take, of so many.
    fn call(&mut self, length: usize) -> io::Result<Answer> {
        if let Trouble::Short(most) = self.trouble {
            return Ok(Answer::Up(length.min(most)));
        }
        if self.after > 0 {
            self.after -= 1;
            return Ok(Answer::Up(length));
        }
        match self.trouble {
            Trouble::Lies => Ok(Answer::Lie(length.saturating_add(self.rng.between(1, 100_000)))),
            Trouble::Fails => Err(io::Error::from_raw_os_error(5)),
            Trouble::FailsWithBomb => Err(io::Error::other(Bomb)),
            Trouble::InterruptedWithBomb => {
                self.trouble = Trouble::None;
                Err(io::Error::new(ErrorKind::Interrupted, Bomb))
            }
            Trouble::Panics => panic!("planned: the application's reader or writer"),
            Trouble::PanicsWithValue => panic_any(Planned),
            Trouble::PanicsWithBomb => panic_any(Bomb),
            Trouble::Nothing => Ok(Answer::Up(0)),
            Trouble::Reenters => {
                let file = Cursor::new(self.inner.get_ref().iter().take(3000).copied().collect::<Vec<_>>());
                drop(avsluice::Demuxer::from_read_seek(file));
                Ok(Answer::Up(length))
            }
            _ => Ok(Answer::Up(length)),
        }
    }
}

enum Answer {
    /// At most so many bytes.
    Up(usize),
    /// That many, which there are not.
    Lie(usize),
}

impl Read for Troubled {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.call(into.len())? {
            Answer::Up(most) => self.inner.read(&mut into[..most]),
            Answer::Lie(count) => Ok(count),
        }
    }
}
impl Write for Troubled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.call(bytes.len())? {
            Answer::Up(most) => self.inner.write(&bytes[..most]),
            Answer::Lie(count) => Ok(count),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        self.call(1).map(drop)
    }
}
impl Seek for Troubled {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.call(1)?;
        let to = match to {
            // A file in memory grows to wherever it is written.
            SeekFrom::Start(place) => SeekFrom::Start(place.min(1 << 24)),
            SeekFrom::Current(offset) => SeekFrom::Current(offset.clamp(-(1 << 24), 1 << 20)),
            SeekFrom::End(offset) => SeekFrom::End(offset.clamp(-(1 << 24), 1 << 20)),
        };
        let place = self.inner.seek(to)?;
        if self.inner.position() > 1 << 24 {
            self.inner.set_position(1 << 24);
        }
        if self.trouble == Trouble::SeeksElsewhere && self.after == 0 {
            return Ok(self.rng.edge().unsigned_abs());
        }
        Ok(place)
    }
}
impl Drop for Troubled {
    fn drop(&mut self) {
        if self.trouble == Trouble::DropPanics && !std::thread::panicking() {
            panic!("planned: the application's reader or writer was dropped");
        }
    }
}
