//! What is silenced or skipped has its reason beside it.

use super::{Finding, Tree};

/// `allow` of a lint without `reason = …` in it, or a comment on its first line or the one above.
pub fn silenced_lints(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.rust() {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let silences = line.starts_with("#[allow(") || line.starts_with("#![allow(");
            if silences && !explained(&lines, at) {
                found.push(Finding::new(
                    "reason",
                    path,
                    format!("{line} gives no reason"),
                ));
            }
        }
    }
    found
}

fn explained(lines: &[&str], at: usize) -> bool {
    let above = at.checked_sub(1).and_then(|above| lines.get(above));
    let end = lines[at..]
        .iter()
        .position(|line| line.contains(")]"))
        .unwrap_or(0);
    let attribute = &lines[at..=at + end];
    lines[at].contains("//")
        || above.is_some_and(|line| line.starts_with("//"))
        || attribute.iter().any(|line| line.contains("reason ="))
}

/// Tests that do not run.
pub fn ignored_tests(tree: &Tree) -> Vec<Finding> {
    let marks = |line: &str| line == "#[ignore]" || line.starts_with("#[ignore =");
    let with = tree
        .rust()
        .filter(|(_, text)| text.lines().any(|line| marks(line.trim())));
    with.map(|(path, _)| Finding::new("ignored-test", path, "holds a test that does not run"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silenced_lint_needs_its_reason() {
        let text = "#[allow(dead_code)]\nfn a() {}\n\
            // The table is shown whole.\n#[allow(clippy::all)]\nfn b() {}\n\
            #[allow(dead_code, reason = \"tests\")]\nfn c() {}\n\
            #[allow(\n    dead_code,\n    reason = \"long\"\n)]\nfn d() {}\n";
        let found = silenced_lints(&Tree::of(&[("a.rs", text)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("dead_code"));
    }

    #[test]
    fn a_test_that_does_not_run_is_found() {
        let text = format!("#[test]\n#[{}]\nfn a() {{}}\n", "ignore");
        assert_eq!(ignored_tests(&Tree::of(&[("a.rs", &text)])).len(), 1);
        assert_eq!(
            ignored_tests(&Tree::of(&[("a.rs", "#[test]\nfn a() {}\n")])),
            []
        );
    }
}
