//! Through the whole tree, or all of it below one directory, with memory for one branch only.

use super::ScanError;
use super::entry::{Child, Depth};
use super::session::Session;
use crate::os;

/// A directory on the way down.
struct Frame {
    /// Length of the path above it.
    above: usize,
    /// Directories in it that are still to be entered.
    rest: std::vec::IntoIter<Child>,
}

impl Session<'_> {
    /// Looks at everything.
    pub(super) fn everything(&mut self) -> Result<(), ScanError> {
        self.forget_all_problems();
        let root = self.root_as_child(Depth::All)?;
        self.down(&mut Vec::new(), &root)
    }

    /// The folder itself, as a directory to be entered.
    pub(super) fn root_as_child(&self, depth: Depth) -> Result<Child, ScanError> {
        let info = os::info_of(self.scan.root.directory());
        let info = info.map_err(crate::disk::DiskError::at(
            "look at",
            &hythe_model::TreePath::ROOT,
        ))?;
        Ok(Child {
            name: Box::default(),
            node: self.root,
            inode: info.inode,
            depth,
        })
    }

    /// Looks through the directory at `path` and, as far as its depth says, what is below it. The
    /// path is the same again afterwards. However deep the tree, one handle is open at a time.
    pub(super) fn down(&mut self, path: &mut Vec<u8>, start: &Child) -> Result<(), ScanError> {
        if start.depth == Depth::All {
            self.covered.push(path.clone());
        }
        let mut frames = vec![Frame {
            above: path.len(),
            rest: self.enter(path, start)?.into_iter(),
        }];
        while let Some(frame) = frames.last_mut() {
            let Some(child) = frame.rest.next() else {
                path.truncate(frame.above);
                frames.pop();
                continue;
            };
            let above = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&child.name);
            let rest = self.enter(path, &child)?.into_iter();
            frames.push(Frame { above, rest });
            self.flush_some()?;
        }
        Ok(())
    }
}
