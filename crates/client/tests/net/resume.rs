//! Going on with what is there: parts of downloads, uploads that broke off, chunks of older key epochs.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use hythe_client::enrol;
use hythe_client::transfer::{
    Download, Progress, SourceFile, TargetFile, Upload, download_file, upload, verified_ranges,
};
use hythe_model::{NodeId, NodeKind};

use crate::content::{Memory, Old, layout, noise};
use crate::rig::{create, now_ms, put, start};

/// A file that stores some ranges only.
struct Holey {
    bytes: Vec<u8>,
    stored: Vec<Range<u64>>,
}

impl SourceFile for Holey {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn extents(&self) -> io::Result<Vec<Range<u64>>> {
        Ok(self.stored.clone())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.bytes.read_exact_at(buffer, offset)
    }
}

#[tokio::test]
async fn sc071_a_hole_in_a_part_proves_nothing_even_where_zeros_belong() {
    const MIB: u64 = 1 << 20;
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let mut bytes = noise(6, 24 << 20);
    bytes[8 << 20..16 << 20].fill(0);
    put(&home, "f", bytes.clone()).await.unwrap();
    let layout = layout(&first, &home, "f").await;
    let transfer = home.transfer().await.unwrap();
    let mut damaged = bytes.clone();
    damaged[20 << 20] ^= 1;
    let staged = |stored| {
        Arc::new(Holey {
            bytes: damaged.clone(),
            stored,
        })
    };
    let all = std::iter::once(0..24 * MIB).collect();
    let whole = verified_ranges(&transfer, &layout, staged(all)).await;
    let whole = whole.unwrap();
    let holds = |range: &Range<u64>, at: u64| range.contains(&at);
    assert_eq!(whole.len(), 2, "all but the chunk with the flipped bit");
    assert!(whole[0].start == 0 && holds(&whole[0], 12 * MIB));
    assert!(whole[1].end == 24 * MIB && !whole.iter().any(|range| holds(range, 20 * MIB)));

    let stored = vec![0..8 * MIB, 16 * MIB..24 * MIB];
    let parts = verified_ranges(&transfer, &layout, staged(stored))
        .await
        .unwrap();
    assert!(parts.iter().any(|range| holds(range, MIB)));
    assert!(parts.iter().any(|range| holds(range, 23 * MIB)));
    assert!(
        !parts.iter().any(|range| holds(range, 12 * MIB)),
        "{parts:?}"
    );
}

#[tokio::test]
async fn e7_bytes_on_this_disk_serve_chunks_of_an_older_key_epoch() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let bytes = noise(7, 8 << 20);
    put(&home, "f", bytes.clone()).await.unwrap();
    let second = first.add().await;
    enrol::remove_device(&first.common.api, &first.keys, second.keys.device, now_ms())
        .await
        .unwrap();
    let _ = home.renew_keys().await.unwrap();
    let layout = layout(&first, &home, "f").await;
    let transfer = home.transfer().await.unwrap();
    let there = verified_ranges(&transfer, &layout, Arc::new(bytes.clone())).await;
    assert_eq!(there.unwrap(), std::slice::from_ref(&(0..layout.size)));

    let target = Memory::new(layout.size);
    let download = Download {
        layout: layout.clone(),
        target: Arc::clone(&target) as Arc<dyn TargetFile>,
        local: Some(Arc::new(Old::cut(&layout, &bytes))),
        have: Vec::new(),
    };
    let progress = Progress::default();
    download_file(&transfer, download, &progress).await.unwrap();
    assert!(target.bytes() == bytes);
    assert_eq!(progress.network_bytes(), 0);
}

#[tokio::test]
async fn sc082_an_upload_that_was_broken_off_sends_no_chunk_twice() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let bytes = noise(8, 48 << 20);
    let transfer = home.transfer().await.unwrap();
    let sent = Arc::new(Progress::default());
    let file = || Upload {
        key: (),
        source: Arc::new(bytes.clone()),
        previous: None,
        need: None,
    };
    let broken_off = async {
        let uploading = upload(&transfer, vec![file()], &sent);
        let enough = async {
            while sent.network_bytes() < 16 << 20 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = uploading => panic!("it was to be broken off"),
            () = enough => {}
        }
    };
    broken_off.await;
    let before = sent.network_bytes();
    let again = Arc::new(Progress::default());
    let uploaded = upload(&transfer, vec![file()], &again).await.unwrap();
    let rest = again.network_bytes();
    assert!(rest + before <= (49 << 20), "{before} and then {rest}");
    let prepared = uploaded.files.into_iter().next().unwrap().1.unwrap();
    let edit = create(NodeId::ROOT, "f", NodeKind::File, Some(prepared));
    home.commit(vec![edit], uploaded.attached).await.unwrap();
    let layout = layout(&first, &home, "f").await;
    assert_eq!(layout.hash.unwrap().0, *blake3::hash(&bytes).as_bytes());
}
