//! A machine that is made up: its commands are shell scripts that say what they were asked.

use super::*;
use crate::setup::host::pretended;
use clap::Parser;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Drops unshare's options. mmdebstrap then runs as it is; for a command in a root, the fake of that name takes over.
pub(super) const UNSHARE: &str = r#"
while case $1 in --*) true ;; *) false ;; esac; do shift; done
[ "$1" = sh ] || exec "$@"
shift 4
root=$1 target=$5
shift 5
suite=${root##*/}
echo "$suite: $*" >> FOLDER/log
case "$*" in
  "rustc --version") . FOLDER/bin/rustc-inside ;;
  "cargo test "*--no-run*) . FOLDER/bin/build ;;
  "env AVSLUICE_TEST_UI=elsewhere cargo xtask test") . FOLDER/bin/tests ;;
  "cargo xtask memcheck --asan-only") . FOLDER/bin/memcheck ;;
  "cargo xtask gpu-test --simulated"*) . FOLDER/bin/gpu-test ;;
  *) echo "nobody expected: $*" >&2; exit 99 ;;
esac
"#;

/// Makes what is read of a root, of the versions in the file `versions`.
pub(super) const MMDEBSTRAP: &str = r#"
while case $1 in --*) true ;; *) false ;; esac; do shift; done
suite=$1 root=$2
echo "made $suite from $3" >> FOLDER/log
/bin/mkdir -p $root/var/lib/dpkg $root/usr/lib/x/pkgconfig
. FOLDER/bin/mirror
while read -r name debian libavcodec; do
  [ "$name" = "$suite" ] || continue
  printf 'Package: libavcodec-dev\nVersion: %s\n' "$debian" > $root/var/lib/dpkg/status
  echo "Version: $libavcodec" > $root/usr/lib/x/pkgconfig/libavcodec.pc
done < FOLDER/versions
"#;

pub(super) const VERSIONS: &str =
    "bookworm 7:5.1.9-0+deb12u1 59.37.100\ntrixie 7:7.1.5-0 61.19.101\nsid 7:9.0.2-1 63.1.102\n";

pub(super) const BUILD: &str = r#"
mkdir -p $target/debug/out
printf %1234s > $target/debug/out/bindings.rs
echo 1.26 > $target/debug/out/bindgen.seconds
echo '{"reason":"build-script-executed","package_id":"path+file:///src#avsluice@0.1.0","out_dir":"/target/debug/out"}'
"#;
pub(super) const TESTS: &str = "echo 'test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out'";
pub(super) const GPU_TEST: &str = "echo '12 checks: 12 passed, 0 failed, 0 skipped'; echo 'Cleanup completed'";

pub(super) const WARNING: &str = r#"
echo '{"reason":"compiler-message","package_id":"p","message":{"level":"warning","rendered":"warning: unused"}}'
"#;

pub(super) struct Machine {
    pub(super) site: Site,
    pub(super) folder: TempDir,
}

/// What a run came to.
pub(super) struct Run {
    pub(super) passed: bool,
    pub(super) table: String,
}

impl Machine {
    pub(super) fn new() -> Self {
        let (mut host, folder) = pretended::empty();
        host.superuser = true;
        host.set("HOME", folder.path().join("home"));
        host.add_file("/etc/apt/sources.list", "deb http://mirror.test/debian bookworm main");
        host.add_file("/usr/share/keyrings/debian-archive-keyring.gpg", "");
        host.add_file("/toolchain/bin/cargo", "");
        host.add_file("/versions", VERSIONS);
        let path = folder.path().to_owned();
        let site = Site { host, project: path.clone(), cache: path.join("cache"), target: path.join("target") };
        let machine = Self { site, folder };
        machine.answer("rustc", "echo FOLDER/toolchain");
        machine.answer("cargo", r#"echo "cargo $*" >> FOLDER/log"#);
        for (name, script) in [
            ("apt-get", ""),
            ("unshare", UNSHARE),
            ("mmdebstrap", MMDEBSTRAP),
            ("mirror", ""),
            ("rustc-inside", ""),
            ("build", BUILD),
            ("tests", TESTS),
            ("memcheck", TESTS),
            ("gpu-test", GPU_TEST),
        ] {
            machine.answer(name, script);
        }
        machine
    }

    pub(super) fn answer(&self, name: &str, script: &str) {
        self.site.host.add_program(name, &script.replace("FOLDER", &self.folder.path().display().to_string()));
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        let (passed, table) = self.try_run(arguments).unwrap();
        Run { passed, table }
    }

    pub(super) fn try_run(&self, arguments: &[&str]) -> Result<(bool, String)> {
        run_at(&self.site, &args(arguments))
    }

    pub(super) fn error(&self) -> String {
        format!("{:#}", self.try_run(&[]).unwrap_err())
    }

    /// What was done since the last call.
    pub(super) fn log(&self) -> Vec<String> {
        let path = self.site.host.system("/log");
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, "").unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// How many roots were made since the last call.
    pub(super) fn made(&self) -> usize {
        self.log().iter().filter(|line| line.starts_with("made ")).count()
    }

    pub(super) fn root(&self, suite: &str) -> PathBuf {
        self.site.cache.join(suite)
    }

    /// Makes a cached root so many days old.
    pub(super) fn age(&self, suite: &str, days: u64) {
        let made = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        let recipe = File::options().write(true).open(self.root(suite).join(".avsluice-matrix")).unwrap();
        recipe.set_modified(made).unwrap();
    }
}

pub(super) fn args(arguments: &[&str]) -> MatrixArgs {
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: MatrixArgs,
    }
    Line::parse_from(["matrix"].iter().chain(arguments)).args
}
