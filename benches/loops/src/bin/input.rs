//! Makes the input of the loops: `loop-input FROM TIMES TO`.

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [from, times, to] = &arguments[..] else {
        eprintln!("usage: loop-input FROM TIMES TO");
        return ExitCode::FAILURE;
    };
    let Some(times) = times.to_str().and_then(|times| times.parse().ok()) else {
        eprintln!("TIMES is a number");
        return ExitCode::FAILURE;
    };
    match loops::contain(Path::new(from), times, Path::new(to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
