//! What a crate may know: the direction of dependencies, and the purity of the inner crates.

use std::collections::BTreeSet;

use super::{Finding, Tree};

/// Every dependency a pure crate may have. None of them does I/O, reads a clock or spawns.
const PURE: [(&str, &[&str]); 4] = [
    (
        "model",
        &["data-encoding", "minicbor", "thiserror", "zeroize"],
    ),
    (
        "content",
        &[
            "hythe-model",
            "aes",
            "aws-lc-rs",
            "blake3",
            "bytes",
            "minicbor",
            "subtle",
            "thiserror",
            "zeroize",
            "zstd",
        ],
    ),
    (
        "space",
        &[
            "hythe-content",
            "hythe-model",
            "blake3",
            "ed25519-dalek",
            "getrandom",
            "hpke",
            "minicbor",
            "subtle",
            "thiserror",
            "zeroize",
        ],
    ),
    ("sync", &["hythe-model", "blake3", "thiserror"]),
];

/// Which crates of ours each crate may use. Nothing points back. Absent: may use all (the
/// executable, which composes, and what only tests use).
const DIRECTION: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("content", &["model"]),
    ("space", &["content", "model"]),
    ("sync", &["model"]),
    ("wire", &["model"]),
    ("control", &["model"]),
    (
        "client",
        &["content", "control", "model", "space", "sync", "wire"],
    ),
    ("server", &["content", "model", "space", "wire"]),
];

/// Bans that must stand in a pure crate's own clippy.toml.
const BANS: [&str; 5] = [
    "std::fs",
    "std::thread::spawn",
    "std::time::Instant",
    "std::time::SystemTime",
    "too-many-lines-threshold = 70",
];

/// Pure crates depend on nothing but what is listed above.
pub fn dependencies(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, manifest) in tree.crates() {
        let Some((_, allowed)) = PURE.iter().find(|(pure, _)| *pure == name) else {
            continue;
        };
        for dependency in normal_dependencies(manifest) {
            if !allowed.contains(&dependency.as_str()) {
                let what = format!("a pure crate may not depend on {dependency}");
                found.push(Finding::new(
                    "purity",
                    format!("crates/{name}/Cargo.toml"),
                    what,
                ));
            }
        }
    }
    found
}

/// Pure crates ban files, clocks and threads by name. A crate's clippy.toml replaces the one of
/// the workspace, so it must repeat the length of a function.
pub fn clippy_bans(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, _) in PURE {
        if !tree.contains(&format!("crates/{name}/Cargo.toml")) {
            continue;
        }
        let path = format!("crates/{name}/clippy.toml");
        let text = tree.text(&path).unwrap_or_default();
        for ban in BANS.iter().filter(|ban| !text.contains(**ban)) {
            found.push(Finding::new(
                "purity",
                path.clone(),
                format!("does not say {ban}"),
            ));
        }
    }
    found
}

/// Crates use only crates below them.
pub fn direction(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, manifest) in tree.crates() {
        let Some((_, allowed)) = DIRECTION.iter().find(|(lower, _)| *lower == name) else {
            continue;
        };
        for dependency in normal_dependencies(manifest) {
            let Some(ours) = dependency.strip_prefix("hythe-") else {
                continue;
            };
            if !allowed.contains(&ours) {
                let what = format!("{name} may not know {ours}");
                found.push(Finding::new(
                    "direction",
                    format!("crates/{name}/Cargo.toml"),
                    what,
                ));
            }
        }
    }
    found
}

/// Names in `[dependencies]` and `[target.….dependencies]`.
fn normal_dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let mut names = BTreeSet::new();
    let mut take = |table: Option<&toml::Value>| {
        let table = table.and_then(toml::Value::as_table);
        names.extend(table.into_iter().flat_map(|table| table.keys().cloned()));
    };
    take(manifest.get("dependencies"));
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    for target in targets.into_iter().flat_map(|targets| targets.values()) {
        take(target.get("dependencies"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_crate_with_a_runtime_is_found() {
        let manifest = "[dependencies]\nhythe-model.workspace = true\n\
            [dev-dependencies]\nproptest = \"1\"\n\
            [target.'cfg(unix)'.dependencies]\ntokio = \"1\"\n";
        let found = dependencies(&Tree::of(&[("crates/sync/Cargo.toml", manifest)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("tokio"));
    }

    #[test]
    fn a_pure_crate_without_its_bans_is_found() {
        let tree = Tree::of(&[
            ("crates/model/Cargo.toml", ""),
            ("crates/wire/Cargo.toml", ""),
        ]);
        assert_eq!(clippy_bans(&tree).len(), BANS.len());
        let all = BANS.join("\n");
        let tree = Tree::of(&[
            ("crates/model/Cargo.toml", ""),
            ("crates/model/clippy.toml", &all),
        ]);
        assert_eq!(clippy_bans(&tree), []);
    }

    #[test]
    fn a_dependency_that_points_back_is_found() {
        let manifest =
            "[dependencies]\nhythe-client.workspace = true\nhythe-wire.workspace = true\n";
        let found = direction(&Tree::of(&[("crates/server/Cargo.toml", manifest)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "server may not know client");
    }
}
