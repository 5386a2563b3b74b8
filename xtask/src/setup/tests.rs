//! `--setup` from end to end on pretended machines, whose package manager is a shell script.

use super::host::pretended;
use super::*;
use std::fs;

const SETUP: SetupArgs = SetupArgs { setup: true, dry_run: false };

/// A Debian whose apt-get writes down what it is told, and installs by making what detection looks for.
fn bare_debian() -> (Host, tempfile::TempDir) {
    let (mut host, folder) = pretended::empty();
    host.superuser = true;
    host.add_file("/etc/os-release", "ID=debian\n");
    let root = folder.path().display();
    host.add_program("env", r#"shift; exec "$@""#);
    host.add_program(
        "apt-get",
        &format!(
            r#"echo "$*" >> {root}/log
[ "$1" = install ] || exit ${{UPDATE:-0}}
put() {{ printf '#!/bin/sh\nexit 0\n' > "{root}/bin/$1"; /bin/chmod +x "{root}/bin/$1"; }}
put cc; put pkg-config; put ffmpeg; put Xvfb; put valgrind
[ -n "$WITHOUT_LIBCLANG" ] || {{ /bin/mkdir -p {root}/usr/lib; : > {root}/usr/lib/libclang.so; }}"#
        ),
    );
    (host, folder)
}

fn log(host: &Host) -> String {
    fs::read_to_string(host.system("/log")).unwrap_or_default()
}

#[test]
fn without_setup_everything_missing_is_named_with_the_command() {
    let (host, _folder) = bare_debian();
    let error = ensure_on(&host, Purpose::GpuTest, SetupArgs::default()).unwrap_err().to_string();
    for text in [
        "  a C compiler (",
        "  libclang (bindgen reads FFmpeg's headers with it): no libclang.so where bindgen looks",
        "  apt-get update && env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends gcc \
         libc6-dev pkg-config libavcodec-dev libavformat-dev libavutil-dev libclang-dev",
    ] {
        assert!(error.contains(text), "{error}");
    }
    assert!(!error.contains("valgrind"), "gpu-test needs none: {error}");
    assert_eq!(log(&host), "", "nothing may be installed unasked");
}

#[test]
fn setup_installs_once_and_then_has_nothing_to_do() {
    let (host, _folder) = bare_debian();
    ensure_on(&host, Purpose::Memcheck, SETUP).unwrap();
    let first = log(&host);
    assert!(first.starts_with("update\ninstall --yes --no-install-recommends gcc "), "{first}");
    assert!(first.contains(" ffmpeg xvfb valgrind libc6-dbg\n"), "{first}");
    ensure_on(&host, Purpose::Memcheck, SETUP).unwrap();
    assert_eq!(log(&host), first);
}

#[test]
fn only_what_is_missing_is_installed() {
    let (host, _folder) = bare_debian();
    host.add_program("cc", "");
    host.add_program("pkg-config", "");
    ensure_on(&host, Purpose::GpuTest, SETUP).unwrap();
    assert_eq!(log(&host), "update\ninstall --yes --no-install-recommends libclang-dev\n");
}

#[test]
fn a_failed_refresh_does_not_stop_the_installation() {
    let (mut host, _folder) = bare_debian();
    host.set("UPDATE", "100");
    ensure_on(&host, Purpose::Test, SETUP).unwrap();
}

#[test]
fn a_failed_installation_is_an_error_that_names_the_command() {
    let (host, _folder) = bare_debian();
    host.add_program("apt-get", "exit 100");
    let error = format!("{:#}", ensure_on(&host, Purpose::GpuTest, SETUP).unwrap_err());
    assert!(error.contains("apt-get install --yes") && error.contains("it failed (exit status: 100)"), "{error}");
}

#[test]
fn what_an_installation_did_not_bring_is_told() {
    let (mut host, _folder) = bare_debian();
    host.set("WITHOUT_LIBCLANG", "1");
    let error = ensure_on(&host, Purpose::GpuTest, SETUP).unwrap_err().to_string();
    assert!(error.starts_with("installed, and still missing:\n  libclang ("), "{error}");
    assert_eq!(error.lines().count(), 2, "{error}");
}

#[test]
fn an_old_ffmpeg_is_told_even_after_an_installation() {
    let (host, _folder) = bare_debian();
    ensure_on(&host, Purpose::GpuTest, SETUP).unwrap();
    host.add_program("apt-get", "exit 0");
    host.add_program("pkg-config", r#"[ "$1" = --modversion ] && echo 58.134.100"#);
    let error = ensure_on(&host, Purpose::GpuTest, SETUP).unwrap_err().to_string();
    assert!(error.contains("too old: libavcodec 58.134.100, and 59.37 (FFmpeg 5.1) or later is needed"), "{error}");
}

#[test]
fn a_dry_run_installs_nothing() {
    let (host, _folder) = bare_debian();
    let error = ensure_on(&host, Purpose::Test, SetupArgs { setup: true, dry_run: true }).unwrap_err();
    assert_eq!(error.to_string(), "--dry-run: nothing was installed");
    assert_eq!(log(&host), "");
}

#[test]
fn a_machine_without_a_package_manager_is_told_what_is_missing() {
    let (host, _folder) = pretended::empty();
    let error = ensure_on(&host, Purpose::GpuTest, SETUP).unwrap_err().to_string();
    assert!(error.contains("no apt-get, dnf, pacman or brew") && error.contains("  pkg-config ("), "{error}");
}

#[test]
fn a_mac_without_a_compiler_is_told_apple_s_way() {
    let (mut host, _folder) = pretended::empty();
    host.macos = true;
    let error = ensure_on(&host, Purpose::GpuTest, SETUP).unwrap_err().to_string();
    assert_eq!(error, "a C compiler is missing: xcode-select --install");
}
