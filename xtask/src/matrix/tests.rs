//! The matrix from end to end on pretended machines: what makes a root, and what runs in one, are shell scripts.

mod machine;

use super::*;
use crate::setup::host::pretended;
use machine::*;

#[test]
fn every_version_is_built_tested_and_listed() {
    let machine = Machine::new();
    let run = machine.run(&[]);
    assert!(run.passed, "{}", run.table);
    let rows: Vec<Vec<_>> = run.table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 3, "{}", run.table);
    for (row, versions) in
        rows.iter().zip([["5.1", "5.1.9", "59.37.100"], ["7.1", "7.1.5", "61.19.101"], ["9.0", "9.0.2", "63.1.102"]])
    {
        assert_eq!(row[..3], versions);
        assert_eq!(row[3..11], ["40", "0", "0", "0", "1.3", "s", "1", "KB"]);
        assert_eq!(row[11..18], ["12", "of", "12,", "12", "of", "12", "ok,"]);
    }
    let log = machine.log();
    assert_eq!(log[0], "cargo fetch --locked");
    let key = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
    assert_eq!(log[1], format!("made bookworm from {key} http://mirror.test/debian bookworm main"));
    let steps: Vec<_> = log[2..7].iter().map(|line| line.strip_prefix("bookworm: ").unwrap()).collect();
    assert_eq!(steps[0], "rustc --version");
    assert!(steps[1].starts_with("cargo test --workspace --all-features --all-targets --no-run"), "{}", steps[1]);
    let gpu_tests = ["cargo xtask gpu-test --simulated", "cargo xtask gpu-test --simulated --backend vaapi"];
    assert_eq!(steps[2..], ["env AVSLUICE_TEST_UI=elsewhere cargo xtask test", gpu_tests[0], gpu_tests[1]]);
    assert_eq!(log.len(), 19);
}

#[test]
fn only_the_versions_that_are_asked_for_are_run_and_each_once() {
    let machine = Machine::new();
    let run = machine.run(&["--versions", "9.0,7.1,9.0"]);
    let rows: Vec<_> = run.table.lines().skip(1).map(|line| &line[2..5]).collect();
    assert_eq!(rows, ["9.0", "7.1"]);
    assert!(!machine.root("bookworm").exists());
}

#[test]
fn the_memory_check_is_run_instead_of_the_tests() {
    let machine = Machine::new();
    let arguments = ["--versions", "9.0,7.1", "--memcheck"];
    let run = machine.run(&arguments);
    assert!(run.passed, "{}", run.table);
    let steps: Vec<_> = machine.log().into_iter().filter(|line| line.starts_with("trixie: ")).collect();
    assert_eq!(steps, ["trixie: rustc --version", "trixie: cargo xtask memcheck --asan-only"]);
    machine.answer("memcheck", "echo 'test strings::a ... FAILED'; exit 1");
    let run = machine.run(&arguments);
    assert!(!run.passed && run.table.contains("  FAILED 9.0: test failed: strings::a\n"), "{}", run.table);
    machine.answer("memcheck", &format!("{TESTS}; exit 1"));
    let run = machine.run(&arguments);
    assert!(run.table.contains("  FAILED 7.1: `cargo xtask memcheck --asan-only`: exit code 1\n"), "{}", run.table);
}

#[test]
fn a_failed_test_fails_its_version_and_no_other() {
    let machine = Machine::new();
    let failing = "echo 'test a::b ... FAILED'
        echo 'skipped: a::c: no libx264' >&2
        echo 'test result: FAILED. 39 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out'; exit 1";
    machine.answer("tests", &format!("if [ $suite = trixie ]; then {failing}; fi; {TESTS}"));
    let run = machine.run(&[]);
    assert!(!run.passed);
    for line in ["  FAILED 7.1: test failed: a::b\n", "  skipped 7.1: a::c: no libx264\n"] {
        assert!(run.table.contains(line), "{}", run.table);
    }
    let row = run.table.lines().find(|line| line.starts_with("  7.1")).unwrap();
    let row: Vec<_> = row.split_whitespace().collect();
    assert_eq!((row[3..6].to_vec(), row[17]), (vec!["39", "1", "1"], "FAILED,"));
    assert_eq!(run.table.matches(" ok, ").count(), 2);
}

#[test]
fn no_failure_goes_unnoticed() {
    for (name, script, problem) in [
        ("build", format!("{BUILD}{WARNING}{WARNING}"), "1 compiler warning"),
        ("build", format!("{BUILD}echo 'warning: avsluice@0.1.0: odd' >&2"), "1 compiler warning"),
        ("build", "exit 101".into(), "it does not build (exit code 101)"),
        ("build", "exit 0".into(), "the build left no bindings with their time"),
        ("tests", format!("{TESTS}; exit 1"), "`env AVSLUICE_TEST_UI=elsewhere cargo xtask test`: exit code 1"),
        ("tests", "kill -SEGV $$".into(), "`env AVSLUICE_TEST_UI=elsewhere cargo xtask test`: SIGSEGV"),
        ("tests", "exit 0".into(), "no test passed"),
        (
            "tests",
            format!("{TESTS}; echo \"  process didn't exit successfully: deps/a (signal: 11, SIGSEGV)\" >&2; exit 101"),
            "process didn't exit successfully: deps/a (signal: 11, SIGSEGV)",
        ),
        (
            "gpu-test",
            "echo '12 checks: 11 passed, 1 failed, 0 skipped'; exit 1".into(),
            "`cargo xtask gpu-test --simulated` did not end with `Cleanup completed` (exit code 1)",
        ),
        (
            "gpu-test",
            format!("{GPU_TEST}; echo more"),
            "`cargo xtask gpu-test --simulated` did not end with `Cleanup completed` (exit code 0)",
        ),
        (
            "gpu-test",
            format!("{GPU_TEST}; exit 1"),
            "`cargo xtask gpu-test --simulated` did not end with `Cleanup completed` (exit code 1)",
        ),
    ] {
        let machine = Machine::new();
        machine.answer(name, &script);
        let run = machine.run(&["--versions", "7.1"]);
        assert!(!run.passed, "{problem}");
        assert!(run.table.contains(&format!("  FAILED 7.1: {problem}\n")), "{problem}: {}", run.table);
    }
}

#[test]
fn roots_are_made_once() {
    let machine = Machine::new();
    machine.run(&[]);
    assert_eq!(machine.made(), 3);
    machine.run(&[]);
    assert_eq!(machine.made(), 0);
    machine.run(&["--versions", "5.1", "--refresh"]);
    assert_eq!(machine.made(), 1);
}

#[test]
fn a_root_of_another_recipe_is_replaced() {
    let machine = Machine::new();
    machine.run(&["--versions", "7.1"]);
    machine.log();
    fs::write(machine.root("trixie").join(".avsluice-matrix"), "gcc\n").unwrap();
    fs::write(machine.root("trixie").join("stale"), "").unwrap();
    assert!(machine.run(&["--versions", "7.1"]).passed);
    assert_eq!(machine.made(), 1);
    assert!(!machine.root("trixie").join("stale").exists());
    assert!(!machine.root("trixie.old").exists() && !machine.root("trixie.part").exists());
}

#[test]
fn only_the_moving_release_grows_old() {
    let machine = Machine::new();
    machine.run(&[]);
    machine.log();
    ["bookworm", "trixie", "sid"].iter().for_each(|suite| machine.age(suite, 6));
    machine.run(&[]);
    assert_eq!(machine.made(), 0);
    ["bookworm", "trixie", "sid"].iter().for_each(|suite| machine.age(suite, 8));
    machine.run(&[]);
    assert_eq!(machine.made(), 1);
    machine.run(&[]);
    assert_eq!(machine.made(), 0, "the new one is new");
}

#[test]
fn an_old_root_serves_when_no_new_one_can_be_made() {
    let machine = Machine::new();
    machine.run(&["--versions", "9.0"]);
    machine.age("sid", 30);
    machine.answer("mirror", "echo 'E: Could not resolve mirror.test' >&2; exit 1");
    assert!(machine.run(&["--versions", "9.0"]).passed);
    let run = machine.run(&["--versions", "9.0", "--refresh"]);
    assert!(!run.passed, "it was asked for: {}", run.table);
}

#[test]
fn half_a_root_is_never_used() {
    let machine = Machine::new();
    // The run before was killed while it made this one.
    fs::create_dir_all(machine.root("trixie.part").join("usr")).unwrap();
    machine.answer("mirror", "[ $suite != trixie ] || { echo 'E: Could not resolve mirror.test' >&2; exit 100; }");
    let run = machine.run(&[]);
    assert!(!run.passed);
    let problem = "  FAILED 7.1: the root of Debian trixie could not be made from http://mirror.test/debian (exit code 100): is that \
                   mirror reachable from here, and does it have the suite? `--mirror URL` names another\n";
    assert!(run.table.contains(problem), "{}", run.table);
    assert_eq!(run.table.matches(" ok, ").count(), 2, "the others run all the same");
    assert!(!machine.root("trixie").exists() && !machine.root("trixie.part").exists());
    machine.answer("mirror", "");
    assert!(machine.run(&[]).passed);
}

#[test]
fn another_mirror_can_be_named() {
    let machine = Machine::new();
    machine.run(&["--versions", "5.1", "--mirror", "https://other.test/d"]);
    assert!(machine.log()[1].ends_with(" https://other.test/d bookworm main"));
}

#[test]
fn a_machine_without_a_debian_mirror_takes_the_public_one() {
    let machine = Machine::new();
    machine.site.host.add_file("/etc/apt/sources.list", "deb http://ubuntu.test/ubuntu noble main");
    machine.run(&["--versions", "5.1"]);
    assert!(machine.log()[1].ends_with(" http://deb.debian.org/debian bookworm main"));
}

#[test]
fn a_release_that_moved_on_is_not_tested_as_the_old_one() {
    let machine = Machine::new();
    machine.site.host.add_file("/versions", "trixie 7:8.0-1 62.1.100\n");
    let run = machine.run(&["--versions", "7.1"]);
    assert!(
        run.table.contains("FAILED 7.1: Debian trixie has FFmpeg 8.0 now: it is no longer the release"),
        "{}",
        run.table
    );
    assert!(!machine.log().iter().any(|line| line.contains("env AVSLUICE_TEST_UI=elsewhere cargo xtask test")));
}

#[test]
fn a_newer_major_is_tested_and_reported() {
    let machine = Machine::new();
    machine.site.host.add_file("/versions", "sid 7:10.0-1 64.2.100\n");
    machine.answer("build", "exit 101");
    let run = machine.run(&["--versions", "9.0"]);
    assert!(
        run.table.starts_with("FFmpeg newer than any known: Debian sid has 10.0 with libavcodec 64.2.100."),
        "{}",
        run.table
    );
    assert!(!run.passed && run.table.contains("FAILED 9.0: it does not build"));
}

#[test]
fn a_toolchain_that_does_not_run_in_the_root_is_told() {
    let machine = Machine::new();
    machine.answer("rustc-inside", "echo 'librustc_driver.so: cannot open shared object file' >&2; exit 127");
    let run = machine.run(&["--versions", "5.1"]);
    assert!(
        run.table.contains("FAILED 5.1: the Rust toolchain of ") && run.table.contains("does not run in"),
        "{}",
        run.table
    );
}

#[test]
fn what_is_missing_on_this_machine_is_told_with_the_command() {
    let machine = Machine::new();
    fs::remove_file(machine.site.host.system("/bin/mmdebstrap")).unwrap();
    fs::remove_file(machine.site.host.system("/usr/share/keyrings/debian-archive-keyring.gpg")).unwrap();
    let error = machine.error();
    assert!(error.contains("install --yes --no-install-recommends mmdebstrap debian-archive-keyring"), "{error}");
    fs::remove_file(machine.site.host.system("/bin/apt-get")).unwrap();
    assert_eq!(machine.error(), "matrix makes its roots with apt: it runs on Debian and Ubuntu");
}

#[test]
fn crates_that_cannot_be_fetched_are_an_error() {
    let machine = Machine::new();
    machine.answer("cargo", "exit 101");
    assert_eq!(machine.error(), "`cargo fetch --locked` failed (exit status: 101)");
}

#[test]
fn without_root_the_command_to_type_is_told() {
    let (mut host, _folder) = pretended::empty();
    let error = check_root(&host).unwrap_err().to_string();
    assert!(error.contains("which needs root. Run:\n  sudo env \"PATH=$PATH\" \"HOME=$HOME\" /"), "{error}");
    host.superuser = true;
    check_root(&host).unwrap();
}

#[test]
fn the_cache_is_the_user_s() {
    let (mut host, _folder) = pretended::empty();
    assert!(cache(&host).is_err());
    host.set("HOME", "/home/somebody");
    assert_eq!(cache(&host).unwrap(), Path::new("/home/somebody/.cache/avsluice-matrix"));
    host.set("XDG_CACHE_HOME", "relative");
    assert_eq!(cache(&host).unwrap(), Path::new("/home/somebody/.cache/avsluice-matrix"));
    host.set("XDG_CACHE_HOME", "/var/cache");
    assert_eq!(cache(&host).unwrap(), Path::new("/var/cache/avsluice-matrix"));
}
