//! What is silenced or skipped has its reason beside it.

use super::{Finding, Tree};

/// `allow` of a lint without `reason = …` or a comment on the same line or the one above.
pub fn silenced_lints(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.rust() {
        let mut above = "";
        for line in text.lines().map(str::trim) {
            let silences = line.starts_with("#[allow(") || line.starts_with("#![allow(");
            let explained =
                line.contains("reason") || line.contains("//") || above.starts_with("//");
            if silences && !explained {
                found.push(Finding::new(
                    "reason",
                    path,
                    format!("{line} gives no reason"),
                ));
            }
            above = line;
        }
    }
    found
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
            #[allow(dead_code, reason = \"tests\")]\nfn c() {}\n";
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
