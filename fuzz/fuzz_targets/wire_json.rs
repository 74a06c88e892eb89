//! Every JSON message, in both directions: what is read and written again is read as the same.

#![no_main]

use hythe_wire::admin::{Audit, InviteRequest, Invited, Policy, UserList};
use hythe_wire::app_password::{AppPasswordList, CreateAppPassword, RemoveAppPassword};
use hythe_wire::approval::{
    ApprovalGrant, ApprovalId, ApprovalRequest, ApprovalState, ApprovalView,
};
use hythe_wire::deletion::{DeleteReply, DeleteRequest};
use hythe_wire::device::{DeviceList, DevicePatch};
use hythe_wire::factor::{
    FactorProof, PasskeyAssertion, PasskeyBegin, PasskeyFinish, PasskeyList, PasskeyRemove,
};
use hythe_wire::link::LinkList;
use hythe_wire::login::{
    LoginDone, LoginFinishRequest, LoginReply, LoginRequest, PasswordReply, PasswordRequest,
    RecoverReply,
};
use hythe_wire::member::{AccountFound, InvitationAnswer, MemberList};
use hythe_wire::profile::{Profile, ProfilePatch, TotpBegun, TotpConfirm};
use hythe_wire::server::{IdentityProof, ServerInfo};
use hythe_wire::space::SpaceList;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn check<M: Serialize + DeserializeOwned + PartialEq>(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<M>(bytes) else {
        return;
    };
    let again = serde_json::to_vec(&message).expect("a message can be written");
    let read = serde_json::from_slice::<M>(&again).expect("and be read again");
    assert!(read == message);
}

/// Every kind of message; the first byte of the input chooses.
const KINDS: &[fn(&[u8])] = &[
    check::<LoginRequest>,
    check::<LoginReply>,
    check::<LoginFinishRequest>,
    check::<LoginDone>,
    check::<RecoverReply>,
    check::<PasswordRequest>,
    check::<PasswordReply>,
    check::<ApprovalRequest>,
    check::<ApprovalId>,
    check::<ApprovalState>,
    check::<ApprovalView>,
    check::<ApprovalGrant>,
    check::<FactorProof>,
    check::<PasskeyAssertion>,
    check::<PasskeyBegin>,
    check::<PasskeyFinish>,
    check::<PasskeyRemove>,
    check::<PasskeyList>,
    check::<Profile>,
    check::<ProfilePatch>,
    check::<TotpBegun>,
    check::<TotpConfirm>,
    check::<AccountFound>,
    check::<MemberList>,
    check::<InvitationAnswer>,
    check::<DeviceList>,
    check::<DevicePatch>,
    check::<SpaceList>,
    check::<LinkList>,
    check::<ServerInfo>,
    check::<IdentityProof>,
    check::<UserList>,
    check::<InviteRequest>,
    check::<Invited>,
    check::<Policy>,
    check::<Audit>,
    check::<CreateAppPassword>,
    check::<RemoveAppPassword>,
    check::<AppPasswordList>,
    check::<DeleteRequest>,
    check::<DeleteReply>,
];

fuzz_target!(|data: &[u8]| {
    if let Some((kind, bytes)) = data.split_first() {
        KINDS[usize::from(*kind) % KINDS.len()](bytes);
    }
});
