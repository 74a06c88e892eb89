//! The one list of exceptions. It may only shrink.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Finding, Tree};

/// Lines of `RULE PLACE  # reason`.
pub const FILE: &str = "xtask/exceptions.txt";

const RULE: &str = "exceptions";

/// Takes away what the list excuses, and adds what is wrong with the list.
pub fn apply(list: &str, found: Vec<Finding>) -> Vec<Finding> {
    let mut open = Vec::new();
    let mut excused: BTreeSet<(&str, &str)> = BTreeSet::new();
    for line in entries(list) {
        let (entry, reason) = line.split_once('#').unwrap_or((line, ""));
        if reason.trim().is_empty() {
            open.push(Finding::new(
                RULE,
                FILE,
                format!("\"{line}\" gives no reason"),
            ));
        }
        match entry.trim().split_once(' ') {
            Some((rule, place)) => _ = excused.insert((rule, place.trim())),
            None => open.push(Finding::new(
                RULE,
                FILE,
                format!("\"{line}\" names no place"),
            )),
        }
    }
    for (rule, place) in &excused {
        let covers = |finding: &Finding| finding.rule == *rule && finding.place == *place;
        if !found.iter().any(covers) {
            let what = format!("\"{rule} {place}\" excuses nothing any more");
            open.push(Finding::new(RULE, FILE, what));
        }
    }
    let stands = |finding: &Finding| !excused.contains(&(finding.rule, finding.place.as_str()));
    open.extend(found.into_iter().filter(stands));
    open
}

/// Whether the list is longer than it ever was before.
pub fn grown(root: &Path, tree: &Tree) -> Result<Option<Finding>> {
    let now = entries(tree.text(FILE).unwrap_or_default()).count();
    let commits = git(root, &["log", "--format=%H", "--", FILE])?;
    let mut least: Option<usize> = None;
    for commit in commits.lines() {
        let text = git(root, &["show", &format!("{commit}:{FILE}")])?;
        let count = entries(&text).count();
        least = Some(least.map_or(count, |least| least.min(count)));
    }
    Ok(least.filter(|least| now > *least).map(|least| {
        Finding::new(
            RULE,
            FILE,
            format!("has {now} entries; it had {least}, and may only shrink"),
        )
    }))
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()
        .context("run git")?;
    anyhow::ensure!(
        output.status.success(),
        "git {} failed",
        arguments.join(" ")
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Finding {
        Finding::new("depth", "a.rs", "deep")
    }

    #[test]
    fn an_entry_excuses_exactly_its_finding() {
        assert_eq!(
            apply("# head\n\ndepth a.rs  # generated\n", vec![finding()]),
            []
        );
        let open = apply("depth b.rs  # generated\n", vec![finding()]);
        assert_eq!(open.len(), 2);
        assert_eq!(open[1], finding());
        assert!(open[0].what.contains("excuses nothing"));
    }

    #[test]
    fn an_entry_needs_a_reason_and_a_place() {
        assert_eq!(apply("depth a.rs\n", vec![finding()]).len(), 1);
        assert_eq!(apply("depth # why\n", Vec::new()).len(), 1);
    }

    #[test]
    fn a_list_that_grew_is_found_and_one_that_shrank_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let run = |arguments: &[&str]| git(root, arguments).unwrap();
        let write = |text: &str| {
            std::fs::create_dir_all(root.join("xtask")).unwrap();
            std::fs::write(root.join(FILE), text).unwrap();
        };
        run(&["init", "-q"]);
        assert_eq!(
            grown(root, &Tree::of(&[])).ok(),
            None,
            "no history is an error of git"
        );
        write("depth a # x\ndepth b # x\n");
        run(&["add", "."]);
        let author = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        run(&[&author[..], &["commit", "-q", "-m", "t"]].concat());
        assert_eq!(
            grown(root, &Tree::of(&[(FILE, "depth a # x\n")])).unwrap(),
            None
        );
        let more = "depth a # x\ndepth b # x\ndepth c # x\n";
        assert!(grown(root, &Tree::of(&[(FILE, more)])).unwrap().is_some());
    }
}
