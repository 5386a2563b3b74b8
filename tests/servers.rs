//! Servers and receivers that stop answering: an error in the time that is allowed, each in a process of its own, which is killed if it hangs.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{Demuxer, Error, ErrorKind, Interrupt, Muxer, Packet};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::mpsc,
    thread,
    time::Duration,
};
use support::isolated;
use tools::*;

/// A server on this machine that treats its first caller so; its port.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    port
}

/// A limit that always ends a wait here.
const PATIENCE: Duration = Duration::from_millis(300);

fn timed_out(error: &Error, patience: Duration) -> bool {
    *error.kind() == ErrorKind::TimedOut { after: patience }
}

/// Tries with more and more patience, for a busy machine may not come to the other side's answer in a short time.
fn patiently<T>(attempt: impl Fn(Duration) -> Option<T>) -> T {
    let patience = std::iter::successors(Some(PATIENCE), |patience| Some(*patience * 4)).take(6);
    patience.into_iter().find_map(attempt).expect("no answer in five minutes")
}

#[test]
fn a_server_that_stops_sending_ends_with_an_error_in_its_time() {
    isolated("a_server_that_stops_sending_ends_with_an_error_in_its_time", || {
        let bytes = contained("ts");
        patiently(|patience| {
            let bytes = bytes.clone();
            let (over, wait) = mpsc::channel::<()>();
            let port = server(move |mut caller| {
                // A caller that has given up does not listen.
                let _ = caller.write_all(&bytes[..bytes.len() / 2]);
                let _ = wait.recv(); // and nothing more, with the line open
            });
            let opened = Demuxer::options().timeout(patience).open(format!("tcp://127.0.0.1:{port}"));
            let mut input = opened.map_err(|error| assert!(timed_out(&error, patience), "{error:?}")).ok()?;
            let video = input.video().unwrap();
            let (mut count, mut packets) = (0, input.packets(&video));
            let error = loop {
                match packets.next().expect("an end that is none") {
                    Ok(_) => count += 1,
                    Err(error) => break error,
                }
            };
            assert!(timed_out(&error, patience), "{error:?}");
            assert!(error.to_string().contains(&format!("no answer within {patience:?}")), "{error}");
            assert!(timed_out(&input.read().unwrap_err(), patience), "it stays so");
            drop(over);
            (count > 50).then_some(())
        });
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
            assert!(timed_out(&error, PATIENCE), "{protocol}: {error:?}");
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
        let mut input = Demuxer::open(bare_stream()).unwrap();
        let video = input.video().unwrap();
        let (patience, over, track, mut output) = patiently(|patience| {
            let (over, wait) = mpsc::channel::<()>();
            let port = server(move |caller| {
                let _ = wait.recv();
                drop(caller);
            });
            let mut output = Muxer::create_as("mpegts", format!("tcp://127.0.0.1:{port}")).unwrap();
            output.timeout(patience);
            let track = output.add_copy(&video).unwrap();
            let opened = output.open();
            let output = opened.map_err(|error| assert!(timed_out(error.error(), patience), "{error:?}")).ok()?;
            Some((patience, over, track, output))
        });
        let first: Vec<_> = input.packets(&video).map(Result::unwrap).collect();
        // More than a socket's buffers hold, sooner or later.
        let error = (0..100_000_i64)
            .find_map(|index| {
                let packet = first[usize::try_from(index % 250).unwrap()].try_clone().unwrap();
                let mut packet = Packet::new(packet.data()).unwrap();
                packet.set_pts(index * 3600);
                packet.set_dts(index * 3600);
                output.write(track, packet).err()
            })
            .expect("a socket has room for all of it");
        assert!(timed_out(&error, patience), "{error:?}");
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
        let error = Demuxer::options().option("user_agent", "sluice/1").open(&url).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::NotFound), "{error:?}");
        assert!(question.recv().unwrap().contains("User-Agent: sluice/1"));
    });
}
