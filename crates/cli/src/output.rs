//! What is printed on standard output, for people and for programs.

pub mod words;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use hythe_control::Octets;

use crate::error::Trouble;

/// Version of every `--json` output; `docs/format/control.md` describes them.
const VERSION: u32 = 1;

/// Prints one line.
pub fn line(text: impl std::fmt::Display) -> Result<(), Trouble> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// Prints lines in one go: listings are long.
pub fn lines<T: std::fmt::Display>(texts: impl IntoIterator<Item = T>) -> Result<(), Trouble> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for text in texts {
        writeln!(out, "{text}")?;
    }
    Ok(out.flush()?)
}

/// Prints a text that ends its lines itself.
pub fn text(text: &str) -> Result<(), Trouble> {
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

/// Prints names: escaped on a terminal, byte for byte into a pipe or file.
pub fn names<'a>(names: impl IntoIterator<Item = (&'a Octets, &'a str)>) -> Result<(), Trouble> {
    let stdout = io::stdout();
    let exact = !stdout.is_terminal();
    let mut out = io::BufWriter::new(stdout.lock());
    for (name, ending) in names {
        if exact {
            out.write_all(name.as_bytes())?;
            writeln!(out, "{ending}")?;
        } else {
            writeln!(out, "{name}{ending}")?;
        }
    }
    Ok(out.flush()?)
}

/// Prints an object as one line of JSON, with its version.
pub fn json<T: Serialize>(object: &T) -> Result<(), Trouble> {
    let failed = |error| Trouble::failed("The output could not be made.").because(error);
    let mut value = plain(serde_json::to_value(object).map_err(failed)?);
    if let Value::Object(fields) = &mut value {
        fields.insert("version".to_owned(), VERSION.into());
    }
    line(value)
}

/// Turns every `"key": {"b64": …}` into `"key": "text as shown", "key_b64": …`, so that a program
/// that only knows UTF-8 finds a string under every key.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().fold(Map::new(), add_plain)),
        other => other,
    }
}

fn add_plain(mut fields: Map<String, Value>, (key, value): (String, Value)) -> Map<String, Value> {
    let is_bytes = value
        .as_object()
        .is_some_and(|o| o.len() == 1 && o.contains_key("b64"));
    match serde_json::from_value::<Octets>(value.clone()) {
        Ok(octets) if is_bytes => {
            fields.insert(format!("{key}_b64"), value["b64"].clone());
            fields.insert(key, octets.to_string().into());
        }
        _ => {
            fields.insert(key, plain(value));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc042_names_that_are_not_text_get_a_second_key() {
        let value = serde_json::json!({
            "list": [{"path": {"b64": "//4="}, "size": 1}, {"path": "a"}],
            "b64": "kept",
        });
        let expected = serde_json::json!({
            "list": [{"path": "\\xff\\xfe", "path_b64": "//4=", "size": 1}, {"path": "a"}],
            "b64": "kept",
        });
        assert_eq!(plain(value), expected);
    }
}
