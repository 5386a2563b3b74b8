//! The rule for suppression files: each entry has its reason on the line above, and none hides anything of ours.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// Names that stand for our own code in a stack.
const OURS: [&str; 2] = ["avsluice", "simgpu"];

/// Checks a suppression file of Valgrind (`{ ... }` blocks) or of LeakSanitizer (`leak:NAME` lines).
pub fn check(path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    match problem(&text) {
        Some((line, what)) => bail!("{}:{line}: {what}", path.display()),
        None => Ok(()),
    }
}

/// The first line that breaks the rule, and how.
fn problem(text: &str) -> Option<(usize, &'static str)> {
    let mut reason = false;
    let mut in_block = false;
    for (number, line) in text.lines().map(str::trim).enumerate() {
        let number = number + 1;
        match line {
            "" => {}
            "}" => in_block = false,
            _ if line.starts_with('#') => reason |= line.trim_start_matches('#').split_whitespace().count() > 2,
            _ if OURS.iter().any(|name| line.contains(name)) => {
                return Some((number, "this hides an error of our own code"));
            }
            _ if in_block => {}
            _ if !reason => return Some((number, "no comment above gives the reason")),
            _ => {
                in_block = line.starts_with('{');
                reason = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALGRIND: &str = "\
# glibc keeps the thread-local storage of threads that it may use again.
{
   glibc-tls
   Memcheck:Leak
   match-leak-kinds: possible
   fun:calloc
   fun:_dl_allocate_tls
}
";

    #[test]
    fn reasons_make_a_good_file() {
        assert_eq!(problem(VALGRIND), None);
        assert_eq!(problem("# x264 keeps its tables until the process ends.\nleak:x264_encoder_open\n"), None);
        assert_eq!(problem(""), None);
        assert_eq!(problem("# Nothing is suppressed yet.\n"), None);
    }

    #[test]
    fn each_entry_needs_a_reason_of_its_own() {
        let twice = format!("{VALGRIND}{{\n  another\n}}\n");
        assert_eq!(problem(&twice), Some((9, "no comment above gives the reason")));
        assert_eq!(problem("leak:foo\n"), Some((1, "no comment above gives the reason")));
        assert_eq!(problem("# one reason for it\nleak:a\nleak:b\n").map(|(line, _)| line), Some(3));
        assert_eq!(problem("# TODO\nleak:a\n").map(|(line, _)| line), Some(2));
    }

    #[test]
    fn our_own_code_cannot_be_suppressed() {
        let ours = VALGRIND.replace("fun:calloc", "fun:*avsluice*");
        assert_eq!(problem(&ours), Some((6, "this hides an error of our own code")));
    }
}
