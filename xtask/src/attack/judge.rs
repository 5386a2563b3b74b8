//! What the ending of a process means.

use std::fmt;
use std::ops::Range;

/// Something that went wrong, and the line that shows it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub seed: u64,
    /// The program, or those that it takes together.
    pub programs: Range<u64>,
    /// What the command line said of the family.
    pub only: Option<String>,
    pub family: String,
    /// `crash`, `hang`, `leak`, `panic` ...
    pub kind: String,
    /// What was reported, in one line.
    pub report: String,
    /// What the program said last.
    pub notes: Vec<String>,
    /// The stack, if there is one.
    pub stack: Vec<String>,
}

impl Finding {
    /// What findings of one cause have in common: the kind, the report without its numbers, and the uppermost functions.
    pub fn signature(&self) -> String {
        let report: String = self.report.chars().take(90).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let frames: Vec<_> =
            self.stack.iter().filter(|name| !name.contains("pthread_kill")).take(5).map(String::as_str).collect();
        format!("{} {report} {}", self.kind, frames.join(" < "))
    }
    /// Everything that an entry of the list can be told by.
    pub fn all(&self) -> String {
        format!("{} {} {}\n{}\n{}", self.family, self.kind, self.report, self.notes.join("\n"), self.stack.join("\n"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(""))
    }
}

impl Finding {
    /// The line that runs it again, with these words behind the command.
    pub fn line(&self, words: &str) -> String {
        let space = if words.is_empty() { "" } else { " " };
        let mut line =
            format!("cargo xtask attack{space}{words} --seed {} --program {}", self.seed, self.programs.start);
        if self.programs.end > self.programs.start + 1 {
            line += &format!("..{}", self.programs.end);
        }
        if let Some(family) = &self.only {
            line += &format!(" --family {family}");
        }
        line += &format!("  # {} {}: {}", self.family, self.kind, self.report);
        if let Some(note) = self.notes.last() {
            line += &format!(" [{note}]");
        }
        let frames: Vec<_> = self.stack.iter().take(6).map(String::as_str).collect();
        if !frames.is_empty() {
            line += &format!(" at {}", frames.join(" < "));
        }
        line
    }
}

/// The reports of AddressSanitizer, LeakSanitizer, Valgrind or the library's canary on a standard error, and the last words of Rust.
pub fn report(lines: &[String]) -> Option<(&'static str, String, Vec<String>)> {
    let found = lines.iter().position(|line| {
        line.contains("ERROR: AddressSanitizer")
            || line.contains("ERROR: LeakSanitizer")
            || line.contains("avsluice canary")
            || line.contains("hard rss limit exhausted")
            || (line.starts_with("==") && VALGRIND.iter().any(|text| line.contains(text)))
    })?;
    let line = &lines[found];
    let text = line.split_once("ERROR: ").map_or(line.as_str(), |(_, text)| text);
    let text = text.split_once("Sanitizer: ").map_or(text, |(_, text)| text);
    let kind = match line {
        line if line.contains("LeakSanitizer") => "leak",
        line if line.contains("canary") => "canary",
        line if line.contains("rss limit") => "memory",
        line if line.starts_with("==") && line.contains("AddressSanitizer") => "crash",
        _ => "valgrind",
    };
    // Only the first stack: that of the bad access, or of the first leak.
    let stack: Vec<String> = lines[found + 1..]
        .iter()
        .skip_while(|line| frame(line).is_none())
        .map_while(|line| frame(line))
        .filter(|name| !is_helper(name))
        .take(24)
        .collect();
    let last_words = lines
        .iter()
        .rev()
        .find(|line| line.contains("panicked at") || line.contains("non-unwinding") || line.contains("panic in a"));
    let mut text = addressless(text);
    if let Some(words) = last_words {
        text = format!("{text}; {words}");
    }
    if kind == "leak" {
        if let Some(line) = lines[found..].iter().find(|line| line.contains("leak of")) {
            text = line.trim().to_owned();
        }
    }
    Some((kind, text, stack))
}

const VALGRIND: &[&str] =
    &["Invalid read", "Invalid write", "uninitialised", "Invalid free", "definitely lost", "Process terminating"];

/// The function (or the library) of a line of a stack.
fn frame(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix('#') {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim();
        let rest = rest.strip_prefix("0x").map_or(rest, |rest| rest.split_once(' ').map_or("", |(_, rest)| rest));
        let name = rest.strip_prefix("in ").unwrap_or(rest);
        let function = name.split(" (/").next().unwrap_or(name).split(" /").next().unwrap_or(name).trim();
        let library = line.rsplit_once('/').map_or("", |(_, tail)| tail.split(['+', ')']).next().unwrap_or(""));
        return Some(if function.is_empty() {
            library.to_owned()
        } else if library.starts_with("lib") {
            format!("{function} ({library})")
        } else {
            function.to_owned()
        });
    }
    // ==123==    at 0x1234: av_malloc (in /usr/lib/libavutil.so)
    let (_, rest) = line.strip_prefix("==")?.split_once("==")?;
    let rest = rest.trim().strip_prefix("at ").or_else(|| rest.trim().strip_prefix("by "))?;
    Some(rest.split_once(": ")?.1.to_owned())
}

fn is_helper(name: &str) -> bool {
    [
        "malloc",
        "calloc",
        "realloc",
        "posix_memalign",
        "__interceptor",
        "av_malloc",
        "abort",
        "raise",
        "__asan",
        "pthread_kill",
        "gsignal",
    ]
    .iter()
    .any(|helper| name == *helper || name.starts_with(&format!("{helper} ")))
        || name.starts_with("std::")
        || name.starts_with("core::")
        || name.starts_with("rust_")
        || name.starts_with("__rust")
}

/// Without the addresses, which differ from run to run.
fn addressless(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| !word.starts_with("0x") && !word.starts_with("(pc"))
        .take(14)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_report_of_the_sanitizer_is_read() {
        let text = "x265 [info]: hello\n==12==ERROR: AddressSanitizer: SEGV on unknown address 0x7f (pc 0x1 bp 0x2 sp 0x3 T0)\n\
            ==12==The signal is caused by a READ memory access.\n    #0 0x7f12 in avio_closep (/usr/lib/libavformat.so.59+0x12)\n    \
            #1 0x55 in attack::main /src/main.rs:3:4\n\nSUMMARY: x\n";
        let (kind, text, stack) = report(&lines(text)).unwrap();
        assert_eq!(kind, "crash");
        assert!(text.starts_with("SEGV on unknown address"), "{text}");
        assert_eq!(stack, ["avio_closep (libavformat.so.59)", "attack::main"]);
    }

    #[test]
    fn a_leak_is_no_crash() {
        let text = "==1==ERROR: LeakSanitizer: detected memory leaks\n\nDirect leak of 144 byte(s) in 1 object(s) allocated from:\n    \
            #0 0x1 in malloc (/x/attack+0x1)\n    #1 0x2 in wtv_write (/usr/lib/libavformat.so.59+0x3)\n";
        let (kind, text, stack) = report(&lines(text)).unwrap();
        assert_eq!((kind, text.as_str()), ("leak", "Direct leak of 144 byte(s) in 1 object(s) allocated from:"));
        assert_eq!(stack, ["wtv_write (libavformat.so.59)"]);
    }

    #[test]
    fn valgrind_is_read_too() {
        let text = "==9== Invalid read of size 8\n==9==    at 0x48: memcpy (in /usr/lib/v.so)\n==9==    by 0x49: x265_read (in /usr/lib/libx265.so)\n";
        let (kind, _, stack) = report(&lines(text)).unwrap();
        assert_eq!(kind, "valgrind");
        assert_eq!(stack[1], "x265_read (in /usr/lib/libx265.so)");
        assert_eq!(report(&lines("all is well")), None);
    }
}
