//! What the documentation claims of the tests: each one that docs/hazards.md or the README names is there.

use std::{collections::BTreeSet, fs, path::Path};

/// The texts between backquotes that look like `path.rs` or `path.rs::function`.
fn references(markdown: &str) -> BTreeSet<String> {
    let quoted = markdown.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.contains(".rs") && text.contains('/') && !text.contains(' ')).map(str::to_owned).collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for document in ["README.md", "docs/hazards.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for reference in references(&text) {
            let (file, function) = reference.split_once("::").unwrap_or((&reference, ""));
            let code = fs::read_to_string(root.join(file));
            let code = code.unwrap_or_else(|error| panic!("{document} names {file}: {error}"));
            assert!(function.is_empty() || code.contains(&format!("fn {function}(")), "{document} names {reference}");
            count += 1;
        }
    }
    assert!(count > 80, "only {count} references were found: has the format changed?");
}

#[test]
fn every_hazard_has_its_line() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hazards.md")).unwrap();
    for number in 1..=73 {
        let lines = text.lines().filter(|line| line.starts_with(&format!("| h{number:02} |"))).count();
        assert_eq!(lines, 1, "h{number:02}");
    }
}
