//! What the documentation claims of the tests: each one that docs/hazards.md or the README names is there, and is a
//! test.

use std::{collections::BTreeSet, fs, path::Path, path::PathBuf};

/// The documents that name tests and files of the source.
const DOCUMENTS: [&str; 4] = ["README.md", "docs/hazards.md", "docs/safety.md", "docs/architecture.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The texts between backquotes that look like `path.rs` or `path.rs::function`. A name like `h05_what_happens` alone
/// is of the file before it.
fn references(markdown: &str) -> BTreeSet<String> {
    let quoted = markdown.split('`').skip(1).step_by(2);
    let mut file = "";
    quoted
        .filter_map(|text| {
            if text.contains(".rs") && text.contains('/') && !text.contains(' ') {
                file = text.split("::").next().unwrap_or_default();
                return Some(text.to_owned());
            }
            hazard(text).map(|_| format!("{file}::{text}"))
        })
        .collect()
}

/// The number of the hazard that a test is named after.
fn hazard(name: &str) -> Option<u32> {
    let (number, rest) = name.strip_prefix('h')?.split_at_checked(2)?;
    if rest.starts_with('_') { number.parse().ok() } else { None }
}

/// The names of the tests in a file: functions behind a line with nothing but `#[test]`.
fn tests(code: &str) -> BTreeSet<&str> {
    let behind = code.split("#[test]\n").skip(1);
    behind
        .filter_map(|text| {
            let line = text.lines().map(str::trim).find(|line| !line.starts_with("#["))?;
            line.strip_prefix("fn ")?.split('(').next()
        })
        .collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let mut count = 0;
    for document in DOCUMENTS {
        for reference in references(&read(document)) {
            let (file, function) = reference.split_once("::").unwrap_or((&reference, ""));
            // `nvenc/mod.rs` is a path within src.
            let place = [file.to_owned(), format!("src/{file}")].into_iter().find(|path| root().join(path).is_file());
            let code = read(&place.unwrap_or_else(|| panic!("{document} names {file}, which is not there")));
            assert!(
                function.is_empty() || tests(&code).contains(function),
                "{document} names {reference}: no such test"
            );
            count += 1;
        }
    }
    assert!(count > 80, "only {count} references were found: has the format changed?");
}

fn hazards() -> Vec<(u32, String)> {
    let text = read("docs/hazards.md");
    let row = |line: &str| Some((line.strip_prefix("| h")?.split(' ').next()?.parse().ok()?, line.to_owned()));
    text.lines().filter_map(row).collect()
}

#[test]
fn every_hazard_has_its_line() {
    let hazards = hazards();
    for number in 1..=73 {
        assert_eq!(hazards.iter().filter(|(id, _)| *id == number).count(), 1, "h{number:02}");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

/// A test that is named after a hazard stands in its row. The older rows name those that show the most.
#[test]
fn every_test_of_a_hazard_from_h60_on_is_in_its_row() {
    let rows = hazards();
    let mut count = 0;
    for file in ["src", "tests"].iter().flat_map(|folder| rust_files(&root().join(folder))) {
        let code = fs::read_to_string(&file).unwrap();
        for test in tests(&code) {
            let Some(number) = hazard(test).filter(|number| *number >= 60) else { continue };
            let name = format!("{}::{test}`", file.strip_prefix(root()).unwrap().display());
            let (_, row) = rows.iter().find(|(id, _)| *id == number).unwrap_or_else(|| panic!("h{number} has no row"));
            assert!(row.contains(&name), "the row of h{number} does not name `{name}");
            count += 1;
        }
    }
    assert!(count > 30, "only {count} tests were found: has the way of naming them changed?");
}

/// The README says how many there are.
#[test]
fn the_readme_counts_the_hazards_right() {
    let count = hazards().len();
    assert!(read("README.md").contains(&format!("{count} hazards")), "the README counts others than {count}");
}
