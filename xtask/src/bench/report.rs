//! `docs/benchmarks.md`: the table that `make bench` writes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{Facts, Sample, machine};

/// What people write into the page begins here.
const BY_HAND: &str = "\n## What bounds it\n";

/// The part of an older page that was written by hand, with its heading.
pub fn by_hand(page: &str) -> &str {
    page.find(BY_HAND).map_or("", |at| &page[at..])
}

/// The part of the page that is measured.
pub fn page(samples: &[Sample], extra: &[(&str, Facts)], rounds: usize) -> String {
    let mut text = format!(
        "# Benchmarks\n\nWritten by `make bench`, down to \"{}\".\n\n",
        BY_HAND[4..].trim()
    );
    let _ = writeln!(text, "- Machine: {}", machine::describe());
    let _ = writeln!(text, "- Date: {}", date());
    let _ = writeln!(
        text,
        "- {rounds} rounds; medians; in brackets the ratio to rsync, or to the next best where \
         rsync cannot take part. Hythe: server and two devices, TLS and encryption on, durable \
         when reported. rsync and Unison: two runs over local paths, no encryption, no fsync \
         unless named. Syncthing: two devices directly, watch delay 1 s.\n"
    );
    table(&mut text, samples);
    percentiles(&mut text, samples);
    for (heading, facts) in extra.iter().filter(|(_, facts)| !facts.is_empty()) {
        let _ = writeln!(text, "\n## {heading}\n\n| what | figure |\n| --- | --- |");
        for (what, figure) in facts {
            let _ = writeln!(text, "| {what} | {figure} |");
        }
    }
    text.push_str("\n![medians](benchmarks.svg)\n");
    text
}

fn date() -> String {
    let asked = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%d"])
        .output();
    asked
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// Medians by work, then by candidate, works in the order they ran.
pub fn medians(samples: &[Sample]) -> Vec<(&'static str, BTreeMap<String, Duration>)> {
    let mut works: Vec<(&'static str, BTreeMap<String, Vec<Duration>>)> = Vec::new();
    for sample in samples {
        if !works.iter().any(|(name, _)| *name == sample.work) {
            works.push((sample.work, BTreeMap::new()));
        }
        if let Some((_, by)) = works.iter_mut().find(|(name, _)| *name == sample.work) {
            by.entry(sample.candidate.clone())
                .or_default()
                .push(sample.took);
        }
    }
    let middle = |(name, all): (String, Vec<Duration>)| (name, quantile(all, 0.5));
    works
        .into_iter()
        .map(|(work, by)| (work, by.into_iter().map(middle).collect()))
        .collect()
}

fn quantile(mut all: Vec<Duration>, share: f64) -> Duration {
    all.sort();
    let last = all.len().saturating_sub(1);
    all.get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or_default()
}

fn table(text: &mut String, samples: &[Sample]) {
    const COLUMNS: [&str; 5] = ["hythe", "rsync", "rsync --fsync", "unison", "syncthing"];
    let _ = writeln!(text, "| work | {} | on the wire |", COLUMNS.join(" | "));
    let _ = writeln!(text, "| --- |{} --- |", " --- |".repeat(COLUMNS.len()));
    for (work, by) in medians(samples) {
        let others = by
            .iter()
            .filter(|(name, _)| *name != "hythe")
            .map(|(_, took)| *took);
        let base = by.get("rsync").copied().or(others.min());
        let _ = write!(text, "| {work} |");
        for column in COLUMNS {
            let _ = write!(text, " {} |", cell(by.get(column).copied(), base));
        }
        let _ = writeln!(text, " {} |", wire(samples, work));
    }
}

fn cell(took: Option<Duration>, base: Option<Duration>) -> String {
    let Some(took) = took else {
        return "–".into();
    };
    let ratio = base.map(|base| took.as_secs_f64() / base.as_secs_f64().max(1e-9));
    let seconds = took.as_secs_f64();
    let time = if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    };
    ratio.map_or(time.clone(), |ratio| format!("{time} ({ratio:.2})"))
}

fn wire(samples: &[Sample], work: &str) -> String {
    let most = samples
        .iter()
        .filter(|s| s.work == work)
        .filter_map(|s| s.wire_bytes)
        .max();
    most.map_or("–".into(), |bytes| {
        format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
    })
}

fn percentiles(text: &mut String, samples: &[Sample]) {
    let saves: Vec<Duration> = samples
        .iter()
        .filter(|s| s.work == "save 200 bytes" && s.candidate == "hythe")
        .map(|s| s.took)
        .collect();
    if saves.is_empty() {
        return;
    }
    let ms = |share| quantile(saves.clone(), share).as_secs_f64() * 1e3;
    let count = saves.len();
    let _ = writeln!(
        text,
        "\nA save of 200 bytes with Hythe, {count} saves: p50 {:.1} ms, p99 {:.1} ms.",
        ms(0.5),
        ms(0.99)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_by_hand_stays() {
        let kept = "\n## What bounds it\nThe disk.\n";
        let measured = page(&[], &[], 1);
        assert_eq!(by_hand(&(measured.clone() + kept)), kept);
        assert_eq!(by_hand(&measured), "");
    }
}
