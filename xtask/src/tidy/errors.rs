//! Error enums stay small: callers match on what they can act on.

use syn::visit::{self, Visit};

use super::{Finding, Tree, rust};

const VARIANTS: usize = 8;
const ENDINGS: [&str; 3] = ["Error", "Refusal", "Failure"];

/// No error enum above eight variants, found by name or by a derived `Error`.
pub fn variants(tree: &Tree) -> Vec<Finding> {
    #[derive(Default)]
    struct Collect(Vec<(String, usize)>);
    impl<'a> Visit<'a> for Collect {
        fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
            let name = item.ident.to_string();
            let named = ENDINGS.iter().any(|end| name.ends_with(end));
            if named || derives_error(&item.attrs) {
                self.0.push((name, item.variants.len()));
            }
            visit::visit_item_enum(self, item);
        }
    }
    let mut found = Vec::new();
    for (path, _, file) in rust::parsed(tree) {
        let mut enums = Collect::default();
        enums.visit_file(&file);
        for (name, count) in enums.0.into_iter().filter(|(_, count)| *count > VARIANTS) {
            let what = format!("{count} variants; at most {VARIANTS}");
            found.push(Finding::new(
                "error-variants",
                format!("{path}:{name}"),
                what,
            ));
        }
    }
    found
}

fn derives_error(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut derives = false;
        if attribute.path().is_ident("derive") {
            // What is no list of paths derives nothing we know.
            let _ = attribute.parse_nested_meta(|meta| {
                derives |= meta
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "Error");
                Ok(())
            });
        }
        derives
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_variants_are_found_by_name_or_derive() {
        let text = "
            enum ReadError { A, B, C, D, E, F, G, H, I }
            #[derive(Debug, thiserror::Error)] enum Why { A, B, C, D, E, F, G, H, I }
            enum Step { A, B, C, D, E, F, G, H, I }
            enum WriteError { A, B, C, D, E, F, G, H }";
        let found = variants(&Tree::of(&[("a.rs", text)]));
        let places: Vec<&str> = found.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(places, ["a.rs:ReadError", "a.rs:Why"]);
    }
}
