//! Files that no module declares are dead: nobody compiles them.

use std::collections::BTreeSet;

use super::{Finding, Tree, rust};

/// Rust files below a `src` that their parent module does not declare.
pub fn undeclared(tree: &Tree) -> Vec<Finding> {
    let declared: BTreeSet<String> = rust::parsed(tree)
        .flat_map(|(path, _, file)| children(path, &file))
        .collect();
    tree.rust()
        .map(|(path, _)| path)
        .filter(|path| below_src(path).is_some_and(|below| !is_root(below)))
        .filter(|path| !declared.contains(*path))
        .map(|path| Finding::new("dead-file", path, "no module declares this file"))
        .collect()
}

/// Fuzz targets that `fuzz/Cargo.toml` does not name: nobody runs them.
pub fn unnamed_fuzz_targets(tree: &Tree) -> Vec<Finding> {
    let manifest = tree.text("fuzz/Cargo.toml").unwrap_or_default();
    tree.paths()
        .filter_map(|path| Some((path, path.strip_prefix("fuzz/")?)))
        .filter(|(_, below)| below.starts_with("fuzz_targets/") && below.ends_with(".rs"))
        .filter(|(_, below)| !manifest.contains(&format!("path = \"{below}\"")))
        .map(|(path, _)| Finding::new("dead-file", path, "fuzz/Cargo.toml does not name it"))
        .collect()
}

fn below_src(path: &str) -> Option<&str> {
    match path.strip_prefix("src/") {
        Some(below) => Some(below),
        None => path.split_once("/src/").map(|(_, below)| below),
    }
}

fn is_root(below: &str) -> bool {
    matches!(below, "lib.rs" | "main.rs") || below.starts_with("bin/")
}

/// The paths at which the modules that a file declares may stand.
fn children(path: &str, file: &syn::File) -> Vec<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let within = match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
    };
    let mut paths = Vec::new();
    for item in &file.items {
        if let syn::Item::Mod(module) = item {
            declared_by(module, folder, &within, &mut paths);
        }
    }
    paths
}

fn declared_by(module: &syn::ItemMod, folder: &str, within: &str, paths: &mut Vec<String>) {
    let name = &module.ident;
    match &module.content {
        None => {
            paths.push(format!("{within}/{name}.rs"));
            paths.push(format!("{within}/{name}/mod.rs"));
            paths.extend(path_attribute(module).map(|path| format!("{folder}/{path}")));
        }
        Some((_, items)) => {
            for item in items {
                if let syn::Item::Mod(inner) = item {
                    declared_by(inner, folder, &format!("{within}/{name}"), paths);
                }
            }
        }
    }
}

fn path_attribute(module: &syn::ItemMod) -> Option<String> {
    module
        .attrs
        .iter()
        .find_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(text),
                    ..
                }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_declaration_is_found() {
        let tree = Tree::of(&[
            (
                "crates/a/src/lib.rs",
                "mod b; #[path = \"odd.rs\"] mod c; mod e { mod f; }",
            ),
            ("crates/a/src/b.rs", "mod inner;"),
            ("crates/a/src/b/inner.rs", ""),
            ("crates/a/src/odd.rs", ""),
            ("crates/a/src/e/f.rs", ""),
            ("crates/a/src/b/dead.rs", ""),
            ("crates/a/tests/free.rs", ""),
        ]);
        let found = undeclared(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "crates/a/src/b/dead.rs");
    }

    #[test]
    fn a_fuzz_target_that_is_not_named_is_found() {
        let tree = Tree::of(&[
            (
                "fuzz/Cargo.toml",
                "[[bin]]\nname = \"a\"\npath = \"fuzz_targets/a.rs\"\n",
            ),
            ("fuzz/fuzz_targets/a.rs", ""),
            ("fuzz/fuzz_targets/b.rs", ""),
        ]);
        let found = unnamed_fuzz_targets(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "fuzz/fuzz_targets/b.rs");
    }
}
