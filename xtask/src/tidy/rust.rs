//! Rust files as syntax trees.

use syn::visit::{self, Visit};

use super::{Finding, Tree};

/// Files that do not parse: no other rule can look into them.
pub fn unreadable(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter_map(|(path, text)| {
            let error = syn::parse_file(text).err()?;
            Some(Finding::new(
                "rust",
                path,
                format!("does not parse: {error}"),
            ))
        })
        .collect()
}

/// All Rust files that parse.
pub fn parsed(tree: &Tree) -> impl Iterator<Item = (&str, &str, syn::File)> {
    tree.rust()
        .filter_map(|(path, text)| Some((path, text, syn::parse_file(text).ok()?)))
}

/// A function body: name, first and last line of its block, counted from 1.
pub struct Body {
    pub name: String,
    pub first: usize,
    pub last: usize,
}

/// All function bodies of a file.
pub fn bodies(file: &syn::File) -> Vec<Body> {
    #[derive(Default)]
    struct Collect(Vec<Body>);
    impl Collect {
        fn add(&mut self, name: &syn::Ident, block: &syn::Block) {
            let span = block.brace_token.span;
            self.0.push(Body {
                name: name.to_string(),
                first: span.open().start().line,
                last: span.close().end().line,
            });
        }
    }
    impl<'a> Visit<'a> for Collect {
        fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
            self.add(&item.sig.ident, &item.block);
            visit::visit_item_fn(self, item);
        }
        fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
            self.add(&item.sig.ident, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
        fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
            if let Some(block) = &item.default {
                self.add(&item.sig.ident, block);
            }
            visit::visit_trait_item_fn(self, item);
        }
    }
    let mut collect = Collect::default();
    collect.visit_file(file);
    collect.0
}
