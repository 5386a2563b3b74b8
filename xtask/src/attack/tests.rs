use super::judge::Finding;
use super::known::Known;
use super::*;

fn finding(report: &str) -> Finding {
    Finding {
        seed: 1,
        programs: 45..46,
        only: None,
        family: "output".into(),
        kind: "crash".into(),
        report: report.into(),
        notes: vec!["format=avif finish".into()],
        stack: vec!["avif_write_trailer".into()],
    }
}

const LIST: &str = "# FFmpeg's own\nversions: 59 61\nmatch: format=avif && SEGV\nwhat: no packet, no track\n\nversions: 63\nmatch: x\nwhat: y\n";

#[test]
fn a_finding_is_one_line_that_runs_it_again() {
    let one = finding("SEGV").to_string();
    assert!(one.starts_with("cargo xtask attack --seed 1 --program 45  # output crash: SEGV"), "{one}");
    assert_eq!(one.lines().count(), 1);
    let more = Finding { programs: 40..46, only: Some("output".into()), ..finding("SEGV") }.to_string();
    assert!(more.starts_with("cargo xtask attack --seed 1 --program 40..46 --family output"), "{more}");
    assert_eq!(numbers("40..46"), Ok(40..46));
    assert_eq!(numbers("45"), Ok(45..46));
    assert!(numbers("some").is_err());
}

#[test]
fn the_list_knows_findings_by_version_and_texts() {
    let known = Known::parse(LIST).unwrap();
    assert_eq!(known.entry(&finding("SEGV on"), Some(59)), Some(0));
    assert_eq!(known.entry(&finding("SEGV on"), Some(62)), None);
    assert_eq!(known.entry(&finding("heap-use-after-free"), Some(59)), None);
    assert_eq!(known.sentence(0), "no packet, no track");
    assert_eq!(known.unmet(&BTreeMap::from([(0, 2)]), Some(59)), Vec::<&str>::new());
    assert_eq!(known.unmet(&BTreeMap::new(), Some(63)), ["y"]);
}

#[test]
fn a_list_with_a_mistake_is_refused() {
    for text in
        ["versions: 59\nwhat: no match\n", "versions: five\nmatch: a\nwhat: b\n", "nonsense\n", "match: a\nwhat: b\n"]
    {
        assert!(Known::parse(text).is_err(), "{text}");
    }
    assert_eq!(Known::parse("# nothing\n\n").unwrap(), Known::default());
}

#[test]
fn the_committed_list_can_be_read() {
    Known::read(&workspace::root().join("tools/attack/known.txt")).unwrap();
}
