//! Folders stay flat: flat is easier to see.

use super::{Finding, Tree};

const FOLDERS_BELOW_SRC: usize = 2;

/// At most two folders between a crate's `src` and a file. The web app's parts are in `src/lib`, by the
/// custom of its tools: there it counts from `lib`.
pub fn folders(tree: &Tree) -> Vec<Finding> {
    tree.paths()
        .filter_map(|path| {
            let (_, below) = path.split_once("/src/")?;
            let folders = below
                .strip_prefix("lib/")
                .unwrap_or(below)
                .matches('/')
                .count();
            let what = format!("{folders} folders below src; at most {FOLDERS_BELOW_SRC}");
            (folders > FOLDERS_BELOW_SRC).then(|| Finding::new("depth", path, what))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_folder_is_found() {
        let tree = Tree::of(&[
            ("crates/a/src/b/c/d.rs", ""),
            ("crates/a/src/b/c/e/d.rs", ""),
            ("web/src/lib/b/c/d.ts", ""),
        ]);
        let found = folders(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "crates/a/src/b/c/e/d.rs");
    }
}
