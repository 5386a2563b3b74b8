//! The programs that the API's sketch was judged by compile against the crate. They are not run: they need files and a GPU.
//! What had to be changed stands at the top of each.
#![allow(dead_code)] // stand-ins for renderers and kernels

mod analytics;
mod ladder;
mod recorder;
mod streamer;
mod transcode;

const _: [fn() -> avsluice::Result<()>; 4] = [analytics::main, ladder::main, streamer::main, transcode::main];
const _: fn() -> Result<(), Box<dyn std::error::Error>> = recorder::main;
