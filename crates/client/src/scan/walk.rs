//! Through the whole tree, or all of it below one directory, with memory for one branch only.

use std::collections::VecDeque;

use super::ScanError;
use super::ahead::{AHEAD_BESIDE, Ahead, Errand, Eyes};
use super::entry::{Child, Depth};
use super::session::Session;
use crate::os;

/// A directory on the way down.
struct Frame {
    /// Length of the path above it.
    above: usize,
    /// Directories in it that are still to be entered.
    rest: VecDeque<Child>,
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
            ticket: None,
        })
    }

    /// Looks through the directory at `path` and, as far as its depth says, what is below it. The
    /// path is the same again afterwards. However deep the tree, few handles are open at a time.
    pub(super) fn down(&mut self, path: &mut Vec<u8>, start: &Child) -> Result<(), ScanError> {
        if start.depth == Depth::All {
            self.covered.push(path.clone());
        }
        let eyes = Eyes::of(self.scan);
        std::thread::scope(|scope| {
            let mut ahead = Ahead::new(scope, eyes);
            let mut frames = vec![Frame {
                above: path.len(),
                rest: self.enter(path, start, None)?.into(),
            }];
            while let Some(frame) = frames.last_mut() {
                look_ahead(&mut ahead, path, frame);
                let Some(child) = frame.rest.pop_front() else {
                    path.truncate(frame.above);
                    frames.pop();
                    continue;
                };
                let above = path.len();
                push(path, &child.name);
                let look = child.ticket.and_then(|ticket| ahead.fetch(ticket));
                let rest = self.enter(path, &child, look)?.into();
                frames.push(Frame { above, rest });
                self.flush_some()?;
            }
            Ok(())
        })
    }
}

/// Has the next directories of a frame looked into.
fn look_ahead<'scope, 'e: 'scope>(
    ahead: &mut Ahead<'scope, '_, 'e>,
    path: &[u8],
    frame: &mut Frame,
) {
    // One that is next in turn can as well be looked into here.
    for child in frame.rest.iter_mut().skip(1).take(AHEAD_BESIDE) {
        if child.ticket.is_some() {
            continue;
        }
        if ahead.places() == 0 {
            break;
        }
        let mut path = path.to_vec();
        push(&mut path, &child.name);
        let (inode, depth) = (child.inode, child.depth);
        child.ticket = ahead.ask(Errand { path, inode, depth });
    }
}

fn push(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}
