//! Licences of all dependencies, for machines without cargo-deny: the same list of `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

/// Checks every package of the locked dependency graph.
///
/// # Errors
/// When one has no licence, or only licences that are not allowed.
pub fn run(root: &Path) -> Result<()> {
    let policy: toml::Table = std::fs::read_to_string(root.join("deny.toml"))
        .context("read deny.toml")?
        .parse()?;
    let policy = Policy::read(&policy);
    anyhow::ensure!(!policy.allowed.is_empty(), "deny.toml allows no licence");
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("run cargo metadata")?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("packages of cargo metadata")?;
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|package| policy.refusal(package))
        .collect();
    for line in &refused {
        println!("{line}");
    }
    anyhow::ensure!(
        refused.is_empty(),
        "licences: {} packages refused",
        refused.len()
    );
    println!("licences: {} packages allowed", packages.len());
    Ok(())
}

/// What `deny.toml` allows.
struct Policy {
    /// To every package.
    allowed: BTreeSet<String>,
    /// To one package besides.
    exceptions: BTreeMap<String, BTreeSet<String>>,
}

impl Policy {
    fn read(table: &toml::Table) -> Self {
        let licenses = table.get("licenses");
        let part = |name: &str| licenses.and_then(|table| table.get(name));
        let exceptions = part("exceptions").and_then(toml::Value::as_array);
        let exceptions = exceptions.into_iter().flatten().filter_map(|exception| {
            let name = exception.get("crate")?.as_str()?;
            Some((name.to_owned(), strings(exception.get("allow"))))
        });
        Self {
            allowed: strings(part("allow")),
            exceptions: exceptions.collect(),
        }
    }

    /// Why a package may not be linked; none when it may.
    fn refusal(&self, package: &Value) -> Option<String> {
        let name = package["name"].as_str().unwrap_or("?");
        let mut allowed = self.allowed.clone();
        allowed.extend(self.exceptions.get(name).into_iter().flatten().cloned());
        match package["license"].as_str() {
            Some(expression) if permits(expression, &allowed) => None,
            Some(expression) => Some(format!("{name}: \"{expression}\" is not allowed")),
            None => Some(format!("{name}: names no licence")),
        }
    }
}

fn strings(list: Option<&toml::Value>) -> BTreeSet<String> {
    let list = list.and_then(toml::Value::as_array).into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// Whether an SPDX expression can be met with allowed licences. `/` is the old way to write OR.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allowed,
    };
    reader.any() == Some(true) && reader.words.is_empty()
}

/// Recursive descent over the words of an expression. `None` is an expression we cannot read.
struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl Reader<'_> {
    fn any(&mut self) -> Option<bool> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Some(met)
    }

    fn all(&mut self) -> Option<bool> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Some(met)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let met = self.any()?;
            return self.take(")").then_some(met);
        }
        let (name, rest) = self.words.split_first()?;
        self.words = rest;
        if !self.take("WITH") {
            return Some(self.allowed.contains(*name));
        }
        let (exception, rest) = self.words.split_first()?;
        self.words = rest;
        Some(self.allowed.contains(&format!("{name} WITH {exception}")))
    }

    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
            .map(str::to_owned)
            .into();
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("ISC AND (GPL-3.0-only OR MIT)", true),
            ("ISC AND (GPL-3.0-only OR OpenSSL)", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("GPL-3.0-only OR ISC AND MIT", true),
            ("", false),
            ("MIT MIT", false),
            ("(MIT", false),
        ] {
            assert_eq!(permits(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn an_exception_is_for_one_package() {
        let table = "[licenses]\nallow = [\"MIT\"]\n\
                     exceptions = [{ crate = \"one\", allow = [\"MPL-2.0\"] }]";
        let policy = Policy::read(&table.parse().unwrap());
        let refusal = |name: &str, license: &str| {
            policy.refusal(&serde_json::json!({ "name": name, "license": license }))
        };
        assert_eq!(refusal("one", "MPL-2.0"), None);
        assert_eq!(refusal("one", "MIT AND MPL-2.0"), None);
        assert!(refusal("two", "MPL-2.0").is_some());
        assert!(refusal("one", "GPL-3.0-only").is_some());
    }
}
