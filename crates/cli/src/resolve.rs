//! Arguments as typed → values as resolved.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use hythe_control::{Octets, Place};
use hythe_model::TreePath;

use crate::error::Trouble;

/// A PATH of a command that works on the server: `SPACE:/a/b`, or `:/a/b` for the personal space.
pub fn remote(text: &OsStr) -> Result<Place, Trouble> {
    match split(text) {
        Some((space, path)) => in_space(space, path),
        None => Err(
            Trouble::usage(format!("{} is not a path on the server.", shown(text)))
                .next("Write SPACE:/path, or :/path for your personal space."),
        ),
    }
}

/// A PATH of a command that also takes a path of this machine inside a sync folder.
pub fn anywhere(text: &OsStr) -> Result<Place, Trouble> {
    match split(text) {
        Some((space, path)) => in_space(space, path),
        None => Ok(Place::Local {
            path: Octets::from(absolute(Path::new(text))?.as_path()),
        }),
    }
}

/// A directory of this machine, which need not be there.
pub fn directory(path: &Path) -> Result<Octets, Trouble> {
    Ok(Octets::from(absolute(path)?.as_path()))
}

/// A place below another: one more name.
pub fn below(place: &Place, name: &[u8]) -> Place {
    let join = |path: &Octets| {
        let mut bytes = path.0.clone();
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        Octets(bytes)
    };
    match place {
        Place::Space { space, path } => Place::Space {
            space: space.clone(),
            path: join(path),
        },
        Place::Local { path } => Place::Local { path: join(path) },
    }
}

/// Splits `SPACE:/path`. A text that starts like a local path is one.
fn split(text: &OsStr) -> Option<(&[u8], &[u8])> {
    let bytes = text.as_bytes();
    if bytes.starts_with(b"/") || bytes.starts_with(b"./") || bytes.starts_with(b"../") {
        return None;
    }
    let at = bytes.windows(2).position(|pair| pair == b":/")?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn in_space(space: &[u8], path: &[u8]) -> Result<Place, Trouble> {
    let path = TreePath::parse(path).map_err(|error| {
        Trouble::usage(format!("{} is not a path.", Octets(path.to_vec()))).because(error)
    })?;
    let space = std::str::from_utf8(space)
        .map_err(|error| Trouble::usage("That is not the name of a space.").because(error))?;
    Ok(Place::Space {
        space: space.to_owned(),
        path: Octets(path.to_bytes()),
    })
}

/// The absolute path without symlinks in what is there; what is not there is kept as written, as
/// long as it only goes downwards.
fn absolute(path: &Path) -> Result<PathBuf, Trouble> {
    let failed =
        |error| Trouble::failed(format!("{} cannot be found.", Octets::from(path))).because(error);
    let whole = std::path::absolute(path).map_err(failed)?;
    // The last name itself is not followed: it may be a symlink, and the symlink is meant.
    let (mut there, mut rest) = match (whole.parent(), whole.file_name()) {
        (Some(parent), Some(name)) if !whole.is_dir() || whole.is_symlink() => {
            (parent.to_owned(), vec![name.to_owned()])
        }
        _ => (whole.clone(), Vec::new()),
    };
    loop {
        if let Ok(found) = there.canonicalize() {
            return Ok(rest.iter().rev().fold(found, |path, name| path.join(name)));
        }
        match there.components().next_back() {
            Some(Component::Normal(name)) => rest.push(name.to_owned()),
            _ => {
                let message = format!("{} cannot be found.", Octets::from(path));
                return Err(Trouble::usage(message).next("Write it without `..`."));
            }
        }
        there.pop();
    }
}

/// An argument as messages show it.
pub fn shown(text: &OsStr) -> Octets {
    Octets(text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    fn space(space: &str, path: &str) -> Place {
        Place::Space {
            space: space.into(),
            path: Octets::from(path),
        }
    }

    #[test]
    fn spaces_and_paths_are_split_at_the_first_colon_slash() {
        for (text, expected) in [
            (":/", space("", "")),
            (":/a/b", space("", "a/b")),
            ("home://a//b/", space("home", "a/b")),
            ("two words:/x", space("two words", "x")),
            ("a:/b:/c", space("a", "b:/c")),
        ] {
            assert_eq!(remote(OsStr::new(text)).unwrap(), expected, "{text}");
        }
        let odd = remote(OsStr::from_bytes(b":/\xff")).unwrap();
        assert_eq!(
            odd,
            Place::Space {
                space: String::new(),
                path: Octets(vec![0xff])
            }
        );
    }

    #[test]
    fn sc048_paths_that_mean_another_place_are_usage_errors() {
        for text in [
            ":/../x", ":/a/./b", "home:", "home:a", "plain", "/abs:/x", "./a:/b", ":/a\0",
        ] {
            assert_eq!(
                remote(OsStr::new(text)).unwrap_err().exit,
                Exit::Usage,
                "{text}"
            );
        }
    }

    #[test]
    fn local_paths_are_absolute_and_may_name_what_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap().join("real");
        std::fs::create_dir(&real).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let local = |path: PathBuf| match anywhere(path.as_os_str()).unwrap() {
            Place::Local { path } => path.to_path(),
            other => panic!("{other:?}"),
        };
        assert_eq!(local(link.join("gone/file")), real.join("gone/file"));
        assert_eq!(local(real.clone()), real);
        assert_eq!(
            local(link.clone()),
            folder.path().canonicalize().unwrap().join("link")
        );
        assert!(anywhere(real.join("gone/../../x").as_os_str()).is_err());
    }

    #[test]
    fn places_grow_downwards() {
        assert_eq!(below(&space("s", ""), b"a"), space("s", "a"));
        assert_eq!(below(&space("s", "a"), b"b"), space("s", "a/b"));
    }
}
