//! The table at the end.

use super::release::Release;
use super::suite::Outcome;
use std::fmt::Write;

const HEADINGS: [&str; 11] = [
    "asked",
    "FFmpeg",
    "libavcodec",
    "passed",
    "failed",
    "skipped",
    "warnings",
    "bindgen",
    "bindings",
    "gpu-test (SIMULATED)",
    "result",
];

/// The whole report: what is new to us first, then a row a version, then why versions have failed and what was skipped.
pub fn render(rows: &[(&Release, Outcome)]) -> String {
    let mut text = String::new();
    for (release, outcome) in rows {
        if let Some(found) = outcome.found.as_ref().filter(|found| found.is_unknown()) {
            let _ = writeln!(
                text,
                "FFmpeg newer than any known: Debian {} has {} with libavcodec {}. It is to be reported as an issue; what fails below \
                 for {} is what it has to deal with.",
                release.suite, found.ffmpeg, found.libavcodec, release.version
            );
        }
    }
    let cells: Vec<[String; 11]> = rows.iter().map(|(release, outcome)| cells(release, outcome)).collect();
    let mut widths = HEADINGS.map(str::len);
    for row in &cells {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = cell.len().max(*width));
    }
    let mut line = |row: &[String; 11]| {
        let padded: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "  {}", padded.join("  ").trim_end());
    };
    line(&HEADINGS.map(str::to_owned));
    cells.iter().for_each(&mut line);
    for (release, outcome) in rows {
        for problem in &outcome.problems {
            let _ = writeln!(text, "  FAILED {}: {problem}", release.version);
        }
    }
    for (release, outcome) in rows {
        for skipped in outcome.tests.iter().flat_map(|tests| &tests.skipped) {
            let _ = writeln!(text, "  skipped {}: {skipped}", release.version);
        }
    }
    text
}

fn cells(release: &Release, outcome: &Outcome) -> [String; 11] {
    let unknown = || "-".to_owned();
    let found = outcome.found.as_ref();
    let tests = outcome.tests.as_ref();
    let bindings = outcome.bindings.as_ref();
    let result = if outcome.problems.is_empty() { "ok" } else { "FAILED" };
    [
        release.version.to_owned(),
        found.map_or_else(unknown, |found| found.ffmpeg.clone()),
        found.map_or_else(unknown, |found| found.libavcodec.clone()),
        tests.map_or_else(unknown, |tests| tests.passed.to_string()),
        tests.map_or_else(unknown, |tests| tests.failed.to_string()),
        tests.map_or_else(unknown, |tests| tests.skipped.len().to_string()),
        outcome.warnings.map_or_else(unknown, |warnings| warnings.to_string()),
        bindings.map_or_else(unknown, |bindings| format!("{:.1} s", bindings.seconds)),
        bindings.map_or_else(unknown, |bindings| format!("{} KB", bindings.bytes / 1000)),
        if outcome.gpu_tests.is_empty() { unknown() } else { outcome.gpu_tests.join(", ") },
        format!("{result}, {:.0} s", outcome.elapsed.as_secs_f64()),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::build::Bindings;
    use super::super::release::{Found, named};
    use super::*;
    use crate::test::Tally;
    use std::time::Duration;

    fn good(ffmpeg: &str, libavcodec: &str) -> Outcome {
        Outcome {
            found: Some(Found { ffmpeg: ffmpeg.into(), libavcodec: libavcodec.into() }),
            warnings: Some(0),
            bindings: Some(Bindings { bytes: 412_345, seconds: 1.84 }),
            tests: Some(Tally { passed: 440, ..Tally::default() }),
            gpu_tests: vec!["12 of 12".into()],
            problems: Vec::new(),
            elapsed: Duration::from_secs(152),
        }
    }

    #[test]
    fn a_row_a_version() {
        let mut skipped = good("7.1.5", "61.19.101");
        skipped.tests.as_mut().unwrap().skipped = vec!["h264::with_x264: no libx264".into()];
        let none = Outcome { problems: vec!["no root".into()], ..Outcome::default() };
        let rows = [
            (named("5.1").unwrap(), good("5.1.9", "59.37.100")),
            (named("7.1").unwrap(), skipped),
            (named("9.0").unwrap(), none),
        ];
        let expected = "  \
  asked  FFmpeg  libavcodec  passed  failed  skipped  warnings  bindgen  bindings  gpu-test (SIMULATED)  result
  5.1    5.1.9   59.37.100   440     0       0        0         1.8 s    412 KB    12 of 12              ok, 152 s
  7.1    7.1.5   61.19.101   440     0       1        0         1.8 s    412 KB    12 of 12              ok, 152 s
  9.0    -       -           -       -       -        -         -        -         -                     FAILED, 0 s
  FAILED 9.0: no root
  skipped 7.1: h264::with_x264: no libx264
";
        assert_eq!(render(&rows), expected);
    }

    #[test]
    fn a_new_major_is_reported_before_anything_else() {
        let mut new = good("10.0", "64.1.100");
        new.problems.push("it does not build (exit code 101)".into());
        let text = render(&[(named("9.0").unwrap(), new)]);
        let first = "FFmpeg newer than any known: Debian sid has 10.0 with libavcodec 64.1.100. It is to be reported as an issue";
        assert!(text.starts_with(first), "{text}");
        assert!(text.contains("FAILED 9.0: it does not build"), "it fails all the same: {text}");
        assert!(!render(&[(named("9.0").unwrap(), good("9.0.2", "63.1.102"))]).contains("newer"));
    }
}
