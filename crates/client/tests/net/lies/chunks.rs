//! Lies about content.

use std::sync::Arc;

use hythe_client::net::ApiError;
use hythe_client::replica::Replica;
use hythe_client::transfer::{Download, Progress, TransferError, download_file};
use hythe_model::Layout;
use hythe_wire::chunk::ChunkFrame;

use super::{Scene, scene};
use crate::content::{Memory, layout, noise};
use crate::proxy::Proxy;
use crate::rig::{Device, find, put};

/// Changes what the server answers when chunks are read.
fn lie_in_chunks(proxy: &Proxy, mut change: impl FnMut(&mut Vec<ChunkFrame>) + Send + 'static) {
    proxy.lie(move |path, bytes| {
        if !path.ends_with("/chunks/read") {
            return bytes;
        }
        let mut decoder = hythe_wire::FrameDecoder::new(ChunkFrame::MAX_BYTES);
        decoder.push(&bytes);
        let mut frames = Vec::new();
        while let Some(frame) = decoder.next_frame().unwrap() {
            frames.push(ChunkFrame::from_frame(&frame).unwrap());
        }
        change(&mut frames);
        let mut lied = Vec::new();
        for frame in frames {
            let (head, sealed) = frame.to_pieces();
            lied.extend_from_slice(&head);
            lied.extend_from_slice(&sealed.unwrap_or_default());
        }
        lied
    });
}

/// Changes the sealed bytes of one answer.
fn damage(frame: &mut ChunkFrame, change: impl FnOnce(&mut Vec<u8>)) {
    if let ChunkFrame::Sealed { bytes, .. } = frame {
        let mut changed = bytes.to_vec();
        change(&mut changed);
        *bytes = changed.into();
    }
}

async fn fetch(replica: &Replica, layout: &Layout) -> (Vec<u8>, Result<(), TransferError>) {
    let target = Memory::new(layout.size);
    let download = Download {
        layout: layout.clone(),
        target: Arc::clone(&target) as Arc<_>,
        local: None,
        have: Vec::new(),
    };
    let transfer = replica.transfer().await.unwrap();
    let done = download_file(&transfer, download, &Progress::default()).await;
    (target.bytes(), done)
}

#[tokio::test]
async fn a34_a_damaged_or_missing_chunk_is_named_and_never_written() {
    let scene = scene().await;
    let _ = scene.replica.catch_up().await.unwrap();
    let layout = layout(&scene.victim, &scene.replica, "three").await;
    for missing in [false, true] {
        lie_in_chunks(&scene.proxy, move |frames| match &mut frames[0] {
            frame if missing => *frame = ChunkFrame::Missing { index: 0 },
            frame => damage(frame, |bytes| bytes[20] ^= 1),
        });
        let (written, done) = fetch(&scene.replica, &layout).await;
        match done.unwrap_err() {
            TransferError::Missing { .. } => assert!(missing),
            TransferError::Damaged { .. } => assert!(!missing),
            other => panic!("{other}"),
        }
        assert_eq!(written, [0; 5]);
    }
}

/// A file of several chunks, and a device that is lied to.
async fn large() -> (Proxy, Device, Replica, Layout, Vec<u8>) {
    let proxy = Proxy::start().await;
    let first = proxy.account("ada").await;
    let home = first.home().await;
    let bytes = noise(7, 3 << 20);
    put(&home, "large", bytes.clone()).await.unwrap();
    let victim = proxy.behind(first.add().await);
    let replica = victim.home().await;
    assert_eq!(find(&victim, &replica, "large").size, 3 << 20);
    let layout = layout(&victim, &replica, "large").await;
    (proxy, victim, replica, layout, bytes)
}

type Change = fn(&mut Vec<ChunkFrame>);

/// Puts the sealed bytes of one answer into another.
fn put_into(frames: &mut [ChunkFrame], from: usize, to: usize) {
    let sealed = frames.iter().find_map(|frame| match frame {
        ChunkFrame::Sealed { index, bytes } if *index as usize == from => Some(bytes.clone()),
        _ => None,
    });
    for frame in frames {
        if let ChunkFrame::Sealed { index, bytes } = frame
            && *index as usize == to
        {
            *bytes = sealed.clone().unwrap();
        }
    }
}

#[tokio::test]
async fn a6_chunks_in_another_order_twice_or_not_at_all_are_never_taken() {
    let (proxy, _victim, replica, layout, bytes) = large().await;
    let swaps: [Change; 4] = [
        |frames| put_into(frames, 0, 1),
        |frames| put_into(frames, 2, 0),
        |frames| damage(&mut frames[1], |sealed| sealed.truncate(100)),
        |frames| damage(&mut frames[1], |sealed| sealed.push(0)),
    ];
    for change in swaps {
        lie_in_chunks(&proxy, change);
        let (written, done) = fetch(&replica, &layout).await;
        let error = done.unwrap_err();
        assert!(matches!(error, TransferError::Damaged { .. }), "{error}");
        // What was written is right where it stands, the rest is as it was.
        let is_right = |(new, old): (&u8, &u8)| *new == 0 || new == old;
        assert!(written.iter().zip(&bytes).all(is_right));
    }
    let shapes: [Change; 5] = [
        |frames| drop(frames.remove(0)),
        |frames| frames.push(ChunkFrame::End),
        |frames| {
            let twice = frames[0].clone();
            frames.insert(1, twice);
        },
        |frames| {
            if let ChunkFrame::Sealed { index, .. } = &mut frames[0] {
                *index = u32::MAX;
            }
        },
        |frames| drop(frames.pop()),
    ];
    for (number, change) in shapes.into_iter().enumerate() {
        lie_in_chunks(&proxy, change);
        let (_, done) = fetch(&replica, &layout).await;
        match done {
            Err(TransferError::Api(ApiError::Malformed(_) | ApiError::Offline(_))) => {}
            // What comes after the end is never looked at.
            Ok(()) if number == 1 => {}
            Err(other) => panic!("{number}: {other}"),
            Ok(()) => panic!("{number} was believed"),
        }
    }
    proxy.be_honest();
    let (written, done) = fetch(&replica, &layout).await;
    done.unwrap();
    assert!(written == bytes);
}

/// Suite, kind, nonce, ciphertext, tag: whatever of it is changed, the same is said and asked.
#[tokio::test]
async fn a12_how_a_chunk_fails_to_open_changes_nothing_that_the_server_sees() {
    let (proxy, _victim, replica, layout, _) = large().await;
    let changes: [fn(&mut Vec<u8>); 6] = [
        |sealed| sealed[0] ^= 1,
        |sealed| sealed[1] ^= 1,
        |sealed| sealed[5] ^= 1,
        |sealed| sealed[1000] ^= 1,
        |sealed| {
            if let Some(last) = sealed.last_mut() {
                *last ^= 1;
            }
        },
        |sealed| sealed.clear(),
    ];
    let mut seen = Vec::new();
    for change in changes {
        proxy.record();
        lie_in_chunks(&proxy, move |frames| {
            let first = frames
                .iter_mut()
                .find(|frame| matches!(frame, ChunkFrame::Sealed { index: 0, .. }));
            damage(first.unwrap(), change);
        });
        let (_, done) = fetch(&replica, &layout).await;
        let asked = proxy.recorded();
        let asked: Vec<_> = asked
            .into_iter()
            .map(|one| (one.method, one.path, one.request))
            .collect();
        seen.push((done.unwrap_err().to_string(), asked));
    }
    assert!(seen.iter().all(|one| *one == seen[0]));
}

#[tokio::test]
async fn a29_an_answer_over_its_limit_is_not_waited_for() {
    let Scene {
        proxy,
        victim,
        replica,
        ..
    } = scene().await;
    proxy.lie(|path, bytes| {
        if path.contains("/changes?") {
            // A frame that says to have four gigabytes.
            return vec![0xff; 64];
        }
        if path.ends_with("/spaces") {
            return vec![b' '; 5 << 20];
        }
        bytes
    });
    let error = replica.catch_up().await.unwrap_err();
    assert!(
        matches!(
            &error,
            hythe_client::replica::ReplicaError::Api(ApiError::Malformed(_) | ApiError::TooLarge)
        ),
        "{error}"
    );
    let error = victim.common.api.spaces().await.unwrap_err();
    assert!(matches!(error, ApiError::TooLarge), "{error}");
}
