//! The machine as detection sees it: its variables, its programs, its root folder. Tests make their own.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The machine, or a pretended one.
pub struct Host {
    /// The environment.
    pub variables: BTreeMap<OsString, OsString>,
    /// What system folders are looked up under: `/`.
    pub root: PathBuf,
    /// Whether this is macOS.
    pub macos: bool,
    /// Whether packages can be installed without sudo.
    pub superuser: bool,
}

impl Host {
    /// This machine.
    pub fn this() -> Self {
        Self {
            variables: env::vars_os().collect(),
            root: PathBuf::from("/"),
            macos: cfg!(target_os = "macos"),
            superuser: superuser(),
        }
    }

    /// The variable's value, unless it is unset or empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Where that program is: a path as it stands, a name looked up on PATH.
    pub fn program(&self, name: &OsStr) -> Option<PathBuf> {
        if Path::new(name).components().count() > 1 {
            return Some(PathBuf::from(name)).filter(|path| path.is_file());
        }
        let file = if cfg!(windows) { format!("{}.exe", name.to_string_lossy()).into() } else { name.to_owned() };
        env::split_paths(self.variable("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
    }

    /// A command that runs in this host's environment, when it has the program.
    pub fn command(&self, name: &OsStr) -> Option<Command> {
        let mut command = Command::new(self.program(name)?);
        command.env_clear().envs(&self.variables);
        Some(command)
    }

    /// A path of the system, under this host's root.
    pub fn system(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

#[cfg(unix)]
fn superuser() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(not(unix))]
fn superuser() -> bool {
    false
}

#[cfg(all(test, unix))]
pub mod pretended {
    //! Hosts for tests: a temporary folder as the root, shell scripts as its programs.

    use super::Host;
    use std::fs;
    use std::io::Write;
    use std::process::{Command, Stdio};
    use tempfile::TempDir;

    /// A host with nothing in it; the folder lives as long as the test keeps it.
    pub fn empty() -> (Host, TempDir) {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("bin")).unwrap();
        let path = folder.path().join("bin").into_os_string();
        let variables = [("PATH".into(), path)].into();
        (Host { variables, root: folder.path().to_owned(), macos: false, superuser: false }, folder)
    }

    impl Host {
        /// Adds a program whose text is this shell script.
        pub fn add_program(&self, name: &str, script: &str) {
            // Another process writes it: were it open for writing here, a test beside us might fork just then and keep it
            // open, and a file open for writing cannot be executed.
            let mut install = Command::new("install");
            install.args(["-m", "755", "/dev/stdin"]).arg(self.system("bin").join(name)).stdin(Stdio::piped());
            let mut install = install.spawn().unwrap();
            write!(install.stdin.take().unwrap(), "#!/bin/sh\n{script}\n").unwrap();
            assert!(install.wait().unwrap().success());
        }

        /// Adds a system file with this text.
        pub fn add_file(&self, path: &str, text: &str) {
            let path = self.system(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        /// Sets a variable.
        pub fn set(&mut self, name: &str, value: impl Into<std::ffi::OsString>) {
            self.variables.insert(name.into(), value.into());
        }
    }
}
