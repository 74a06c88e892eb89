//! What cannot be placed, and what fails for a while: it is listed or waits, and all else goes on.

use std::collections::BTreeSet;

use hythe_model::{NameError, NodeId, NodeKind};
use hythe_sync::{
    LocalNode, MapTrees, Place, PlanContext, Problem, Quarantine, RemoteNode, SyncedNode,
    TreeError, Trees, plan, text,
};
use hythe_testkit::tree_text::{id_of, token_of};

use crate::device::Ids;
use crate::table::Case;

fn lines(trees: &MapTrees, dirty: &BTreeSet<NodeId>, blocked: &[&str]) -> Vec<String> {
    let blocked = blocked.iter().map(|id| id_of(id)).collect();
    let context = PlanContext {
        device: "pc".into(),
        date: "2026-01-01".into(),
        blocked,
        read_only: false,
        limit: None,
    };
    let plan = plan(trees, dirty, &context, &mut Ids(1)).unwrap();
    let name = |id| {
        if id == NodeId::ROOT {
            String::new()
        } else {
            token_of(id)
        }
    };
    text::lines(&plan, &name)
        .into_iter()
        .filter(|line| !line.starts_with("record"))
        .collect()
}

/// The case's trees with one node of the log quarantined.
fn with_bad_name(case: &Case<'_>, id: &str) -> MapTrees {
    let mut trees = case.trees();
    let mut node = trees.remote(id_of(id)).unwrap().unwrap();
    node.name = Err(Quarantine::Name(NameError::Dots));
    trees.set_remote(node);
    trees
}

#[test]
fn sc048_a_bad_name_is_listed_and_not_placed() {
    let case = Case {
        synced: "",
        local: "",
        remote: "d/#d\n  f#f =one\ng#g =one",
    };
    let trees = with_bad_name(&case, "d");
    assert_eq!(
        lines(&trees, &case.all(), &[]),
        ["download g to /g", "problem d: the name is \".\" or \"..\"",]
    );
}

#[test]
fn t3_a_name_that_turned_bad_deletes_nothing() {
    let tree = "d/#d\n  f#f =one";
    let case = Case {
        synced: tree,
        local: "d/#d\n  f#f =two",
        remote: tree,
    };
    let trees = with_bad_name(&case, "d");
    assert_eq!(
        lines(&trees, &case.all(), &[]),
        [
            "remote update f (content, attributes)",
            "problem d: the name is \".\" or \"..\"",
        ]
    );
    // Renaming it here gives it a name again.
    let case = Case {
        synced: tree,
        local: "e/#d\n  f#f =one",
        remote: tree,
    };
    let trees = with_bad_name(&case, "d");
    assert_eq!(lines(&trees, &case.all(), &[])[0], "remote move d to /e");
}

#[test]
fn an_attachment_is_listed_and_not_placed() {
    let case = Case {
        synced: "",
        local: "",
        remote: "s/#s",
    };
    let mut trees = case.trees();
    let mut node = trees.remote(id_of("s")).unwrap().unwrap();
    node.kind = NodeKind::Attachment;
    trees.set_remote(node);
    let plan = plan(&trees, &case.all(), &PlanContext::default(), &mut Ids(1)).unwrap();
    assert_eq!(plan.steps, []);
    assert_eq!(
        plan.problems,
        [Problem::NotPlaced {
            node: id_of("s"),
            kind: NodeKind::Attachment
        }]
    );
}

#[test]
fn c3_a_blocked_node_stops_only_what_needs_it() {
    let case = Case {
        synced: "",
        local: "d/#d\n  f#f =one\ng#g =one",
        remote: "h#h =one",
    };
    let trees = case.trees();
    assert_eq!(
        lines(&trees, &case.all(), &["d"]),
        ["remote create g at /g", "download h to /h"]
    );
    assert_eq!(
        lines(&trees, &case.all(), &["f"]),
        [
            "remote create d at /d",
            "remote create g at /g",
            "download h to /h",
        ]
    );
}

#[test]
fn c3_sc101_an_unreadable_file_is_not_deleted_with_its_folder() {
    let tree = "d/#d\n  f#f =one\n  g#g =one";
    let case = Case {
        synced: tree,
        local: tree,
        remote: "d/#d deleted\n  f#f =one deleted\n  g#g =one deleted",
    };
    assert_eq!(
        lines(&case.trees(), &case.all(), &["f"]),
        ["local delete g"]
    );
}

#[test]
fn a_folder_whose_directory_is_gone_does_nothing() {
    let tree = "v/#v\n  f#f =one";
    let case = Case {
        synced: "",
        local: "",
        remote: tree,
    };
    let mut trees = MapTrees::new(id_of("v"));
    let mut view = case.trees().remote(id_of("v")).unwrap().unwrap();
    view.deleted = true;
    trees.set_remote(view);
    let dirty = BTreeSet::from([id_of("v"), id_of("f")]);
    let plan = plan(&trees, &dirty, &PlanContext::default(), &mut Ids(1)).unwrap();
    assert_eq!(
        (plan.steps.len(), plan.problems),
        (0, vec![Problem::RootGone])
    );
    assert_eq!(plan.open, dirty);
}

/// Trees whose index of places disagrees with the rows.
struct Damaged(MapTrees);

impl Trees for Damaged {
    fn root(&self) -> NodeId {
        self.0.root()
    }

    fn remote(&self, id: NodeId) -> Result<Option<RemoteNode>, TreeError> {
        self.0.remote(id)
    }

    fn local(&self, id: NodeId) -> Result<Option<LocalNode>, TreeError> {
        self.0.local(id)
    }

    fn synced(&self, id: NodeId) -> Result<Option<SyncedNode>, TreeError> {
        self.0.synced(id)
    }

    fn remote_child(&self, _: &Place) -> Result<Option<NodeId>, TreeError> {
        Ok(Some(id_of("a")))
    }

    fn local_child(&self, _: &Place) -> Result<Option<NodeId>, TreeError> {
        Ok(Some(id_of("b")))
    }

    fn remote_children(&self, _: NodeId) -> Result<Vec<NodeId>, TreeError> {
        Ok(vec![id_of("a"), id_of("b")])
    }

    fn local_children(&self, _: NodeId) -> Result<Vec<NodeId>, TreeError> {
        Ok(vec![id_of("b"), id_of("c")])
    }
}

#[test]
fn sc089_a_damaged_store_makes_no_endless_plan() {
    let case = Case {
        synced: "a#a =one\nb#b =two\nd/#d\ne#e =x",
        local: "b#a =one\na#b =two\nc#c =new\ne#e =y",
        remote: "a#a =one\ny#b =two\nd/#d\ne#e =z",
    };
    let trees = Damaged(case.trees());
    let plan = plan(&trees, &case.all(), &PlanContext::default(), &mut Ids(1));
    // Not what it says but that it says something: a name is never free here.
    assert!(plan.is_ok());
}
