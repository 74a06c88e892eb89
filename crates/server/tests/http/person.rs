//! Somebody with an account and a device.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hythe_model::{
    ChunkId, Head, KeyEpoch, NameTag, NodeId, NodeKind, OperationId, Secret32, SpaceId, VersionId,
};
use hythe_server::Running;
use hythe_space::account::AccountKeys;
use hythe_space::draft::SealedNode;
use hythe_space::flow::{Recipient, create_account, create_space};
use hythe_space::operation::{BodyWrite, Create, Place};
use hythe_space::{AccountState, ChangeSet, Draft, Entropy, MapView, Moment, SigningKey, Stamp};
use hythe_wire::account::{AppendReply, AppendRequest, DeviceInfo, RegisterReply, RegisterRequest};
use hythe_wire::invite::InviteUrl;
use hythe_wire::log::{CommitReply, CommitRequest, LogFrame};
use hythe_wire::server::ServerInfo;
use hythe_wire::{Token, headers, routes};

use crate::world::{Frames, World, cbor, reply, shown};

/// Somebody with an account and a device.
pub struct Person {
    pub account: AccountState,
    pub keys: AccountKeys,
    pub key: SigningKey,
    pub token: Token,
    pub space: SpaceId,
    pub view: MapView,
    pub secret: Secret32,
    pub entropy: Entropy,
}

/// Everything a registration needs, before it is sent.
pub struct Candidate {
    pub person: Person,
    pub request: RegisterRequest,
}

impl Candidate {
    /// A new account whose keys follow from `seed`.
    pub async fn new(world: &World, seed: u8) -> Self {
        let mut entropy = Entropy::from_seed(&[seed; 32]);
        let now = now_ms();
        let new = create_account(now, &mut entropy).unwrap();
        let server = server_account(world).await;
        let recipient = Recipient::of(&server).unwrap();
        let space =
            create_space(&new.state, &new.key, Some(&recipient), now, &mut entropy).unwrap();
        let token = Token(entropy.secret());
        let encoded = |log: &[ChangeSet]| {
            log.iter()
                .map(|one| one.encoded().to_vec().into())
                .collect::<Vec<_>>()
        };
        let request = RegisterRequest {
            login: format!("person-{seed}"),
            device: info(),
            token: token.clone(),
            account: encoded(&new.log),
            space: encoded(&space.log),
            password: None,
            recovery: None,
        };
        let person = Person {
            account: new.state,
            keys: new.keys,
            key: new.key,
            token,
            space: space.space,
            view: space.view,
            secret: space.secret,
            entropy,
        };
        Self { person, request }
    }
}

pub fn info() -> DeviceInfo {
    DeviceInfo {
        name: "desk".into(),
        platform: "linux".into(),
        version: "1".into(),
    }
}

/// A registered person.
pub async fn join(world: &World, seed: u8) -> Person {
    let Candidate { person, request } = Candidate::new(world, seed).await;
    let invite = invite(world.server()).await;
    let done: RegisterReply = reply(register(world, &invite.token, &request).await).await;
    assert_eq!(done.account, person.account.id());
    assert_eq!(done.space, person.space);
    assert_eq!(done.space_head, person.view.head());
    person
}

pub async fn invite(server: &Running) -> InviteUrl {
    server.invite(Duration::from_secs(60), false).await.unwrap()
}

pub async fn register(
    world: &World,
    invite: &Token,
    request: &RegisterRequest,
) -> reqwest::Response {
    let post = world.client().post(world.url(routes::ACCOUNTS));
    cbor(shown(post, invite, headers::INVITE), request)
        .send()
        .await
        .unwrap()
}

/// The server's account, read as anybody may.
async fn server_account(world: &World) -> AccountState {
    let info = world
        .client()
        .get(world.url(routes::SERVER))
        .send()
        .await
        .unwrap();
    let info: ServerInfo = info.json().await.unwrap();
    let log = world
        .client()
        .get(world.url(&routes::account_log(info.account)))
        .send()
        .await;
    read_account(log.unwrap()).await
}

/// An account, replayed from an answer.
pub async fn read_account(response: reqwest::Response) -> AccountState {
    let frames = Frames::of(response, <LogFrame as hythe_wire::Message>::MAX_BYTES);
    let mut log = Vec::new();
    for frame in frames.all::<LogFrame>().await {
        if let LogFrame::Entry(entry) = frame {
            log.push(ChangeSet::decode(&entry.change_set).unwrap());
        }
    }
    AccountState::replay(&log).unwrap()
}

impl Person {
    /// A request of this person's device.
    pub fn ask(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        shown(request, &self.token, headers::BEARER)
    }

    pub fn get(&self, world: &World, path: &str) -> reqwest::RequestBuilder {
        self.ask(world.client().get(world.url(path)))
    }

    pub fn post(&self, world: &World, path: &str) -> reqwest::RequestBuilder {
        self.ask(world.client().post(world.url(path)))
    }

    /// A change set that makes a directory, folded here as if it were committed.
    pub fn directory(&mut self) -> ChangeSet {
        self.create(NodeKind::Directory, b"a sealed name".to_vec())
    }

    /// A change set that makes one node with this sealed name.
    pub fn create(&mut self, kind: NodeKind, name: Vec<u8>) -> ChangeSet {
        let change_set = self.draft(kind, name);
        self.view
            .append(&self.account, Moment::Replaying, &change_set)
            .unwrap();
        change_set
    }

    /// A change set that makes one node, not folded here.
    pub fn draft(&mut self, kind: NodeKind, name: Vec<u8>) -> ChangeSet {
        let mut draft = Draft::new();
        self.add(&mut draft, kind, name, None);
        self.sign(draft)
    }

    /// Makes one node more in a draft.
    pub fn add(
        &mut self,
        draft: &mut Draft,
        kind: NodeKind,
        name: Vec<u8>,
        refs: Option<Vec<ChunkId>>,
    ) {
        let body = refs.map(|refs| BodyWrite {
            version: VersionId(self.entropy.bytes()),
            size: 100,
            tree: false,
            refs,
        });
        let sealed = SealedNode {
            name,
            attributes: b"sealed".to_vec(),
            body: body.as_ref().map(|_| b"a sealed layout".to_vec()),
        };
        let create = Create {
            node: NodeId(self.entropy.bytes()),
            kind,
            place: Place {
                parent: NodeId::ROOT,
                tag: NameTag(self.entropy.bytes()),
            },
            place_version: VersionId(self.entropy.bytes()),
            attributes_version: VersionId(self.entropy.bytes()),
            body,
        };
        draft.create(create, sealed);
    }

    /// Signs the next change set of the personal space.
    pub fn sign(&mut self, draft: Draft) -> ChangeSet {
        let author = self.view.author_record(self.key.device_id());
        let stamp = Stamp::next(
            self.space,
            author.as_ref(),
            self.view.head(),
            self.account.head(),
            KeyEpoch::FIRST,
            OperationId(self.entropy.bytes()),
            now_ms(),
        );
        draft.sign(stamp, &self.key).unwrap()
    }

    pub async fn send(&self, world: &World, change_set: &ChangeSet) -> reqwest::Response {
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: vec![],
        };
        cbor(
            self.post(world, &routes::space_changes(self.space)),
            &request,
        )
        .send()
        .await
        .unwrap()
    }

    /// Makes a directory on the server.
    pub async fn commit(&mut self, world: &World) -> (Head, Bytes) {
        let change_set = self.directory();
        let done: CommitReply = reply(self.send(world, &change_set).await).await;
        assert_eq!(done.head, self.view.head());
        (done.head, change_set.encoded().to_vec().into())
    }

    /// Adds a change set to the account's log, on the server and here.
    pub async fn append(
        &mut self,
        world: &World,
        change_set: &ChangeSet,
        one_time: Option<Token>,
    ) -> AppendReply {
        let request = AppendRequest {
            change_set: change_set.encoded().to_vec().into(),
            one_time,
            password: None,
            recovery: None,
            proof: None,
        };
        let post = self.post(world, &routes::account_log(self.account.id()));
        let done = reply(cbor(post, &request).send().await.unwrap()).await;
        self.account.append(Moment::Replaying, change_set).unwrap();
        done
    }
}

pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}
