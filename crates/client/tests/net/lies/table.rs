//! The tables in `SECURITY.md` and `docs/asvs.md` name tests that there are.

use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has. In each they come first.
const ASVS: &str = "\
    1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 \
    4.1:3 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 \
    6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 \
    10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 \
    12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 \
    15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2";

/// Everything below `crates` that is Rust, in one text.
fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

fn all_sources() -> String {
    let mut all = String::new();
    sources(&Path::new(ROOT).join("crates"), &mut all);
    all
}

/// The tests that a row names: a test of this name, or (`…`) those that begin so.
fn named(row: &str) -> impl Iterator<Item = (&str, bool)> {
    row.split('`').skip(1).step_by(2).filter_map(|name| {
        let last = name.rsplit([':', ' ']).next()?;
        let begins = last.strip_suffix('…');
        let test = begins.unwrap_or(last);
        // Commands, files, headers and modules are no tests.
        let is_one = test.contains('_') && !test.contains(['/', '.', '-']);
        is_one.then_some((test, begins.is_some()))
    })
}

fn is_there(all: &str, test: &str, begins: bool) -> bool {
    match begins {
        true => all.contains(&format!("fn {test}")),
        false => all.contains(&format!("fn {test}(")),
    }
}

#[test]
fn every_attack_has_a_row_and_every_test_that_a_row_names_is_there() {
    let (page, all) = (page("SECURITY.md"), all_sources());
    for number in 1..=34 {
        let begin = format!("| A{number} |");
        let row = page.lines().find(|line| line.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("no row A{number}"));
        let mut count = 0;
        for (test, begins) in named(row) {
            assert!(is_there(&all, test, begins), "A{number}: {test}");
            count += 1;
        }
        let says_why_not = row.contains("with ") || row.contains("all");
        assert!(count > 0 || says_why_not, "A{number} names no test");
    }
}

/// The requirements that a row is about: `6.2.1`, or `6.8.1–6.8.4`.
fn requirements(cell: &str) -> Vec<String> {
    let (first, last) = cell.split_once('–').unwrap_or((cell, cell));
    let parts = |id: &str| {
        let (section, number) = id.rsplit_once('.').unwrap();
        (section.to_owned(), number.parse::<u8>().unwrap())
    };
    let ((section, first), (until, last)) = (parts(first), parts(last));
    assert_eq!(section, until, "{cell}");
    let numbers = first..=last;
    numbers.map(|n| format!("{section}.{n}")).collect()
}

#[test]
fn every_requirement_of_asvs_has_a_row_and_every_test_that_a_row_names_is_there() {
    let (page, all) = (page("docs/asvs.md"), all_sources());
    let mut answered = BTreeSet::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, ids, _, stands, shown, _] = cells[..] else {
            continue;
        };
        if !ids.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        for id in requirements(ids) {
            assert!(answered.insert(id), "{ids} stands there twice");
        }
        assert!(
            ["met", "partly", "no", "–"].contains(&stands),
            "{ids}: {stands}"
        );
        assert!(!shown.is_empty(), "{ids} says nothing");
        for (test, begins) in named(shown) {
            assert!(is_there(&all, test, begins), "{ids}: {test}");
        }
    }
    let sections = ASVS
        .split_whitespace()
        .map(|one| one.split_once(':').unwrap());
    let asked: BTreeSet<String> = sections
        .flat_map(|(section, count)| {
            let count: u8 = count.parse().unwrap();
            (1..=count).map(move |n| format!("{section}.{n}"))
        })
        .collect();
    assert_eq!(asked.len(), 253, "as the standard counts");
    let lacking: Vec<_> = asked.difference(&answered).collect();
    assert!(lacking.is_empty(), "not answered: {lacking:?}");
    let beyond: Vec<_> = answered.difference(&asked).collect();
    assert!(beyond.is_empty(), "not of levels 1 and 2: {beyond:?}");
}
