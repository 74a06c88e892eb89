//! A device with its account: what a client would hold, and the change sets it would send.

use std::net::SocketAddr;

use bytes::Bytes;
use hythe_content::{EpochSecret, Scratch, SealedChunk, SpaceKeys, seal_chunk};
use hythe_model::{
    ChunkId, Cursor, KeyEpoch, NameTag, NodeId, NodeKind, OperationId, Secret32, SpaceId, VersionId,
};
use hythe_server::files::{
    Appending, Attached, Commit, Committed, Enrolment, FilesError, Principal, Registration,
};
use hythe_space::account::{AccountKeys, Accounts};
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::flow::{self, Recipient};
use hythe_space::operation::{BodyUpdate, BodyWrite, Create, Delete, Place, PlaceWrite, Update};
use hythe_space::{
    AccountState, ChangeSet, Draft, Entropy, MapView, Moment, SigningKey, Stamp, View,
};
use hythe_wire::Token;
use hythe_wire::account::DeviceInfo;
use hythe_wire::chunk::ObjectName;

use crate::world::World;

/// Milliseconds since 1970 at which all clients of these tests live: soon after now, so that
/// offers hold.
pub fn client_now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Where the devices of these tests come from.
pub fn address() -> SocketAddr {
    "[::ffff:192.0.2.7]:5000".parse().unwrap()
}

pub struct Person {
    pub principal: Principal,
    pub token: Token,
    pub key: SigningKey,
    pub keys: AccountKeys,
    pub account: AccountState,
    pub accounts: Accounts,
    pub space: SpaceId,
    pub fold: MapView,
    pub space_keys: SpaceKeys,
    pub entropy: Entropy,
}

/// A registration that was not sent yet.
pub struct Prepared {
    pub registration: Registration,
    pub made: flow::NewAccount,
    pub space: flow::NewSpace,
    pub entropy: Entropy,
}

pub fn info(name: &str) -> DeviceInfo {
    DeviceInfo {
        name: name.into(),
        platform: "linux test".into(),
        version: "0.1".into(),
    }
}

pub fn bytes_of(change_set: &ChangeSet) -> Bytes {
    Bytes::copy_from_slice(change_set.encoded())
}

fn seed(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// The server's account as its public log tells it.
pub async fn server_account(world: &World) -> AccountState {
    let page = world.files.server_log(Cursor::START).await.unwrap();
    let log: Vec<ChangeSet> = page
        .entries
        .iter()
        .map(|e| ChangeSet::decode(&e.change_set).unwrap())
        .collect();
    AccountState::replay(&log).unwrap()
}

/// Everything that registering needs; the same for the same name.
pub async fn prepare(world: &World, login: &str) -> Prepared {
    let server = server_account(world).await;
    let mut entropy = Entropy::from_seed(&seed(login));
    let made = flow::create_account(client_now_ms(), &mut entropy).unwrap();
    let recipient = Recipient::of(&server).unwrap();
    let space = flow::create_space(
        &made.state,
        &made.key,
        Some(&recipient),
        client_now_ms(),
        &mut entropy,
    )
    .unwrap();
    let registration = Registration {
        login: login.into(),
        device: info("first"),
        token: Token(entropy.secret()),
        account: made.log.iter().map(bytes_of).collect(),
        space: space.log.iter().map(bytes_of).collect(),
        password: None,
        recovery: None,
        address: Some(address()),
    };
    Prepared {
        registration,
        made,
        space,
        entropy,
    }
}

impl Person {
    /// Registers with a fresh invite.
    pub async fn register(world: &World, login: &str) -> Self {
        let prepared = prepare(world, login).await;
        let invite = world.invite().await;
        let registered = world
            .files
            .register(Some(&invite), prepared.registration.clone())
            .await
            .unwrap();
        assert_eq!(registered.space, prepared.space.space);
        assert_eq!(registered.account_head, prepared.made.state.head());
        assert_eq!(registered.space_head, prepared.space.view.head());
        let token = prepared.registration.token.clone();
        let principal = world
            .files
            .authenticate(&token, Some(address()))
            .await
            .unwrap();
        assert_eq!(principal.device(), registered.device);
        let server = server_account(world).await;
        Self {
            principal,
            token,
            key: prepared.made.key,
            keys: prepared.made.keys,
            accounts: [server, prepared.made.state.clone()].into_iter().collect(),
            account: prepared.made.state,
            space: prepared.space.space,
            fold: prepared.space.view,
            space_keys: space_keys(prepared.space.space, &prepared.space.secret),
            entropy: prepared.entropy,
        }
    }

    /// Adds a second device by an offer, as `devices add` does.
    pub async fn second_device(&mut self, world: &World) -> Self {
        let offer = flow::add_device_offer(
            &self.account,
            &self.key,
            &self.keys,
            client_now_ms(),
            &mut self.entropy,
        )
        .unwrap();
        let one_time = Token(Secret32::new(offer.secret.token()));
        self.append(world, &offer.change_set, Some(one_time.clone()))
            .await
            .unwrap();
        let mut entropy = Entropy::from_seed(&self.entropy.bytes());
        let enrolled =
            flow::enrol_with_offer(&self.account, &offer.secret, client_now_ms(), &mut entropy)
                .unwrap();
        let token = Token(entropy.secret());
        let enrolment = Enrolment {
            device: info("second"),
            token: token.clone(),
            change_set: bytes_of(&enrolled.change_set),
            address: None,
        };
        let done = world
            .files
            .enrol(&one_time, enrolment.clone())
            .await
            .unwrap();
        assert_eq!(done.device, enrolled.key.device_id());
        let again = world
            .files
            .enrol(&one_time, enrolment.clone())
            .await
            .unwrap();
        assert_eq!(again, done, "C6: repeated after a lost reply");
        let other_token = Enrolment {
            token: Token(entropy.secret()),
            ..enrolment
        };
        let spent = world.files.enrol(&one_time, other_token).await;
        assert!(spent.is_err(), "a second use, no repetition");
        self.account
            .append(Moment::Replaying, &enrolled.change_set)
            .unwrap();
        self.accounts.insert(self.account.clone());
        let secret = self.keys.open_epoch(self.space, self.wrap()).unwrap();
        Self {
            principal: world.files.authenticate(&token, None).await.unwrap(),
            token,
            key: enrolled.key,
            keys: enrolled.keys,
            account: self.account.clone(),
            accounts: self.accounts.clone(),
            space: self.space,
            fold: self.fold.clone(),
            space_keys: space_keys(self.space, &secret),
            entropy,
        }
    }

    fn wrap(&self) -> &hythe_space::governance::MemberWrap {
        self.fold
            .member_record(self.account.id())
            .unwrap()
            .wrap
            .as_ref()
            .unwrap()
    }

    /// Sends a change set for the account's own log.
    pub async fn append(
        &mut self,
        world: &World,
        change_set: &ChangeSet,
        one_time: Option<Token>,
    ) -> Result<Committed, FilesError> {
        let appending = Appending {
            change_set: bytes_of(change_set),
            one_time,
            password: None,
            recovery: None,
            proof: None,
        };
        let committed = world
            .files
            .append_account(&self.principal, appending)
            .await?;
        if !committed.repeated {
            self.account.append(Moment::Replaying, change_set).unwrap();
            self.accounts.insert(self.account.clone());
        }
        Ok(committed)
    }

    /// Signs a draft as the next change set of this device.
    pub fn sign(&mut self, draft: Draft) -> ChangeSet {
        let operation = OperationId(self.entropy.bytes());
        self.sign_as(draft, operation)
    }

    pub fn sign_as(&mut self, draft: Draft, operation: OperationId) -> ChangeSet {
        draft.sign(self.stamp(operation), &self.key).unwrap()
    }

    pub fn stamp(&self, operation: OperationId) -> Stamp {
        let author = self.fold.author(self.key.device_id()).unwrap();
        let epoch = self.fold.space_record().unwrap().key_epoch;
        Stamp::next(
            self.space,
            author.as_ref(),
            self.fold.head(),
            self.account.head(),
            epoch,
            operation,
            client_now_ms(),
        )
    }

    pub async fn send(
        &self,
        world: &World,
        change_set: &ChangeSet,
        attached: Vec<Attached>,
    ) -> Result<Committed, FilesError> {
        let commit = Commit {
            space: self.space,
            change_set: bytes_of(change_set),
            attached,
        };
        world.files.commit(&self.principal, commit).await
    }

    /// Signs, sends, and folds what was accepted.
    pub async fn commit(
        &mut self,
        world: &World,
        draft: Draft,
        attached: Vec<Attached>,
    ) -> Result<Committed, FilesError> {
        let change_set = self.sign(draft);
        let committed = self.send(world, &change_set, attached).await?;
        self.pull(world).await;
        assert_eq!(self.fold.head(), committed.head);
        assert_eq!(
            self.fold.digest().digest().0,
            committed.digest,
            "digest of the pure fold"
        );
        Ok(committed)
    }

    /// Folds what this device has not seen yet.
    pub async fn pull(&mut self, world: &World) {
        loop {
            let from = self.fold.head().cursor;
            let page = world
                .files
                .changes(&self.principal, self.space, from, 100, 1 << 20)
                .await
                .unwrap();
            if page.entries.is_empty() {
                assert_eq!(page.head, self.fold.head());
                return;
            }
            for entry in page.entries {
                let change_set = ChangeSet::decode(&entry.change_set).unwrap();
                let moment = Moment::Replaying;
                self.fold
                    .append(&self.accounts, moment, &change_set)
                    .unwrap();
                assert_eq!(self.fold.head(), entry.head);
                assert_eq!(self.fold.digest().digest().0, entry.digest);
            }
        }
    }

    pub fn directory(&mut self, draft: &mut Draft, parent: NodeId, name: &str) -> NodeId {
        self.create(draft, parent, name, NodeKind::Directory, None)
    }

    pub fn file(
        &mut self,
        draft: &mut Draft,
        parent: NodeId,
        name: &str,
        refs: Vec<ChunkId>,
    ) -> NodeId {
        let body = self.body(refs, false);
        self.create(draft, parent, name, NodeKind::File, Some(body))
    }

    pub fn create(
        &mut self,
        draft: &mut Draft,
        parent: NodeId,
        name: &str,
        kind: NodeKind,
        body: Option<BodyWrite>,
    ) -> NodeId {
        let node = NodeId(self.entropy.bytes());
        self.create_as(draft, node, (parent, name), kind, body);
        node
    }

    /// A file without content, under an id that somebody else drew.
    pub fn file_called(&mut self, draft: &mut Draft, node: NodeId) {
        let body = self.body(Vec::new(), false);
        let place = (NodeId::ROOT, "taken in");
        self.create_as(draft, node, place, NodeKind::File, Some(body));
    }

    fn create_as(
        &mut self,
        draft: &mut Draft,
        node: NodeId,
        (parent, name): (NodeId, &str),
        kind: NodeKind,
        body: Option<BodyWrite>,
    ) {
        let sealed = SealedNode {
            name: format!("sealed name {name}").into_bytes(),
            attributes: b"sealed attributes".to_vec(),
            body: body.as_ref().map(|body| sealed_body(body.version)),
        };
        let create = Create {
            node,
            kind,
            place: Place {
                parent,
                tag: tag(parent, name),
            },
            place_version: self.version(),
            attributes_version: self.version(),
            body,
        };
        draft.create(create, sealed);
    }

    pub fn body(&mut self, refs: Vec<ChunkId>, tree: bool) -> BodyWrite {
        BodyWrite {
            version: self.version(),
            size: 100,
            tree,
            refs,
        }
    }

    /// New content of a node, over what this device has seen of it.
    pub fn rewrite(&mut self, draft: &mut Draft, node: NodeId, refs: Vec<ChunkId>) -> VersionId {
        let expected = self
            .fold
            .node_record(node)
            .unwrap()
            .body
            .unwrap()
            .field
            .version;
        let write = self.body(refs, false);
        let version = write.version;
        let body = Some(BodyUpdate { expected, write });
        let update = Update {
            node,
            place: None,
            attributes: None,
            body,
        };
        let sealed = SealedFields {
            body: Some(sealed_body(version)),
            ..Default::default()
        };
        draft.update(update, sealed);
        version
    }

    /// Gives a node another place; returns the version of it.
    pub fn rename(
        &mut self,
        draft: &mut Draft,
        node: NodeId,
        parent: NodeId,
        name: &str,
    ) -> VersionId {
        let expected = self.fold.node_record(node).unwrap().place.version;
        let version = self.version();
        let place = Place {
            parent,
            tag: tag(parent, name),
        };
        let place = Some(PlaceWrite {
            expected,
            version,
            place,
        });
        let update = Update {
            node,
            place,
            attributes: None,
            body: None,
        };
        let sealed = SealedFields {
            name: Some(name.into()),
            ..Default::default()
        };
        draft.update(update, sealed);
        version
    }

    pub fn delete(&self, draft: &mut Draft, node: NodeId) {
        let record = self.fold.node_record(node).unwrap();
        let body = record.body.map(|body| body.field.version);
        draft.delete(Delete {
            node,
            place: record.place.version,
            body,
        });
    }

    pub fn version(&mut self) -> VersionId {
        VersionId(self.entropy.bytes())
    }

    /// A sealed chunk of this space.
    pub fn chunk(&self, plain: &[u8]) -> SealedChunk {
        seal_chunk(&self.space_keys, plain, &mut Scratch::default()).unwrap()
    }
}

/// Stands for a sealed layout: the server cannot open one anyway.
pub fn sealed_body(version: VersionId) -> Vec<u8> {
    [b"sealed body ".as_slice(), &version.0].concat()
}

pub fn tag(parent: NodeId, name: &str) -> NameTag {
    NameTag(*blake3::hash(&[parent.as_bytes(), name.as_bytes()].concat()).as_bytes())
}

pub fn name_of(chunk: &SealedChunk) -> ObjectName {
    ObjectName {
        id: chunk.chunk.id,
        seal: chunk.chunk.seal,
    }
}

pub fn attached(chunk: &SealedChunk) -> Attached {
    let ObjectName { id, seal } = name_of(chunk);
    Attached {
        id,
        seal,
        sealed: chunk.bytes.clone().into(),
    }
}

pub fn space_keys(space: SpaceId, secret: &Secret32) -> SpaceKeys {
    SpaceKeys::derive(&space, KeyEpoch::FIRST, &EpochSecret::new(secret.clone()))
}
