//! Every CBOR message: what is read is written back as it was.

#![no_main]

use hythe_wire::Message;
use hythe_wire::account::{
    AppendReply, AppendRequest, EnrolReply, EnrolRequest, RegisterReply, RegisterRequest,
};
use hythe_wire::chunk::{MissingReply, MissingRequest, PackReply, ReadRequest};
use hythe_wire::event::{Event, EventsRequest};
use hythe_wire::history::{HistoryFrame, TrashFrame};
use hythe_wire::link::{
    CreateLinkReply, CreateLinkRequest, LinkCapsulesRequest, LinkInfo, LinkListRequest,
    LinkOpenRequest, LinkOpened, LinkPage,
};
use hythe_wire::log::{CheckpointMessage, CommitReply, CommitRequest, LogFrame, SnapshotFrame};
use hythe_wire::sighting::{SightingMessage, SightingsReply};
use libfuzzer_sys::fuzz_target;

fn check<M: Message>(bytes: &[u8]) {
    if let Ok(message) = M::from_cbor(bytes) {
        assert_eq!(message.to_cbor(), bytes);
    }
}

/// Every kind of message; the first byte of the input chooses.
const KINDS: [fn(&[u8]); 32] = [
    check::<RegisterRequest>,
    check::<RegisterReply>,
    check::<EnrolRequest>,
    check::<EnrolReply>,
    check::<AppendRequest>,
    check::<AppendReply>,
    check::<CommitRequest>,
    check::<CommitReply>,
    check::<LogFrame>,
    check::<SnapshotFrame>,
    check::<CheckpointMessage>,
    check::<MissingRequest>,
    check::<MissingReply>,
    check::<PackReply>,
    check::<ReadRequest>,
    check::<EventsRequest>,
    check::<Event>,
    check::<HistoryFrame>,
    check::<TrashFrame>,
    check::<hythe_wire::space::CreateSpaceRequest>,
    check::<hythe_wire::space::CreateSpaceReply>,
    check::<hythe_wire::join::JoinTermsReply>,
    check::<CreateLinkRequest>,
    check::<CreateLinkReply>,
    check::<LinkInfo>,
    check::<LinkListRequest>,
    check::<LinkPage>,
    check::<LinkOpenRequest>,
    check::<LinkOpened>,
    check::<LinkCapsulesRequest>,
    check::<SightingMessage>,
    check::<SightingsReply>,
];

fuzz_target!(|data: &[u8]| {
    if let Some((kind, bytes)) = data.split_first() {
        KINDS[usize::from(*kind) % KINDS.len()](bytes);
    }
});
