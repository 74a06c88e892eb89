//! `--listen ADDR[:PORT]`.

use std::net::{IpAddr, SocketAddr};

/// The port when none is given.
pub const DEFAULT_PORT: u16 = 7443;

/// Says that a text is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not ADDRESS or ADDRESS:PORT, like 0.0.0.0, 127.0.0.1:7443 or [::]:7443")]
pub struct ListenError {
    /// The text.
    pub text: String,
}

/// Reads `ADDR`, `ADDR:PORT` or `[ADDR6]:PORT`; the port is [`DEFAULT_PORT`] when absent.
///
/// # Errors
/// See [`ListenError`]. Host names are not taken: which address they mean may change.
pub fn parse_listen(text: &str) -> Result<SocketAddr, ListenError> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(ip) => Ok(SocketAddr::new(ip, DEFAULT_PORT)),
        Err(_) => Err(ListenError {
            text: text.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_may_be_left_out() {
        for (text, address) in [
            ("0.0.0.0", "0.0.0.0:7443"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("::1", "[::1]:7443"),
            ("[::1]", "[::1]:7443"),
            ("[::]:80", "[::]:80"),
        ] {
            assert_eq!(parse_listen(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", "host", "1.2.3.4:99999", "1.2.3.4:", "[::1"] {
            assert!(parse_listen(text).is_err(), "{text}");
        }
    }
}
