//! Messages of every kind, made from a seed.

use hythe_model::{
    AccountId, ChainHash, ChunkId, Cursor, DeviceId, Head, KeyEpoch, NodeId, OperationId, SealHash,
    Secret32, ServerEpoch, SpaceId, UploadId, VersionId,
};
use hythe_wire::account::{
    AppendReply, AppendRequest, DeviceInfo, EnrolReply, EnrolRequest, PasswordUpload,
    RegisterReply, RegisterRequest,
};
use hythe_wire::chunk::{
    MissingReply, MissingRequest, ObjectName, PackReply, ReadRequest, Reserve,
};
use hythe_wire::event::{Event, EventsRequest, Goodbye, SpacePosition};
use hythe_wire::history::{
    Action, FieldState, HistoryEntry, HistoryFrame, OnBehalf, TrashEntry, TrashFrame,
};
use hythe_wire::log::{
    AttachedObject, CheckpointMessage, CommitReply, CommitRequest, LogEntry, LogFrame,
    SnapshotFrame, SnapshotRecord,
};
use hythe_wire::sighting::{SightingMessage, SightingsReply};
use hythe_wire::space::{CreateSpaceReply, CreateSpaceRequest};
use hythe_wire::{ByteVec, Message, Token};

/// Somebody who looks at one message of every kind.
pub trait Visitor {
    fn visit<M: Message + PartialEq>(&mut self, name: &'static str, message: &M);
}

/// Makes values from a seed (SplitMix64).
pub struct Maker(u64);

impl Maker {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of any length in CBOR.
    pub fn any(&mut self) -> u64 {
        let bits = self.below(64);
        self.number() >> bits
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.number().to_le_bytes()[0])
    }

    pub fn octets(&mut self, most: u64) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length)
            .map(|_| self.number().to_le_bytes()[0])
            .collect()
    }

    fn blob(&mut self) -> ByteVec {
        self.octets(300).into()
    }

    fn text(&mut self) -> String {
        let length = self.below(20);
        (0..length)
            .map(|_| ['a', 'ß', '語', ' ', '🗀'][usize::try_from(self.below(5)).unwrap()])
            .collect()
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = self.below(4);
        (0..length).map(|_| make(self)).collect()
    }

    fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }

    fn head(&mut self) -> Head {
        Head {
            cursor: Cursor(self.any()),
            chain: ChainHash(self.bytes()),
        }
    }

    fn token(&mut self) -> Token {
        Token(Secret32::new(self.bytes()))
    }

    fn info(&mut self) -> DeviceInfo {
        DeviceInfo {
            name: self.text(),
            platform: self.text(),
            version: self.text(),
        }
    }

    fn object(&mut self) -> ObjectName {
        ObjectName {
            id: ChunkId(self.bytes()),
            seal: SealHash(self.bytes()),
        }
    }

    fn record(&mut self) -> SnapshotRecord {
        SnapshotRecord {
            record: self.blob(),
            sealed: self.list(|m| m.option(Self::blob)),
        }
    }

    fn field(&mut self) -> FieldState {
        FieldState {
            version: VersionId(self.bytes()),
            sealed: self.option(Self::blob),
        }
    }

    fn log_frame(&mut self) -> LogFrame {
        match self.below(2) {
            0 => LogFrame::Entry(LogEntry {
                head: self.head(),
                change_set: self.blob(),
            }),
            _ => LogFrame::End { head: self.head() },
        }
    }

    fn snapshot_frame(&mut self) -> SnapshotFrame {
        match self.below(3) {
            0 => SnapshotFrame::Start {
                epoch: ServerEpoch(self.bytes()),
                head: self.head(),
                checkpoint: self.option(Self::blob),
            },
            1 => SnapshotFrame::Record(self.record()),
            _ => SnapshotFrame::End {
                records: self.any(),
            },
        }
    }

    fn event(&mut self) -> Event {
        let space = SpaceId(self.bytes());
        match self.below(8) {
            0 => Event::Welcome {
                epoch: ServerEpoch(self.bytes()),
            },
            1 => Event::Change {
                space,
                head: self.head(),
                change_set: self.option(Self::blob),
            },
            2 => Event::Account {
                account: AccountId(self.bytes()),
                head: self.head(),
                change_set: self.option(Self::blob),
            },
            3 => Event::Current,
            4 => Event::Heartbeat,
            5 => Event::SpaceJoined { space },
            6 => Event::SpaceLeft { space },
            _ => Event::Goodbye {
                reason: [
                    Goodbye::Stopping,
                    Goodbye::TooSlow,
                    Goodbye::Unauthenticated,
                    Goodbye::Replaced,
                ][usize::try_from(self.below(4)).unwrap()],
            },
        }
    }

    fn history_frame(&mut self) -> HistoryFrame {
        if self.below(4) == 0 {
            return HistoryFrame::End;
        }
        let actions = [
            Action::Created,
            Action::Updated,
            Action::Deleted,
            Action::Restored,
        ];
        HistoryFrame::Entry(HistoryEntry {
            behalf: None,
            head: self.head(),
            author: DeviceId(self.bytes()),
            time_ms: self.any().cast_signed(),
            key_epoch: KeyEpoch(u32::try_from(self.below(1 << 20)).unwrap()),
            action: actions[usize::try_from(self.below(4)).unwrap()],
            parent: self.option(|m| NodeId(m.bytes())),
            place: self.option(Self::field),
            attributes: self.option(Self::field),
            body: self.option(Self::field),
        })
    }

    fn trash_frame(&mut self) -> TrashFrame {
        if self.below(4) == 0 {
            return TrashFrame::End;
        }
        TrashFrame::Entry(TrashEntry {
            head: self.head(),
            author: DeviceId(self.bytes()),
            time_ms: self.any().cast_signed(),
            node: self.record(),
        })
    }
}

/// Shows a visitor one message of every kind.
pub fn visit(seed: u64, visitor: &mut impl Visitor) {
    let m = &mut Maker::new(seed);
    accounts(m, visitor);
    logs(m, visitor);
    chunks(m, visitor);
    let events = EventsRequest {
        epoch: m.option(|m| ServerEpoch(m.bytes())),
        account: m.head(),
        spaces: m.list(|m| SpacePosition {
            space: SpaceId(m.bytes()),
            head: m.head(),
        }),
    };
    visitor.visit("events-request", &events);
    visitor.visit("event", &m.event());
    visitor.visit("history-frame", &m.history_frame());
    visitor.visit("trash-frame", &m.trash_frame());
    reservations(m, visitor);
    keyholders(m, visitor);
    // Last: each message takes of what the seed gives, and files hold what came of it.
    spaces(m, visitor);
    sightings(m, visitor);
    behalf(m, visitor);
}

fn behalf(m: &mut Maker, visitor: &mut impl Visitor) {
    let mut signed_for_another = m.history_frame();
    if let HistoryFrame::Entry(entry) = &mut signed_for_another {
        entry.behalf = Some(OnBehalf {
            account: AccountId(m.bytes()),
            session: OperationId(m.bytes()),
        });
    }
    visitor.visit("history-frame-behalf", &signed_for_another);
}

fn sightings(m: &mut Maker, visitor: &mut impl Visitor) {
    let sighting = m.blob();
    visitor.visit("sighting", &SightingMessage { sighting });
    let reply = SightingsReply {
        epoch: ServerEpoch(m.bytes()),
        sightings: m.list(Maker::blob),
    };
    visitor.visit("sightings-reply", &reply);
}

fn spaces(m: &mut Maker, visitor: &mut impl Visitor) {
    let create = CreateSpaceRequest {
        log: m.list(Maker::blob),
    };
    visitor.visit("create-space-request", &create);
    let created = CreateSpaceReply {
        space: SpaceId(m.bytes()),
        head: m.head(),
    };
    visitor.visit("create-space-reply", &created);
}

fn accounts(m: &mut Maker, visitor: &mut impl Visitor) {
    let register = RegisterRequest {
        login: m.text(),
        device: m.info(),
        token: m.token(),
        account: m.list(Maker::blob),
        space: m.list(Maker::blob),
        password: None,
        recovery: None,
    };
    visitor.visit("register-request", &register);
    let registered = RegisterReply {
        account: AccountId(m.bytes()),
        device: DeviceId(m.bytes()),
        account_head: m.head(),
        space: SpaceId(m.bytes()),
        space_head: m.head(),
    };
    visitor.visit("register-reply", &registered);
    let enrol = EnrolRequest {
        device: m.info(),
        token: m.token(),
        change_set: m.blob(),
    };
    visitor.visit("enrol-request", &enrol);
    let enrolled = EnrolReply {
        account: AccountId(m.bytes()),
        device: DeviceId(m.bytes()),
        account_head: m.head(),
    };
    visitor.visit("enrol-reply", &enrolled);
    let append = AppendRequest {
        change_set: m.blob(),
        one_time: m.option(Maker::token),
        password: None,
        recovery: None,
        proof: None,
    };
    visitor.visit("append-request", &append);
    visitor.visit("append-reply", &AppendReply { head: m.head() });
}

/// What goes with change sets that set a password or a recovery code.
fn keyholders(m: &mut Maker, visitor: &mut impl Visitor) {
    let upload = |m: &mut Maker| PasswordUpload {
        credential: m.blob(),
        upload: m.blob(),
    };
    let register = RegisterRequest {
        login: m.text(),
        device: m.info(),
        token: m.token(),
        account: m.list(Maker::blob),
        space: m.list(Maker::blob),
        password: Some(upload(m)),
        recovery: Some(m.token()),
    };
    visitor.visit("register-with-password", &register);
    let append = AppendRequest {
        change_set: m.blob(),
        one_time: None,
        password: Some(upload(m)),
        recovery: m.option(Maker::token),
        proof: Some(m.token()),
    };
    visitor.visit("append-with-password", &append);
}

fn logs(m: &mut Maker, visitor: &mut impl Visitor) {
    let commit = CommitRequest {
        change_set: m.blob(),
        attached: m.list(|m| AttachedObject {
            name: m.object(),
            sealed: m.blob(),
        }),
    };
    visitor.visit("commit-request", &commit);
    visitor.visit(
        "commit-reply",
        &CommitReply {
            head: m.head(),
            digest: m.bytes(),
        },
    );
    visitor.visit("log-frame", &m.log_frame());
    visitor.visit("snapshot-frame", &m.snapshot_frame());
    visitor.visit(
        "checkpoint",
        &CheckpointMessage {
            checkpoint: m.blob(),
        },
    );
}

fn chunks(m: &mut Maker, visitor: &mut impl Visitor) {
    visitor.visit(
        "missing-request",
        &MissingRequest {
            objects: m.list(Maker::object),
            reserve: None,
        },
    );
    let small = |m: &mut Maker| u32::try_from(m.below(1 << 32)).unwrap();
    let missing = MissingReply {
        missing: m.list(small),
        lease_ms: m.any(),
        room: None,
    };
    visitor.visit("missing-reply", &missing);
    let stored = PackReply {
        stored: small(m),
        known: small(m),
        lease_ms: m.any(),
    };
    visitor.visit("pack-reply", &stored);
    visitor.visit(
        "read-request",
        &ReadRequest {
            objects: m.list(Maker::object),
        },
    );
}

/// What an upload that reserves says and hears: the same messages with one field more.
fn reservations(m: &mut Maker, visitor: &mut impl Visitor) {
    let reserve = Reserve {
        upload: UploadId(m.bytes()),
        bytes: m.any(),
    };
    visitor.visit(
        "missing-request-reserving",
        &MissingRequest {
            objects: m.list(Maker::object),
            reserve: Some(reserve),
        },
    );
    visitor.visit(
        "missing-reply-room",
        &MissingReply {
            missing: vec![],
            lease_ms: m.any(),
            room: Some(m.any()),
        },
    );
}
