//! The three trees of a folder: of every node that is settled, they say the same.

use std::collections::BTreeSet;

use hythe_control::Failure;
use hythe_model::{NodeId, NodeKind, TreePath, VersionId};
use hythe_sync::{IdSource, LocalNode, PlanContext, RemoteNode, SyncedNode, plan};

use super::super::words::broke_off;
use super::Report;
use super::opened::Folder;
use crate::daemon::Door;
use crate::state::{FolderTrees, Rows};

const ACTION: &str = "Give the command `hythe wait`, then verify again; should it stay, report it.";

/// Compares the trees of a folder.
pub(super) async fn verify(
    door: &Door,
    folder: &Folder,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let trees = door.shared.state.folder_trees(folder.number)?;
    let (number, space) = (folder.number, folder.row.space);
    let device = door.shared.device_name.clone();
    let compare = move || compare(&trees, number, space, device);
    let compared = tokio::task::spawn_blocking(compare)
        .await
        .map_err(broke_off)??;
    report.verified.nodes += compared.nodes;
    for (path, problem) in compared.found {
        report
            .found("trees", folder.item(&path), problem, ACTION)
            .await;
    }
    Ok(())
}

/// What comparing came to.
struct Compared {
    nodes: u64,
    found: Vec<(TreePath, String)>,
}

fn compare(
    trees: &FolderTrees,
    folder: crate::state::FolderNumber,
    space: crate::state::SpaceNumber,
    device: String,
) -> Result<Compared, Failure> {
    let rows = trees.rows()?;
    let different = rows.different(folder)?;
    // What is under way is no disagreement: the planner knows what to do about it, or why not.
    let context = PlanContext {
        device,
        ..PlanContext::default()
    };
    let planned = plan(trees, &different, &context, &mut Numbered(0)).map_err(broke_off)?;
    let mut under_way: BTreeSet<NodeId> =
        planned.steps.iter().map(hythe_sync::Step::node).collect();
    under_way.extend(&planned.open);
    let mut settled = Vec::new();
    let mut nodes = 0;
    rows.each_synced(folder, |synced| {
        nodes += 1;
        if !under_way.contains(&synced.id) {
            settled.push(synced);
        }
        Ok(())
    })?;
    let mut found = Vec::new();
    for synced in settled {
        let local = rows.local(folder, synced.id)?.map(|row| row.node);
        let remote = rows.remote_node(space, synced.id)?;
        let remote = remote.map(RemoteNode::on_disk);
        if let Some(problem) = disagreement(&synced, local.as_ref(), remote.as_ref()) {
            found.push((path_of(&rows, folder, trees, &synced)?, problem.to_owned()));
        }
    }
    Ok(Compared { nodes, found })
}

fn path_of(
    rows: &Rows<'_>,
    folder: crate::state::FolderNumber,
    trees: &FolderTrees,
    synced: &SyncedNode,
) -> Result<TreePath, Failure> {
    let known = rows.local_path(folder, hythe_sync::Trees::root(trees), synced.id)?;
    Ok(known.unwrap_or_else(|| TreePath::ROOT.join(synced.place.name.clone())))
}

/// In what the trees disagree about a node, if in anything.
fn disagreement(
    synced: &SyncedNode,
    local: Option<&LocalNode>,
    remote: Option<&RemoteNode>,
) -> Option<&'static str> {
    let Some(local) = local else {
        return Some("it is agreed on and not on this disk");
    };
    let Some(remote) = remote.filter(|remote| !remote.deleted) else {
        return Some("it is agreed on and not in the log");
    };
    if remote.versions != synced.versions {
        return Some("the log has another version than the one agreed on");
    }
    if remote.place().as_ref() != Some(&synced.place) || local.place != synced.place {
        return Some("it is not in the place agreed on");
    }
    if local.kind != synced.kind || remote.kind != synced.kind {
        return Some("it is of another kind than agreed on");
    }
    if synced.kind == NodeKind::Directory {
        return None;
    }
    if local.stamp != synced.stamp || local.executable != synced.executable_on_disk {
        return Some("the disk shows another state than the one agreed on");
    }
    if remote.size != synced.size || differs(remote.hash, synced.hash) {
        return Some("the log has another content than the one agreed on");
    }
    if differs(local.hash, synced.hash) {
        return Some("this disk has another content than the one agreed on");
    }
    None
}

/// Whether both are known and not the same.
fn differs<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}

/// Ids for a plan that is only looked at.
struct Numbered(u128);

impl Numbered {
    fn next(&mut self) -> [u8; 16] {
        self.0 += 1;
        self.0.to_be_bytes()
    }
}

impl IdSource for Numbered {
    fn node(&mut self) -> NodeId {
        NodeId(self.next())
    }

    fn version(&mut self) -> VersionId {
        VersionId(self.next())
    }
}
