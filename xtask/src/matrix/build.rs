//! What a build said, by cargo's JSON messages: its warnings, and where the bindings lie.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The package whose build script makes the bindings, as its package id ends: `path+file:///src#avsluice@0.1.0`.
const PACKAGE: &str = "#avsluice@";
/// The bindings, and how many seconds bindgen took, in the build script's folder.
const BINDINGS: &str = "bindings.rs";
const SECONDS: &str = "bindgen.seconds";

/// The messages of one build.
#[derive(Debug, Default)]
pub struct Messages {
    /// Each once: a library's is repeated for its tests.
    warnings: BTreeSet<String>,
    out_dir: Option<PathBuf>,
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// A message for programs.
    Nothing,
    /// What the compiler has to say, as it would print it.
    Diagnostic(String),
}

impl Messages {
    /// Reads a line of cargo's stdout.
    pub fn read(&mut self, line: &str) -> Said {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Said::Diagnostic(line.to_owned()) };
        let of_package = |package: &str| message["package_id"].as_str().is_some_and(|id| id.contains(package));
        match message["reason"].as_str() {
            Some("compiler-message") => {
                let text = message["message"]["rendered"].as_str().unwrap_or_default();
                let is_warning = message["message"]["level"] == "warning";
                if is_warning && !self.warnings.insert(text.to_owned()) {
                    return Said::Nothing;
                }
                Said::Diagnostic(text.to_owned())
            }
            Some("build-script-executed") if of_package(PACKAGE) => {
                self.out_dir = message["out_dir"].as_str().map(PathBuf::from);
                Said::Nothing
            }
            _ => Said::Nothing,
        }
    }

    /// Reads a line of cargo's stderr, where its own warnings and those of build scripts are. Cargo keeps those of crates that are not
    /// ours to itself.
    pub fn read_error(&mut self, line: &str) {
        if line.starts_with("warning: ") {
            self.warnings.insert(line.to_owned());
        }
    }

    /// How many warnings there were.
    pub fn warnings(&self) -> usize {
        self.warnings.len()
    }

    /// The bindings of a build whose target folder, `inside` the root, is `outside` on this machine.
    pub fn bindings(&self, inside: &Path, outside: &Path) -> Option<Bindings> {
        let folder = outside.join(self.out_dir.as_ref()?.strip_prefix(inside).ok()?);
        let bytes = fs::metadata(folder.join(BINDINGS)).ok()?.len();
        let seconds = fs::read_to_string(folder.join(SECONDS)).ok()?.trim().parse().ok()?;
        Some(Bindings { bytes, seconds })
    }
}

/// The bindings that a build script made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bindings {
    /// Their size.
    pub bytes: u64,
    /// How long bindgen took.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const WARNING: &str = r#"{"reason":"compiler-message","package_id":"path+file:///src#avsluice@0.1.0","message":{"level":"warning","rendered":"warning: unused variable\n"}}"#;

    #[test]
    fn a_warning_counts_once() {
        let mut messages = Messages::default();
        assert_eq!(messages.read(WARNING), Said::Diagnostic("warning: unused variable\n".into()));
        assert_eq!(messages.read(WARNING), Said::Nothing);
        let error = WARNING.replace("warning", "error");
        assert!(matches!(messages.read(&error), Said::Diagnostic(_)));
        messages.read_error("warning: avsluice@0.1.0: the headers are odd");
        messages.read_error("   Compiling avsluice v0.1.0");
        assert_eq!(messages.warnings(), 2);
    }

    #[test]
    fn the_bindings_are_found_where_this_machine_has_them() {
        let target = TempDir::new().unwrap();
        let mut messages = Messages::default();
        let bindings = |messages: &Messages| messages.bindings(Path::new("/target"), target.path());
        assert_eq!(bindings(&messages), None);
        for package in ["avsluice", "other"] {
            let line = format!(
                r#"{{"reason":"build-script-executed","package_id":"path+file:///src#{package}@0.1.0","out_dir":"/target/debug/{package}/out"}}"#
            );
            assert_eq!(messages.read(&line), Said::Nothing);
        }
        assert_eq!(bindings(&messages), None, "nothing is there");
        let folder = target.path().join("debug/avsluice/out");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("bindings.rs"), "12345").unwrap();
        fs::write(folder.join("bindgen.seconds"), "1.25\n").unwrap();
        assert_eq!(bindings(&messages), Some(Bindings { bytes: 5, seconds: 1.25 }));
    }
}
