//! A decoder that was told the end takes no packet from another place of the file.
use avsluice::*;

fn case(mut decoder: Decoder<Cuda, decode::Flushing>, packet: Packet) {
    let _ = decoder.send(packet);
}

fn main() {}
