//! docs/architecture.svg: the rooms of the library on their floors, and which names which.

use super::floors::{FLOORS, floor};
use super::imports::{Imports, Module};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Pixels.
const WIDTH: f64 = 1240.0;
const LEFT: f64 = 110.0;
const BOX: (f64, f64) = (118.0, 34.0);
const GAP: (f64, f64) = (20.0, 56.0);
/// Rooms in a row of a floor.
const IN_A_ROW: usize = 8;

/// A room: the part of the library that is one box.
type Room = String;

/// Where a room's box is: its upper left corner.
type Places = BTreeMap<Room, (f64, f64)>;

/// The room of a module: the first part of its path; below `raw` the first two. The crate's own file is none.
pub fn room(module: &Module) -> Option<Room> {
    let first = module.first()?;
    let second = module.get(1).filter(|_| first == "raw");
    Some(second.map_or_else(|| first.clone(), |second| format!("{first}/{second}")))
}

/// The whole picture.
pub fn draw(imports: &Imports) -> String {
    let mut floors: Vec<Vec<Room>> = vec![Vec::new(); FLOORS.len() + 1];
    for module in imports.files.keys() {
        if let Some(room) = room(module) {
            let rooms = &mut floors[floor(module)];
            if !rooms.contains(&room) {
                rooms.push(room);
            }
        }
    }
    let mut svg = String::new();
    let (places, height) = places(&floors);
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">"
    );
    let _ = writeln!(svg, "<!-- Made by `cargo xtask architecture` from the imports. Do not edit. -->");
    let _ = writeln!(svg, "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>");
    bands(&mut svg, &floors, &places);
    edges(&mut svg, imports, &places);
    for (room, (x, y)) in &places {
        let (width, tall) = BOX;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{tall}\" rx=\"5\" fill=\"#ffffff\" stroke=\"#445566\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{room}</text>",
            x + width / 2.0,
            y + tall / 2.0 + 4.5
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{}\" fill=\"#556677\">A line leads from a room to one that it names; the thicker, the more often. \
         Lines to types and error, which most rooms name, are left out.</text>",
        height - 14.0
    );
    svg.push_str("</svg>\n");
    svg
}

/// The top floor is drawn first.
fn places(floors: &[Vec<Room>]) -> (Places, f64) {
    let mut places = Places::new();
    let mut y = 30.0;
    for rooms in floors.iter().rev() {
        for row in rooms.chunks(IN_A_ROW) {
            for (column, room) in (0_u32..).zip(row) {
                places.insert(room.clone(), (LEFT + f64::from(column) * (BOX.0 + GAP.0), y));
            }
            y += BOX.1 + GAP.1;
        }
    }
    (places, y + 10.0)
}

fn bands(svg: &mut String, floors: &[Vec<Room>], places: &Places) {
    let colours = ["#f2f2f2", "#eef6ee", "#fdf3e7", "#fbeeee", "#eef3fb"];
    for (index, rooms) in floors.iter().enumerate() {
        let ys = rooms.iter().filter_map(|room| places.get(room)).map(|place| place.1);
        let (top, bottom) = (ys.clone().fold(f64::MAX, f64::min), ys.fold(0.0, f64::max));
        let name = FLOORS.get(index).copied().unwrap_or("public");
        let _ = writeln!(
            svg,
            "<rect x=\"10\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"{}\"/>\
             <text x=\"24\" y=\"{}\" font-weight=\"bold\">{name}</text>",
            top - 18.0,
            WIDTH - 20.0,
            bottom - top + BOX.1 + 36.0,
            colours[index % colours.len()],
            top + BOX.1 / 2.0 + 4.5
        );
    }
}

fn edges(svg: &mut String, imports: &Imports, places: &Places) {
    let mut counts: BTreeMap<(Room, Room), u32> = BTreeMap::new();
    for import in &imports.all {
        let (Some(from), Some(to)) = (room(&import.from), room(&import.to)) else { continue };
        if from != to && !["types", "error"].contains(&to.as_str()) {
            *counts.entry((from, to)).or_default() += 1;
        }
    }
    for ((from, to), count) in counts {
        let (Some(&(x1, y1)), Some(&(x2, y2))) = (places.get(&from), places.get(&to)) else { continue };
        let (x1, x2) = (x1 + BOX.0 / 2.0, x2 + BOX.0 / 2.0);
        // Beside each other: an arc below both boxes.
        let (end, bend) = if y2 > y1 { (y2, (y2 - y1) / 2.0) } else { (y2 + BOX.1, 44.0) };
        let start = y1 + BOX.1;
        let second = if y2 > y1 { end - bend } else { end + bend };
        let _ = writeln!(
            svg,
            "<path d=\"M{x1} {start} C{x1} {} {x2} {second} {x2} {end}\" fill=\"none\" stroke=\"#3366aa\" stroke-opacity=\"0.35\" \
             stroke-width=\"{:.1}\"><title>{from} names {to}, {count} times</title></path>",
            start + bend,
            1.0 + f64::from(count).ln() * 0.6
        );
    }
}
