//! Messages come back as they were, in one encoding only.

use hythe_model::{ChunkId, Head, SealHash, Secret32};
use hythe_wire::account::{DeviceInfo, RegisterRequest};
use hythe_wire::chunk::{MissingRequest, ObjectName, ReadRequest};
use hythe_wire::limits::{
    MAX_ATTACHED_OBJECTS, MAX_CHANGE_SET_BYTES, MAX_FOUNDING_CHANGE_SETS, MAX_MISSING_CHUNKS,
    MAX_READ_CHUNKS, MAX_RECORD_PARTS, MAX_TEXT_BYTES,
};
use hythe_wire::log::{
    AttachedObject, CommitRequest, LogEntry, LogFrame, SnapshotFrame, SnapshotRecord,
};
use hythe_wire::{ByteVec, DecodeError, Message, Token};
use proptest::prelude::*;

use crate::samples::{Visitor, visit};

/// Checks one message of every kind.
struct ThereAndBack;

impl Visitor for ThereAndBack {
    fn visit<M: Message + PartialEq>(&mut self, name: &'static str, message: &M) {
        let bytes = message.to_cbor();
        assert!(bytes.len() <= M::MAX_BYTES, "{name}");
        let back = M::from_cbor(&bytes).unwrap_or_else(|e| panic!("{name}: {e} {bytes:02x?}"));
        assert!(back == *message, "{name}");

        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(
            matches!(M::from_cbor(&longer), Err(DecodeError::Trailing)),
            "{name}"
        );
        for length in 0..bytes.len() {
            assert!(
                M::from_cbor(&bytes[..length]).is_err(),
                "{name} cut to {length}"
            );
        }
        // One more field than there is: the outer array is always a short one.
        let mut more = bytes.clone();
        more[0] += 1;
        more.push(0xf6);
        assert!(M::from_cbor(&more).is_err(), "{name} with an unknown field");
        // The same array with a longer head than it needs.
        let mut spelled = vec![0x98, bytes[0] & 0x1f];
        spelled.extend(&bytes[1..]);
        assert!(M::from_cbor(&spelled).is_err(), "{name} spelled otherwise");
    }
}

proptest! {
    #[test]
    fn every_message_comes_back(seed: u64) {
        visit(seed, &mut ThereAndBack);
    }
}

fn objects(count: usize) -> Vec<ObjectName> {
    vec![
        ObjectName {
            id: ChunkId([1; 32]),
            seal: SealHash([2; 32])
        };
        count
    ]
}

#[test]
fn the_largest_messages_fit_and_one_more_does_not() {
    let most = MissingRequest {
        objects: objects(MAX_MISSING_CHUNKS),
        reserve: None,
    };
    assert!(MissingRequest::from_cbor(&most.to_cbor()).unwrap() == most);
    let more = MissingRequest {
        objects: objects(MAX_MISSING_CHUNKS + 1),
        reserve: None,
    };
    assert!(MissingRequest::from_cbor(&more.to_cbor()).is_err());
    let most = ReadRequest {
        objects: objects(MAX_READ_CHUNKS),
    };
    assert!(ReadRequest::from_cbor(&most.to_cbor()).unwrap() == most);
    let more = ReadRequest {
        objects: objects(MAX_READ_CHUNKS + 1),
    };
    assert!(ReadRequest::from_cbor(&more.to_cbor()).is_err());

    let change_set = vec![7; MAX_CHANGE_SET_BYTES];
    let commit = CommitRequest {
        change_set: change_set.clone().into(),
        attached: vec![],
    };
    assert!(CommitRequest::from_cbor(&commit.to_cbor()).unwrap() == commit);
    let entry = LogFrame::Entry(LogEntry {
        head: Head::START,
        change_set: change_set.into(),
    });
    assert!(LogFrame::from_cbor(&entry.to_cbor()).unwrap() == entry);
}

#[test]
fn a_message_over_its_limit_is_not_looked_at() {
    let bytes = vec![0xff; ReadRequest::MAX_BYTES + 1];
    let refused = ReadRequest::from_cbor(&bytes);
    assert!(matches!(refused, Err(DecodeError::TooLong { .. })));
}

#[test]
fn r16_every_list_and_text_has_a_limit_of_its_own() {
    let empty = ByteVec::from(Vec::new());
    let info = DeviceInfo {
        name: String::new(),
        platform: String::new(),
        version: String::new(),
    };
    let token = Token(Secret32::new([0; 32]));
    let register = |login: usize, account: usize, name: usize| {
        let request = RegisterRequest {
            login: "x".repeat(login),
            device: DeviceInfo {
                name: "y".repeat(name),
                ..info.clone()
            },
            token: token.clone(),
            account: vec![empty.clone(); account],
            space: vec![],
            password: None,
            recovery: None,
        };
        RegisterRequest::from_cbor(&request.to_cbor()).is_ok()
    };
    assert!(register(
        MAX_TEXT_BYTES,
        MAX_FOUNDING_CHANGE_SETS,
        MAX_TEXT_BYTES
    ));
    assert!(!register(MAX_TEXT_BYTES + 1, 0, 0));
    assert!(!register(0, MAX_FOUNDING_CHANGE_SETS + 1, 0));
    assert!(!register(0, 0, MAX_TEXT_BYTES + 1));

    let commit = |count: usize| {
        let object = AttachedObject {
            name: objects(1)[0],
            sealed: empty.clone(),
        };
        let request = CommitRequest {
            change_set: empty.clone(),
            attached: vec![object; count],
        };
        CommitRequest::from_cbor(&request.to_cbor()).is_ok()
    };
    assert!(commit(MAX_ATTACHED_OBJECTS));
    assert!(!commit(MAX_ATTACHED_OBJECTS + 1));
    let record = |count: usize| {
        let record = SnapshotRecord {
            record: empty.clone(),
            sealed: vec![None; count],
        };
        let frame = SnapshotFrame::Record(record);
        SnapshotFrame::from_cbor(&frame.to_cbor()).is_ok()
    };
    assert!(record(MAX_RECORD_PARTS));
    assert!(!record(MAX_RECORD_PARTS + 1));
}
