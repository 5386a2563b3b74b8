//! The command line of `cargo xtask matrix`. What it does is tested on pretended machines, in src/matrix/tests.rs.

use std::process::{Command, Output, Stdio};

fn xtask(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("matrix").args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn unknown_versions_are_refused_with_the_known_ones() {
    for versions in ["4.4", "5.1,", "5.1,7", "9.0 "] {
        let output = xtask(&["--versions", versions]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(
            stderr.contains("for '--versions <LIST>': the versions that can be tested are 5.1, 7.1, 9.0"),
            "{stderr}"
        );
    }
}

#[test]
fn help_says_what_the_options_are() {
    let help = String::from_utf8(xtask(&["--help"]).stdout).unwrap();
    for text in ["--versions <LIST>", "[default: 5.1,7.1,9.0]", "--refresh", "--mirror <URL>", "--setup"] {
        assert!(help.contains(text), "{text}: {help}");
    }
}
