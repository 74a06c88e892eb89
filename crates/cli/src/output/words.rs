//! Sizes, counts and times as people read them.

use hythe_control::Octets;
use time::OffsetDateTime;
use time::macros::format_description;

/// Bytes with a unit: `0 B`, `999 B`, `1.5 KiB`, `20 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths in integers: a float would round 1023.99 KiB up to "1024 KiB".
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1024, 0);
    while tenths >= 10_240 {
        tenths /= 1024;
        unit += 1;
    }
    match tenths {
        0..100 => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{} {}", tenths / 10, UNITS[unit]),
    }
}

/// A number and a word that follows it.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A path as an argument that can be copied into a shell.
pub fn argument(path: &Octets) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,".contains(byte);
    let bytes = path.as_bytes();
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return path.to_string();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        // Bytes that a terminal may not be shown: named by their numbers.
        _ => {
            let shown = |byte: &u8| match byte {
                byte if plain(byte) || *byte == b' ' => char::from(*byte).to_string(),
                byte => format!("\\{byte:03o}"),
            };
            format!("$'{}'", bytes.iter().map(shown).collect::<String>())
        }
    }
}

/// A moment in UTC, from milliseconds since 1970.
pub fn moment(at_ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000);
    let text = time.ok().and_then(|time| time.format(format).ok());
    text.unwrap_or_else(|| "an unknown time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_cut_not_rounded_up() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10 * 1024, "10 KiB"),
            (1024 * 1024 - 1, "1023 KiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "15 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn sc042_a_path_in_a_command_means_itself() {
        for (path, argument) in [
            ("/home/ada/Hythe", "/home/ada/Hythe"),
            ("/home/ada/My files", "'/home/ada/My files'"),
            ("/it's/$HOME", r"'/it'\''s/$HOME'"),
            ("/größe", "'/größe'"),
            ("/a\nb \x1b", r"$'/a\012b \033'"),
        ] {
            assert_eq!(super::argument(&Octets::from(path)), argument);
        }
        assert_eq!(
            super::argument(&Octets(b"/\xff'".to_vec())),
            r"$'/\377\047'"
        );
    }

    #[test]
    fn moments_are_utc_and_never_panic() {
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(1_000_000_000_999), "2001-09-09 01:46:40 UTC");
        assert_eq!(moment(i64::MAX), "an unknown time");
    }
}
