//! What a server cannot make in a sealed space, with all keys that it has: its own device's (A9, A10).
//! In an open space it may write, and only in its own name.

use hythe_client::commit::found_space;
use hythe_client::replica::{Alarm, Replica};
use hythe_model::{
    Cursor, Head, KeyEpoch, NameTag, NodeId, NodeKind, OperationId, Role, SpaceId, SpaceName,
    VersionId,
};
use hythe_space::chain::head_next;
use hythe_space::draft::SealedNode;
use hythe_space::flow::{Recipient, member_wrap};
use hythe_space::governance::Member;
use hythe_space::operation::{BodyWrite, Create, Operation, Place};
use hythe_space::{
    AccountState, Behalf, ChangeSet, Denied, Draft, Entropy, Refusal, SigningKey, Stamp,
};
use hythe_wire::log::{LogEntry, LogFrame};

use super::alarm;
use crate::proxy::{Proxy, reframe};
use crate::rig::{Device, id, list, names, now_ms, put};
use crate::thief::Thief;

/// A space with one file, a device of its owner's that is lied to, and the server's own keys.
struct Scene {
    proxy: Proxy,
    writer: Replica,
    victim: Device,
    replica: Replica,
    server: AccountState,
    key: SigningKey,
    _first: Device,
}

async fn scene(sealed: bool) -> Scene {
    let proxy = Proxy::start().await;
    let first = proxy.account("ada").await;
    let called = SpaceName::new("letters").unwrap();
    let space = found_space(&first.common, &called, sealed, None)
        .await
        .unwrap();
    let writer = opened(&first, space).await;
    put(&writer, "one", b"one".to_vec()).await.unwrap();
    let victim = proxy.behind(first.add().await);
    let replica = opened(&victim, space).await;
    let (server, key) = Thief::of(&proxy.data.path().join("server")).device();
    Scene {
        proxy,
        writer,
        victim,
        replica,
        server,
        key,
        _first: first,
    }
}

async fn opened(device: &Device, space: SpaceId) -> Replica {
    let replica = Replica::open(device.common.clone(), space).await.unwrap();
    let _ = replica.catch_up().await.unwrap();
    replica
}

impl Scene {
    /// What the server's device signs as the next change set.
    fn planted(&self, before: Head, draft: Draft, behalf: Option<Behalf>) -> ChangeSet {
        let mut stamp = Stamp::next(
            self.replica.space(),
            None,
            before,
            self.server.head(),
            KeyEpoch::FIRST,
            OperationId(id()),
            now_ms(),
        );
        stamp.behalf = behalf;
        draft.sign(stamp, &self.key).unwrap()
    }

    /// Shows the victim a change set as the one that comes next.
    fn show(&self, change_set: &ChangeSet, before: Head) {
        let head = head_next(before, change_set.hash());
        let entry = LogFrame::Entry(LogEntry {
            head,
            change_set: change_set.encoded().to_vec().into(),
        });
        self.proxy
            .lie(move |path, bytes| match path.contains("/changes?") {
                true => reframe(&[entry.clone(), LogFrame::End { head }]),
                false => bytes,
            });
    }

    /// That the victim refuses what it was shown, and why.
    async fn refused(&self, before: Head) -> Refusal {
        let raised = alarm(self.replica.catch_up().await);
        assert_eq!(self.replica.head().await, before);
        let shown = names(&list(&self.victim, &self.replica, NodeId::ROOT));
        assert_eq!(shown, ["one"], "what is forged is not shown");
        match raised {
            Alarm::Refused { refusal, .. } => refusal,
            other => panic!("{other}"),
        }
    }
}

/// A node below the root; what is sealed of it is sealed under a key of the server's choice.
fn node(kind: NodeKind) -> Draft {
    let mut draft = Draft::new();
    let body = (kind == NodeKind::File).then(|| BodyWrite {
        version: VersionId(id()),
        size: 7,
        tree: false,
        refs: vec![],
    });
    let sealed = SealedNode {
        name: b"planted".to_vec(),
        attributes: b"planted".to_vec(),
        body: body.as_ref().map(|_| b"planted".to_vec()),
    };
    let place = Place {
        parent: NodeId::ROOT,
        tag: NameTag([1; 32]),
    };
    draft.create(
        Create {
            node: NodeId(id()),
            kind,
            place,
            place_version: VersionId(id()),
            attributes_version: VersionId(id()),
            body,
        },
        sealed,
    );
    draft
}

/// The server makes itself an owner; the wrapped key is one that it drew.
fn membership(space: SpaceId, server: &AccountState) -> Draft {
    let mut entropy = Entropy::system().unwrap();
    let drawn = entropy.secret();
    let own = Recipient::of(server).unwrap();
    let wrap = member_wrap(space, KeyEpoch::FIRST, &drawn, &own, &mut entropy);
    let mut draft = Draft::new();
    draft.push(Operation::Member(Member {
        account: server.id(),
        role: Some(Role::Owner),
        wrap: Some(wrap.unwrap()),
    }));
    draft
}

#[tokio::test]
async fn a9_a10_a16_the_server_itself_writes_nothing_into_a_sealed_space() {
    let scene = scene(true).await;
    let before = scene.replica.head().await;
    let on_behalf = Behalf {
        account: scene.victim.keys.account,
        session: OperationId(id()),
    };
    scene.proxy.record();
    for behalf in [None, Some(on_behalf)] {
        let drafts = [
            node(NodeKind::Directory),
            node(NodeKind::File),
            membership(scene.replica.space(), &scene.server),
        ];
        for draft in drafts {
            let change_set = scene.planted(before, draft, behalf);
            scene.show(&change_set, before);
            let refusal = scene.refused(before).await;
            let denied = |why: Denied| refusal == Refusal::NotAllowed(why);
            assert!(
                denied(Denied::UnknownDevice) || denied(Denied::Role),
                "{refusal}"
            );
        }
    }
    let sent = scene.proxy.recorded();
    assert!(
        sent.iter().all(|one| one.method == "GET"),
        "nothing was sent that somebody could learn from"
    );
    scene.proxy.be_honest();
    put(&scene.writer, "two", b"two".to_vec()).await.unwrap();
    let _ = scene.replica.catch_up().await.unwrap();
    let shown = names(&list(&scene.victim, &scene.replica, NodeId::ROOT));
    assert_eq!(shown, ["one", "two"]);
}

/// An invitation is a change set like any other: it stands once, where it was signed for.
#[tokio::test]
async fn a9_what_a_member_signed_is_not_played_again() {
    let scene = scene(true).await;
    let before = scene.replica.head().await;
    let api = &scene.victim.common.api;
    let space = scene.replica.space();
    let mut pages = api.changes(space, Cursor::START).await.unwrap();
    let mut entries = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        entries.extend(page.entries);
    }
    assert!(entries.len() > 2, "{}", entries.len());
    for entry in entries {
        let change_set = ChangeSet::decode(&entry.change_set).unwrap();
        scene.show(&change_set, before);
        let refusal = scene.refused(before).await;
        assert!(matches!(refusal, Refusal::BadChain(_)), "{refusal}");
    }
}

/// In an open space the server is an editor, so what it plants is shown, as what it is: its own. It can
/// neither sign as a device of a member's nor make a member.
#[tokio::test]
async fn a10_what_the_server_plants_in_an_open_space_bears_its_own_name() {
    let scene = scene(false).await;
    let before = scene.replica.head().await;
    let membership = scene.planted(
        before,
        membership(scene.replica.space(), &scene.server),
        None,
    );
    scene.show(&membership, before);
    let refusal = scene.refused(before).await;
    assert_eq!(refusal, Refusal::NotAllowed(Denied::Role), "{refusal}");

    let planted = scene.planted(before, node(NodeKind::Directory), None);
    let author = planted.header().author;
    assert_eq!(author, scene.key.device_id());
    scene.show(&planted, before);
    let _ = scene.replica.catch_up().await.unwrap();
    assert_eq!(scene.replica.head().await.cursor, before.cursor.next());
    let members = scene.victim.common.accounts.get(scene.victim.keys.account);
    let own = members.await.unwrap();
    assert!(
        own.device(author).is_none(),
        "nobody takes it for a device of ada's"
    );
    // Sealed under no key of the space's, it has no name and is placed nowhere.
    let shown = list(&scene.victim, &scene.replica, NodeId::ROOT);
    assert_eq!(shown.iter().filter(|node| node.name.is_err()).count(), 1);
}
