//! `unsafe` stands in one module only.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

use super::{Finding, Tree};

/// The one place: calls of Linux that no safe crate wraps.
const ALLOWED: &str = "crates/client/src/os/linux/";

/// Where the module declaration that opens the place may stand.
const GATES: [&str; 2] = ["crates/client/src/os.rs", "crates/client/src/os/mod.rs"];

/// The keyword, and attributes that allow it, in code and in macros.
pub fn keyword(tree: &Tree) -> Vec<Finding> {
    let outside = tree.rust().filter(|(path, _)| !path.starts_with(ALLOWED));
    outside
        .filter_map(|(path, text)| {
            let tokens = TokenStream::from_str(text).ok()?;
            let what = offence(tokens, GATES.contains(&path))?;
            Some(Finding::new(
                "unsafe",
                path,
                format!("{what} outside {ALLOWED}"),
            ))
        })
        .collect()
}

/// The first `unsafe`, or `unsafe_code` inside an `allow(…)` or `expect(…)`.
fn offence(tokens: TokenStream, gate: bool) -> Option<&'static str> {
    let mut before = None;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "unsafe" => return Some("unsafe code"),
            TokenTree::Ident(ident) => before = Some(ident),
            TokenTree::Group(group) => {
                let allows = before
                    .take()
                    .is_some_and(|word| word == "allow" || word == "expect");
                if allows && !gate && mentions(group.stream(), "unsafe_code") {
                    return Some("unsafe code is allowed");
                }
                if let Some(found) = offence(group.stream(), gate) {
                    return Some(found);
                }
            }
            _ => before = None,
        }
    }
    None
}

fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens
        .into_iter()
        .any(|token| matches!(token, TokenTree::Ident(ident) if ident == word))
}

/// Every crate takes the lints of the workspace, where `unsafe_code` is denied.
pub fn lints(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, text) in tree.crates() {
        let manifest: toml::Table = text.parse().unwrap_or_default();
        let workspace = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        if workspace.and_then(toml::Value::as_bool) != Some(true) {
            let place = format!("crates/{name}/Cargo.toml");
            found.push(Finding::new(
                "lints",
                place,
                "does not take the workspace's lints",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offends(path: &str, text: &str) -> bool {
        !keyword(&Tree::of(&[(path, text)])).is_empty()
    }

    #[test]
    fn the_keyword_counts_in_code_and_macros_but_not_in_words() {
        assert!(offends("crates/a/src/b.rs", "fn f() { unsafe { g() } }"));
        assert!(offends(
            "crates/a/src/b.rs",
            "macro_rules! m { () => { unsafe { g() } } }"
        ));
        assert!(offends("crates/a/src/b.rs", "unsafe impl Send for A {}"));
        assert!(!offends(
            "crates/a/src/b.rs",
            "// unsafe\nfn f() { g(\"unsafe\") }"
        ));
        assert!(!offends(
            "crates/client/src/os/linux/lease.rs",
            "fn f() { unsafe { g() } }"
        ));
    }

    #[test]
    fn allowing_it_elsewhere_counts_too() {
        assert!(offends("crates/a/src/b.rs", "#![allow(unsafe_code)]"));
        assert!(offends(
            "crates/a/src/b.rs",
            "#[expect(dead_code, unsafe_code)] fn f() {}"
        ));
        assert!(!offends("crates/a/src/b.rs", "#![forbid(unsafe_code)]"));
        assert!(!offends(GATES[1], "#[allow(unsafe_code)] mod linux;"));
    }

    #[test]
    fn a_crate_without_the_lints_of_the_workspace_is_found() {
        let with = ("crates/a/Cargo.toml", "[lints]\nworkspace = true\n");
        let without = (
            "crates/b/Cargo.toml",
            "[lints.rust]\nunsafe_code = \"allow\"\n",
        );
        let found = lints(&Tree::of(&[with, without]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "crates/b/Cargo.toml");
    }
}
