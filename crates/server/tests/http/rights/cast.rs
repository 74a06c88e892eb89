//! Who asks, and the space they ask for.

use std::time::Duration;

use hythe_content::SealedChunk;
use hythe_model::{
    DeviceId, Head, KeyEpoch, NodeId, NodeKind, OperationId, Role, Secret32, SpaceId,
};
use hythe_server::files::Actor;
use hythe_space::flow::{
    EpochPlan, KeyholderSecret, OfferSecret, Recipient, add_device_offer, create_space, new_epoch,
    offer_join, remove_device,
};
use hythe_space::governance::{Member, SealedSecret};
use hythe_space::{Accounts, ChangeSet, Draft, MapView, Moment, Operation, Stamp};
use hythe_wire::account::RegisterReply;
use hythe_wire::log::CommitRequest;
use hythe_wire::{Token, headers, routes};

use super::asks::Then;
use super::links::{link_of, token_of};
use super::logins::recovery_token;
use crate::accounts::{second_device, take_up};
use crate::person::{Candidate, Person, now_ms, register};
use crate::world::{World, cbor, reply};

/// A kind of principal: the columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anonymous,
    WrongToken,
    Invite,
    OneTime,
    OthersOneTime,
    Owner,
    Editor,
    Viewer,
    Drop,
    Former,
    Stranger,
    RemovedDevice,
    Admin,
    Login,
    Recovery,
    Spent,
    Suspended,
    SuspendedOneTime,
    ViewLink,
    DownloadLink,
    EndedLink,
    AppPassword,
    UploadLink,
}

impl Who {
    pub const ALL: &[Self] = &[
        Self::Anonymous,
        Self::WrongToken,
        Self::Invite,
        Self::OneTime,
        Self::OthersOneTime,
        Self::Owner,
        Self::Editor,
        Self::Viewer,
        Self::Drop,
        Self::Former,
        Self::Stranger,
        Self::RemovedDevice,
        Self::Admin,
        Self::Login,
        Self::Recovery,
        Self::Spent,
        Self::Suspended,
        Self::SuspendedOneTime,
        Self::ViewLink,
        Self::DownloadLink,
        Self::EndedLink,
        Self::AppPassword,
        Self::UploadLink,
    ];

    /// The head of its column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::WrongToken => "wrong token",
            Self::Invite => "invite",
            Self::OneTime => "one-time",
            Self::OthersOneTime => "other's one-time",
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
            Self::Drop => "drop",
            Self::Former => "former",
            Self::Stranger => "stranger",
            Self::RemovedDevice => "removed device",
            Self::Admin => "admin",
            Self::Login => "login",
            Self::Recovery => "recovery",
            Self::Spent => "spent one-time",
            Self::Suspended => "suspended",
            Self::SuspendedOneTime => "suspended's one-time",
            Self::ViewLink => "view link",
            Self::DownloadLink => "download link",
            Self::EndedLink => "ended link",
            Self::AppPassword => "app password",
            Self::UploadLink => "upload link",
        }
    }
}

/// A server, and everybody.
pub struct Cast {
    pub world: World,
    pub owner: Person,
    editor: Person,
    viewer: Person,
    drop: Person,
    former: Person,
    /// An editor; one of its devices was removed.
    ghost: Person,
    pub stranger: Person,
    admin: Person,
    /// An editor whose account was suspended.
    suspended: Person,
    /// What lets its next device in, once it is resumed.
    suspended_offer: Option<OfferSecret>,
    /// Has keys and a log, but was never registered.
    pub nobody: Candidate,
    removed: Token,
    invite: Option<Token>,
    one_time: Option<OfferSecret>,
    others_one_time: Option<OfferSecret>,
    pub login: Option<Token>,
    /// The owner's password.
    pub holder: Option<KeyholderSecret>,
    /// A one-time token of the owner's that let a device in.
    spent: Option<Token>,
    /// What they ask for: a space of the owner with a member of each role, and of one who was.
    pub space: SpaceId,
    pub view: MapView,
    pub node: NodeId,
    pub file: NodeId,
    pub chunk: SealedChunk,
    /// The key of a link into the space.
    pub offered: DeviceId,
}

impl Cast {
    pub async fn assemble() -> Self {
        let world = World::with(|config| {
            // Wrong tokens are shown all the time here.
            config.limits.rates.failures_burst = u32::MAX;
            // Everybody logs in from one address.
            config.limits.rates.logins_burst = 10_000;
            // Passkeys need a name.
            config.public_url = Some("https://hythe.test/".parse().unwrap());
        })
        .await;
        let mut owner = join(&world, 1, false).await;
        let others = [
            join(&world, 2, false).await,
            join(&world, 3, false).await,
            join(&world, 4, false).await,
            join(&world, 5, false).await,
        ];
        let mut ghost = join(&world, 9, false).await;
        let (_, removed) = removed_device(&world, &mut ghost).await;
        let (space, view) = found_space(&world, &mut owner).await;
        let chunk = crate::transfer::chunks(&mut owner, 1, 1000).remove(0);
        let [editor, viewer, drop, former] = others;
        let mut cast = Self {
            ghost,
            stranger: join(&world, 6, false).await,
            admin: join(&world, 7, true).await,
            suspended: join(&world, 10, false).await,
            suspended_offer: None,
            nobody: Candidate::new(&world, 8).await,
            world,
            owner,
            editor,
            viewer,
            drop,
            former,
            removed,
            invite: None,
            one_time: None,
            others_one_time: None,
            login: None,
            holder: None,
            spent: None,
            space,
            view,
            node: NodeId::ROOT,
            file: NodeId::ROOT,
            chunk,
            offered: DeviceId([0; 32]),
        };
        cast.gather().await;
        cast.give_links().await;
        cast.set_password().await;
        cast.spent = Some(cast.spend().await);
        cast.suspended_offer = Some(make_offer(&cast.world, &mut cast.suspended).await);
        let files = cast.world.server().files();
        files.suspend(Actor::Machine, "person-10").await.unwrap();
        cast
    }

    /// Uses a one-time token of the owner's.
    async fn spend(&mut self) -> Token {
        let secret = make_offer(&self.world, &mut self.owner).await;
        take_up(&self.world, &mut self.owner, &secret).await;
        one_time(&secret)
    }

    /// Makes everybody a member, one of them for a while, and puts something into the space.
    async fn gather(&mut self) {
        let roles = [
            (&self.editor, Some(Role::Editor)),
            (&self.viewer, Some(Role::Viewer)),
            (&self.drop, Some(Role::Drop)),
            (&self.ghost, Some(Role::Editor)),
            (&self.suspended, Some(Role::Editor)),
            (&self.former, Some(Role::Viewer)),
        ];
        let members = roles.map(|(person, role)| (person.account.clone(), role));
        self.change_members(&members).await;
        let former = self.former.account.clone();
        self.change_members(&[(former, None)]).await;
        let create = self.directory(Who::Owner);
        if let Operation::Create(create) = &create.operations()[0] {
            self.node = create.node;
        }
        self.commit(&create).await;
        let pack = super::asks::pack(&self.chunk);
        let post = self
            .owner
            .post(&self.world, &routes::space_packs(self.space));
        let post = post.header("content-type", headers::PACK).body(pack);
        assert_eq!(post.send().await.unwrap().status(), 200);
        self.offer_to_join().await;
        let offered = super::asks::checkpoint(self, Who::Owner);
        let post = self
            .owner
            .post(&self.world, &routes::space_checkpoint(self.space));
        let answer = cbor(post, &offered).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }

    /// A link that nobody takes up.
    async fn offer_to_join(&mut self) {
        let current = (self.epoch(), &Secret32::new([1; 32]));
        let entropy = &mut self.owner.entropy;
        let made = offer_join(self.space, current, Role::Viewer, now_ms(), entropy);
        let (operation, secret) = made.unwrap();
        self.offered = secret.key().device_id();
        let mut draft = Draft::new();
        draft.push(Operation::OfferJoin(operation));
        let change_set = self.sign(Who::Owner, draft);
        self.commit(&change_set).await;
    }

    async fn change_members(&mut self, changes: &[(hythe_space::AccountState, Option<Role>)]) {
        let mut draft = Draft::new();
        for (account, role) in changes {
            draft.push(Operation::Member(Member {
                account: account.id(),
                role: *role,
                wrap: None,
            }));
        }
        let gone = |id| {
            changes
                .iter()
                .any(|(a, role)| a.id() == id && role.is_none())
        };
        let joined = changes.iter().filter(|(_, role)| role.is_some());
        let mut members: Vec<Recipient> = joined
            .map(|(account, _)| Recipient::of(account).unwrap())
            .collect();
        for account in [
            &self.owner.account,
            &self.editor.account,
            &self.viewer.account,
            &self.drop.account,
            &self.former.account,
            &self.ghost.account,
            &self.suspended.account,
            &server(&self.world).await,
        ] {
            let record = self.view.member_record(account.id());
            let is_member = record.is_some_and(|record| record.role.is_some());
            if is_member && !gone(account.id()) {
                members.push(Recipient::of(account).unwrap());
            }
        }
        let epoch = self.epoch().next();
        let secret = self.owner.entropy.secret();
        let plan = EpochPlan {
            space: self.space,
            epoch,
            secret: &secret,
            members: &members,
            previous: SealedSecret::new(*b"the secret before"),
        };
        let plan = new_epoch(plan, &mut self.owner.entropy).unwrap();
        draft.push(Operation::NewEpoch(plan));
        let change_set = self.sign(Who::Owner, draft);
        self.commit(&change_set).await;
    }

    fn epoch(&self) -> KeyEpoch {
        self.view.space_record().unwrap().key_epoch
    }

    /// Commits as the owner.
    pub async fn commit(&mut self, change_set: &ChangeSet) {
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: vec![],
        };
        let post = self
            .owner
            .post(&self.world, &routes::space_changes(self.space));
        let answer = cbor(post, &request).send().await.unwrap();
        let status = answer.status();
        assert_eq!(status, 200, "{}", answer.text().await.unwrap());
        self.fold(change_set);
    }

    fn fold(&mut self, change_set: &ChangeSet) {
        let accounts: Accounts = [&self.owner, &self.editor]
            .into_iter()
            .map(|person| person.account.clone())
            .collect();
        self.view
            .append(&accounts, Moment::Replaying, change_set)
            .unwrap();
    }

    /// Whose keys somebody has.
    pub fn person(&self, who: Who) -> &Person {
        match who {
            Who::OneTime
            | Who::Owner
            | Who::Login
            | Who::Recovery
            | Who::Spent
            | Who::AppPassword => &self.owner,
            Who::OthersOneTime | Who::Stranger => &self.stranger,
            Who::Editor => &self.editor,
            Who::Viewer => &self.viewer,
            Who::Drop => &self.drop,
            Who::Former => &self.former,
            Who::Admin => &self.admin,
            Who::Suspended | Who::SuspendedOneTime => &self.suspended,
            _ => &self.nobody.person,
        }
    }

    pub fn person_mut(&mut self, who: Who) -> &mut Person {
        match who {
            Who::OneTime
            | Who::Owner
            | Who::Login
            | Who::Recovery
            | Who::Spent
            | Who::AppPassword => &mut self.owner,
            Who::OthersOneTime | Who::Stranger => &mut self.stranger,
            Who::Editor => &mut self.editor,
            Who::Viewer => &mut self.viewer,
            Who::Drop => &mut self.drop,
            Who::Former => &mut self.former,
            Who::Admin => &mut self.admin,
            Who::Suspended | Who::SuspendedOneTime => &mut self.suspended,
            _ => &mut self.nobody.person,
        }
    }

    /// The token that somebody shows, and under which scheme.
    pub async fn shown(&mut self, who: Who) -> Option<(Token, &'static str)> {
        Some(match who {
            Who::Anonymous => return None,
            Who::WrongToken => (Token(Secret32::new([9; 32])), headers::BEARER),
            Who::RemovedDevice => (self.removed.clone(), headers::BEARER),
            Who::Invite => {
                if self.invite.is_none() {
                    let made = invite(&self.world, false).await;
                    self.invite = Some(made);
                }
                (self.invite.clone().unwrap(), headers::INVITE)
            }
            Who::OneTime | Who::OthersOneTime => {
                (one_time(&self.offer(who).await), headers::ONE_TIME)
            }
            Who::SuspendedOneTime => {
                let offer = self.suspended_offer.as_ref().unwrap();
                (one_time(offer), headers::ONE_TIME)
            }
            Who::Spent => (self.spent.clone().unwrap(), headers::ONE_TIME),
            Who::Login => (self.logged_in().await, headers::ONE_TIME),
            Who::Recovery => (recovery_token(), headers::ONE_TIME),
            Who::ViewLink | Who::DownloadLink | Who::EndedLink | Who::UploadLink => {
                (token_of(link_of(who)), headers::LINK)
            }
            _ => (self.person(who).token.clone(), headers::BEARER),
        })
    }

    /// The offer that stands in the account of who has a one-time token, or of the owner.
    pub async fn offer(&mut self, who: Who) -> OfferSecret {
        if who == Who::SuspendedOneTime {
            return self.suspended_offer.clone().unwrap();
        }
        let others = who == Who::OthersOneTime;
        let kept = if others {
            &self.others_one_time
        } else {
            &self.one_time
        };
        if let Some(kept) = kept {
            return kept.clone();
        }
        let world = &self.world;
        let person = if others {
            &mut self.stranger
        } else {
            &mut self.owner
        };
        let secret = make_offer(world, person).await;
        let kept = if others {
            &mut self.others_one_time
        } else {
            &mut self.one_time
        };
        *kept = Some(secret.clone());
        secret
    }

    /// A change set of the space that makes a directory, signed by whoever it is.
    pub fn directory(&mut self, who: Who) -> ChangeSet {
        let mut draft = Draft::new();
        let name = b"a sealed name".to_vec();
        self.owner.add(&mut draft, NodeKind::Directory, name, None);
        self.sign(who, draft)
    }

    /// Signs a change set of the space as it would be if its signer were a member.
    pub fn sign(&mut self, who: Who, draft: Draft) -> ChangeSet {
        let operation = OperationId(self.owner.entropy.bytes());
        let signer = self.person(who);
        let author = self.view.author_record(signer.key.device_id());
        let stamp = Stamp::next(
            self.space,
            author.as_ref(),
            self.view.head(),
            signer.account.head(),
            self.epoch(),
            operation,
            now_ms(),
        );
        draft.sign(stamp, &signer.key).unwrap()
    }

    /// Folds what the server accepted.
    pub fn settle(&mut self, who: Who, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Space(change_set) => self.fold(&change_set),
            Then::Account(change_set) => {
                let account = &mut self.person_mut(who).account;
                account.append(Moment::Replaying, &change_set).unwrap();
            }
            Then::Enrolled(change_set) => {
                match who {
                    Who::Login => self.login = None,
                    _ => self.one_time = None,
                }
                let account = &mut self.owner.account;
                account.append(Moment::Replaying, &change_set).unwrap();
            }
            Then::Registered => self.invite = None,
        }
    }

    /// Where the space's log ends for the server.
    pub async fn head_on_server(&self) -> Head {
        let list = self.owner.get(&self.world, routes::SPACES).send().await;
        let list: hythe_wire::space::SpaceList = list.unwrap().json().await.unwrap();
        let found = list.spaces.iter().find(|one| one.id == self.space).unwrap();
        Head {
            cursor: hythe_model::Cursor(found.cursor),
            chain: found.chain,
        }
    }
}

/// What an offer's taker shows the server.
fn one_time(secret: &OfferSecret) -> Token {
    Token(Secret32::new(secret.token()))
}

async fn invite(world: &World, admin: bool) -> Token {
    let lifetime = Duration::from_secs(600);
    world.server().invite(lifetime, admin).await.unwrap().token
}

async fn join(world: &World, seed: u8, admin: bool) -> Person {
    let Candidate { person, request } = Candidate::new(world, seed).await;
    let invite = invite(world, admin).await;
    let _: RegisterReply = reply(register(world, &invite, &request).await).await;
    person
}

/// The server's account.
async fn server(world: &World) -> hythe_space::AccountState {
    let path = routes::account_log(world.server().files().account());
    let log = world.client().get(world.url(&path)).send().await.unwrap();
    crate::person::read_account(log).await
}

async fn make_offer(world: &World, person: &mut Person) -> OfferSecret {
    let offer = add_device_offer(
        &person.account,
        &person.key,
        &person.keys,
        now_ms(),
        &mut person.entropy,
    );
    let offer = offer.unwrap();
    let token = one_time(&offer.secret);
    person.append(world, &offer.change_set, Some(token)).await;
    offer.secret
}

async fn removed_device(world: &World, owner: &mut Person) -> (hythe_model::DeviceId, Token) {
    let (device, token) = second_device(world, owner).await;
    let removal = remove_device(
        &owner.account,
        &owner.key,
        &owner.keys,
        device,
        now_ms(),
        &mut owner.entropy,
    );
    owner.append(world, &removal.unwrap(), None).await;
    (device, token)
}

async fn found_space(world: &World, owner: &mut Person) -> (SpaceId, MapView) {
    let recipient = Recipient::of(&server(world).await).unwrap();
    let made = create_space(
        &owner.account,
        &owner.key,
        Some(&recipient),
        now_ms(),
        &mut owner.entropy,
    );
    let made = made.unwrap();
    let log: Vec<bytes::Bytes> = made
        .log
        .iter()
        .map(|one| one.encoded().to_vec().into())
        .collect();
    let files = world.server().files();
    let principal = files.authenticate(&owner.token, None).await.unwrap();
    files.create_space(&principal, &log).await.unwrap();
    (made.space, made.view)
}
