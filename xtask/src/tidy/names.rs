//! Names that say nothing about what a thing owns.

use syn::visit::{self, Visit};

use super::{Finding, Tree, rust};

const EMPTY_WORDS: [&str; 8] = [
    "manager", "managers", "helper", "helpers", "util", "utils", "misc", "common",
];

/// Files and folders.
pub fn files(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for path in tree.paths() {
        for part in path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            if let Some(word) = empty_word(stem) {
                found.push(Finding::new(
                    "name",
                    path,
                    format!("\"{word}\" says nothing"),
                ));
            }
        }
    }
    found
}

/// Modules, types, traits and functions of Rust files.
pub fn items(tree: &Tree) -> Vec<Finding> {
    struct Collect(Vec<String>);
    impl<'a> Visit<'a> for Collect {
        fn visit_item(&mut self, item: &'a syn::Item) {
            let name = match item {
                syn::Item::Mod(item) => Some(&item.ident),
                syn::Item::Struct(item) => Some(&item.ident),
                syn::Item::Enum(item) => Some(&item.ident),
                syn::Item::Trait(item) => Some(&item.ident),
                syn::Item::Type(item) => Some(&item.ident),
                _ => None,
            };
            self.0.extend(name.map(ToString::to_string));
            visit::visit_item(self, item);
        }
    }
    let mut found = Vec::new();
    for (path, _, file) in rust::parsed(tree) {
        let mut names = Collect(Vec::new());
        names.visit_file(&file);
        for name in names.0 {
            if let Some(word) = empty_word(&name) {
                let what = format!("\"{word}\" says nothing");
                found.push(Finding::new("name", format!("{path}:{name}"), what));
            }
        }
    }
    found
}

/// The first word of a name, in any of the usual spellings, that is an empty one.
fn empty_word(name: &str) -> Option<&'static str> {
    let mut spaced = String::new();
    for c in name.chars() {
        if c.is_uppercase() {
            spaced.push('_');
        }
        spaced.extend(c.to_lowercase());
    }
    let mut words = spaced.split(['_', '-', ' ']);
    words.find_map(|word| EMPTY_WORDS.into_iter().find(|empty| *empty == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found_in_every_spelling() {
        for name in [
            "util",
            "disk_utils",
            "disk-util",
            "PathHelper",
            "SessionManager",
            "misc",
        ] {
            assert!(empty_word(name).is_some(), "{name}");
        }
        for name in ["utility", "commonplace", "manage", "Uncommon", "helperless"] {
            assert!(empty_word(name).is_none(), "{name}");
        }
    }

    #[test]
    fn folders_modules_and_types_count() {
        let tree = Tree::of(&[
            ("src/common/a.rs", ""),
            (
                "src/b.rs",
                "mod inner { struct TaskManager; } fn common() {}",
            ),
        ]);
        assert_eq!(files(&tree).len(), 1);
        let found = items(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "src/b.rs:TaskManager");
    }
}
