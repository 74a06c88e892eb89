//! The checker refuses what would destroy, and the brake holds what is too much at once. Each plan
//! here is made by hand: the planner makes none of them.

use std::collections::BTreeSet;

use hythe_model::{EntryName, NodeId, NodeKind, VersionId};
use hythe_sync::{
    BodyWrite, Brake, Counts, LocalNode, MapTrees, Place, Plan, Refused, RemoteNode, Replaces,
    Step, SyncedNode, Trees, check,
};
use hythe_testkit::tree_text::id_of;

use crate::table::Case;

fn refused(trees: &MapTrees, steps: Vec<Step>) -> Refused {
    let plan = Plan {
        steps,
        ..Plan::default()
    };
    let none = BTreeSet::new();
    check(plan, trees, &Brake::released(&none)).expect_err("this plan destroys")
}

fn passes(trees: &MapTrees, steps: Vec<Step>) -> bool {
    let plan = Plan {
        steps,
        ..Plan::default()
    };
    let none = BTreeSet::new();
    check(plan, trees, &Brake::released(&none)).is_ok()
}

fn remote(trees: &MapTrees, id: &str) -> RemoteNode {
    trees.remote(id_of(id)).unwrap().unwrap()
}

fn local(trees: &MapTrees, id: &str) -> LocalNode {
    trees.local(id_of(id)).unwrap().unwrap()
}

fn remote_delete(trees: &MapTrees, id: &str) -> Step {
    Step::RemoteDelete {
        node: id_of(id),
        expected: remote(trees, id).versions,
    }
}

fn local_delete(trees: &MapTrees, id: &str) -> Step {
    let LocalNode {
        id: node,
        place: from,
        kind,
        stamp,
        ..
    } = local(trees, id);
    Step::LocalDelete {
        node,
        from,
        kind,
        stamp,
    }
}

fn download(trees: &MapTrees, id: &str, replaces: Replaces) -> Step {
    let node = remote(trees, id);
    Step::Download {
        node: node.id,
        to: node.place().unwrap(),
        kind: node.kind,
        versions: node.versions,
        attributes: node.attributes,
        size: node.size,
        hash: node.hash,
        replaces,
    }
}

#[test]
fn s4_no_deletion_without_evidence() {
    // The entry is still on disk.
    let here = Case {
        synced: "f#f =one",
        local: "f#f =one",
        remote: "f#f =one",
    }
    .trees();
    assert!(matches!(
        refused(&here, vec![remote_delete(&here, "f")]),
        Refused::NoEvidence(_)
    ));
    // It was never here, so its absence says nothing.
    let never = Case {
        synced: "",
        local: "",
        remote: "f#f =one",
    }
    .trees();
    assert!(matches!(
        refused(&never, vec![remote_delete(&never, "f")]),
        Refused::NoEvidence(_)
    ));
    // What was deleted here is not what is there.
    let other = Case {
        synced: "f#f =one",
        local: "",
        remote: "f#f =two",
    }
    .trees();
    assert!(matches!(
        refused(&other, vec![remote_delete(&other, "f")]),
        Refused::NoEvidence(_)
    ));
    let proven = Case {
        synced: "f#f =one",
        local: "",
        remote: "f#f =one",
    }
    .trees();
    assert!(passes(&proven, vec![remote_delete(&proven, "f")]));
}

#[test]
fn s2_unsaved_content_is_not_removed_or_replaced() {
    for entry in ["f#f =two", "f#f =other unread"] {
        let trees = Case {
            synced: "f#f =one",
            local: entry,
            remote: "f#f =twin",
        }
        .trees();
        let delete = vec![local_delete(&trees, "f")];
        assert!(
            matches!(refused(&trees, delete), Refused::Unsaved(_)),
            "{entry}"
        );
        let replace = Replaces::Same(local(&trees, "f").stamp);
        let replace = vec![download(&trees, "f", replace)];
        assert!(
            matches!(refused(&trees, replace), Refused::Unsaved(_)),
            "{entry}"
        );
    }
    let touched = Case {
        synced: "f#f =one",
        local: "f#f =one touched",
        remote: "f#f =two",
    };
    let trees = touched.trees();
    assert!(passes(&trees, vec![local_delete(&trees, "f")]));
}

#[test]
fn s2_a_conflict_copy_needs_a_node_of_its_own() {
    let trees = Case {
        synced: "f#f =one",
        local: "f#f =two",
        remote: "f#f =three",
    }
    .trees();
    let copy = |becomes| Replaces::Copy {
        occupant: id_of("f"),
        becomes,
        name: EntryName::new("copy").unwrap(),
        stamp: local(&trees, "f").stamp,
    };
    let itself = vec![download(&trees, "f", copy(id_of("f")))];
    assert!(matches!(refused(&trees, itself), Refused::Unsaved(_)));
    assert!(passes(
        &trees,
        vec![download(&trees, "f", copy(id_of("new")))]
    ));
}

#[test]
fn only_empty_directories_go() {
    let tree = "d/#d\n  f#f =one";
    let gone_here = Case {
        synced: tree,
        local: "",
        remote: tree,
    }
    .trees();
    let delete = vec![remote_delete(&gone_here, "d")];
    assert!(matches!(refused(&gone_here, delete), Refused::NotEmpty(_)));
    let gone_there = Case {
        synced: tree,
        local: tree,
        remote: "d/#d deleted\n  f#f =one deleted",
    }
    .trees();
    let delete = vec![local_delete(&gone_there, "d")];
    assert!(matches!(refused(&gone_there, delete), Refused::NotEmpty(_)));
    let both = vec![
        local_delete(&gone_there, "f"),
        local_delete(&gone_there, "d"),
    ];
    assert!(passes(&gone_there, both));
}

#[test]
fn nothing_is_put_on_something() {
    let trees = Case {
        synced: "",
        local: "f#a =one",
        remote: "f#f =two",
    }
    .trees();
    let put = vec![download(&trees, "f", Replaces::Nothing)];
    assert!(matches!(refused(&trees, put), Refused::Taken(_)));
    let adopt = Step::Adopt {
        local: id_of("x"),
        node: id_of("a"),
    };
    assert!(matches!(refused(&trees, vec![adopt]), Refused::Taken(_)));
    let mv = |to: &str| Step::LocalMove {
        node: id_of("a"),
        from: local(&trees, "a").place,
        to: Place::new(NodeId::ROOT, EntryName::new(to).unwrap()),
        stamp: local(&trees, "a").stamp,
        version: None,
        reason: hythe_sync::MoveReason::Conflict,
    };
    assert!(matches!(refused(&trees, vec![mv("f")]), Refused::Taken(_)));
    assert!(passes(
        &trees,
        vec![mv("g"), download(&trees, "f", Replaces::Nothing)]
    ));
}

#[test]
fn a_plan_of_other_trees_is_refused() {
    let trees = Case {
        synced: "f#f =one",
        local: "f#f =two",
        remote: "f#f =one",
    }
    .trees();
    let body = |expected| {
        let stamp = local(&trees, "f").stamp;
        let body = BodyWrite {
            expected,
            new: VersionId([9; 16]),
            stamp,
            unless: None,
        };
        vec![Step::RemoteUpdate {
            node: id_of("f"),
            attributes: None,
            body: Some(body),
        }]
    };
    assert!(matches!(refused(&trees, body(None)), Refused::Outdated(_)));
    assert!(passes(&trees, body(remote(&trees, "f").versions.body)));
    let (to, new) = (local(&trees, "f").place, VersionId([9; 16]));
    let mv = Step::RemoteMove {
        node: id_of("f"),
        to,
        expected: VersionId([8; 16]),
        new,
    };
    assert!(matches!(refused(&trees, vec![mv]), Refused::Outdated(_)));
}

/// Trees of `count` files that are gone from the disk, and the plan that deletes them.
fn mass_delete(count: u32) -> (MapTrees, Plan) {
    let lines: String = (0..count)
        .map(|number| format!("f{number}#{number} =one\n"))
        .collect();
    let case = Case {
        synced: &lines,
        local: "",
        remote: &lines,
    };
    (case.trees(), case.plan())
}

fn brake(synced_nodes: u64, recent: &BTreeSet<NodeId>) -> Brake<'_> {
    Brake {
        synced_nodes,
        sent_before: Counts::default(),
        recent,
        approved: false,
    }
}

#[test]
fn s5_more_than_fifty_and_a_quarter_is_held() {
    let none = BTreeSet::new();
    let held = |count, synced| {
        let (trees, plan) = mass_delete(count);
        check(plan, &trees, &brake(synced, &none)).unwrap()
    };
    assert!(held(50, 50).held().is_none());
    assert!(held(51, 400).held().is_none(), "less than a quarter");
    let plan = held(51, 200);
    let counts = plan.held().unwrap().counts;
    assert_eq!((counts.deleted, counts.replaced), (51, 0));
    assert!(plan.plan().steps.is_empty(), "the remote half waits");
    assert!(held(101, 400).held().is_some());
}

#[test]
fn s5_a_yes_and_recent_files_and_the_window_count() {
    let (trees, plan) = mass_delete(60);
    let none = BTreeSet::new();
    let approved = Brake {
        approved: true,
        ..brake(60, &none)
    };
    assert!(
        check(plan.clone(), &trees, &approved)
            .unwrap()
            .held()
            .is_none()
    );
    let recent: BTreeSet<NodeId> = (0..20)
        .map(|number: u32| id_of(&number.to_string()))
        .collect();
    assert!(
        check(plan, &trees, &brake(60, &recent))
            .unwrap()
            .held()
            .is_none()
    );
    let (trees, plan) = mass_delete(5);
    let sent_before = Counts {
        deleted: 30,
        replaced: 20,
    };
    let later = Brake {
        sent_before,
        ..brake(60, &none)
    };
    assert!(check(plan, &trees, &later).unwrap().held().is_some());
}

#[test]
fn s5_what_may_only_be_touched_is_read_first() {
    let line = |number: u32, words: &str| format!("f{number}#{number} {words}\n");
    let synced: String = (0..60).map(|number| line(number, "=one")).collect();
    let touched: String = (0..60)
        .map(|number| line(number, "=other unread"))
        .collect();
    let edited: String = (0..60).map(|number| line(number, "=two")).collect();
    let none = BTreeSet::new();
    let checked = |local: &str| {
        let case = Case {
            synced: &synced,
            local,
            remote: &synced,
        };
        check(case.plan(), &case.trees(), &brake(60, &none)).unwrap()
    };
    let unread = checked(&touched);
    assert!(unread.held().is_none());
    let steps = &unread.plan().steps;
    assert!(
        steps
            .iter()
            .all(|step| matches!(step, Step::NeedHash { .. }))
            && steps.len() == 60
    );
    assert_eq!(checked(&edited).held().unwrap().counts.replaced, 60);
}

#[test]
fn synced_rows_follow_the_steps() {
    // Attributes merged from both sides are agreed on only once the disk shows them.
    let case = Case {
        synced: "f#f =one",
        local: "f#f =one touched @5",
        remote: "f#f =one +x",
    };
    let (trees, plan) = (case.trees(), case.plan());
    let before: SyncedNode = trees.synced(id_of("f")).unwrap().unwrap();
    let update = plan
        .steps
        .iter()
        .find(|step| matches!(step, Step::RemoteUpdate { .. }))
        .unwrap();
    let after = hythe_sync::synced_after(update, Some(&before), &hythe_sync::Done::default());
    assert_eq!(after, Some(before));
    assert_eq!(remote(&trees, "f").kind, NodeKind::File);
}
