//! Members, key epochs, names and offers of a space, in an order that the input chooses, each signed
//! by the device of an account that it chooses. Never a panic, a refusal changes nothing, the digest
//! kept up is the digest of all records, and there is always an owner.
#![no_main]

use std::sync::LazyLock;

use hythe_model::{AccountId, KeyEpoch, OperationId, Role, Secret32, SpaceId};
use hythe_space::ending::EndSpace;
use hythe_space::flow::{JoinSecret, NewAccount, create_account, create_space, offer_join};
use hythe_space::governance::{EpochWrap, Member, MemberWrap, NameSpace, NewEpoch, SealedSecret};
use hythe_space::join::{Join, OfferJoin, WithdrawJoin};
use hythe_space::{
    Accounts, ChangeSet, Draft, Entropy, MapView, Moment, Operation, Record, Stamp, Wrapped,
    digest_of,
};
use libfuzzer_sys::fuzz_target;

/// As many accounts as take part.
const ACCOUNTS: u8 = 4;

/// What every run begins with.
struct Start {
    people: Vec<NewAccount>,
    accounts: Accounts,
    space: SpaceId,
    view: MapView,
    wrapped: Wrapped,
}

/// One run.
struct Scene {
    start: &'static Start,
    view: MapView,
}

static START: LazyLock<Option<Start>> = LazyLock::new(start);

fn start() -> Option<Start> {
    let mut entropy = Entropy::from_seed(&[1; 32]);
    let people: Vec<_> = (0..ACCOUNTS)
        .filter_map(|_| create_account(0, &mut entropy).ok())
        .collect();
    let owner = people.first()?;
    let made = create_space(&owner.state, &owner.key, None, 0, &mut entropy).ok()?;
    let epoch = (KeyEpoch::FIRST, &made.secret);
    let (offer, _) = offer_join(made.space, epoch, Role::Viewer, 0, &mut entropy).ok()?;
    let accounts = people.iter().map(|one| one.state.clone()).collect();
    Some(Start {
        accounts,
        space: made.space,
        view: made.view,
        wrapped: offer.wrapped,
        people,
    })
}

impl Scene {
    fn account(&self, number: u8) -> AccountId {
        self.start.people[usize::from(number % ACCOUNTS)].state.id()
    }

    fn role(number: u8) -> Option<Role> {
        [
            Some(Role::Owner),
            Some(Role::Editor),
            Some(Role::Viewer),
            Some(Role::Drop),
            None,
        ][usize::from(number % 5)]
    }

    /// The current epoch, or as far from it as `off` says.
    fn epoch(&self, off: u8) -> KeyEpoch {
        let current = self
            .view
            .space_record()
            .map_or(1, |record| record.key_epoch.0);
        KeyEpoch(current + u32::from(off))
    }

    fn wrap(&self, off: u8) -> MemberWrap {
        MemberWrap {
            epoch: self.epoch(off),
            generation: 1,
            wrapped: self.start.wrapped.clone(),
        }
    }

    fn operation(&self, [what, who, other]: [u8; 3]) -> Operation {
        let account = self.account(other);
        let secret = JoinSecret::new(Secret32::new([other >> 5; 32]));
        match what % 8 {
            0 | 1 => Operation::Member(Member {
                account,
                role: Self::role(other >> 2),
                wrap: (what % 8 == 0).then(|| self.wrap(other >> 6)),
            }),
            2 => self.renewal(other),
            3 => SealedSecret::new(vec![other; usize::from(who) + 1]).map_or_else(
                || self.renewal(other),
                |name| Operation::NameSpace(NameSpace { name }),
            ),
            4 => Operation::OfferJoin(OfferJoin {
                key: secret.key().public(),
                role: Self::role(other).unwrap_or(Role::Viewer),
                expires_ms: i64::from(who) << (what / 8),
                epoch: self.epoch(u8::from(other & 0x10 != 0)),
                wrapped: self.start.wrapped.clone(),
            }),
            5 => Operation::WithdrawJoin(WithdrawJoin {
                key: secret.key().device_id(),
            }),
            6 => Operation::EndSpace(EndSpace {
                ends_ms: (other & 1 == 0).then_some(i64::from(who) << (what / 8 % 48)),
            }),
            _ => Operation::Join(Join {
                account,
                key: secret.key().public(),
                consent: Join::consent(self.start.space, self.account(other >> 2), &secret.key()),
                wrap: self.wrap(u8::from(other & 0x10 != 0)),
            }),
        }
    }

    /// A new epoch for all members, or for all but one.
    fn renewal(&self, other: u8) -> Operation {
        let members = self.view.records().filter_map(|record| match record {
            Record::Member(member) if member.role.is_some() => Some(member.account),
            _ => None,
        });
        let left_out = (other & 0x20 != 0).then(|| self.account(other));
        let mut wraps: Vec<_> = members
            .filter(|account| Some(*account) != left_out)
            .map(|account| EpochWrap {
                account,
                generation: 1,
                wrapped: self.start.wrapped.clone(),
            })
            .collect();
        wraps.sort_by_key(|wrap| wrap.account);
        let epoch = self.epoch(1 + (other >> 7));
        Operation::NewEpoch(NewEpoch {
            epoch,
            wraps,
            previous: SealedSecret::new(*b"before"),
        })
    }

    fn sign(&self, draft: Draft, who: u8, time_ms: i64) -> Option<ChangeSet> {
        let person = &self.start.people[usize::from(who % ACCOUNTS)];
        let author = self.view.author_record(person.key.device_id());
        let (seen, mine) = (self.view.head(), person.state.head());
        let operation = OperationId([0; 16]);
        let epoch = self.epoch(0);
        let stamp = Stamp::next(
            self.start.space,
            author.as_ref(),
            seen,
            mine,
            epoch,
            operation,
            time_ms,
        );
        draft.sign(stamp, &person.key).ok()
    }

    fn owners(&self) -> usize {
        let owner = |record: &&Record| matches!(record, Record::Member(member) if member.role == Some(Role::Owner));
        self.view.records().filter(owner).count()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(start) = START.as_ref() else { return };
    let mut scene = Scene {
        start,
        view: start.view.clone(),
    };
    let mut draft = Draft::new();
    for step in bytes.chunks_exact(4).take(48) {
        draft.push(scene.operation([step[0], step[1], step[2]]));
        // Several operations may stand in one change set.
        if step[3] & 0x80 != 0 && draft.len() < 4 {
            continue;
        }
        let time_ms = i64::from(step[3]);
        let signed = scene.sign(std::mem::take(&mut draft), step[1], time_ms);
        let Some(change_set) = signed else { continue };
        let moment = match step[3] & 1 {
            0 => Moment::Replaying,
            _ => Moment::Accepting { now_ms: time_ms },
        };
        let before = scene.view.digest().digest();
        let kept = scene
            .view
            .append(&scene.start.accounts, moment, &change_set)
            .is_ok();
        assert!(kept || before == scene.view.digest().digest());
        assert!(scene.owners() > 0);
    }
    assert_eq!(*scene.view.digest(), digest_of(scene.view.records()));
});
