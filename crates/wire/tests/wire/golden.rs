//! Bytes that every version of Hythe has to write and read as they are in `golden/`.
//!
//! `HYTHE_BLESS=1` writes the files anew: only for a new version of the API, never to make a test
//! pass.

use std::path::PathBuf;

use hythe_model::{AccountId, Secret32};
use hythe_wire::chunk::ChunkFrame;
use hythe_wire::invite::{DeviceUrl, InviteUrl, server_url};
use hythe_wire::{IdentityKey, Message, Token, frame};

use crate::samples::{Visitor, visit};

/// Compares with a file, or writes it.
fn check(name: &str, bytes: &[u8]) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire/golden");
    let path = folder.join(name);
    if std::env::var_os("HYTHE_BLESS").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    let golden = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(golden == bytes, "{name} is not what it was");
}

/// Frames of messages of one kind after another.
struct Golden(Vec<(&'static str, Vec<u8>)>);

impl Visitor for Golden {
    fn visit<M: Message + PartialEq>(&mut self, name: &'static str, message: &M) {
        let bytes = frame::frame(message);
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.extend_from_slice(&bytes),
            None => self.0.push((name, bytes.to_vec())),
        }
    }
}

#[test]
fn messages() {
    let mut golden = Golden(Vec::new());
    for seed in 0..16 {
        visit(seed, &mut golden);
    }
    for (name, bytes) in golden.0 {
        check(&format!("{name}.cborseq"), &bytes);
    }
}

#[test]
fn chunk_frames() {
    let frames = [
        ChunkFrame::Sealed {
            index: 0,
            bytes: vec![1; 300].into(),
        },
        ChunkFrame::Sealed {
            index: 70_000,
            bytes: vec![].into(),
        },
        ChunkFrame::Missing { index: 23 },
        ChunkFrame::Damaged { index: 24 },
        ChunkFrame::End,
    ];
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|frame| {
            let (head, sealed) = frame.to_pieces();
            [head, sealed.unwrap_or_default()].concat()
        })
        .collect();
    check("chunk-frame.cborseq", &bytes);
}

#[test]
fn urls() {
    let server = server_url("https://hythe.example:7443").unwrap();
    let identity = IdentityKey([1; 32]);
    let token = Token(Secret32::new([2; 32]));
    let invite = InviteUrl {
        server: server.clone(),
        identity,
        token,
    };
    let (account, secret) = (AccountId([3; 32]), Secret32::new([4; 32]));
    let device = DeviceUrl {
        server,
        identity,
        account,
        secret,
    };
    check("urls.txt", format!("{invite}\n{device}\n").as_bytes());
}
