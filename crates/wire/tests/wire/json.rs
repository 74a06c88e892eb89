//! Control messages and problems.

use std::collections::HashSet;

use hythe_model::{ChunkId, NodeId, SpaceId, VersionId};
use hythe_wire::device::{DeviceFolder, DevicePatch};
use hythe_wire::problem::NodeField;
use hythe_wire::space::SpaceView;
use hythe_wire::{Code, Problem, There};
use serde_json::{Value, from_value, json, to_value};

#[test]
fn every_code_has_its_own_text_and_comes_back() {
    let texts: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
    for code in Code::ALL.iter().copied() {
        assert!((400..600).contains(&code.status()));
        assert!(code.title().ends_with('.'));
        let problem = Problem::new(code).detail("d").retry_after_ms(7);
        let back: Problem = from_value(to_value(&problem).unwrap()).unwrap();
        assert_eq!(back, problem);
        let kind = format!("urn:hythe:problem:{}", code.as_str());
        assert_eq!(to_value(&problem).unwrap()["type"], kind);
    }
}

#[test]
fn a_problem_of_a_newer_server_is_still_a_problem() {
    let text = json!({"type": "urn:hythe:problem:tired", "title": "T", "status": 418, "x": 1});
    let problem: Problem = from_value(text).unwrap();
    assert_eq!((problem.code, problem.status), (Code::Unknown, 418));
    assert_eq!(problem.to_string(), "T");
    let foreign: Problem =
        from_value(json!({"type": "about:blank", "title": "", "status": 502})).unwrap();
    assert_eq!(foreign.code, Code::Unknown);
}

#[test]
fn what_is_there_comes_back() {
    let node = NodeId([1; 16]);
    for there in [
        There::NotAllowed,
        There::NoNode { node },
        There::Mismatch {
            node,
            field: NodeField::Body,
            version: Some(VersionId([2; 16])),
        },
        There::Mismatch {
            node,
            field: NodeField::Place,
            version: None,
        },
        There::KeyEpoch { current: 3 },
        There::Chunks {
            ids: vec![ChunkId([4; 32]), ChunkId([5; 32])],
        },
        There::Chunks { ids: vec![] },
        There::SecondFactor {
            code: true,
            passkey: Some(json!({"challenge": "AAAA", "rpId": "hythe.test"})),
        },
        There::SecondFactor {
            code: false,
            passkey: None,
        },
    ] {
        let problem = Problem::new(Code::Conflict).there(there.clone());
        let back: Problem = from_value(to_value(&problem).unwrap()).unwrap();
        assert_eq!(back.there, Some(there));
    }
    let value = to_value(There::NoNode { node }).unwrap();
    assert_eq!(value, json!({"kind": "no-node", "node": "01".repeat(16)}));
}

#[test]
fn requests_with_unknown_fields_or_bad_ids_are_refused() {
    let space = SpaceId([9; 32]);
    let patch = DevicePatch {
        name: Some("n".into()),
        folders: Some(vec![DeviceFolder {
            path: "/p".into(),
            space,
        }]),
    };
    let value = to_value(&patch).unwrap();
    assert_eq!(from_value::<DevicePatch>(value.clone()).unwrap(), patch);
    let with = |path: &str, new: Value| {
        let mut changed = value.clone();
        *changed.pointer_mut(path).unwrap() = new;
        from_value::<DevicePatch>(changed)
    };
    assert!(with("/folders/0/space", json!("09")).is_err());
    assert!(with("/folders/0/space", json!(9)).is_err());
    assert!(
        with(
            "/folders/0",
            json!({"path": "/p", "space": space.to_string(), "x": 1})
        )
        .is_err()
    );
    assert!(from_value::<DevicePatch>(json!({"nome": "x"})).is_err());
}

#[test]
fn a_space_tells_its_head() {
    let text = json!({
        "id": "01".repeat(32), "role": "editor", "personal": false, "open": true,
        "cursor": 7, "chain": "02".repeat(32), "digest": "03".repeat(32),
    });
    let view: SpaceView = from_value(text.clone()).unwrap();
    assert_eq!((view.head().cursor.0, view.head().chain.0), (7, [2; 32]));
    assert_eq!(to_value(&view).unwrap(), text);
}
