//! Sizes, counts and times as people read them.

use hythe_control::Octets;
pub use hythe_control::size;
use time::OffsetDateTime;
use time::macros::format_description;

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
