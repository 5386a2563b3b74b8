//! A shared device in a struct, on a thread.
use avsluice::*;
use std::sync::Arc;

struct Session {
    device: Arc<Device<Cuda>>, // before the decoder: field order does not matter, it is counted
    decoder: Decoder<'static, Cuda>,
}
fn case(device: Device<Cuda>, stream: Stream) -> Result<()> {
    let device = Arc::new(device);
    let session = Session { decoder: Decoder::new(&device, &stream).open()?, device };
    std::thread::spawn(move || drop((session.device, session.decoder)));
    Ok(())
}

fn main() {}
