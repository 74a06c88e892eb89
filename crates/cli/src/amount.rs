//! Sizes as people type them.

/// How much something may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(
    /// Bytes; none is no limit.
    pub Option<u64>,
);

/// The units that may follow a number.
const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Reads a size, or `none`.
///
/// # Errors
/// A sentence that says what a size looks like.
pub fn parse(text: &str) -> Result<Limit, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Limit(None));
    }
    bytes(text)
        .map(|bytes| Limit(Some(bytes)))
        .ok_or_else(|| "a size is a number and a unit, as 500MiB or 20GiB, or `none`".to_owned())
}

fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = unit.trim_start();
    let (_, factor) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    let bytes = number.parse::<u64>().ok()?.checked_mul(*factor)?;
    // What the database can hold.
    i64::try_from(bytes).is_ok().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_exactly_or_not_at_all() {
        for (text, bytes) in [
            ("0", 0),
            ("1234", 1234),
            ("2KiB", 2048),
            ("2kb", 2000),
            ("20 GiB", 20 << 30),
            ("3tb", 3_000_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Limit(Some(bytes))), "{text}");
        }
        assert_eq!(parse("None"), Ok(Limit(None)));
        for text in [
            "",
            "GiB",
            "-1",
            "1.5GiB",
            "1 G B",
            "10PiB",
            "9000000000000TiB",
            "0x10",
            "9223372036854775808",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
