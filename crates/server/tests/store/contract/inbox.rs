//! Files that wait in sealed spaces: what a server keeps, and of what it lets go.

use hythe_content::{parcel_keys, seal_parcel};
use hythe_model::{
    AccountId, Attributes, EntryName, LinkId, LinkKind, NodeId, OperationId, Secret32, UploadId,
};
use hythe_server::files::{FilesError, LinkPass, Parcel};
use hythe_space::{Behalf, ChangeSet, Draft, KemSecret, LinkGrant, Purpose, SigningKey, Via};

use super::spaces::with_space;
use crate::person::{Person, address, attached, client_now_ms};
use crate::world::World;

const LINK: LinkId = LinkId([3; 16]);

/// What signs uploads through the link.
fn uploads() -> SigningKey {
    SigningKey::from_seed(&Secret32::new([5; 32]))
}

/// Gives out a link to put files into the root.
async fn give(world: &World, ann: &Person) -> LinkPass {
    let key = KemSecret::from_seed(Secret32::new([7; 32]));
    let grant = LinkGrant {
        suite: 0,
        space: ann.space,
        link: LINK,
        node: NodeId::ROOT,
        kind: LinkKind::Upload,
        key: key.public().unwrap(),
        password: false,
        expires_ms: None,
        downloads: Some(3),
        time_ms: client_now_ms(),
        uploads: Some(uploads().public()),
    };
    let (signed, verifier) = (grant.sign(&ann.key).encode(), Secret32::new([7; 32]));
    let files = &world.files;
    let made = files.create_link(&ann.principal, ann.space, signed, verifier.clone());
    made.await.unwrap();
    LinkPass::new(LINK, verifier)
}

/// A file of one chunk, sealed as it has to be or not, signed by the link's key.
fn parcel(ann: &mut Person, n: u8, padded: bool) -> Parcel {
    let upload = UploadId([n; 16]);
    let secret = ann.entropy.secret();
    let keys = parcel_keys(ann.space, secret.clone());
    let keys = if padded { keys.padded() } else { keys };
    let name = EntryName::new(b"file".to_vec()).unwrap();
    let fields = seal_parcel(&keys, upload, &name, Attributes::default(), b"layout");
    let inbox = KemSecret::from_seed(Secret32::new([8; 32]))
        .public()
        .unwrap();
    let purpose = Purpose::Parcel {
        space: ann.space,
        number: 1,
        via: Via::Link(LINK),
        upload,
    };
    let wrapped = inbox.wrap(&purpose, &secret, &mut ann.entropy).unwrap();
    let chunk = ann.chunk(&[n; 100]);
    let parcel = Parcel {
        upload,
        generation: 1,
        wrapped: minicbor::to_vec(&wrapped).unwrap(),
        name: fields.name,
        attributes: fields.attributes,
        body: fields.body,
        size: 100,
        attached: vec![attached(&chunk)],
        refs: Some((false, vec![chunk.chunk.id])),
        signature: None,
    };
    signed(ann, parcel, &uploads())
}

fn signed(ann: &Person, mut parcel: Parcel, key: &SigningKey) -> Parcel {
    let content = hythe_space::Parcel {
        space: ann.space,
        number: parcel.generation,
        via: Via::Link(LINK),
        upload: parcel.upload,
        wrapped: &parcel.wrapped,
        name: &parcel.name,
        attributes: &parcel.attributes,
        body: &parcel.body,
        size: parcel.size,
    };
    let signature = content.sign(key).encode();
    parcel.signature = Some(signature);
    parcel
}

/// A file that a member makes on behalf of somebody.
fn taken(ann: &mut Person, upload: UploadId, behalf: Behalf) -> ChangeSet {
    let mut draft = Draft::new();
    ann.file_called(&mut draft, NodeId(upload.0));
    let operation = OperationId(ann.entropy.bytes());
    let mut stamp = ann.stamp(operation);
    stamp.behalf = Some(behalf);
    draft.sign(stamp, &ann.key).unwrap()
}

fn is_invalid<T>(answer: &Result<T, FilesError>) -> bool {
    matches!(answer, Err(FilesError::Invalid(_)))
}

/// The files that wait.
async fn waiting(world: &World, ann: &Person) -> Vec<UploadId> {
    let page = world.files.inbox(&ann.principal, ann.space).await.unwrap();
    page.parcels.iter().map(|one| one.upload).collect()
}

/// Files that were put through the link, that wait, and that were refused.
async fn counts(world: &World, ann: &Person) -> (u32, u64, u64) {
    let links = world.files.links(&ann.principal, ann.space).await.unwrap();
    (links[0].downloads, links[0].waiting, links[0].refused)
}

pub async fn e1_a10_a_sealed_space_keeps_only_what_is_sealed_and_signed(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let (files, from) = (&world.files, address().ip());
    let pass = give(&world, &ann).await;
    let put = |parcel: Parcel| files.link_put(&pass, parcel, from);
    // What is not sealed as sealed spaces seal, not signed, or signed by another key.
    let plain = parcel(&mut ann, 1, false);
    assert!(is_invalid(&put(plain).await));
    let good = parcel(&mut ann, 1, true);
    let mut readable = good.clone();
    readable.name = b"name in the clear".to_vec();
    assert!(is_invalid(&put(signed(&ann, readable, &uploads())).await));
    let mut unsigned = good.clone();
    unsigned.signature = None;
    assert!(is_invalid(&put(unsigned).await));
    let eve = SigningKey::from_seed(&Secret32::new([6; 32]));
    assert!(is_invalid(&put(signed(&ann, good.clone(), &eve)).await));
    let mut swapped = good.clone();
    swapped.body = parcel(&mut ann, 2, true).body;
    assert!(is_invalid(&put(swapped).await));
    let mut bare = good.clone();
    bare.attached.clear();
    let missing = put(bare).await;
    assert!(matches!(missing, Err(FilesError::ChunksMissing(_))));
    assert_eq!(waiting(&world, &ann).await, []);
    put(good).await.unwrap();
    assert_eq!(waiting(&world, &ann).await, [UploadId([1; 16])]);
}

pub async fn a_file_waits_in_a_sealed_space_until_it_is_taken_in_or_refused(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let (files, from) = (&world.files, address().ip());
    let pass = give(&world, &ann).await;
    let put = |parcel: Parcel| files.link_put(&pass, parcel, from);
    let [first, second] = [1, 2].map(|n| UploadId([n; 16]));
    // Twice is once.
    let good = parcel(&mut ann, 1, true);
    for _ in 0..2 {
        put(good.clone()).await.unwrap();
    }
    put(parcel(&mut ann, 2, true)).await.unwrap();
    assert_eq!(waiting(&world, &ann).await, [first, second]);
    assert_eq!(counts(&world, &ann).await, (2, 2, 0));

    // On behalf of others only what they put is written.
    let (account, session) = (ann.account.id(), OperationId(LINK.0));
    let behalf = Behalf { account, session };
    let [mut by_another, mut another_way] = [behalf; 2];
    by_another.account = AccountId([9; 32]);
    another_way.session = OperationId([0; 16]);
    for (n, other) in [(9, behalf), (1, by_another), (1, another_way)] {
        let made = taken(&mut ann, UploadId([n; 16]), other);
        let sent = ann.send(&world, &made, Vec::new()).await;
        assert!(is_invalid(&sent), "{n}: {sent:?}");
    }
    let made = taken(&mut ann, first, behalf);
    ann.send(&world, &made, Vec::new()).await.unwrap();
    assert_eq!(counts(&world, &ann).await, (2, 1, 0));
    put(good).await.unwrap();
    assert_eq!(counts(&world, &ann).await, (2, 1, 0));

    // What cannot be taken in leaves a note, and does not come again.
    let refuse = || files.refuse_parcel(&ann.principal, ann.space, second);
    refuse().await.unwrap();
    assert!(matches!(refuse().await, Err(FilesError::NotFound(_))));
    assert_eq!(counts(&world, &ann).await, (2, 0, 1));
    let again = parcel(&mut ann, 2, true);
    assert!(is_invalid(&put(again).await));
    assert_eq!(waiting(&world, &ann).await, []);
}
