//! The figures as a table, for the terminal and for docs/performance.md.

use super::{Row, measure::Cost, plot, replace_between, write_whole};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- cargo xtask bench -->";
const END: &str = "<!-- /cargo xtask bench -->";

const HEADER: [&str; 6] =
    ["loop", "instructions/frame", "of the C loop's", "allocations/frame", "start, instructions", "peak memory"];

fn cells(row: &Row, c: &Cost) -> Vec<String> {
    match &row.cost {
        Err(error) => vec![row.name.clone(), format!("not measured: {error:#}")],
        Ok(cost) => vec![
            row.name.clone(),
            thousands(cost.instructions),
            format!("{:.5}", cost.instructions / c.instructions),
            format!("{:.2} ({:+.2})", cost.allocations, cost.allocations - c.allocations + 0.0),
            format!("{:.1} M", cost.start / 1e6),
            format!("{:.1} MiB", cost.peak_kib as f64 / 1024.0),
        ],
    }
}

/// For people.
pub fn text(rows: &[Row]) -> String {
    let Some(c) = c_loop(rows) else { return String::new() };
    let mut table = vec![HEADER.map(str::to_owned).to_vec()];
    table.extend(rows.iter().map(|row| cells(row, c)));
    let width = |column: usize| {
        table.iter().filter(|row| row.len() > 2).filter_map(|row| row.get(column)).map(String::len).max()
    };
    let widths: Vec<_> = (0..HEADER.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cell = |(index, cell): (usize, &String)| match index {
            0 => format!("{cell:<0$}", widths[0]),
            _ => format!("{cell:>0$}", widths[index]),
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ")
    };
    table.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Writes the table and the plots.
pub fn write(docs: &Path, rows: &[Row], versions: &[(&str, String)]) -> Result<()> {
    let path = docs.join("performance.md");
    let document = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let text = markdown(rows, versions)?;
    for plot in plot::all(rows) {
        write_whole(&docs.join("performance").join(plot.file), &plot.svg)?;
    }
    write_whole(&path, &replace_between(&document, BEGIN, END, &text)?)
}

fn markdown(rows: &[Row], versions: &[(&str, String)]) -> Result<String> {
    let c = c_loop(rows).context("the C loop was not measured")?;
    let mut text = format!("\n| {} |\n|{}\n", HEADER.join(" | "), "---|".repeat(HEADER.len()));
    for row in rows {
        writeln!(text, "| {} |", cells(row, c).join(" | "))?;
    }
    writeln!(text)?;
    for plot in plot::all(rows) {
        writeln!(text, "![{}](performance/{})", plot.title, plot.file)?;
    }
    writeln!(text)?;
    for row in rows.iter().filter(|row| !row.about.is_empty()) {
        writeln!(text, "- {}: {}.", row.name, row.about)?;
    }
    let versions: Vec<_> = versions.iter().map(|(what, version)| format!("{what} {version}")).collect();
    writeln!(text, "\nEvery loop gave {} packets of {} bytes. {}.", c.output.0, c.output.1, versions.join(", "))?;
    Ok(text)
}

fn c_loop(rows: &[Row]) -> Option<&Cost> {
    rows.first()?.cost.as_ref().ok()
}

/// 2,725,565
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    fn rows() -> Vec<Row> {
        let cost =
            |instructions| Cost { output: (900, 7), instructions, allocations: 155.0, start: 12e6, peak_kib: 2048 };
        vec![
            Row { name: "C".into(), about: "by hand", cost: Ok(cost(2_000_000.0)) },
            Row { name: "avsluice".into(), about: "", cost: Ok(cost(2_000_200.0)) },
            Row { name: "other".into(), about: "", cost: Err(anyhow!("it does not build here")) },
        ]
    }

    #[test]
    fn each_loop_has_a_row_and_a_ratio() {
        let text = text(&rows());
        assert!(text.contains("2,000,200") && text.contains("1.00010") && text.contains("155.00 (+0.00)"), "{text}");
        assert!(text.contains("other     not measured: it does not build here"), "{text}");
    }

    #[test]
    fn the_document_says_what_was_measured_with_what() {
        let text = markdown(&rows(), &[("libavcodec", "59.37.100".into())]).unwrap();
        for part in
            ["| avsluice | 2,000,200 | 1.00010 |", "- C: by hand.", "900 packets of 7 bytes. libavcodec 59.37.100."]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([thousands(7.0), thousands(1234.4), thousands(1e6)], ["7", "1,234", "1,000,000"]);
    }
}
