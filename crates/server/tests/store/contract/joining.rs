//! Becoming a member by a link, how often anybody may invite, and the end of a space.

use hythe_model::{NodeId, Role, Secret32, SpaceId};
use hythe_server::files::{Commit, Denied, FilesError, INVITATIONS_AN_HOUR, Refused};
use hythe_space::ending::EndSpace;
use hythe_space::flow::{JoinSecret, JoinTerms, offer_join, take_up};
use hythe_space::join::{Join, WithdrawJoin};
use hythe_space::limits::ENDING_MIN_MS;
use hythe_space::{ChangeSet, Draft, Operation, Record, Stamp};
use hythe_wire::join::JoinTermsReply;

use super::spaces::{one, with_space};
use crate::person::{Person, attached, bytes_of, client_now_ms};
use crate::world::World;

impl Person {
    fn epoch_secret(&self) -> Secret32 {
        let record = self.fold.member_record(self.account.id()).unwrap();
        let wrap = record.wrap.clone().unwrap();
        self.keys.open_epoch(self.space, &wrap).unwrap()
    }

    fn offer(&mut self, role: Role) -> (Draft, JoinSecret) {
        let epoch = self.fold.space_record().unwrap().key_epoch;
        let secret = self.epoch_secret();
        let (now, entropy) = (client_now_ms(), &mut self.entropy);
        let made = offer_join(self.space, (epoch, &secret), role, now, entropy);
        let (offer, secret) = made.unwrap();
        (one(Operation::OfferJoin(offer)), secret)
    }

    /// What taking up an offer looks like, by what the server tells.
    fn take_up(&mut self, told: &JoinTermsReply, secret: &JoinSecret) -> ChangeSet {
        let (Record::Space(space), Record::JoinOffer(offer)) = (
            Record::decode(&told.space).unwrap(),
            Record::decode(&told.offer).unwrap(),
        ) else {
            panic!("other records")
        };
        let id = SpaceId(space.genesis.0);
        let terms = JoinTerms {
            space: id,
            epoch: offer.epoch,
            wrapped: &offer.wrapped,
        };
        let join: Join = take_up(&terms, secret, &self.account, &mut self.entropy).unwrap();
        let operation = hythe_model::OperationId(self.entropy.bytes());
        let stamp = Stamp {
            log: id,
            counter: 1,
            previous: hythe_space::header::NO_PREVIOUS,
            seen: told.head,
            key_epoch: offer.epoch,
            ..self.stamp(operation)
        };
        one(Operation::Join(join)).sign(stamp, &self.key).unwrap()
    }
}

fn commit(space: SpaceId, change_set: &ChangeSet) -> Commit {
    Commit {
        space,
        change_set: bytes_of(change_set),
        attached: Vec::new(),
    }
}

fn is_nowhere<T>(answer: &Result<T, FilesError>) -> bool {
    matches!(answer, Err(FilesError::Denied(Denied::NotAMember)))
}

pub async fn a_link_lets_one_account_in(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let mut bob = Person::register(&world, "bob").await;
    let (draft, secret) = ann.offer(Role::Editor);
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    let key = secret.key().device_id();
    let guessed = hythe_model::DeviceId([1; 32]);
    let elsewhere = bob.space;
    for (space, key) in [(ann.space, guessed), (elsewhere, key)] {
        let told = world.files.join_terms(&bob.principal, space, key).await;
        assert!(is_nowhere(&told), "{told:?}");
    }
    let told = world.files.join_terms(&bob.principal, ann.space, key).await;
    let joining = bob.take_up(&told.unwrap(), &secret);
    let wanted = ann.space;
    world
        .files
        .commit(&bob.principal, commit(wanted, &joining))
        .await
        .unwrap();
    // He takes part without being asked again.
    let spaces = world.files.spaces(&bob.principal).await.unwrap();
    let joined = spaces.iter().find(|view| view.id == wanted).unwrap();
    assert!(joined.invitation.is_none());
    world.files.may_read(&bob.principal, wanted).await.unwrap();
    // Nobody else can.
    let eve = Person::register(&world, "eve").await;
    let told = world.files.join_terms(&eve.principal, wanted, key).await;
    assert!(is_nowhere(&told), "{told:?}");
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn an_offer_that_is_over_is_shown_to_nobody(world: World) {
    let mut ann = with_space(&world, "ann", false).await;
    let mut bob = Person::register(&world, "bob").await;
    let (draft, secret) = ann.offer(Role::Viewer);
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    let key = secret.key().device_id();
    let told = world.files.join_terms(&bob.principal, ann.space, key).await;
    let joining = bob.take_up(&told.unwrap(), &secret);
    let back = one(Operation::WithdrawJoin(WithdrawJoin { key }));
    ann.commit(&world, back, Vec::new()).await.unwrap();
    let told = world.files.join_terms(&bob.principal, ann.space, key).await;
    assert!(is_nowhere(&told), "{told:?}");
    let late = commit(ann.space, &joining);
    let late = world.files.commit(&bob.principal, late).await;
    assert!(
        matches!(late, Err(FilesError::Refused(Refused::Space(_)))),
        "{late:?}"
    );
}

pub async fn an_account_invites_so_often_and_no_more(world: World) {
    let mut ann = with_space(&world, "ann", false).await;
    let bob = Person::register(&world, "bob").await;
    // By name counts as by link does.
    let draft = ann.admit(&bob, Role::Viewer);
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    let mut draft = Draft::new();
    for _ in 1..INVITATIONS_AN_HOUR {
        draft.extend(ann.offer(Role::Viewer).0);
    }
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    let (more, _) = ann.offer(Role::Viewer);
    let more = ann.sign(more);
    let refused = ann.send(&world, &more, Vec::new()).await;
    let Err(FilesError::Refused(Refused::TooOften(wait))) = refused else {
        panic!("{refused:?}")
    };
    assert!(wait.as_secs() <= 60 * 60, "{wait:?}");
    // A change of role is no invitation.
    world
        .files
        .answer_invitation(&bob.principal, ann.space, true)
        .await
        .unwrap();
    let draft = one(Operation::Member(hythe_space::governance::Member {
        account: bob.account.id(),
        role: Some(Role::Editor),
        wrap: None,
    }));
    ann.commit(&world, draft, Vec::new()).await.unwrap();
}

pub async fn a_space_ends_for_everybody_when_its_time_has_come(world: World) {
    let mut ann = with_space(&world, "ann", false).await;
    let bob = Person::register(&world, "bob").await;
    let chunk = ann.chunk(b"what it holds");
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "a file", vec![chunk.chunk.id]);
    ann.commit(&world, draft, vec![attached(&chunk)])
        .await
        .unwrap();
    let draft = ann.admit(&bob, Role::Viewer);
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    let now = client_now_ms();
    let at_ms = now + ENDING_MIN_MS + 60_000;
    let end = |ends_ms| one(Operation::EndSpace(EndSpace { ends_ms }));
    ann.commit(&world, end(Some(at_ms)), Vec::new())
        .await
        .unwrap();
    assert_eq!(world.files.end_due(at_ms - 1).await.unwrap(), 0);
    ann.commit(&world, end(None), Vec::new()).await.unwrap();
    assert_eq!(world.files.end_due(at_ms).await.unwrap(), 0, "taken back");
    ann.commit(&world, end(Some(at_ms)), Vec::new())
        .await
        .unwrap();

    assert_eq!(world.files.end_due(at_ms).await.unwrap(), 1);
    assert_eq!(world.files.end_due(at_ms).await.unwrap(), 0);
    for who in [&ann, &bob] {
        let read = world.files.may_read(&who.principal, ann.space).await;
        assert!(is_nowhere(&read), "{read:?}");
        let list = world.files.space_list(&who.principal).await.unwrap();
        assert!(list.spaces.iter().all(|view| view.id != ann.space));
        let ended = list.ended.iter().map(|one| (one.id, one.ended_ms));
        assert_eq!(ended.collect::<Vec<_>>(), [(ann.space, at_ms)]);
        assert_eq!(list.usage.unwrap().used_bytes, 0, "it counts no more");
    }
    // Others never hear of it, and a personal space does not end so.
    let mut eve = Person::register(&world, "eve").await;
    let list = world.files.space_list(&eve.principal).await.unwrap();
    assert!(list.ended.is_empty());
    let own = eve.sign(end(Some(at_ms)));
    let refused = eve.send(&world, &own, Vec::new()).await;
    assert!(
        matches!(refused, Err(FilesError::Invalid(_))),
        "{refused:?}"
    );
    assert!(world.files.check().await.unwrap().is_clean());
}
