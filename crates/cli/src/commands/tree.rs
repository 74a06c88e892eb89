//! `hythe tree`.

use std::collections::BTreeMap;

use hythe_control::{Entry, Octets};

use crate::args::Tree;
use crate::commands::ls::{self, Printed};
use crate::error::{Exit, Trouble};
use crate::output;
use crate::resolve;

pub async fn run(args: Tree) -> Result<Exit, Trouble> {
    let entries = ls::list(&args.path, true).await?;
    if args.output.json {
        output::json(&Printed { entries })?;
    } else {
        output::line(resolve::shown(&args.path))?;
        output::lines(draw(&entries))?;
    }
    Ok(Exit::Done)
}

/// The lines of a tree, each directory's entries sorted by name.
fn draw(entries: &[Entry]) -> Vec<String> {
    let mut children: BTreeMap<&[u8], Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        children
            .entry(split(&entry.path).0)
            .or_default()
            .push(entry);
    }
    for siblings in children.values_mut() {
        siblings.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let mut lines = Vec::new();
    // Depth first with a stack of its own: a tree may be deeper than this thread's stack.
    let mut open = vec![(
        String::new(),
        children.remove(&b""[..]).unwrap_or_default().into_iter(),
    )];
    while let Some((indent, siblings)) = open.last_mut() {
        let Some(entry) = siblings.next() else {
            open.pop();
            continue;
        };
        let (branch, below) = if siblings.len() == 0 {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        let name = Octets(split(&entry.path).1.to_vec());
        lines.push(format!("{indent}{branch}{name}{}", ls::mark(entry)));
        let deeper = format!("{indent}{below}");
        if let Some(inside) = children.remove(entry.path.as_bytes()) {
            open.push((deeper, inside.into_iter()));
        }
    }
    lines
}

/// A path's parent and name.
fn split(path: &Octets) -> (&[u8], &[u8]) {
    let bytes = path.as_bytes();
    match bytes.iter().rposition(|b| *b == b'/') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (b"", bytes),
    }
}

#[cfg(test)]
mod tests {
    use hythe_control::EntryKind;
    use hythe_model::NodeId;

    use super::*;

    fn entry(path: &str, kind: EntryKind) -> Entry {
        Entry {
            path: Octets::from(path),
            kind,
            size: None,
            modified: None,
            executable: false,
            target: None,
            node: NodeId::ROOT,
            quarantine: None,
        }
    }

    #[test]
    fn branches_close_where_their_directory_ends() {
        let entries = [
            entry("b", EntryKind::Directory),
            entry("a", EntryKind::File),
            entry("b/d", EntryKind::File),
            entry("b/c", EntryKind::Directory),
            entry("b/c/e", EntryKind::File),
        ];
        let expected = [
            "├── a",
            "└── b/",
            "    ├── c/",
            "    │   └── e",
            "    └── d",
        ];
        assert_eq!(draw(&entries), expected);
    }

    #[test]
    fn a_very_deep_tree_is_drawn() {
        let deep: Vec<Entry> = (1..=2_000)
            .map(|depth| entry(&vec!["d"; depth].join("/"), EntryKind::Directory))
            .collect();
        assert_eq!(draw(&deep).len(), 2_000);
    }
}
