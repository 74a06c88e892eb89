//! A small world for tests: two people, a server, and a space of the first one. Everything comes
//! from one seed, so a failing test fails the same way again.

use hythe_model::{
    Head, KeyEpoch, NameTag, NodeId, NodeKind, OperationId, Role, Secret32, SpaceId, VersionId,
};
use hythe_space::crypto::Purpose;
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::flow::{NewAccount, Recipient, create_account, create_space};
use hythe_space::governance::{Member, MemberWrap};
use hythe_space::operation::{
    AttributesWrite, BodyUpdate, BodyWrite, Create, Delete, Place, PlaceWrite, Restore, Update,
};
use hythe_space::{
    AccountState, Accounts, Behalf, ChangeSet, Draft, Effects, Entropy, MapView, Moment, Operation,
    Refusal, SigningKey, Stamp,
};

pub const NOW: i64 = 1_800_000_000_000;

/// Somebody who writes: an account with the keys of one device.
pub struct Person {
    pub account: AccountState,
    pub key: SigningKey,
    pub made: NewAccount,
}

impl Person {
    pub fn new(entropy: &mut Entropy) -> Self {
        let made = create_account(NOW, entropy).unwrap();
        Self {
            account: made.state.clone(),
            key: made.key.clone(),
            made,
        }
    }

    pub fn recipient(&self) -> Recipient {
        Recipient::of(&self.account).unwrap()
    }
}

pub struct World {
    pub entropy: Entropy,
    pub alice: Person,
    pub bob: Person,
    pub server: Person,
    pub space: SpaceId,
    pub secret: Secret32,
    pub view: MapView,
    pub devices: Accounts,
    pub log: Vec<ChangeSet>,
}

impl World {
    /// An open space of Alice, with the server as editor. Bob is no member.
    pub fn open() -> Self {
        let mut entropy = Entropy::from_seed(&[7; 32]);
        let [alice, bob, server] = std::array::from_fn(|_| Person::new(&mut entropy));
        let recipient = server.recipient();
        let made = create_space(
            &alice.account,
            &alice.key,
            Some(&recipient),
            NOW,
            &mut entropy,
        )
        .unwrap();
        let devices = [&alice, &bob, &server].map(|person| person.account.clone());
        Self {
            entropy,
            space: made.space,
            secret: made.secret,
            view: made.view,
            devices: devices.into_iter().collect(),
            log: made.log,
            alice,
            bob,
            server,
        }
    }

    /// What the next change set of `who` says in its header.
    pub fn stamp(&self, who: &Person) -> Stamp {
        let space = self.view.space_record().unwrap();
        Stamp::next(
            self.space,
            self.view.author_record(who.key.device_id()).as_ref(),
            self.view.head(),
            who.account.head(),
            space.key_epoch,
            OperationId([9; 16]),
            NOW,
        )
    }

    /// A signed change set of Alice that would be next.
    pub fn signed(&self, draft: Draft) -> ChangeSet {
        draft
            .sign(self.stamp(&self.alice), &self.alice.key)
            .unwrap()
    }

    /// Judges a change set without keeping it.
    pub fn judge(&self, change_set: &ChangeSet) -> Result<Effects, Refusal> {
        let folded = hythe_space::fold(
            &self.view,
            &self.devices,
            Moment::Replaying,
            self.view.head(),
            change_set,
        );
        folded.map_err(|error| error.refusal().unwrap().clone())
    }

    /// Keeps a change set; the state is compared with what its digest says.
    pub fn accept(&mut self, change_set: ChangeSet) -> Result<Effects, Refusal> {
        let effects = self.judge(&change_set)?;
        self.view.apply(&effects);
        let records: Vec<_> = self.view.records().cloned().collect();
        assert_eq!(*self.view.digest(), hythe_space::digest_of(&records));
        self.log.push(change_set);
        Ok(effects)
    }

    /// Signs as Alice and keeps.
    pub fn commit(&mut self, draft: Draft) -> Result<Effects, Refusal> {
        let change_set = self.signed(draft);
        self.accept(change_set)
    }

    /// Signs as anybody and keeps.
    pub fn commit_as(
        &mut self,
        pick: fn(&Self) -> &Person,
        draft: Draft,
    ) -> Result<Effects, Refusal> {
        let who = pick(self);
        let change_set = draft.sign(self.stamp(who), &who.key).unwrap();
        self.accept(change_set)
    }

    /// Signs on behalf of another account.
    pub fn behalf(&self, who: &Person, behalf: Behalf, draft: Draft) -> ChangeSet {
        let stamp = Stamp {
            behalf: Some(behalf),
            ..self.stamp(who)
        };
        draft.sign(stamp, &who.key).unwrap()
    }

    /// Makes Bob a member with this role.
    pub fn admit_bob(&mut self, role: Role) {
        let wrap = self.wrap_for_bob();
        let account = self.bob.account.id();
        let draft = one(Operation::Member(Member {
            account,
            role: Some(role),
            wrap: Some(wrap),
        }));
        self.commit(draft).unwrap();
    }

    /// The current secret, wrapped to Bob.
    pub fn wrap_for_bob(&mut self) -> MemberWrap {
        let (generation, kem) = self.bob.account.kem().unwrap();
        let epoch = self.view.space_record().unwrap().key_epoch;
        let account = self.bob.account.id();
        let purpose = Purpose::Epoch {
            space: self.space,
            epoch,
            account,
            generation,
        };
        let wrapped = kem.wrap(&purpose, &self.secret, &mut self.entropy).unwrap();
        MemberWrap {
            epoch,
            generation,
            wrapped,
        }
    }
}

pub fn one(operation: Operation) -> Draft {
    let mut draft = Draft::new();
    draft.push(operation);
    draft
}

pub const ROOT: NodeId = NodeId::ROOT;

/// Node `n` of the test; 0 is the root.
pub fn node(n: u8) -> NodeId {
    NodeId([n; 16])
}

pub fn version(n: u8) -> VersionId {
    VersionId([n; 16])
}

pub fn place(parent: u8, name: &str) -> Place {
    Place {
        parent: node(parent),
        tag: tag(name),
    }
}

/// What a keyed tag is for the fold: 32 bytes that are equal for equal names.
pub fn tag(name: &str) -> NameTag {
    NameTag(*blake3::hash(name.as_bytes()).as_bytes())
}

pub fn body(v: u8) -> BodyWrite {
    let refs = vec![hythe_model::ChunkId([v; 32])];
    BodyWrite {
        version: version(v),
        size: 1000 + u64::from(v),
        tree: false,
        refs,
    }
}

pub fn sealed(what: &str, n: u8) -> Vec<u8> {
    format!("sealed {what} {n}").into_bytes()
}

/// Short words for what tests write. Versions are numbers too: `id` for all fields of a new node.
pub trait Words {
    fn dir(&mut self, id: u8, parent: u8, name: &str) -> &mut Self;
    fn file(&mut self, id: u8, parent: u8, name: &str) -> &mut Self;
    fn moved(&mut self, id: u8, expected: u8, v: u8, parent: u8, name: &str) -> &mut Self;
    fn touched(&mut self, id: u8, expected: u8, v: u8) -> &mut Self;
    fn edited(&mut self, id: u8, expected: u8, v: u8) -> &mut Self;
    fn dropped(&mut self, id: u8, place: u8, body: Option<u8>) -> &mut Self;
    fn back(&mut self, id: u8, expected: u8, v: u8, parent: u8, name: &str) -> &mut Self;
    fn done(&mut self) -> Draft;
}

impl Words for Draft {
    fn dir(&mut self, id: u8, parent: u8, name: &str) -> &mut Self {
        let create = new_node(id, NodeKind::Directory, parent, name, None);
        let (name, attributes) = (sealed("name", id), sealed("attributes", id));
        self.create(
            create,
            SealedNode {
                name,
                attributes,
                body: None,
            },
        );
        self
    }

    fn file(&mut self, id: u8, parent: u8, name: &str) -> &mut Self {
        let create = new_node(id, NodeKind::File, parent, name, Some(body(id)));
        let (name, attributes) = (sealed("name", id), sealed("attributes", id));
        self.create(
            create,
            SealedNode {
                name,
                attributes,
                body: Some(sealed("body", id)),
            },
        );
        self
    }

    fn moved(&mut self, id: u8, expected: u8, v: u8, parent: u8, name: &str) -> &mut Self {
        let place = place(parent, name);
        let place = PlaceWrite {
            expected: version(expected),
            version: version(v),
            place,
        };
        let update = Update {
            node: node(id),
            place: Some(place),
            attributes: None,
            body: None,
        };
        let name = Some(sealed("name", v));
        self.update(
            update,
            SealedFields {
                name,
                ..Default::default()
            },
        );
        self
    }

    fn touched(&mut self, id: u8, expected: u8, v: u8) -> &mut Self {
        let attributes = AttributesWrite {
            expected: version(expected),
            version: version(v),
        };
        let attributes = Some(attributes);
        let update = Update {
            node: node(id),
            place: None,
            attributes,
            body: None,
        };
        let attributes = Some(sealed("attributes", v));
        self.update(
            update,
            SealedFields {
                attributes,
                ..Default::default()
            },
        );
        self
    }

    fn edited(&mut self, id: u8, expected: u8, v: u8) -> &mut Self {
        let write = BodyUpdate {
            expected: version(expected),
            write: body(v),
        };
        let update = Update {
            node: node(id),
            place: None,
            attributes: None,
            body: Some(write),
        };
        let body = Some(sealed("body", v));
        self.update(
            update,
            SealedFields {
                body,
                ..Default::default()
            },
        );
        self
    }

    fn dropped(&mut self, id: u8, place: u8, body: Option<u8>) -> &mut Self {
        let (place, body) = (version(place), body.map(version));
        self.delete(Delete {
            node: node(id),
            place,
            body,
        });
        self
    }

    fn back(&mut self, id: u8, expected: u8, v: u8, parent: u8, name: &str) -> &mut Self {
        let (expected, version) = (version(expected), version(v));
        let restore = Restore {
            node: node(id),
            expected,
            version,
            place: place(parent, name),
        };
        self.restore(restore, sealed("name", v));
        self
    }

    fn done(&mut self) -> Draft {
        std::mem::take(self)
    }
}

fn new_node(id: u8, kind: NodeKind, parent: u8, name: &str, body: Option<BodyWrite>) -> Create {
    Create {
        node: node(id),
        kind,
        place: place(parent, name),
        place_version: version(id),
        attributes_version: version(id),
        body,
    }
}

pub fn draft() -> Draft {
    Draft::new()
}

/// The head a log has.
pub fn head_of(log: &[ChangeSet]) -> Head {
    log.iter().fold(Head::START, |head, change_set| {
        hythe_space::chain::head_next(head, change_set.hash())
    })
}

pub const FIRST: KeyEpoch = KeyEpoch::FIRST;
