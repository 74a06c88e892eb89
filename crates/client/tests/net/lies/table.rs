//! The table of attacks in `SECURITY.md` names tests that there are.

use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

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

#[test]
fn every_attack_has_a_row_and_every_test_that_a_row_names_is_there() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("SECURITY.md")).unwrap();
    let mut all = String::new();
    sources(&Path::new(ROOT).join("crates"), &mut all);
    for number in 1..=34 {
        let begin = format!("| A{number} |");
        let row = page.lines().find(|line| line.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("no row A{number}"));
        let named = row.split('`').skip(1).step_by(2).filter_map(|name| {
            let test = name.rsplit(':').next()?.strip_suffix('…')?;
            (!test.is_empty()).then_some(test)
        });
        let mut count = 0;
        for test in named {
            assert!(all.contains(&format!("fn {test}")), "A{number}: {test}");
            count += 1;
        }
        let says_why_not = row.contains("with ") || row.contains("all");
        assert!(count > 0 || says_why_not, "A{number} names no test");
    }
}
