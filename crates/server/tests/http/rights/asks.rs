//! The request of each row, as good as it can be made for whoever asks: what is refused is refused
//! for who asks, not for what.

use bytes::Bytes;
use hythe_content::{PackBuilder, SealedChunk};
use hythe_model::{ChunkId, Cursor, Head, SpaceId};
use hythe_space::flow::{add_device_offer, create_space, enrol_with_offer};
use hythe_space::governance::{NameSpace, SealedSecret};
use hythe_space::{ChangeSet, Checkpoint, Draft, Operation, Sighting, StateDigest};
use hythe_wire::account::{AppendRequest, EnrolRequest};
use hythe_wire::admin::{InviteRequest, Policy, UserChange};
use hythe_wire::app_password::{AppPassword, CreateAppPassword, RemoveAppPassword};
use hythe_wire::approval::{ApprovalGrant, ApprovalId, ApprovalRequest};
use hythe_wire::chunk::{AdoptRequest, MissingRequest, ReadRequest};
use hythe_wire::deletion::DeleteRequest;
use hythe_wire::device::DevicePatch;
use hythe_wire::event::{Event, EventsRequest, SpacePosition};
use hythe_wire::factor::{FactorProof, PasskeyBegin, PasskeyFinish, PasskeyRemove};
use hythe_wire::log::{CheckpointMessage, CommitRequest};
use hythe_wire::login::{LoginFinishRequest, LoginRequest, PasswordRequest};
use hythe_wire::opaque::{LoggingIn, Password, Registering};
use hythe_wire::profile::{ProfilePatch, TotpConfirm};
use hythe_wire::server::RegistrationPolicy;
use hythe_wire::sighting::SightingMessage;
use hythe_wire::space::CreateSpaceRequest;
use hythe_wire::{Message, Token, headers, routes};

use super::cast::{Cast, Who};
use super::table::Row;
use crate::person::{Candidate, info, now_ms};
use crate::world::{Frames, shown};

/// A request but for who makes it.
#[derive(Clone)]
pub struct Ask {
    pub method: reqwest::Method,
    pub path: String,
    pub body: Body,
    pub look: Look,
    pub then: Then,
}

/// What a request carries.
#[derive(Clone)]
pub enum Body {
    Nothing,
    Plain(&'static str, Vec<u8>),
    /// Something signed, that names what it is for.
    Signed(Vec<u8>),
}

/// How an answer is looked at.
#[derive(Clone)]
pub enum Look {
    /// A success says it all.
    Done,
    /// The answer may be without what was asked for, which is these bytes.
    Holds(Vec<u8>),
    /// A stream of events, which may tell of the space or not.
    Tells(SpaceId),
}

/// What follows from a success.
#[derive(Clone)]
pub enum Then {
    Nothing,
    Space(ChangeSet),
    Account(ChangeSet),
    Enrolled(ChangeSet),
    Registered,
}

impl Ask {
    pub fn get(path: impl Into<String>, look: Look) -> Self {
        Self {
            method: reqwest::Method::GET,
            path: path.into(),
            body: Body::Nothing,
            look,
            then: Then::Nothing,
        }
    }

    pub fn post(path: impl Into<String>, body: Body) -> Self {
        Self {
            method: reqwest::Method::POST,
            path: path.into(),
            body,
            look: Look::Done,
            then: Then::Nothing,
        }
    }

    pub fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

pub fn plain<M: Message>(message: &M) -> Body {
    Body::Plain(headers::CBOR, message.to_cbor())
}

fn json<M: serde::Serialize>(message: &M) -> Body {
    Body::Plain(headers::JSON, serde_json::to_vec(message).unwrap())
}

/// The first half of a login.
fn login(who: Who) -> Body {
    let (_, request) = LoggingIn::start(Password::new("x")).unwrap();
    json(&LoginRequest {
        // A name for each: whoever tries one name often is told to wait.
        login: who.name().into(),
        request,
    })
}

pub fn signed<M: Message>(message: &M) -> Body {
    Body::Signed(message.to_cbor())
}

impl Cast {
    /// The request of a row, for somebody.
    pub async fn ask(&mut self, who: Who, row: &Row) -> Ask {
        let asked = if row.template.starts_with("/api/v1/web/") {
            self.of_page(row)
        } else if row.template.starts_with(routes::SPACE_LINKS) {
            self.of_space_links(who, row)
        } else if row.template.starts_with(routes::LINK) {
            self.of_link(who, row).await
        } else if row.template.starts_with(routes::SPACE_INBOX) {
            self.of_inbox(who, row)
        } else if row.template.starts_with("/api/v1/spaces/{space}") {
            self.of_space(who, row)
        } else if row.template.starts_with(routes::ACCOUNTS) {
            self.of_accounts(who, row).await
        } else {
            match self.of_login(who, row) {
                Some(ask) => Some(ask),
                None => self.of_caller(who, row).await,
            }
        };
        asked.unwrap_or_else(|| panic!("asks.rs has no request for {}", row.label()))
    }

    /// Accounts and their logs.
    async fn of_accounts(&mut self, who: Who, row: &Row) -> Option<Ask> {
        let (own, owner) = (self.person(who).account.id(), self.owner.account.id());
        let server = self.world.server().files().account();
        let read = |account| Some(Ask::get(routes::account_log(account), Look::Done));
        match row.key() {
            ("POST", routes::ACCOUNTS, "") => Some(self.register(who).await),
            ("GET", routes::ACCOUNT_LOG, "of the server") => read(server),
            ("GET", routes::ACCOUNT_LOG, "of the owner") => read(owner),
            ("GET", routes::ACCOUNT_LOG, "of the caller") => read(own),
            ("GET", routes::ACCOUNT_LOOKUP, "of the owner") => {
                let path = format!("{}?login=person-1", routes::ACCOUNT_LOOKUP);
                Some(Ask::get(path, Look::Holds(owner.to_string().into_bytes())))
            }
            ("POST", routes::ACCOUNT_LOG, "of the caller") => Some(self.append(who, own)),
            ("POST", routes::ACCOUNT_LOG, "of the owner") => Some(self.append(Who::Owner, owner)),
            _ => None,
        }
    }

    /// Logins, and the caller's account.
    fn of_login(&self, who: Who, row: &Row) -> Option<Ask> {
        let id = |bytes: &[u8]| Look::Holds(data_encoding::HEXLOWER.encode(bytes).into_bytes());
        Some(match row.key() {
            ("GET", routes::ACCOUNT, "") => {
                Ask::get(routes::ACCOUNT, id(self.owner.account.id().as_bytes()))
            }
            ("PATCH", routes::ACCOUNT, "") => Ask {
                method: reqwest::Method::PATCH,
                ..Ask::post(routes::ACCOUNT, json(&ProfilePatch::default()))
            },
            ("POST", routes::ACCOUNT_TOTP, "") => {
                Ask::post(routes::ACCOUNT_TOTP, json(&FactorProof::default()))
            }
            ("POST", routes::ACCOUNT_TOTP_CONFIRM, "with a wrong code") => {
                let code = "wrong".to_owned();
                Ask::post(routes::ACCOUNT_TOTP_CONFIRM, json(&TotpConfirm { code }))
            }
            ("POST", routes::ACCOUNT_TOTP_REMOVE, "") => {
                Ask::post(routes::ACCOUNT_TOTP_REMOVE, json(&FactorProof::default()))
            }
            (_, routes::ACCOUNT_DELETE | routes::ACCOUNT_DELETE_CANCEL, _)
            | (_, routes::ACCOUNT_APP_PASSWORDS | routes::ACCOUNT_APP_PASSWORDS_REMOVE, _) => {
                return owning(who, row);
            }
            (_, routes::ADMIN_USERS | routes::ADMIN_USER, _)
            | (_, routes::ADMIN_INVITES | routes::ADMIN_POLICY | routes::ADMIN_AUDIT, _) => {
                return governing(row);
            }
            (_, routes::ACCOUNT_PASSKEYS, _)
            | (_, routes::ACCOUNT_PASSKEYS_FINISH, _)
            | (_, routes::ACCOUNT_PASSKEYS_CHALLENGE, _)
            | (_, routes::ACCOUNT_PASSKEYS_REMOVE, _) => return passkeys(row),
            ("POST", routes::APPROVALS, "") => {
                let request = ApprovalRequest {
                    id: [who as u8; 32],
                    name: "new".into(),
                    platform: "test".into(),
                };
                Ask::post(routes::APPROVALS, json(&request))
            }
            ("POST", routes::APPROVALS_POLL, "of nobody's") => {
                Ask::post(routes::APPROVALS_POLL, json(&ApprovalId { id: [0xee; 32] }))
            }
            ("POST", routes::APPROVALS_LOOK, "of nobody's") => {
                Ask::post(routes::APPROVALS_LOOK, json(&ApprovalId { id: [0xee; 32] }))
            }
            ("POST", routes::APPROVALS_GRANT, "of nobody's") => {
                let (id, sealed) = ([0xee; 32], vec![0; 64]);
                Ask::post(routes::APPROVALS_GRANT, json(&ApprovalGrant { id, sealed }))
            }
            ("POST", routes::LOGIN, "") => Ask::post(routes::LOGIN, login(who)),
            ("POST", routes::LOGIN_FINISH, "with a session of nobody's") => {
                let request = LoginFinishRequest {
                    session: vec![0; 64],
                    finalization: vec![0; 64],
                    code: None,
                    passkey: None,
                };
                Ask::post(routes::LOGIN_FINISH, json(&request))
            }
            ("POST", routes::LOGIN_RECOVER, "") => Ask::post(routes::LOGIN_RECOVER, Body::Nothing),
            ("POST", routes::PASSWORD, "") => {
                let (_, request) = Registering::start(Password::new("x")).unwrap();
                Ask::post(routes::PASSWORD, json(&PasswordRequest { request }))
            }
            _ => return None,
        })
    }

    /// The server itself, and what is the caller's own.
    async fn of_caller(&mut self, who: Who, row: &Row) -> Option<Ask> {
        let id = |bytes: &[u8]| Look::Holds(data_encoding::HEXLOWER.encode(bytes).into_bytes());
        Some(match row.key() {
            (
                "GET",
                path @ (routes::HEALTHZ
                | routes::READYZ
                | routes::OPENAPI
                | routes::SERVER
                | routes::IDENTITY),
                "",
            ) => Ask::get(path, Look::Done),
            ("GET", routes::DEVICES, "") => {
                Ask::get(routes::DEVICES, id(self.owner.key.device_id().as_bytes()))
            }
            ("GET", path @ routes::DEVICES_FAREWELL, "") => Ask::get(path, Look::Done),
            ("POST", routes::DEVICES_ENROL, "") => self.enrol(who).await,
            ("PATCH", routes::DEVICES_SELF, "") => {
                let json = serde_json::to_vec(&DevicePatch::default()).unwrap();
                Ask {
                    method: reqwest::Method::PATCH,
                    ..Ask::post(routes::DEVICES_SELF, Body::Plain(headers::JSON, json))
                }
            }
            ("GET", routes::SPACES, "") => Ask::get(routes::SPACES, id(self.space.as_bytes())),
            ("POST", routes::SPACES, "") => self.found(who),
            ("POST", routes::EVENTS, "") => self.follow(who),
            _ => return None,
        })
    }

    /// A space.
    fn of_space(&mut self, who: Who, row: &Row) -> Option<Ask> {
        let space = self.space;
        let objects = vec![crate::transfer::name(&self.chunk)];
        let sealed = || Look::Holds(self.chunk.bytes.clone());
        let get = |path| Ask::get(path, Look::Done);
        Some(match row.key() {
            ("GET", routes::SPACE_CHANGES, "") => get(routes::space_changes(space)),
            ("POST", routes::SPACE_CHANGES, "") => self.commit_as(who),
            ("POST", routes::SPACE_CHANGES, "that names the space") => self.name_as(who),
            ("GET", routes::SPACE_MEMBERS, "") => get(routes::space_members(space)),
            ("POST", routes::SPACE_INVITATION, "") => {
                let body = Body::Plain(headers::JSON, br#"{"accept":true}"#.to_vec());
                Ask::post(routes::space_invitation(space), body)
            }
            ("GET", routes::SPACE_OFFER, "") => get(routes::space_offer(space, self.offered)),
            ("GET", routes::SPACE_SNAPSHOT, "") => get(routes::space_snapshot(space)),
            ("GET", routes::SPACE_CHECKPOINT, "") => get(routes::space_checkpoint(space)),
            ("POST", routes::SPACE_CHECKPOINT, "") => {
                let offered = checkpoint(self, who);
                Ask::post(routes::space_checkpoint(space), signed(&offered))
            }
            ("POST", routes::SPACE_SIGHTINGS, "") => {
                let said = sighting(self, who);
                Ask::post(routes::space_sightings(space), signed(&said))
            }
            ("POST", routes::SPACE_CHUNKS_ADOPT, "from the caller's own space") => {
                let request = AdoptRequest {
                    from: self.person(who).space,
                    objects: vec![ChunkId([9; 32])],
                };
                Ask::post(routes::space_chunks_adopt(space), plain(&request))
            }
            ("POST", routes::SPACE_CHUNKS_ADOPT, "into the caller's own space") => {
                let request = AdoptRequest {
                    from: space,
                    objects: vec![ChunkId([9; 32])],
                };
                let path = routes::space_chunks_adopt(self.person(who).space);
                Ask::post(path, plain(&request))
            }
            ("POST", routes::SPACE_CHUNKS_MISSING, "") => {
                let path = routes::space_chunks_missing(space);
                Ask::post(
                    path,
                    plain(&MissingRequest {
                        objects,
                        reserve: None,
                    }),
                )
            }
            ("POST", routes::SPACE_CHUNKS_READ, "") => {
                let path = routes::space_chunks_read(space);
                Ask::post(path, plain(&ReadRequest { objects })).look(sealed())
            }
            ("POST", routes::SPACE_CHUNKS_READ, "by way of the caller's own space") => {
                let path = routes::space_chunks_read(self.person(who).space);
                Ask::post(path, plain(&ReadRequest { objects })).look(sealed())
            }
            ("POST", routes::SPACE_PACKS, "") => {
                let body = Body::Plain(headers::PACK, pack(&self.chunk));
                Ask::post(routes::space_packs(space), body)
            }
            ("GET", routes::NODE_HISTORY, "") => get(routes::node_history(space, self.node)),
            ("GET", routes::SPACE_TRASH, "") => get(routes::space_trash(space)),
            _ => return None,
        })
    }

    /// The request with what somebody shows.
    pub async fn request(&mut self, who: Who, ask: &Ask) -> reqwest::RequestBuilder {
        let credential = self.shown(who).await;
        let url = self.world.url(&ask.path);
        let request = self.world.client().request(ask.method.clone(), url);
        let request = match &ask.body {
            Body::Nothing => request,
            // Nothing but a part of a file heeds where it begins.
            Body::Plain(media, bytes) => request
                .header("content-type", *media)
                .header(headers::UPLOAD_OFFSET, 0)
                .body(bytes.clone()),
            Body::Signed(bytes) => request
                .header("content-type", headers::CBOR)
                .body(bytes.clone()),
        };
        if who == Who::AppPassword {
            // Of the owner's, for everything that there is for one.
            return request.header("authorization", self.app_password().await);
        }
        match credential {
            Some((token, scheme)) => shown(request, &token, scheme),
            None => request,
        }
    }

    /// An app password of the owner's, as it is shown.
    async fn app_password(&self) -> String {
        let password = AppPassword::new([0xa9; 20]);
        let new = CreateAppPassword {
            name: "everything".into(),
            hash: password.hash(),
            read_only: false,
            spaces: vec![],
        };
        let files = self.world.server().files();
        let owner = files.authenticate(&self.owner.token, None).await.unwrap();
        files.create_app_password(&owner, new).await.unwrap();
        let text = format!("person-1:{password}");
        format!("Basic {}", data_encoding::BASE64.encode(text.as_bytes()))
    }

    async fn register(&mut self, who: Who) -> Ask {
        // Each makes an account of its own, where it can.
        let seed = 100 + Who::ALL.iter().position(|one| *one == who).unwrap() as u8;
        let Candidate { request, .. } = Candidate::new(&self.world, seed).await;
        Ask::post(routes::ACCOUNTS, plain(&request)).then(Then::Registered)
    }

    /// One more entry of an account's log, signed by that account's device.
    fn append(&mut self, who: Who, account: hythe_model::AccountId) -> Ask {
        let person = self.person_mut(who);
        let offer = add_device_offer(
            &person.account,
            &person.key,
            &person.keys,
            now_ms(),
            &mut person.entropy,
        );
        let change_set = offer.unwrap().change_set;
        let request = AppendRequest {
            change_set: change_set.encoded().to_vec().into(),
            one_time: None,
            password: None,
            recovery: None,
            proof: None,
        };
        Ask::post(routes::account_log(account), signed(&request)).then(Then::Account(change_set))
    }

    /// Enrols a device of the owner's account, or of the suspended one.
    async fn enrol(&mut self, who: Who) -> Ask {
        let change_set = match who {
            Who::Login | Who::Recovery => self.enrol_by_keyholder(who),
            Who::SuspendedOneTime => self.enrol_by_offer(who).await,
            _ => self.enrol_by_offer(Who::OneTime).await,
        };
        let request = EnrolRequest {
            device: info(),
            token: Token(self.owner.entropy.secret()),
            change_set: change_set.encoded().to_vec().into(),
        };
        Ask::post(routes::DEVICES_ENROL, signed(&request)).then(Then::Enrolled(change_set))
    }

    async fn enrol_by_offer(&mut self, who: Who) -> ChangeSet {
        let secret = self.offer(who).await;
        let person = self.person_mut(who);
        let enrolled = enrol_with_offer(&person.account, &secret, now_ms(), &mut person.entropy);
        enrolled.unwrap().change_set
    }

    fn commit_as(&mut self, who: Who) -> Ask {
        let change_set = self.directory(who);
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: vec![],
        };
        let path = routes::space_changes(self.space);
        Ask::post(path, signed(&request)).then(Then::Space(change_set))
    }

    fn name_as(&mut self, who: Who) -> Ask {
        let mut draft = Draft::new();
        let name = SealedSecret::new(*b"a sealed name").unwrap();
        draft.push(Operation::NameSpace(NameSpace { name }));
        let change_set = self.sign(who, draft);
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: vec![],
        };
        let path = routes::space_changes(self.space);
        Ask::post(path, signed(&request)).then(Then::Space(change_set))
    }

    /// A sealed space of the caller's own.
    fn found(&mut self, who: Who) -> Ask {
        let person = self.person_mut(who);
        let made = create_space(
            &person.account,
            &person.key,
            None,
            now_ms(),
            &mut person.entropy,
        );
        let log = made.unwrap().log;
        let encoded = log.iter().map(|one| one.encoded().to_vec().into());
        let request = CreateSpaceRequest {
            log: encoded.collect(),
        };
        Ask::post(routes::SPACES, signed(&request))
    }

    fn follow(&self, who: Who) -> Ask {
        let request = EventsRequest {
            epoch: None,
            account: self.person(who).account.head(),
            spaces: vec![SpacePosition {
                space: self.space,
                head: Head::START,
            }],
        };
        Ask::post(routes::EVENTS, plain(&request)).look(Look::Tells(self.space))
    }
}

/// App passwords of the caller, and the end of the account.
fn owning(who: Who, row: &Row) -> Option<Ask> {
    Some(match row.key() {
        ("POST", path @ routes::ACCOUNT_DELETE, "") => {
            Ask::post(path, json(&DeleteRequest::default()))
        }
        ("POST", path @ routes::ACCOUNT_DELETE_CANCEL, "") => Ask::post(path, Body::Nothing),
        ("GET", path @ routes::ACCOUNT_APP_PASSWORDS, "") => Ask::get(path, Look::Done),
        ("POST", path @ routes::ACCOUNT_APP_PASSWORDS, "") => {
            let new = CreateAppPassword {
                name: who.name().into(),
                hash: [who as u8; 32],
                read_only: false,
                spaces: vec![],
            };
            Ask::post(path, json(&new))
        }
        ("POST", path @ routes::ACCOUNT_APP_PASSWORDS_REMOVE, "") => {
            let name = who.name().into();
            Ask::post(path, json(&RemoveAppPassword { name }))
        }
        _ => return None,
    })
}

/// Governing the server.
fn governing(row: &Row) -> Option<Ask> {
    Some(match row.key() {
        ("GET", path @ (routes::ADMIN_USERS | routes::ADMIN_POLICY | routes::ADMIN_AUDIT), "") => {
            Ask::get(path, Look::Done)
        }
        ("POST", routes::ADMIN_USER, "of nobody's") => {
            let path = routes::admin_user(hythe_model::AccountId([0xee; 32]));
            Ask::post(path, json(&UserChange::Suspend))
        }
        ("POST", path @ routes::ADMIN_INVITES, "") => {
            Ask::post(path, json(&InviteRequest::default()))
        }
        ("POST", path @ routes::ADMIN_POLICY, "") => {
            let registration = RegistrationPolicy::Invite;
            Ask::post(path, json(&Policy { registration }))
        }
        _ => return None,
    })
}

/// Passkeys of the caller.
fn passkeys(row: &Row) -> Option<Ask> {
    Some(match row.key() {
        ("GET", path @ routes::ACCOUNT_PASSKEYS, "") => Ask::get(path, Look::Done),
        ("POST", path @ routes::ACCOUNT_PASSKEYS, "") => {
            Ask::post(path, json(&PasskeyBegin::default()))
        }
        ("POST", path @ routes::ACCOUNT_PASSKEYS_FINISH, "with what no browser made") => {
            let made = PasskeyFinish {
                name: "key".into(),
                client_data: b"{}".to_vec(),
                attestation: vec![0; 64],
                transports: vec![],
            };
            Ask::post(path, json(&made))
        }
        ("POST", path @ routes::ACCOUNT_PASSKEYS_CHALLENGE, "without one") => {
            Ask::post(path, Body::Nothing)
        }
        ("POST", path @ routes::ACCOUNT_PASSKEYS_REMOVE, "") => {
            let remove = PasskeyRemove {
                id: vec![7; 16],
                proof: FactorProof::default(),
            };
            Ask::post(path, json(&remove))
        }
        _ => return None,
    })
}

/// A checkpoint of the space's head.
pub fn checkpoint(cast: &Cast, who: Who) -> CheckpointMessage {
    let signer = cast.person(who);
    let said = Checkpoint {
        suite: 1,
        space: cast.space,
        head: cast.view.head(),
        digest: StateDigest(cast.view.digest().digest().0),
        device: signer.key.device_id(),
        account_seen: signer.account.head(),
        time_ms: now_ms(),
    };
    CheckpointMessage {
        checkpoint: said.sign(&signer.key).encode().into(),
    }
}

/// What a device says of how far it was shown the space.
fn sighting(cast: &Cast, who: Who) -> SightingMessage {
    let signer = cast.person(who);
    let said = Sighting {
        suite: 1,
        space: cast.space,
        head: cast.view.head(),
        epoch: cast.world.server().files().epoch(),
        account: signer.account.id(),
        device: signer.key.device_id(),
        time_ms: now_ms(),
    };
    SightingMessage {
        sighting: said.sign(&signer.key).encode().into(),
    }
}

/// A pack with one chunk in it.
pub fn pack(chunk: &SealedChunk) -> Vec<u8> {
    let mut pack = PackBuilder::new();
    pack.push(chunk);
    pack.finish()
}

/// Whether an answer has this in it.
pub fn holds(answer: &Bytes, object: &[u8]) -> bool {
    answer.windows(object.len()).any(|part| part == object)
}

/// Whether a stream tells what happened in a space.
pub async fn tells(answer: reqwest::Response, space: SpaceId) -> bool {
    let mut frames = Frames::of(answer, Event::MAX_BYTES);
    let mut told = false;
    while let Some(message) = frames.next().await.unwrap() {
        match Event::from_cbor(&message).unwrap() {
            Event::Change {
                space: of, head, ..
            } => {
                assert!(of == space && head.cursor > Cursor::START);
                told = true;
            }
            Event::Current => break,
            Event::Goodbye { .. } => panic!("the stream ended"),
            _ => {}
        }
    }
    told
}
