//! The medians as a bar chart, one group of bars a work, logarithmic: the works span four decades.

use std::fmt::Write;
use std::time::Duration;

use super::Sample;
use super::report::medians;

const COLOURS: [(&str, &str); 5] = [
    ("hythe", "#0b6e99"),
    ("rsync", "#8a8a8a"),
    ("rsync --fsync", "#b5b5b5"),
    ("unison", "#c9a227"),
    ("syncthing", "#b4532a"),
];
const LEFT: f64 = 230.0;
const WIDTH: f64 = 560.0;
const BAR: f64 = 14.0;
/// The shortest and longest times shown, as powers of ten of a second.
const DECADES: (f64, f64) = (-3.0, 2.0);

/// The chart as an SVG document.
pub fn svg(samples: &[Sample]) -> String {
    let works = medians(samples);
    let bars: usize = works.iter().map(|(_, by)| by.len()).sum();
    let height = 60.0 + bars as f64 * BAR + works.len() as f64 * 16.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        LEFT + WIDTH + 80.0
    );
    scale(&mut text, height);
    let mut y = 40.0;
    for (work, by) in &works {
        let _ = writeln!(text, "<text x=\"8\" y=\"{}\">{work}</text>", y + BAR - 3.0);
        for (name, colour) in COLOURS {
            if let Some(took) = by.get(name) {
                bar(&mut text, y, name, colour, *took);
                y += BAR;
            }
        }
        y += 16.0;
    }
    text.push_str("</svg>\n");
    text
}

fn place(took: Duration) -> f64 {
    let decades = took
        .as_secs_f64()
        .max(1e-3)
        .log10()
        .clamp(DECADES.0, DECADES.1);
    (decades - DECADES.0) / (DECADES.1 - DECADES.0) * WIDTH
}

fn scale(text: &mut String, height: f64) {
    for (label, milliseconds) in [
        ("1 ms", 1),
        ("10 ms", 10),
        ("100 ms", 100),
        ("1 s", 1_000),
        ("10 s", 10_000),
        ("100 s", 100_000),
    ] {
        let x = LEFT + place(Duration::from_millis(milliseconds));
        let _ = writeln!(
            text,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"28\" y2=\"{}\" stroke=\"#ddd\"/><text x=\"{x}\" y=\"20\" \
             text-anchor=\"middle\" fill=\"#555\">{label}</text>",
            height - 10.0
        );
    }
}

fn bar(text: &mut String, y: f64, name: &str, colour: &str, took: Duration) {
    let width = place(took).max(1.0);
    let _ = writeln!(
        text,
        "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{colour}\"/>\
         <text x=\"{}\" y=\"{}\" font-size=\"10\">{name} {:.3} s</text>",
        BAR - 2.0,
        LEFT + width + 4.0,
        y + BAR - 4.0,
        took.as_secs_f64()
    );
}
