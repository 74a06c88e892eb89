//! Every decoder on thousands of damaged inputs: none may panic, and what one accepts is the one
//! encoding of what it read. The damage is the same on every run; the fuzz targets look further.

use bytes::Bytes;
use hythe_wire::chunk::ChunkFrame;
use hythe_wire::invite::ConnectUrl;
use hythe_wire::{FrameDecoder, Message, frame};

use crate::samples::{Maker, Visitor, visit};

const ROUNDS: u64 = 400;

/// The original with one to three pieces of damage.
fn damaged(original: &[u8], maker: &mut Maker) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=maker.below(3) {
        let place = usize::try_from(maker.below(bytes.len() as u64 + 1)).unwrap();
        let end = bytes
            .len()
            .min(place + usize::try_from(maker.below(9)).unwrap());
        match maker.below(6) {
            0 if place < bytes.len() => bytes[place] ^= 1 << maker.below(8),
            1 => bytes.truncate(place),
            2 => drop(bytes.splice(place..place, maker.octets(40))),
            3 => drop(bytes.drain(place..end)),
            // Heads of CBOR items with huge lengths, or with none.
            4 => {
                let heads = [0x1b, 0x5b, 0x7b, 0x9b, 0xbb, 0x9f, 0x5f, 0xd8];
                let head = heads[usize::try_from(maker.below(8)).unwrap()];
                let length = (u64::MAX >> maker.below(64)).to_be_bytes();
                bytes.splice(place..end, [&[head], &length[..]].concat());
            }
            _ => {
                let copy = bytes[place..end].to_vec();
                bytes.splice(place..place, copy);
            }
        }
    }
    bytes
}

struct Damage(Maker);

impl Visitor for Damage {
    fn visit<M: Message + PartialEq>(&mut self, name: &'static str, message: &M) {
        let original = message.to_cbor();
        for _ in 0..20 {
            let bytes = damaged(&original, &mut self.0);
            if let Ok(read) = M::from_cbor(&bytes) {
                assert_eq!(read.to_cbor(), bytes, "{name}");
            }
        }
    }
}

#[test]
fn messages() {
    let mut damage = Damage(Maker::new(1));
    for seed in 0..ROUNDS {
        visit(seed, &mut damage);
    }
}

#[test]
fn chunk_frames() {
    let mut maker = Maker::new(2);
    for round in 0..20 * ROUNDS {
        let index = u32::try_from(maker.below(1 << 32)).unwrap();
        let original = match round % 4 {
            0 => ChunkFrame::Missing { index },
            1 => ChunkFrame::Damaged { index },
            2 => ChunkFrame::End,
            _ => ChunkFrame::Sealed {
                index,
                bytes: maker.octets(400).into(),
            },
        };
        let (head, sealed) = original.to_pieces();
        let mut decoder = FrameDecoder::new(ChunkFrame::MAX_BYTES);
        decoder.push(&[head, sealed.unwrap_or_default()].concat());
        let message = decoder.next_frame().unwrap().unwrap();
        assert_eq!(ChunkFrame::from_frame(&message).unwrap(), original);

        let bytes = Bytes::from(damaged(&message, &mut maker));
        if let Ok(read) = ChunkFrame::from_frame(&bytes) {
            let (head, sealed) = read.to_pieces();
            let again = [head, sealed.unwrap_or_default()].concat();
            assert_eq!(again[again.len() - bytes.len()..], bytes);
        }
    }
}

/// Frames of one message of every kind.
struct Frames(Vec<u8>);

impl Visitor for Frames {
    fn visit<M: Message + PartialEq>(&mut self, _: &'static str, message: &M) {
        self.0.extend_from_slice(&frame::frame(message));
    }
}

#[test]
fn streams() {
    let mut maker = Maker::new(3);
    for seed in 0..ROUNDS {
        let mut frames = Frames(Vec::new());
        visit(seed, &mut frames);
        let bytes = damaged(&frames.0, &mut maker);
        let mut decoder = FrameDecoder::new(1000);
        let mut taken = 0;
        'stream: for piece in bytes.chunks(usize::try_from(maker.below(200)).unwrap() + 1) {
            decoder.push(piece);
            loop {
                match decoder.next_frame() {
                    Ok(Some(message)) => taken += message.len(),
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
        }
        assert!(taken <= bytes.len());
    }
}

#[test]
fn urls() {
    let mut maker = Maker::new(4);
    let original = format!("https://example.org:7443/#i={}", "A".repeat(87));
    for _ in 0..20 * ROUNDS {
        let bytes = damaged(original.as_bytes(), &mut maker);
        let _ = String::from_utf8_lossy(&bytes).parse::<ConnectUrl>();
    }
}
