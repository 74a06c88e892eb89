//! What a command reads: a place on the server, or one under a link.
//!
//! A link's address stands where a space's name would: `URL:/a/b` is below what the link shows.

use std::ffi::OsStr;

use hythe_client::link::Visit;
use hythe_control::{Failure, Octets, Place};
use hythe_model::TreePath;
use hythe_wire::link_url::LinkUrl;
use hythe_wire::opaque::Password;

use crate::door::{Door, Work};
use crate::error::Trouble;
use crate::{prompt, resolve};

/// Opens whoever answers for a PATH, and says which place is meant there.
pub async fn open(path: &OsStr) -> Result<(Door, Place), Trouble> {
    let text = path.to_str().filter(|text| LinkUrl::is_url(text));
    let Some(text) = text else {
        let place = resolve::remote(path)?;
        return Ok((Door::open(Work::Answer).await?, place));
    };
    let (url, below) = split(text);
    let place = below_link(below)?;
    let url: LinkUrl = url.parse().map_err(|error| {
        Trouble::usage("The link cannot be opened.")
            .because(error)
            .next("In a shell, put it between quotes.")
    })?;
    let password = match url.password {
        true => Some(Password::new(&prompt::secret("Password of the link: ")?)),
        false => None,
    };
    let visit = Visit::open(&url, password.as_ref()).await;
    let visit = visit.map_err(|error| Trouble::from(Failure::from(error)))?;
    Ok((Door::of_link(visit)?, place))
}

/// The address and what follows it.
fn split(text: &str) -> (&str, &str) {
    let fragment = text.find('#').unwrap_or(text.len());
    let (address, rest) = text.split_at(fragment);
    match rest.find(":/") {
        Some(at) => (&text[..address.len() + at], &rest[at + 1..]),
        None => (text, ""),
    }
}

fn below_link(path: &str) -> Result<Place, Trouble> {
    let parsed = TreePath::parse(path.as_bytes());
    let path = parsed.map_err(|error| Trouble::usage("That is not a path.").because(error))?;
    Ok(Place::Space {
        space: String::new(),
        path: Octets(path.to_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_follow_a_link() {
        for (text, expected) in [
            ("https://h:1/l/0#k=a", ("https://h:1/l/0#k=a", "")),
            ("https://h:1/l/0#k=a:/b/c", ("https://h:1/l/0#k=a", "/b/c")),
            ("https://h:1/l/0", ("https://h:1/l/0", "")),
        ] {
            assert_eq!(split(text), expected);
        }
        assert!(below_link("/../x").is_err());
    }
}
