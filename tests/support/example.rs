//! The programs of examples/, run as a user runs them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Mutex,
};

/// The arguments that choose packages and features, where this test program was not built by a plain `cargo test`. With others, cargo
/// would build the library and half of what it needs a second time.
const CHOICE: &str = "AVSLUICE_TEST_CARGO";

/// The program: cargo builds it, and says where it is.
pub fn program(name: &str) -> PathBuf {
    static PROGRAMS: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut programs = PROGRAMS.lock().unwrap();
    if let Some(path) = programs.get(name) {
        return path.clone();
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--message-format=json", "--example", name]);
    build.args(std::env::var(CHOICE).unwrap_or_default().split_whitespace());
    let output = build.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let built = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let named = built.filter(|message| message["target"]["name"] == name);
    let path = named.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?))).next_back();
    let path = path.expect("cargo names the example's program");
    programs.insert(name.into(), path.clone());
    path
}

/// A run to its end, in that folder.
pub fn example(name: &str, arguments: &[&str], folder: &Path) -> Output {
    Command::new(program(name)).args(arguments).current_dir(folder).output().unwrap()
}

/// A run whose standard output nobody reads: `| true`.
pub fn unread(name: &str, arguments: &[&str], folder: &Path) -> Output {
    let mut child = Command::new(program(name))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.wait_with_output().unwrap()
}

/// A run that Ctrl-C ends while it waits for the second half of its input, a pipe of the name `in.ts`; `begun` is there by then.
#[cfg(unix)]
pub fn interrupted(name: &str, arguments: &[&str], folder: &Path, input: &[u8], begun: &str) -> Output {
    use std::io::Write;
    let pipe = folder.join("in.ts");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = Command::new(program(name))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut feed = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let (half, rest) = input.split_at(input.len() / 2);
    feed.write_all(half).unwrap();
    while !folder.join(begun).exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its input did");
        std::thread::yield_now();
    }
    assert!(Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap().success());
    let _ = feed.write_all(rest); // it may be gone by now
    drop(feed);
    child.wait_with_output().unwrap()
}

/// The names of what is in a folder.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
