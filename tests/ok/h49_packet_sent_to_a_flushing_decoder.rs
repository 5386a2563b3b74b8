//! `reset` opens it again.
use avsluice::*;

fn case(decoder: Decoder<Cuda, decode::Flushing>, packet: Packet) {
    let mut decoder = decoder.reset();
    let _ = decoder.send(packet);
}

fn main() {}
