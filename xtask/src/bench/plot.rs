//! The figures as bars: SVG, a bar a loop.

use super::{Row, measure::Cost};
use std::fmt::Write;

/// One picture.
pub struct Plot {
    pub file: &'static str,
    pub title: &'static str,
    pub svg: String,
}

/// File name, title and unit, and what of a cost it shows beside the C loop's.
type What = (&'static str, &'static str, &'static str, fn(&Cost, &Cost) -> f64);

const PLOTS: [What; 4] = [
    ("instructions.svg", "Instructions for each frame beyond the C loop's", "", |cost, c| {
        cost.instructions - c.instructions
    }),
    ("allocations.svg", "Allocations for each frame beyond the C loop's", "", |cost, c| {
        cost.allocations - c.allocations
    }),
    ("start.svg", "Instructions at the start", " M", |cost, _| cost.start / 1e6),
    ("memory.svg", "Peak memory", " MiB", |cost, _| cost.peak_kib as f64 / 1024.0),
];

/// Every plot of the loops that were measured.
pub fn all(rows: &[Row]) -> Vec<Plot> {
    let costs: Vec<_> = rows.iter().filter_map(|row| Some((row.name.as_str(), row.cost.as_ref().ok()?))).collect();
    let Some((_, c)) = costs.first() else { return Vec::new() };
    let plot = |(file, title, unit, value): What| {
        let bars: Vec<_> = costs.iter().map(|(name, cost)| (*name, value(cost, c))).collect();
        Plot { file, title, svg: bars_of(title, unit, &bars) }
    };
    PLOTS.into_iter().map(plot).collect()
}

const NAMES: f64 = 130.0;
const BARS: f64 = 360.0;
const ROW: f64 = 24.0;

fn bars_of(title: &str, unit: &str, bars: &[(&str, f64)]) -> String {
    let (least, most) =
        bars.iter().fold((0.0f64, 0.0f64), |(least, most), (_, value)| (least.min(*value), most.max(*value)));
    let scale = BARS / (most - least).max(f64::EPSILON);
    let zero = NAMES - least * scale;
    let height = ROW * (bars.len() as f64 + 1.0) + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"620\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"620\" height=\"{height}\" fill=\"white\"/>\n<text x=\"10\" y=\"17\" font-weight=\"bold\">{title}</text>\n"
    );
    for (index, (name, value)) in bars.iter().enumerate() {
        let y = ROW * (index as f64 + 1.0) + 4.0;
        let (x, width) = (zero + value.min(0.0) * scale, (value.abs() * scale).max(1.0));
        let fill = if *name == "avsluice" { "#2166ac" } else { "#999999" };
        let number = if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        let text = (x + width).max(zero) + 5.0;
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"10\" y=\"{:.0}\">{name}</text><rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"16\" fill=\"{fill}\"/>\
             <text x=\"{text:.1}\" y=\"{:.0}\">{number}{unit}</text>",
            y + 13.0,
            y + 13.0
        );
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_has_the_longest_bar() {
        let svg = bars_of("title", " M", &[("C", 0.0), ("avsluice", 50.0), ("other", 100.0)]);
        for part in [">title<", "width=\"180.0\"", "width=\"360.0\"", ">100 M<", ">0.00 M<"] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert_eq!(svg.matches("<rect").count(), 4);
    }

    #[test]
    fn bars_below_zero_begin_to_the_left_of_it() {
        let svg = bars_of("t", "", &[("C", 0.0), ("less", -100.0), ("more", 100.0)]);
        assert!(svg.contains("<rect x=\"130.0\"") && svg.contains("<rect x=\"310.0\""), "{svg}");
    }
}
