//! The body field of a node: its plaintext, which [`crate::seal_field`] seals.

use std::sync::Arc;

use hythe_model::{ChunkClass, ChunkId, ChunkRef, Layout, LayoutEntry, LinkTarget};
use minicbor::Decoder;
use minicbor::decode::Error;

use super::entry::{self, Child, Entry};
use super::error::BodyError;
use crate::cbor::{self, Writer, Written};

/// Longest layout that is written flat, in entries.
pub const MAX_FLAT_ENTRIES: usize = 1024;

/// Longest layout of all, in entries: 16 TiB in the largest class.
pub const MAX_LAYOUT_ENTRIES: u64 = 1 << 22;

/// Levels of inner nodes: with at least 64 entries to a node, more than the longest layout needs.
pub(super) const MAX_HEIGHT: u8 = 4;

const FLAT: u8 = 0;
const TREE: u8 = 1;
const LINK: u8 = 2;

/// A body as it is written in the field.
pub(super) enum Stored {
    Flat(Layout),
    Tree(Tree),
    Link(LinkTarget),
}

/// A layout whose entries lie in nodes of their own.
pub(super) struct Tree {
    /// The layout without its entries.
    pub(super) head: Layout,
    /// 0 where the root is a leaf.
    pub(super) height: u8,
    pub(super) root: Child,
}

/// What the clear part of the operation that writes a body has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRefs {
    /// The chunks of a flat layout, each once, or the root of a tree; nothing for a link.
    pub ids: Vec<ChunkId>,
    /// Whether the one id is the root of a tree.
    pub tree: bool,
}

/// Reads which stored objects a body field refers to, so that a reader can compare them with what
/// its author told the server.
///
/// # Errors
/// When the bytes are no body.
pub fn field_refs(field: &[u8]) -> Result<FieldRefs, BodyError> {
    Ok(Stored::decode(field)?.refs())
}

impl Stored {
    pub(super) fn refs(&self) -> FieldRefs {
        match self {
            Self::Flat(layout) => FieldRefs {
                ids: entry::refs(&layout.entries),
                tree: false,
            },
            Self::Tree(tree) => FieldRefs {
                ids: vec![tree.root.node.id],
                tree: true,
            },
            Self::Link(_) => FieldRefs {
                ids: Vec::new(),
                tree: false,
            },
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        cbor::write(|writer| match self {
            Self::Flat(layout) => {
                write_head(writer.array(6)?.u8(FLAT)?, layout)?;
                writer.array(layout.entries.len() as u64)?;
                layout
                    .entries
                    .iter()
                    .try_for_each(|entry| Entry::write(entry, writer))
            }
            Self::Tree(tree) => {
                write_head(writer.array(7)?.u8(TREE)?, &tree.head)?;
                writer.u8(tree.height)?;
                tree.root.write(writer)
            }
            Self::Link(target) => writer.array(2)?.u8(LINK)?.bytes(target.as_bytes())?.ok(),
        })
    }

    pub(super) fn decode(field: &[u8]) -> Result<Self, BodyError> {
        let stored = cbor::read(field, |decoder| {
            let length = decoder.array()?;
            match (decoder.u8()?, length) {
                (FLAT, Some(6)) => Ok(Self::Flat(read_flat(decoder)?)),
                (TREE, Some(7)) => Ok(Self::Tree(read_tree(decoder)?)),
                (LINK, Some(2)) => match LinkTarget::new(decoder.bytes()?) {
                    Ok(target) => Ok(Self::Link(target)),
                    Err(error) => Err(Error::message(error)),
                },
                _ => Err(Error::message("an unknown form of body")),
            }
        })?;
        stored.check()?;
        if stored.encode() != field {
            return Err(BodyError::Spelling);
        }
        Ok(stored)
    }

    /// Checks that the sums are right and within limits.
    fn check(&self) -> Result<(), BodyError> {
        match self {
            Self::Flat(layout) => match entry::sums(&layout.entries) {
                Some((size, _)) if size == layout.size => Ok(()),
                _ => Err(BodyError::Sum),
            },
            Self::Tree(tree) if tree.height > MAX_HEIGHT => Err(BodyError::Height),
            Self::Tree(tree) if tree.root.entries > MAX_LAYOUT_ENTRIES => Err(BodyError::TooMany),
            Self::Tree(tree) if tree.root.length != tree.head.size => Err(BodyError::Sum),
            Self::Tree(_) | Self::Link(_) => Ok(()),
        }
    }
}

fn write_head(writer: &mut Writer<'_>, layout: &Layout) -> Written {
    writer.u64(layout.size)?;
    writer
        .encode(layout.chunker)?
        .encode(layout.class)?
        .encode(layout.hash)?
        .ok()
}

fn read_head(decoder: &mut Decoder<'_>) -> Result<Layout, Error> {
    Ok(Layout {
        size: decoder.u64()?,
        chunker: decoder.decode()?,
        class: decoder.decode::<ChunkClass>()?,
        hash: decoder.decode()?,
        entries: Arc::new([]),
    })
}

fn read_flat(decoder: &mut Decoder<'_>) -> Result<Layout, Error> {
    let head = read_head(decoder)?;
    let entries = cbor::list(decoder, MAX_FLAT_ENTRIES, <LayoutEntry as Entry>::read)?;
    Ok(Layout {
        entries: entries.into(),
        ..head
    })
}

fn read_tree(decoder: &mut Decoder<'_>) -> Result<Tree, Error> {
    Ok(Tree {
        head: read_head(decoder)?,
        height: decoder.u8()?,
        root: Child::read(decoder)?,
    })
}

/// Where a node is expected, and what it has to add up to.
pub(super) struct Place<'a> {
    pub(super) height: u8,
    pub(super) child: &'a Child,
}

impl Tree {
    pub(super) fn root(&self) -> Place<'_> {
        Place {
            height: self.height,
            child: &self.root,
        }
    }
}

impl Place<'_> {
    /// The object to fetch.
    pub(super) fn node(&self) -> &ChunkRef {
        &self.child.node
    }
}
