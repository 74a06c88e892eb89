//! In which order entries of one side are made, moved and removed, so that each step is valid.
//!
//! The same rules hold on disk and in the log: a parent must be there before what it holds, a
//! name must be free, nothing moves into itself, only empty directories go. So one algorithm
//! serves both, given the present places and the wanted ones:
//!
//! 1. Removals whose content goes as well, children first.
//! 2. What is made or moved, parents first. Who stands in the way goes first; if it cannot,
//!    because it waits for us in turn (a swap, SC-019), it steps aside under another name.
//! 3. The other removals, children first.
//!
//! What cannot be reached is left out: it waits for a node that nothing is done about now.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::NodeId;

use crate::ancestry::MAX_DEPTH;
use crate::conflict_name::aside_name;
use crate::tree::{Place, TreeError};

/// What one side looks like now.
pub(crate) trait Side {
    /// Where a node is on this side; none if it is not there.
    fn place(&mut self, node: NodeId) -> Result<Option<Place>, TreeError>;

    /// Who is at a place on this side.
    fn occupant(&mut self, place: &Place) -> Result<Option<NodeId>, TreeError>;

    /// Who is in a directory on this side.
    fn children(&mut self, node: NodeId) -> Result<Vec<NodeId>, TreeError>;
}

/// One change of a side's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Motion {
    /// The node is made at, or moved to, the place it is wanted at.
    Put(NodeId, Place),
    /// The node steps aside to this place, for now.
    Aside(NodeId, Place),
    /// The node is removed, from this place.
    Remove(NodeId, Place),
}

/// Orders the changes of one side. `wanted` is where nodes shall be; `gone` shall be nowhere.
pub(crate) fn order(
    side: &mut dyn Side,
    root: NodeId,
    wanted: &BTreeMap<NodeId, Place>,
    gone: &BTreeSet<NodeId>,
) -> Result<Vec<Motion>, TreeError> {
    let mut sorter = Sorter {
        side,
        root,
        wanted,
        gone,
        moved: BTreeMap::new(),
        slots: BTreeMap::new(),
        settled: BTreeMap::new(),
        above: BTreeMap::new(),
        motions: Vec::new(),
    };
    sorter.remove_empty()?;
    let mut by_place: Vec<_> = wanted.iter().collect();
    by_place.sort_by_key(|(_, place)| *place);
    for (node, _) in by_place {
        sorter.settle(*node)?;
    }
    sorter.remove_empty()?;
    Ok(sorter.motions)
}

struct Sorter<'a> {
    side: &'a mut dyn Side,
    root: NodeId,
    wanted: &'a BTreeMap<NodeId, Place>,
    gone: &'a BTreeSet<NodeId>,
    /// Where nodes are after the motions so far, if those touched them.
    moved: BTreeMap<NodeId, Option<Place>>,
    /// Who is at a place after the motions so far, if those touched it.
    slots: BTreeMap<Place, Option<NodeId>>,
    /// Wanted nodes that are done (true) or left out (false).
    settled: BTreeMap<NodeId, bool>,
    /// The nearest wanted node at or above a directory, once it was looked for.
    above: BTreeMap<NodeId, Option<NodeId>>,
    motions: Vec<Motion>,
}

/// Why a node is being settled now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    /// It is wanted, or something wanted shall be inside it.
    Wanted,
    /// It stands in the way of the one below it on the stack.
    InTheWay,
}

/// What must happen before a node can be put where it is wanted.
enum Before {
    Nothing,
    /// This node must be settled first.
    Settle(NodeId, Because),
    /// This node must step aside first.
    Aside(NodeId),
    /// It can not be done now.
    Never,
}

impl Sorter<'_> {
    fn place(&mut self, node: NodeId) -> Result<Option<Place>, TreeError> {
        match self.moved.get(&node) {
            Some(place) => Ok(place.clone()),
            None => self.side.place(node),
        }
    }

    fn occupant(&mut self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        match self.slots.get(place) {
            Some(node) => Ok(*node),
            None => self.side.occupant(place),
        }
    }

    /// Puts a node somewhere, or nowhere, and remembers it.
    fn shift(&mut self, node: NodeId, to: Option<Place>) -> Result<(), TreeError> {
        if let Some(from) = self.place(node)? {
            self.slots.insert(from, None);
        }
        if let Some(to) = &to {
            self.slots.insert(to.clone(), Some(node));
        }
        self.moved.insert(node, to);
        Ok(())
    }

    /// Settles one wanted node and, before it, all it depends on.
    fn settle(&mut self, node: NodeId) -> Result<(), TreeError> {
        let mut stack = vec![(node, Because::Wanted)];
        while let Some((top, _)) = stack.last().copied() {
            if self.settled.contains_key(&top) {
                stack.pop();
                continue;
            }
            match self.before(top)? {
                Before::Nothing => {
                    let to = self.wanted[&top].clone();
                    self.shift(top, Some(to.clone()))?;
                    self.motions.push(Motion::Put(top, to));
                    self.settled.insert(top, true);
                }
                Before::Settle(next, because) if !stack.iter().any(|(id, _)| *id == next) => {
                    stack.push((next, because));
                }
                Before::Settle(next, Because::InTheWay) => self.step_aside(next)?,
                Before::Settle(..) => self.unwind(&mut stack)?,
                Before::Aside(other) => self.step_aside(other)?,
                Before::Never => {
                    self.settled.insert(top, false);
                }
            }
        }
        Ok(())
    }

    /// The top waits for one further down, to be inside it; so somebody on the stack between them
    /// only stands in the way. That one steps aside, and is settled when its turn comes.
    fn unwind(&mut self, stack: &mut Vec<(NodeId, Because)>) -> Result<(), TreeError> {
        while let Some((node, because)) = stack.pop() {
            if because == Because::InTheWay {
                return self.step_aside(node);
            }
        }
        // Only parents on the stack: the wanted places have a circle, which `shape` has broken.
        Ok(())
    }

    fn step_aside(&mut self, node: NodeId) -> Result<(), TreeError> {
        let Some(from) = self.place(node)? else {
            return Ok(());
        };
        let to = Place::new(from.parent, aside_name(node));
        self.shift(node, Some(to.clone()))?;
        self.motions.push(Motion::Aside(node, to));
        Ok(())
    }

    /// What must happen before `node` can be put where it is wanted.
    fn before(&mut self, node: NodeId) -> Result<Before, TreeError> {
        let place = self.wanted[&node].clone();
        if let Some(above) = self.wanted_above(place.parent)? {
            match self.settled.get(&above) {
                None => return Ok(Before::Settle(above, Because::Wanted)),
                Some(false) => return Ok(Before::Never),
                Some(true) => {}
            }
        }
        if place.parent != self.root && self.place(place.parent)?.is_none() {
            return Ok(Before::Never);
        }
        let Some(other) = self.occupant(&place)?.filter(|other| *other != node) else {
            return Ok(Before::Nothing);
        };
        if self.place(other)?.as_ref() != Some(&place) {
            // The side contradicts itself: a damaged store. Nothing is built on that.
            return Ok(Before::Never);
        }
        if self.wanted.contains_key(&other) && !self.settled.contains_key(&other) {
            return Ok(Before::Settle(other, Because::InTheWay));
        }
        // Else it stays where it is, or cannot be told to go yet.
        Ok(if self.will_go(other)? {
            Before::Aside(other)
        } else {
            Before::Never
        })
    }

    /// Whether a node will be removed once everything wanted elsewhere has left it.
    fn will_go(&mut self, node: NodeId) -> Result<bool, TreeError> {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            if !self.gone.contains(&node) {
                return Ok(false);
            }
            for child in self.side.children(node)? {
                let leaves = self.moved.contains_key(&child) || self.wanted.contains_key(&child);
                if !leaves {
                    stack.push(child);
                }
            }
        }
        Ok(true)
    }

    /// The nearest node, `directory` included and upwards, that is still to be put somewhere.
    fn wanted_above(&mut self, directory: NodeId) -> Result<Option<NodeId>, TreeError> {
        let mut path = Vec::new();
        let mut at = directory;
        let found = loop {
            if at == self.root {
                break None;
            }
            if self.wanted.contains_key(&at) {
                break Some(at);
            }
            if let Some(known) = self.above.get(&at) {
                break *known;
            }
            // The place before any motion: nodes that are not wanted elsewhere keep it, but for
            // those that go, and nothing is put into those.
            match self.side.place(at)? {
                Some(place) if path.len() < MAX_DEPTH => {
                    path.push(at);
                    at = place.parent;
                }
                _ => break None,
            }
        };
        for node in path {
            self.above.insert(node, found);
        }
        Ok(found)
    }

    /// Removes what shall be gone and holds nothing any more, children first.
    fn remove_empty(&mut self) -> Result<(), TreeError> {
        let mut inside: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        let mut tops = Vec::new();
        for node in self.gone {
            let Some(place) = self.place(*node)? else {
                continue;
            };
            if self.gone.contains(&place.parent) {
                inside.entry(place.parent).or_default().push(*node);
            } else {
                tops.push(*node);
            }
        }
        // Each node twice on the stack: to go into, and to leave.
        let mut stack: Vec<_> = tops.into_iter().rev().map(|node| (node, false)).collect();
        while let Some((node, entered)) = stack.pop() {
            if entered {
                self.remove_if_empty(node)?;
                continue;
            }
            stack.push((node, true));
            let children = inside.remove(&node).unwrap_or_default();
            stack.extend(children.into_iter().rev().map(|child| (child, false)));
        }
        Ok(())
    }

    fn remove_if_empty(&mut self, node: NodeId) -> Result<(), TreeError> {
        let Some(from) = self.place(node)? else {
            return Ok(());
        };
        for child in self.side.children(node)? {
            match self.moved.get(&child) {
                Some(None) => {}
                Some(Some(place)) if place.parent != node => {}
                _ => return Ok(()),
            }
        }
        // Nobody moves into what goes: `shape` keeps every directory that somebody shall be in.
        self.shift(node, None)?;
        self.motions.push(Motion::Remove(node, from));
        Ok(())
    }
}
