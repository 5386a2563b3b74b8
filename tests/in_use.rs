//! A muxer destroys no file that this process reads or writes (h70).

#[path = "files/tools.rs"]
mod tools;

use avsluice::{Demuxer, Error, ErrorKind, Muxer, Stream};
use std::{cell::RefCell, fs, path::Path, path::PathBuf, sync::Barrier, thread};
use tempfile::tempdir;
use tools::*;

/// Opens an output of that name for a copy of the stream.
fn create(path: &Path, stream: &Stream) -> Result<Muxer, Error> {
    let mut output = Muxer::create_as("matroska", path)?;
    output.add_copy(stream)?;
    Ok(output.open()?)
}

fn is_in_use(result: Result<Muxer, Error>, name: &str) {
    let error = result.map(drop).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::FileInUse, "{error}");
    assert!(error.explanation().unwrap().starts_with(name), "it names the file: {error}");
}

#[test]
fn h70_the_file_that_is_read_is_not_opened_by_any_of_its_names() {
    let dir = tempdir().unwrap();
    let [path, hard, soft] = ["in.mkv", "hard.mkv", "soft.mkv"].map(|name| dir.path().join(name));
    remux(&bare_stream(), &path).unwrap();
    fs::hard_link(&path, &hard).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("in.mkv", &soft).unwrap();
    let before = fs::read(&path).unwrap();
    let mut input = Demuxer::open(&path).unwrap();
    let video = input.video().unwrap();
    let url = format!("file:{}", path.display());
    for name in [
        &path,
        &hard,
        &soft,
        Path::new(&url),
        &dir.path().join("../").join(dir.path().file_name().unwrap()).join("in.mkv"),
    ] {
        is_in_use(create(name, &video), &name.display().to_string());
    }
    // A format that opens its files itself.
    let mut segments = Muxer::create_as("segment", &path).unwrap();
    segments.add_copy(&video).unwrap();
    is_in_use(segments.open().map_err(Error::from), &path.display().to_string());
    assert!(fs::read(&path).unwrap() == before, "the input was touched");
    // By another demuxer as well, as long as one of the two lives.
    let second = Demuxer::open(&url).unwrap();
    assert_eq!(input.packets(&video).map(Result::unwrap).count(), 250);
    drop(input);
    is_in_use(create(&path, &video), &path.display().to_string());
    drop(second);
    drop(create(&path, &video).unwrap());
    assert!(fs::read(&path).unwrap() != before);
}

#[test]
fn h70_two_muxers_do_not_write_one_file() {
    let dir = tempdir().unwrap();
    let video = Demuxer::open(bare_stream()).unwrap().video().unwrap();
    let path = dir.path().join("out.mkv");
    let first = create(&path, &video).unwrap();
    let bytes = fs::metadata(&path).unwrap().len();
    is_in_use(create(&path, &video), &path.display().to_string());
    let hard = dir.path().join("hard.mkv");
    fs::hard_link(&path, &hard).unwrap();
    is_in_use(create(&hard, &video), &hard.display().to_string());
    // What is being written may be read, and the refused muxer has removed nothing.
    assert!(fs::metadata(&path).unwrap().len() >= bytes);
    drop(Demuxer::open(&path));
    // The name alone is free once the file has another.
    fs::rename(&path, dir.path().join("moved.mkv")).unwrap();
    let second = create(&path, &video).unwrap();
    drop((first, second));
    drop(create(&hard, &video).unwrap());
    // Two playlists of a format that replaces its file again and again.
    let list = dir.path().join("live.m3u8");
    let hls = || {
        let mut output = Muxer::create(&list).unwrap();
        output.add_copy(&video).unwrap();
        output.open().map_err(Error::from)
    };
    let held = hls().unwrap();
    is_in_use(hls(), &list.display().to_string());
    drop(held);
    drop(hls().unwrap());
}

#[test]
fn h70_of_many_muxers_that_open_at_once_one_has_the_file() {
    let dir = tempdir().unwrap();
    let video = Demuxer::open(bare_stream()).unwrap().video().unwrap();
    for round in 0..200 {
        let path = dir.path().join(format!("{round}.mkv"));
        let together = Barrier::new(8);
        let opened: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        together.wait();
                        create(&path, &video)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1);
        assert!(path.exists(), "a loser has removed the winner's file");
        opened.into_iter().filter_map(Result::err).for_each(|error| assert_eq!(*error.kind(), ErrorKind::FileInUse));
    }
}

/// An opening that fails takes its empty file away before another muxer can have it.
#[test]
fn h70_of_muxers_that_fail_none_removes_the_file_of_one_that_does_not() {
    let dir = tempdir().unwrap();
    let video = Demuxer::open(bare_stream()).unwrap().video().unwrap();
    let mut opened = 0;
    for round in 0..300 {
        let path = dir.path().join(format!("{round}.mkv"));
        let together = Barrier::new(4);
        let try_it = |fails: bool| {
            together.wait();
            for _ in 0..20 {
                let mut output = Muxer::create_as("matroska", &path).unwrap();
                output.add_copy(&video).unwrap();
                if fails {
                    output.option("no such option", 1);
                }
                if let Ok(output) = output.open() {
                    return Some(output);
                }
            }
            None
        };
        let outputs: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|index| scope.spawn(move || try_it(index > 0))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        opened += outputs.len();
        assert!(outputs.is_empty() || path.exists(), "a loser has removed the winner's file in round {round}");
    }
    assert!(opened > 0, "none has opened it: the test shows nothing");
}

#[test]
fn h70_an_opening_that_fails_leaves_no_entry() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mkv");
    fs::write(&path, "no media file").unwrap();
    assert!(Demuxer::open(&path).is_err());
    let video = Demuxer::open(bare_stream()).unwrap().video().unwrap();
    let mut bad = Muxer::create(&path).unwrap();
    bad.add_copy(&video).unwrap();
    bad.option("no such option", 1);
    let failed = bad.open().unwrap_err();
    assert!(matches!(failed.kind(), ErrorKind::OptionUnknown { .. }), "{failed}");
    drop(create(&path, &video).unwrap());
}

thread_local! {
    /// A file and the name that it gets when something is logged on this thread.
    static MOVED: RefCell<Option<[PathBuf; 2]>> = const { RefCell::new(None) };
}

struct Mover;

impl log::Log for Mover {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, _: &log::Record<'_>) {
        if let Some([from, to]) = MOVED.take() {
            assert_eq!(fs::metadata(&to).unwrap().len(), 0, "the output's own");
            fs::rename(from, to).unwrap();
        }
    }
    fn flush(&self) {}
}

/// An opening that fails removes the empty file that it has made, and nothing that somebody has put in its place
/// meanwhile.
#[test]
fn h70_a_file_that_took_the_place_of_a_failed_outputs_stays() {
    log::set_logger(&Mover).unwrap();
    log::set_max_level(log::LevelFilter::Error);
    let dir = tempdir().unwrap();
    let [source, path, other] = ["in.wav", "out.wav", "other"].map(|name| dir.path().join(name));
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=1"], &source);
    let input = Demuxer::open(&source).unwrap();
    let mut output = Muxer::create(&path).unwrap();
    // WAV has one stream, which FFmpeg says, and logs, when it writes the header.
    output.add_copy(&input.streams()[0]).unwrap();
    output.add_copy(&input.streams()[0]).unwrap();
    fs::write(&other, "somebody's").unwrap();
    MOVED.set(Some([other, path.clone()]));
    let failed = output.open().unwrap_err();
    assert!(MOVED.take().is_none(), "nothing was logged");
    assert_eq!(fs::read(&path).unwrap(), b"somebody's");
    fs::remove_file(&path).unwrap();
    assert!(failed.into_value().open().is_err());
    assert!(!path.exists(), "its own is removed");
}
