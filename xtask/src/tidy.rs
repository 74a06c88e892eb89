//! Rules of form that a machine can keep: what `STYLE.md` says, as far as it can be checked.
//!
//! Each rule is a function from the [`Tree`] of files to findings, so that it can be shown a tree
//! of three lines in a test. Exceptions stand in one list that may only shrink.

mod closures;
mod depth;
mod errors;
mod exceptions;
mod machine;
mod modules;
mod names;
mod purity;
mod reasons;
mod rust;
mod sizes;
mod tree;
mod unsafe_code;

use std::fmt;
use std::path::Path;

use anyhow::Result;

pub use tree::Tree;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Name of the rule, as exceptions name it.
    pub rule: &'static str,
    /// Path of the file, with `:item` where a part of the file is meant. No line numbers: an
    /// exception must not depend on them.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    fn new(rule: &'static str, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            rule,
            place: place.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.place, self.what, self.rule)
    }
}

/// A rule.
type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    rust::unreadable,
    sizes::files,
    sizes::functions,
    names::files,
    names::items,
    errors::variants,
    unsafe_code::keyword,
    unsafe_code::lints,
    purity::dependencies,
    purity::clippy_bans,
    purity::direction,
    machine::paths,
    machine::registries,
    depth::folders,
    modules::undeclared,
    modules::unnamed_fuzz_targets,
    closures::named_and_mutating,
    reasons::silenced_lints,
    reasons::ignored_tests,
];

/// Checks the files of the work tree.
///
/// # Errors
/// When a rule is broken or the files cannot be read.
pub fn run(root: &Path) -> Result<()> {
    let tree = Tree::of_work_tree(root)?;
    let found: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    let mut open = exceptions::apply(tree.text(exceptions::FILE).unwrap_or_default(), found);
    open.extend(exceptions::grown(root, &tree)?);
    open.sort();
    for finding in &open {
        println!("{finding}");
    }
    anyhow::ensure!(
        open.is_empty(),
        "tidy: {} findings in {} files",
        open.len(),
        tree.len()
    );
    println!("tidy: {} rules hold in {} files", RULES.len(), tree.len());
    Ok(())
}
