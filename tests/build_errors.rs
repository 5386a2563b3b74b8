//! What a user reads when FFmpeg or libclang is missing. The build script that built this test runs again, by itself, in
//! environments where it must fail; nothing is compiled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A run of the build script with an empty OUT_DIR and no FFmpeg but what the test gives it.
struct Script {
    folder: PathBuf,
    command: Command,
}

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Script {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build_errors").join(test);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("empty")).expect("a folder for the test");
        let mut command = Command::new(env!("AVSLUICE_BUILD_SCRIPT"));
        let root = env!("CARGO_MANIFEST_DIR");
        command.current_dir(root).env("CARGO_MANIFEST_DIR", root).env("OUT_DIR", &folder);
        for name in [
            "FFMPEG_DIR",
            "FFMPEG_INCLUDE_DIR",
            "FFMPEG_LIB_DIR",
            "PKG_CONFIG_PATH",
            "DOCS_RS",
            "AVSLUICE_WRITE_PREBUILT",
        ] {
            command.env_remove(name);
        }
        command.env("PKG_CONFIG_LIBDIR", folder.join("empty"));
        Script { folder, command }
    }

    /// An FFmpeg that consists of version numbers.
    fn ffmpeg(&self, avcodec: [u32; 3], library: &str) -> PathBuf {
        let prefix = self.folder.join("ffmpeg");
        for (name, version) in [("AVCODEC", avcodec), ("AVFORMAT", [60, 0, 0]), ("AVUTIL", [58, 0, 0])] {
            let include = prefix.join("include").join(format!("lib{}", name.to_lowercase()));
            let define = |part: &str, number: u32| format!("#define LIB{name}_VERSION_{part}  {number}\n");
            write(&include.join("version_major.h"), &define("MAJOR", version[0]));
            write(&include.join("version.h"), &(define("MINOR", version[1]) + &define("MICRO", version[2])));
        }
        write(&prefix.join("include/libavcodec/avcodec.h"), "#include \"version.h\"\n");
        write(&prefix.join("lib").join(library), "");
        prefix
    }

    fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    fn without_libclang(self) -> Self {
        let empty = self.folder.join("empty");
        self.env("LIBCLANG_PATH", empty)
    }

    fn run(mut self) -> Outcome {
        let output = self.command.output().expect("the build script is where the build left it");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs it and checks that it fails with one message, which has all that helps and this reason.
    fn must_fail(self, headline: &str, reason: &str) -> Outcome {
        let outcome = self.run();
        let text = &outcome.stderr;
        assert_eq!(outcome.code, Some(1), "{text}");
        assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
        assert_eq!(text.matches("avsluice: ").count(), 1, "one message\n{text}");
        assert!(text.contains(headline), "{headline:?} is not in\n{text}");
        let found = text.lines().find_map(|line| line.strip_prefix("Reason: "));
        assert!(found.is_some_and(|found| found.contains(reason)), "{reason:?} is not the reason in\n{text}");
        for variable in ["FFMPEG_DIR", "FFMPEG_INCLUDE_DIR", "FFMPEG_LIB_DIR", "PKG_CONFIG_PATH", "LIBCLANG_PATH"] {
            assert!(text.contains(variable), "{variable} is not in\n{text}");
        }
        for (system, packages) in [
            ("Debian, Ubuntu", "apt-get install pkg-config libavcodec-dev libavformat-dev libavutil-dev libclang-dev"),
            ("Fedora", "dnf install pkgconf-pkg-config ffmpeg-devel clang-devel"),
            ("Arch", "pacman -S pkgconf ffmpeg clang"),
            ("macOS (Homebrew)", "brew install pkgconf ffmpeg llvm"),
            ("Windows (vcpkg)", "vcpkg install ffmpeg"),
        ] {
            let line = text.lines().find(|line| line.trim_start().starts_with(system));
            assert!(line.is_some_and(|line| line.contains(packages)), "{system}: {packages:?} is not in\n{text}");
        }
        assert!(text.contains("cargo xtask test --setup"), "{text}");
        outcome
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("the folder can be made");
    fs::write(path, text).expect("the file can be written");
}

const NOT_FOUND: &str = "FFmpeg's development files were not found";
const FFMPEG_6: [u32; 3] = [60, 3, 100];

#[test]
fn no_ffmpeg() {
    let script = Script::new("no_ffmpeg");
    // Where pkg-config itself is missing, that is the reason.
    let has_pkg_config = Command::new("pkg-config").arg("--version").output().is_ok();
    script.must_fail(NOT_FOUND, if has_pkg_config { "knows no libavcodec" } else { "pkg-config cannot be run" });
}

#[test]
fn no_pkg_config() {
    let script = Script::new("no_pkg_config").env("PKG_CONFIG", "there-is-no-such-program");
    script.must_fail(NOT_FOUND, "pkg-config cannot be run");
}

#[test]
fn ffmpeg_dir_without_headers() {
    let script = Script::new("ffmpeg_dir_without_headers");
    let empty = script.folder.join("empty");
    script.env("FFMPEG_DIR", empty).must_fail(NOT_FOUND, "holds no libavcodec/avcodec.h");
}

#[test]
fn ffmpeg_dir_without_libraries() {
    let script = Script::new("ffmpeg_dir_without_libraries");
    let prefix = script.ffmpeg(FFMPEG_6, "libsomething.so");
    script.env("FFMPEG_DIR", prefix).must_fail(NOT_FOUND, "holds no libavcodec to link");
}

#[test]
fn half_of_the_two_folders() {
    let script = Script::new("include_alone").env("FFMPEG_INCLUDE_DIR", "/usr/include");
    script.must_fail(NOT_FOUND, "FFMPEG_INCLUDE_DIR is set, FFMPEG_LIB_DIR is not");
    let script = Script::new("lib_alone").env("FFMPEG_LIB_DIR", "/usr/lib");
    script.must_fail(NOT_FOUND, "FFMPEG_LIB_DIR is set, FFMPEG_INCLUDE_DIR is not");
}

#[test]
fn an_ffmpeg_that_is_too_old() {
    // FFmpeg 4.4; then one minor version short of 5.1.
    for (test, version, shown) in
        [("ffmpeg_4", [58, 134, 100], "58.134.100"), ("ffmpeg_5_0", [59, 36, 100], "59.36.100")]
    {
        let script = Script::new(test);
        let prefix = script.ffmpeg(version, "libavcodec.so");
        script.env("FFMPEG_DIR", prefix).must_fail("avsluice needs 5.1 or later", shown);
    }
}

#[test]
fn no_libclang() {
    let script = Script::new("no_libclang").without_libclang();
    let prefix = script.ffmpeg(FFMPEG_6, "libavcodec.so");
    let outcome = script.env("FFMPEG_DIR", prefix).must_fail("libclang, which reads FFmpeg's headers", "libclang");
    assert!(outcome.stdout.contains("cargo::rustc-link-lib=dylib=avcodec"), "FFmpeg itself was found");
}

#[test]
fn folders_named_one_by_one() {
    let script = Script::new("folders_named_one_by_one").without_libclang();
    let prefix = script.ffmpeg(FFMPEG_6, "libavcodec.so");
    let script = script.env("FFMPEG_INCLUDE_DIR", prefix.join("include")).env("FFMPEG_LIB_DIR", prefix.join("lib"));
    let outcome = script.must_fail("libclang", "libclang");
    let search = format!("cargo::rustc-link-search=native={}", prefix.join("lib").display());
    assert!(outcome.stdout.contains(&search), "{}", outcome.stdout);
}

#[test]
fn headers_that_cannot_be_read() {
    let script = Script::new("headers_that_cannot_be_read");
    let prefix = script.ffmpeg(FFMPEG_6, "libavcodec.so");
    write(&prefix.join("include/libavutil/avutil.h"), "#error \"this header is broken\"\n");
    script.env("FFMPEG_DIR", prefix).must_fail("FFmpeg's headers could not be read", "this header is broken");
}

#[test]
#[cfg(unix)]
fn a_static_ffmpeg_is_linked_as_its_pc_files_say() {
    let script = Script::new("static_without_pc");
    let prefix = script.ffmpeg(FFMPEG_6, "libavcodec.a");
    script.env("FFMPEG_DIR", prefix).must_fail(NOT_FOUND, "holds no libavcodec.pc");

    let script = Script::new("static_with_pc").without_libclang();
    let prefix = script.ffmpeg(FFMPEG_6, "libavcodec.a");
    for library in ["avcodec", "avformat", "avutil"] {
        let text = format!(
            "prefix={}\nName: {library}\nDescription: {library}\nVersion: 60.3.100\n\
             Libs: -L${{prefix}}/lib -l{library}\nLibs.private: -lneeded_by_{library}\nCflags: -I${{prefix}}/include\n",
            prefix.display()
        );
        write(&prefix.join(format!("lib/pkgconfig/lib{library}.pc")), &text);
    }
    let outcome = script.env("FFMPEG_DIR", prefix).must_fail("libclang", "libclang");
    for line in ["cargo:rustc-link-lib=static=avcodec", "cargo:rustc-link-lib=needed_by_avcodec"] {
        assert!(outcome.stdout.lines().any(|found| found == line), "{line:?} is not in\n{}", outcome.stdout);
    }
}

#[test]
fn docs_rs_builds_with_no_ffmpeg_and_no_libclang() {
    let script = Script::new("docs_rs").without_libclang().env("DOCS_RS", "1");
    let bindings = script.folder.join("bindings.rs");
    let outcome = script.run();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert!(outcome.stdout.contains("cargo::rustc-cfg=has_avcodec_close"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("rustc-link"), "nothing is linked\n{}", outcome.stdout);
    let prebuilt = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi/prebuilt.rs");
    assert!(fs::read(bindings).expect("written") == fs::read(prebuilt).expect("in the package"));
}
