//! Closures that the compiler gets wrong.

use syn::visit::{self, Visit};

use super::{Finding, Tree, rust};

/// A closure with a name takes nothing as `mut`. What is passed to it by value may be used again
/// for its next call, with what the first one wrote into it (rust-lang/rust#155241: silently wrong
/// values in optimised builds, up to at least Rust 1.95). A function has no such trouble.
pub fn named_and_mutating(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, _, file) in rust::parsed(tree) {
        let mut named = Named::default();
        named.visit_file(&file);
        let finding = |name| {
            let what = "is a closure that changes what it is given by value: make it a function";
            Finding::new("mut-closure", format!("{path}:{name}"), what)
        };
        found.extend(named.0.into_iter().map(finding));
    }
    found
}

#[derive(Default)]
struct Named(Vec<String>);

impl<'a> Visit<'a> for Named {
    fn visit_local(&mut self, local: &'a syn::Local) {
        let value = local.init.as_ref().map(|init| init.expr.as_ref());
        if let (Some(name), Some(syn::Expr::Closure(closure))) = (name_of(&local.pat), value)
            && closure.inputs.iter().any(is_mut)
        {
            self.0.push(name);
        }
        visit::visit_local(self, local);
    }
}

fn name_of(pattern: &syn::Pat) -> Option<String> {
    match pattern {
        syn::Pat::Ident(ident) => Some(ident.ident.to_string()),
        syn::Pat::Type(typed) => name_of(&typed.pat),
        _ => None,
    }
}

fn is_mut(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Ident(ident) => ident.mutability.is_some(),
        syn::Pat::Type(typed) => is_mut(&typed.pat),
        syn::Pat::Tuple(tuple) => tuple.elems.iter().any(is_mut),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> usize {
        let text = format!("fn f() {{ {body} }}");
        named_and_mutating(&Tree::of(&[("a.rs", &text)])).len()
    }

    #[test]
    fn only_what_has_a_name_and_changes_its_argument_is_found() {
        assert_eq!(found("let later = |mut one: Big| { one.at += 1; one };"), 1);
        assert_eq!(found("let both = |(a, mut b)| b.take(a);"), 1);
        assert_eq!(found("let later = |one: &mut Big| one.at += 1;"), 0);
        assert_eq!(found("let mut count = || { n += 1; };"), 0);
        assert_eq!(found("rows.map(|mut row| row.take(0));"), 0);
    }
}
