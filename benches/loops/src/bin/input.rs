//! Makes the input of the loops: `loop-input FROM TO`.

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [from, to] = &arguments[..] else {
        eprintln!("usage: loop-input FROM TO");
        return ExitCode::FAILURE;
    };
    match loops::contain(Path::new(from), Path::new(to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
