//! Content there and back.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hythe_client::commit::{CommitError, Edit, NewBody};
use hythe_client::replica::Replica;
use hythe_client::transfer::{
    Download, LocalChunks, Progress, TargetFile, TransferError, Upload, download_file,
    download_small, load_layout, prepare_link, upload, verified_ranges,
};
use hythe_model::{Body, ChunkRef, Layout, LinkTarget, NodeId, NodeKind};
use tokio::sync::mpsc;

use crate::proxy::Proxy;
use crate::rig::{Device, create, find, list, put, start, upload_all, version};

/// A file in memory.
pub struct Memory(Mutex<Vec<u8>>);

impl Memory {
    pub fn new(length: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![0; length as usize])))
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl TargetFile for Memory {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        let start = offset as usize;
        file[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

/// Bytes without any pattern.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

pub async fn layout(device: &Device, replica: &Replica, called: &str) -> Layout {
    let node = find(device, replica, called);
    let number = replica.number();
    let field = device
        .common
        .state
        .read(|rows| rows.remote_body(number, node.id))
        .unwrap();
    let transfer = replica.transfer().await.unwrap();
    match load_layout(&transfer, &field.unwrap()).await.unwrap() {
        Body::File(layout) => layout,
        Body::Link(_) => panic!("{called} is a link"),
    }
}

async fn fetch(replica: &Replica, layout: &Layout) -> Result<Vec<u8>, TransferError> {
    let target = Memory::new(layout.size);
    let download = Download {
        layout: layout.clone(),
        target: Arc::clone(&target) as Arc<dyn TargetFile>,
        local: None,
        have: Vec::new(),
    };
    let transfer = replica.transfer().await.unwrap();
    download_file(&transfer, download, &Progress::default()).await?;
    Ok(target.bytes())
}

#[tokio::test]
async fn s7_a_large_file_comes_back_byte_for_byte() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let bytes = noise(1, (23 << 20) + 12_345);
    put(&home, "large", bytes.clone()).await.unwrap();
    let second = first.add().await;
    let there = second.home().await;
    let layout = layout(&second, &there, "large").await;
    assert_eq!(layout.hash.unwrap().0, *blake3::hash(&bytes).as_bytes());
    assert!(fetch(&there, &layout).await.unwrap() == bytes);
}

/// Writes a new content of a file as a device would that has the one before; says how much was sent.
async fn edit(device: &Device, replica: &Replica, called: &str, bytes: &[u8]) -> u64 {
    let before = layout(device, replica, called).await;
    let node = find(device, replica, called);
    let transfer = replica.transfer().await.unwrap();
    let progress = Arc::new(Progress::default());
    let file = Upload {
        key: (),
        source: Arc::new(bytes.to_vec()),
        previous: Some(before),
        need: None,
    };
    let uploaded = upload(&transfer, vec![file], &progress).await.unwrap();
    let attached: usize = uploaded
        .attached
        .iter()
        .map(|object| object.sealed_length())
        .sum();
    let prepared = uploaded.files.into_iter().next().unwrap().1.unwrap();
    let body = NewBody {
        expected: node.versions.body.unwrap(),
        new: version(),
        prepared,
    };
    let edit = Edit::Update {
        node: node.id,
        attributes: None,
        body: Some(body),
    };
    replica.commit(vec![edit], uploaded.attached).await.unwrap();
    progress.network_bytes() + attached as u64
}

#[tokio::test]
async fn a_byte_in_front_sends_a_chunk_or_two() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let mut bytes = noise(2, 16 << 20);
    put(&home, "f", bytes.clone()).await.unwrap();
    bytes.insert(0, 42);
    let sent = edit(&first, &home, "f", &bytes).await;
    assert!(sent > 0 && sent < 3 << 20, "{sent} bytes were sent");
    let after = layout(&first, &home, "f").await;
    assert!(fetch(&home, &after).await.unwrap() == bytes);
}

#[tokio::test]
async fn d5_edits_after_a_renewal_keep_the_chunks_of_earlier_epochs() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    for (called, length) in [("large", 16 << 20), ("small", 1_000_000)] {
        let mut bytes = noise(9, length);
        put(&home, called, bytes.clone()).await.unwrap();
        let _ = home.renew_keys().await.unwrap();
        // Each edit at another place, and one more renewal between: nothing is ever sent again.
        for (round, at) in [length / 2, 10, length - 10].into_iter().enumerate() {
            bytes.splice(at..at, *b"edited");
            let sent = edit(&first, &home, called, &bytes).await;
            let most = (2 << 20).min(length as u64 * 9 / 10);
            assert!(
                sent < most,
                "{called}, edit {round}: {sent} bytes were sent"
            );
            let after = layout(&first, &home, called).await;
            assert_eq!(after.hash.unwrap().0, *blake3::hash(&bytes).as_bytes());
            assert!(fetch(&home, &after).await.unwrap() == bytes);
            if round == 1 {
                let _ = home.renew_keys().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_long_layout_is_a_tree_and_opens() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    // Data in every other 4 KiB: more than 1,024 runs in a file of 8 MiB.
    let bytes = noise(3, 8 << 20);
    let source = Arc::new(Sparse {
        bytes: bytes.clone(),
        step: 4096,
    });
    let transfer = home.transfer().await.unwrap();
    let file = Upload {
        key: (),
        source,
        previous: None,
        need: None,
    };
    let uploaded = upload(&transfer, vec![file], &Arc::default())
        .await
        .unwrap();
    let prepared = uploaded.files.into_iter().next().unwrap().1.unwrap();
    assert!(prepared.stored.tree);
    let edit = create(NodeId::ROOT, "sparse", NodeKind::File, Some(prepared));
    home.commit(vec![edit], uploaded.attached).await.unwrap();
    let second = first.add().await;
    let there = second.home().await;
    assert_eq!(find(&second, &there, "sparse").size, 8 << 20);
    let layout = layout(&second, &there, "sparse").await;
    let mut expected = bytes;
    for (index, block) in expected.chunks_mut(4096).enumerate() {
        if index % 2 == 1 {
            block.fill(0);
        }
    }
    assert_eq!(layout.hash.unwrap().0, *blake3::hash(&expected).as_bytes());
    assert!(fetch(&there, &layout).await.unwrap() == expected);
}

/// Every other block is a hole.
struct Sparse {
    bytes: Vec<u8>,
    step: u64,
}

impl hythe_client::transfer::SourceFile for Sparse {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn extents(&self) -> io::Result<Vec<std::ops::Range<u64>>> {
        let starts = (0..self.size()).step_by(2 * self.step as usize);
        Ok(starts.map(|start| start..start + self.step).collect())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        assert_eq!(offset / self.step % 2, 0, "a hole was read");
        buffer.copy_from_slice(&self.bytes[offset as usize..offset as usize + buffer.len()]);
        Ok(())
    }
}

#[tokio::test]
async fn a_long_layout_costs_one_request_a_level() {
    let proxy = Proxy::start().await;
    let first = proxy.account("ada").await;
    let home = first.home().await;
    // Data in every other 4 KiB: 4,096 runs, so a root and some leaves.
    let source = Arc::new(Sparse {
        bytes: noise(3, 16 << 20),
        step: 4096,
    });
    let transfer = home.transfer().await.unwrap();
    let file = Upload {
        key: (),
        source,
        previous: None,
        need: None,
    };
    let uploaded = upload(&transfer, vec![file], &Arc::default()).await;
    let uploaded = uploaded.unwrap();
    let prepared = uploaded.files.into_iter().next().unwrap().1.unwrap();
    let edit = create(NodeId::ROOT, "sparse", NodeKind::File, Some(prepared));
    home.commit(vec![edit], uploaded.attached).await.unwrap();

    let second = proxy.behind(first.add().await);
    let there = second.home().await;
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    proxy.lie(move |path, bytes| {
        if path.ends_with("/chunks/read") {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        bytes
    });
    let layout = layout(&second, &there, "sparse").await;
    assert_eq!(layout.entries.len(), 4096);
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn many_small_files_come_back_in_few_requests() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let contents: Vec<Vec<u8>> = (0..600).map(|n| noise(n, 4096 + n as usize)).collect();
    let transfer = home.transfer().await.unwrap();
    let (prepared, attached) = upload_all(&transfer, contents.clone()).await;
    assert!(attached.is_empty(), "over a megabyte goes as packs");
    let edits = prepared
        .into_iter()
        .enumerate()
        .map(|(n, body)| create(NodeId::ROOT, &format!("{n:03}"), NodeKind::File, Some(body)))
        .collect();
    home.commit(edits, attached).await.unwrap();

    let second = first.add().await;
    let there = second.home().await;
    let mut files = Vec::new();
    for (n, node) in list(&second, &there, NodeId::ROOT).iter().enumerate() {
        let called = node.name.as_ref().unwrap().to_string();
        files.push((n, layout(&second, &there, &called).await));
    }
    let (sender, mut receiver) = mpsc::channel(4);
    let transfer = there.transfer().await.unwrap();
    let progress = Progress::default();
    let receive = async {
        let mut seen = 0;
        while let Some((n, bytes)) = receiver.recv().await {
            let bytes: Result<Vec<u8>, TransferError> = bytes;
            assert!(bytes.unwrap() == contents[n], "file {n}");
            seen += 1;
        }
        seen
    };
    let (done, seen) = tokio::join!(download_small(&transfer, files, sender, &progress), receive);
    done.unwrap();
    assert_eq!(seen, 600);
}

#[tokio::test]
async fn a_symlink_travels_as_its_text() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let transfer = home.transfer().await.unwrap();
    let target = LinkTarget::new(*b"../some where\xff").unwrap();
    let body = prepare_link(&transfer, target.clone()).unwrap();
    let edit = create(NodeId::ROOT, "link", NodeKind::Symlink, Some(body));
    home.commit(vec![edit], Vec::new()).await.unwrap();
    let second = first.add().await;
    let there = second.home().await;
    let node = find(&second, &there, "link");
    assert_eq!((node.kind, node.size), (NodeKind::Symlink, 14));
    assert_eq!(
        node.hash.unwrap().0,
        *blake3::hash(target.as_bytes()).as_bytes()
    );
    let number = there.number();
    let field = second
        .common
        .state
        .read(|rows| rows.remote_body(number, node.id))
        .unwrap();
    let body = load_layout(&transfer, &field.unwrap()).await.unwrap();
    assert!(body == Body::Link(target));
}

/// The old version of a file, as a place to find chunks in.
pub struct Old(Vec<(ChunkRef, Vec<u8>)>, Mutex<usize>);

impl Old {
    /// Bytes as a layout cuts them.
    pub fn cut(layout: &Layout, bytes: &[u8]) -> Self {
        let (mut at, mut known) = (0, Vec::new());
        for entry in layout.entries.iter() {
            let end = at + entry.length() as usize;
            if let hythe_model::LayoutEntry::Chunk(chunk) = entry {
                known.push((chunk.clone(), bytes[at..end].to_vec()));
            }
            at = end;
        }
        Self(known, Mutex::new(0))
    }
}

impl LocalChunks for Old {
    fn read_chunk(&self, chunk: &ChunkRef, buffer: &mut Vec<u8>) -> bool {
        *self.1.lock().unwrap() += 1;
        let Some((_, bytes)) = self.0.iter().find(|(known, _)| known.id == chunk.id) else {
            return false;
        };
        buffer.clear();
        buffer.extend_from_slice(bytes);
        true
    }
}

#[tokio::test]
async fn chunks_on_this_disk_are_not_fetched_and_wrong_ones_not_believed() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let bytes = noise(4, 8 << 20);
    put(&home, "f", bytes.clone()).await.unwrap();
    let layout = layout(&first, &home, "f").await;
    let Old(mut known, asked) = Old::cut(&layout, &bytes);
    known[0].1[0] ^= 1;
    let wrong = u64::from(known[0].0.sealed_length);
    let target = Memory::new(layout.size);
    let download = Download {
        layout: layout.clone(),
        target: Arc::clone(&target) as Arc<dyn TargetFile>,
        local: Some(Arc::new(Old(known, asked))),
        have: Vec::new(),
    };
    let progress = Progress::default();
    let transfer = home.transfer().await.unwrap();
    download_file(&transfer, download, &progress).await.unwrap();
    assert!(target.bytes() == bytes);
    assert_eq!(progress.network_bytes(), wrong);
    assert_eq!(progress.done_bytes(), layout.size);
}

#[tokio::test]
async fn sc082_a_download_goes_on_where_it_was_interrupted() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let bytes = noise(5, 12 << 20);
    put(&home, "f", bytes.clone()).await.unwrap();
    let layout = layout(&first, &home, "f").await;
    let mut staged = bytes.clone();
    staged[7 << 20..].fill(0);
    let transfer = home.transfer().await.unwrap();
    let have = verified_ranges(&transfer, &layout, Arc::new(staged.clone()))
        .await
        .unwrap();
    assert_eq!(have.len(), 1);
    assert!(have[0].start == 0 && have[0].end > 5 << 20 && have[0].end <= 7 << 20);
    let target = Arc::new(Memory(Mutex::new(staged)));
    let download = Download {
        layout: layout.clone(),
        target: Arc::clone(&target) as Arc<dyn TargetFile>,
        local: None,
        have,
    };
    let progress = Progress::default();
    download_file(&transfer, download, &progress).await.unwrap();
    assert!(target.bytes() == bytes);
    assert!(progress.network_bytes() < 7 << 20);
}

#[tokio::test]
async fn a_commit_that_names_chunks_the_server_lacks_says_which() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let transfer = home.transfer().await.unwrap();
    let (mut prepared, attached) = upload_all(&transfer, vec![b"never sent".to_vec()]).await;
    let expected = attached[0].reference().id;
    let edit = create(NodeId::ROOT, "f", NodeKind::File, prepared.pop());
    match home.commit(vec![edit], Vec::new()).await {
        Err(CommitError::ChunksMissing { chunks }) => assert_eq!(chunks, [expected]),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a file without content was committed"),
    }
    put(&home, "g", b"sent".to_vec()).await.unwrap();
}
