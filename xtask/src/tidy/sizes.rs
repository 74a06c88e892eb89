//! How long a file and a function may be.

use super::{Finding, Tree, rust};

const FILE_LINES: usize = 800;
const FUNCTION_LINES: usize = 70;

/// What people write and read; data and generated pages may be longer.
const WRITTEN: [&str; 6] = [".rs", ".ts", ".svelte", ".sh", ".toml", "Makefile"];

/// No file above 800 lines: the biggest file tends to be the most important one.
pub fn files(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .filter(|(path, _)| WRITTEN.iter().any(|end| path.ends_with(end)))
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            let what = format!("{lines} lines; at most {FILE_LINES}");
            (lines > FILE_LINES).then(|| Finding::new("file-length", path, what))
        })
        .collect()
}

/// No function above 70 lines of code, counted as clippy does: without blank and comment lines.
pub fn functions(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text, file) in rust::parsed(tree) {
        let lines: Vec<&str> = text.lines().collect();
        for body in rust::bodies(&file) {
            let inner = lines
                .get(body.first..body.last.saturating_sub(1))
                .unwrap_or_default();
            let code = inner.iter().map(|line| line.trim());
            let count = code
                .filter(|line| !line.is_empty() && !line.starts_with("//"))
                .count();
            if count > FUNCTION_LINES {
                let what = format!("{count} lines; at most {FUNCTION_LINES}");
                found.push(Finding::new(
                    "function-length",
                    format!("{path}:{}", body.name),
                    what,
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_800_lines_passes_and_801_do_not() {
        let (fits, long) = ("//\n".repeat(800), "//\n".repeat(801));
        let tree = Tree::of(&[("a.rs", &fits), ("b.rs", &long), ("Cargo.lock", &long)]);
        let found = files(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "b.rs");
    }

    #[test]
    fn functions_are_counted_without_comments_wherever_they_stand() {
        let body = |lines| format!("{{\n// why\n\n{}}}\n", "f();\n".repeat(lines));
        let text = format!(
            "fn fits() {}impl A {{ fn long() {} }}\ntrait T {{ fn given() {} }}",
            body(70),
            body(71),
            body(71)
        );
        let found = functions(&Tree::of(&[("a.rs", &text)]));
        let places: Vec<&str> = found.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(places, ["a.rs:long", "a.rs:given"]);
    }
}
