//! Paths inside a space. Only `client`'s disk code turns one into a path of the system.

use std::fmt;

use crate::name::{EntryName, NameError};

/// A place below a space's root: the names from the root downwards. Empty means the root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(Vec<EntryName>);

impl TreePath {
    /// The root itself.
    pub const ROOT: Self = Self(Vec::new());

    /// Builds a path from its names, outermost first.
    pub fn new(names: Vec<EntryName>) -> Self {
        Self(names)
    }

    /// Reads a slash-separated path; leading, trailing and doubled slashes mean nothing.
    ///
    /// # Errors
    /// When a component is not a name, `.` and `..` included.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        let names = bytes.split(|b| *b == b'/').filter(|part| !part.is_empty());
        Ok(Self(names.map(EntryName::new).collect::<Result<_, _>>()?))
    }

    /// The names from the root downwards.
    pub fn names(&self) -> &[EntryName] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last name; none for the root.
    pub fn name(&self) -> Option<&EntryName> {
        self.0.last()
    }

    /// The path without its last name; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// This path with one more name.
    #[must_use]
    pub fn join(&self, name: EntryName) -> Self {
        let mut names = self.0.clone();
        names.push(name);
        Self(names)
    }

    /// Whether this path is `other` or lies below it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The exact bytes with `/` between names and none in front.
    pub fn to_bytes(&self) -> Vec<u8> {
        let names: Vec<&[u8]> = self.0.iter().map(EntryName::as_bytes).collect();
        names.join(&b'/')
    }
}

impl FromIterator<EntryName> for TreePath {
    fn from_iter<I: IntoIterator<Item = EntryName>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl fmt::Display for TreePath {
    /// For people: `/a/b`, each name escaped as in [`EntryName`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|name| write!(f, "/{name}"))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_ignores_extra_slashes_and_refuses_dots() {
        let path = TreePath::parse(b"//a/b//c/").unwrap();
        assert_eq!(path.to_bytes(), b"a/b/c");
        assert_eq!(path.to_string(), "/a/b/c");
        assert_eq!(TreePath::parse(b"a/../b"), Err(NameError::Dots));
        assert!(TreePath::parse(b"/").unwrap().is_root());
    }

    #[test]
    fn prefixes_are_whole_names() {
        let a = TreePath::parse(b"a").unwrap();
        let ab = TreePath::parse(b"ab").unwrap();
        assert!(!ab.starts_with(&a));
        assert!(TreePath::parse(b"a/b").unwrap().starts_with(&a));
    }
}
