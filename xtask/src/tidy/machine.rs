//! Nothing in the project knows the machine it was written on.

use super::{Finding, Tree};

/// Roots of paths that exist on one machine only. Put together here, so that this file passes.
const ROOTS: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("/ro", "ot/"),
];

/// Where packages may be said to come from.
const REGISTRIES: [&str; 3] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "https://registry.npmjs.org/",
    "https://index.crates.io/",
];

/// Paths of one machine.
pub fn paths(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.texts() {
        for root in ROOTS.iter().filter(|root| begins_a_path(text, root)) {
            found.push(Finding::new("machine-path", path, format!("names {root}…")));
        }
    }
    found
}

/// Whether the text holds `root` where a path begins, and not as the tail of a longer one.
fn begins_a_path(text: &str, root: &str) -> bool {
    text.match_indices(root).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_./-}$>".contains(c))
    })
}

/// Package sources other than the public ones.
pub fn registries(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in tree.texts() {
        let name = path.rsplit('/').next().unwrap_or(path);
        let lines = text.lines().map(str::trim);
        let strange: Vec<&str> = match name {
            "Cargo.lock" => lines.filter(|line| line.starts_with("source = ")).collect(),
            "package-lock.json" => lines
                .filter(|line| line.starts_with("\"resolved\""))
                .collect(),
            ".npmrc" => lines.filter(|line| names_a_registry(line)).collect(),
            "config.toml" if path.ends_with(".cargo/config.toml") => lines
                .filter(|line| line.starts_with("[source") || line.starts_with("[registries"))
                .collect(),
            _ => continue,
        };
        let known = |line: &&str| !REGISTRIES.iter().any(|registry| line.contains(registry));
        for line in strange.into_iter().filter(known) {
            found.push(Finding::new(
                "registry",
                path,
                format!("takes packages from {line}"),
            ));
        }
    }
    found
}

/// Whether a line of `.npmrc` says where packages, all or those of a scope, come from.
fn names_a_registry(line: &str) -> bool {
    let key = line.split('=').next().unwrap_or_default().trim();
    key == "registry" || key.ends_with(":registry")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_machine_is_found_where_it_begins() {
        let at = |text: &str| paths(&Tree::of(&[("a.md", text)])).len();
        assert_eq!(at(&format!("see {}main", ROOTS[0])), 1);
        assert_eq!(at(&format!("\"{}x\"", ROOTS[2])), 1);
        assert_eq!(at(&format!("home{}main and ./a{}b", ROOTS[0], ROOTS[0])), 0);
    }

    #[test]
    fn other_registries_are_found() {
        let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        let own = "source = \"registry+https://mirror.invalid/index\"\n";
        let tree = Tree::of(&[("Cargo.lock", public), ("fuzz/Cargo.lock", own)]);
        let found = registries(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "fuzz/Cargo.lock");

        let form = "omit-lockfile-registry-resolved=true\n";
        let all = "registry=https://mirror.invalid/\n";
        let scope = "@own:registry = https://mirror.invalid/\n";
        let tree = Tree::of(&[("a/.npmrc", form), ("b/.npmrc", all), ("c/.npmrc", scope)]);
        let found = registries(&tree);
        let places: Vec<&str> = found.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(places, ["b/.npmrc", "c/.npmrc"]);
    }
}
