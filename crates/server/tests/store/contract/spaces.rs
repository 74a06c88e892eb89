//! Spaces and their members.

use hythe_model::{AccountId, NodeId, Role};
use hythe_server::files::{Denied, FilesError, Refused};
use hythe_space::account::Accounts;
use hythe_space::flow::{self, EpochPlan, Recipient, member_wrap, new_epoch};
use hythe_space::governance::{Member, SealedSecret, SpaceGenesis};
use hythe_space::{ChangeSet, Draft, Moment, Operation, Stamp};
use hythe_wire::member::MemberAnswer;

use crate::person::{Person, attached, bytes_of, client_now_ms, server_account};
use crate::world::World;

/// A person who has moved on to a space of its own, sealed or open.
pub(super) async fn with_space(world: &World, login: &str, sealed: bool) -> Person {
    let mut person = Person::register(world, login).await;
    let server = Recipient::of(&server_account(world).await).unwrap();
    let made = flow::create_space(
        &person.account,
        &person.key,
        (!sealed).then_some(&server),
        client_now_ms(),
        &mut person.entropy,
    );
    let made = made.unwrap();
    let log: Vec<_> = made.log.iter().map(bytes_of).collect();
    world
        .files
        .create_space(&person.principal, &log)
        .await
        .unwrap();
    (person.space, person.fold) = (made.space, made.view);
    person.space_keys = crate::person::space_keys(made.space, &made.secret);
    person
}

impl Person {
    /// The operation that gives an account a role in this person's space.
    pub(super) fn admit(&mut self, other: &Person, role: Role) -> Draft {
        let record = self.fold.member_record(self.account.id()).unwrap();
        let wrap = record.wrap.clone().unwrap();
        let secret = self.keys.open_epoch(self.space, &wrap).unwrap();
        let recipient = Recipient::of(&other.account).unwrap();
        let wrap = member_wrap(
            self.space,
            wrap.epoch,
            &secret,
            &recipient,
            &mut self.entropy,
        );
        self.accounts.insert(other.account.clone());
        one(Operation::Member(Member {
            account: other.account.id(),
            role: Some(role),
            wrap: Some(wrap.unwrap()),
        }))
    }

    /// The same person in the space of another, as far as that one has read it.
    pub(super) fn in_space_of(self, other: &Person) -> Self {
        let accounts: Accounts = [self.account.clone(), other.account.clone()]
            .into_iter()
            .collect();
        Self {
            space: other.space,
            fold: other.fold.clone(),
            accounts,
            ..self
        }
    }
}

pub(super) fn one(operation: Operation) -> Draft {
    let mut draft = Draft::new();
    draft.push(operation);
    draft
}

fn role(account: AccountId, role: Option<Role>) -> Operation {
    Operation::Member(Member {
        account,
        role,
        wrap: None,
    })
}

pub async fn a30_a_sealed_space_is_kept_and_the_server_stays_out(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let spaces = world.files.spaces(&ann.principal).await.unwrap();
    let sealed = spaces.iter().find(|view| view.id == ann.space).unwrap();
    assert!(!sealed.open && sealed.invitation.is_none());
    let server = server_account(&world).await;
    // Neither as a member of its own nor in a new key epoch.
    let record = ann.fold.member_record(ann.account.id()).unwrap().clone();
    let wrap = record.wrap.unwrap();
    let secret = ann.keys.open_epoch(ann.space, &wrap).unwrap();
    let recipient = Recipient::of(&server).unwrap();
    let wrap = member_wrap(ann.space, wrap.epoch, &secret, &recipient, &mut ann.entropy).unwrap();
    let joining = one(Operation::Member(Member {
        account: server.id(),
        role: Some(Role::Viewer),
        wrap: Some(wrap),
    }));
    let joining = ann.sign(joining);
    let refused = ann.send(&world, &joining, Vec::new()).await;
    assert!(
        matches!(refused, Err(FilesError::Invalid(_))),
        "{refused:?}"
    );
    assert_eq!(
        world
            .files
            .members(&ann.principal, ann.space)
            .await
            .unwrap()
            .len(),
        1
    );
}

pub async fn a_space_of_another_server_is_refused(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let genesis = SpaceGenesis {
        nonce: ann.entropy.bytes(),
        owner: ann.account.id(),
        server: Some(AccountId([7; 32])),
    };
    let operation = hythe_model::OperationId(ann.entropy.bytes());
    let stamp = Stamp::genesis(operation, ann.account.head(), client_now_ms());
    let signed = one(Operation::SpaceGenesis(genesis))
        .sign(stamp, &ann.key)
        .unwrap();
    let refused = world
        .files
        .create_space(&ann.principal, &[bytes_of(&signed)])
        .await;
    assert!(
        matches!(refused, Err(FilesError::Invalid(_))),
        "{refused:?}"
    );
}

/// Ann's open space, with Bob in it as viewer, who has not answered.
async fn with_viewer(world: &World) -> (Person, Person) {
    let mut ann = with_space(world, "ann", false).await;
    let bob = Person::register(world, "bob").await;
    let draft = ann.admit(&bob, Role::Viewer);
    ann.commit(world, draft, Vec::new()).await.unwrap();
    let bob = bob.in_space_of(&ann);
    (ann, bob)
}

pub async fn accounts_are_looked_up_by_login(world: World) {
    let ann = with_space(&world, "ann", false).await;
    let bob = Person::register(&world, "bob").await;
    let outside = &bob.principal;
    let stranger = world.files.members(outside, ann.space).await;
    assert!(matches!(
        stranger,
        Err(FilesError::Denied(Denied::NotAMember))
    ));
    let found = world.files.account_of(outside, "ann".into()).await;
    assert_eq!(found.unwrap(), ann.account.id());
    let nobody = world.files.account_of(outside, "nobody".into()).await;
    assert!(matches!(nobody, Err(FilesError::NotFound(_))));
}

pub async fn an_invitation_is_answered_by_who_was_invited(world: World) {
    let (ann, bob) = with_viewer(&world).await;
    let bob_id = bob.account.id();
    // Invited, not in: listed with who asked, and its name's keys.
    let offered = world.files.spaces(&bob.principal).await.unwrap();
    let invitation = offered[1].invitation.as_ref().unwrap();
    assert_eq!(
        (invitation.by, invitation.by_login.as_deref()),
        (ann.account.id(), Some("ann"))
    );
    assert!(invitation.records.len() >= 3);
    let answer = |members: Vec<hythe_wire::member::MemberView>| {
        let is = |one: &&hythe_wire::member::MemberView| one.account == bob_id;
        members.iter().find(is).unwrap().answer
    };
    let members = world
        .files
        .members(&ann.principal, ann.space)
        .await
        .unwrap();
    assert_eq!(answer(members), MemberAnswer::Pending);
    world
        .files
        .answer_invitation(&bob.principal, ann.space, false)
        .await
        .unwrap();
    assert_eq!(world.files.spaces(&bob.principal).await.unwrap().len(), 1);
    let members = world
        .files
        .members(&ann.principal, ann.space)
        .await
        .unwrap();
    assert_eq!(answer(members), MemberAnswer::Declined);
    world
        .files
        .answer_invitation(&bob.principal, ann.space, true)
        .await
        .unwrap();
    let members = world
        .files
        .members(&bob.principal, ann.space)
        .await
        .unwrap();
    assert_eq!(answer(members), MemberAnswer::Accepted);
}

pub async fn d6_roles_count_at_the_moment_of_use(world: World) {
    let (mut ann, mut bob) = with_viewer(&world).await;
    let bob_id = bob.account.id();
    // A viewer reads and does not write; as an editor it does; and once it is out, nothing.
    let written = bob.make(&world).await;
    assert!(
        matches!(written, Err(FilesError::Denied(Denied::Role))),
        "{written:?}"
    );
    ann.commit(&world, one(role(bob_id, Some(Role::Editor))), Vec::new())
        .await
        .unwrap();
    bob.pull(&world).await;
    bob.make(&world).await.unwrap();
    ann.pull(&world).await;
    let governed = bob.sign(one(role(ann.account.id(), Some(Role::Viewer))));
    let governed = bob.send(&world, &governed, Vec::new()).await;
    assert!(
        matches!(governed, Err(FilesError::Refused(Refused::Space(_)))),
        "{governed:?}"
    );
    let draft = sending_away(&world, &mut ann, bob_id).await;
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    let gone = [
        bob.make(&world).await.map(drop),
        world
            .files
            .members(&bob.principal, ann.space)
            .await
            .map(drop),
        world.files.may_read(&bob.principal, ann.space).await,
    ];
    for answer in gone {
        assert!(
            matches!(answer, Err(FilesError::Denied(Denied::NotAMember))),
            "{answer:?}"
        );
    }
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn a_member_that_leaves_is_out_at_once(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let mut bob = Person::register(&world, "bob").await;
    let draft = ann.admit(&bob, Role::Viewer);
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    bob = bob.in_space_of(&ann);
    world
        .files
        .answer_invitation(&bob.principal, ann.space, true)
        .await
        .unwrap();
    let leaving = bob.sign(one(role(bob.account.id(), None)));
    bob.send(&world, &leaving, Vec::new()).await.unwrap();
    let again = world.files.may_read(&bob.principal, ann.space).await;
    assert!(matches!(again, Err(FilesError::Denied(Denied::NotAMember))));
    ann.accounts.insert(bob.account.clone());
    ann.pull(&world).await;
    assert!(ann.fold.space_record().unwrap().renewal_due.is_some());
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn a_space_counts_for_an_owner_that_takes_part(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let mut bob = Person::register(&world, "bob").await;
    let chunk = ann.chunk(b"what somebody pays for");
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "a file", vec![chunk.chunk.id]);
    ann.commit(&world, draft, vec![attached(&chunk)])
        .await
        .unwrap();
    let draft = ann.admit(&bob, Role::Owner);
    ann.commit(&world, draft, Vec::new()).await.unwrap();
    bob = bob.in_space_of(&ann);
    let leaving = one(role(ann.account.id(), None));
    let leaving = ann.sign(leaving);
    ann.send(&world, &leaving, Vec::new()).await.unwrap();
    let pays = async |who: &Person| {
        let usage = world.files.space_list(&who.principal).await.unwrap().usage;
        let usage = usage.unwrap();
        usage.used_bytes > 0
    };
    assert!(pays(&ann).await, "nobody pays who has not said yes");
    assert!(!pays(&bob).await);
    world
        .files
        .answer_invitation(&bob.principal, ann.space, true)
        .await
        .unwrap();
    assert!(pays(&bob).await && !pays(&ann).await);
}

pub async fn an_account_that_nobody_knows_becomes_no_member(world: World) {
    let mut ann = with_space(&world, "ann", false).await;
    let mut entropy = hythe_space::Entropy::from_seed(&[3; 32]);
    let ghost = flow::create_account(client_now_ms(), &mut entropy).unwrap();
    let record = ann.fold.member_record(ann.account.id()).unwrap().clone();
    let wrap = record.wrap.unwrap();
    let secret = ann.keys.open_epoch(ann.space, &wrap).unwrap();
    let recipient = Recipient::of(&ghost.state).unwrap();
    let wrap = member_wrap(ann.space, wrap.epoch, &secret, &recipient, &mut entropy).unwrap();
    let joining = one(Operation::Member(Member {
        account: ghost.state.id(),
        role: Some(Role::Viewer),
        wrap: Some(wrap),
    }));
    let joining = ann.sign(joining);
    let refused = ann.send(&world, &joining, Vec::new()).await;
    assert!(
        matches!(refused, Err(FilesError::Invalid(_))),
        "{refused:?}"
    );
}

/// What sends a member away, with a key that it does not get.
async fn sending_away(world: &World, ann: &mut Person, account: AccountId) -> Draft {
    let mut members = vec![Recipient::of(&ann.account).unwrap()];
    members.push(Recipient::of(&server_account(world).await).unwrap());
    let secret = ann.entropy.secret();
    let epoch = ann.fold.space_record().unwrap().key_epoch.next();
    let plan = EpochPlan {
        space: ann.space,
        epoch,
        secret: &secret,
        members: &members,
        previous: SealedSecret::new(*b"the secret before"),
    };
    let mut draft = one(role(account, None));
    draft.push(Operation::NewEpoch(
        new_epoch(plan, &mut ann.entropy).unwrap(),
    ));
    draft
}

impl Person {
    /// Makes a directory in the space this person is in.
    async fn make(&mut self, world: &World) -> Result<(), FilesError> {
        let mut draft = Draft::new();
        self.directory(&mut draft, NodeId::ROOT, "of a member");
        let change_set: ChangeSet = self.sign(draft);
        self.send(world, &change_set, Vec::new()).await?;
        let folded = self
            .fold
            .append(&self.accounts, Moment::Replaying, &change_set);
        folded.unwrap();
        Ok(())
    }
}
