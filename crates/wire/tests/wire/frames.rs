//! Frames in streams.

use bytes::Bytes;
use hythe_wire::chunk::ChunkFrame;
use hythe_wire::event::Event;
use hythe_wire::log::CheckpointMessage;
use hythe_wire::{FrameDecoder, FrameError, Message, frame};
use proptest::prelude::*;

fn message(length: usize) -> CheckpointMessage {
    CheckpointMessage {
        checkpoint: vec![7; length].into(),
    }
}

fn decode(stream: &[u8], pieces: &[usize], limit: usize) -> Result<Vec<Bytes>, FrameError> {
    let mut decoder = FrameDecoder::new(limit);
    let mut frames = Vec::new();
    let mut rest = stream;
    let mut sizes = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
        decoder.push(&rest[..size]);
        rest = &rest[size..];
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    decoder.finish()?;
    Ok(frames)
}

proptest! {
    #[test]
    fn a_stream_is_cut_into_its_messages_however_it_arrives(
        lengths in prop::collection::vec(prop_oneof![0_usize..30, 200_usize..300, 65_500_usize..65_600], 0..6),
        pieces in prop::collection::vec(1_usize..5000, 1..5),
    ) {
        let messages: Vec<_> = lengths.iter().map(|length| message(*length)).collect();
        let stream: Vec<u8> = messages.iter().flat_map(frame::frame).collect();
        let frames = decode(&stream, &pieces, 70_000).unwrap();
        let bodies: Vec<_> = messages.iter().map(|one| Bytes::from(one.to_cbor())).collect();
        prop_assert_eq!(frames, bodies);
    }

    #[test]
    fn chunk_frames_come_back(
        index: u32,
        bytes in prop::collection::vec(any::<u8>(), 0..70_000),
        pieces in prop::collection::vec(1_usize..5000, 1..5),
    ) {
        let sealed = ChunkFrame::Sealed { index, bytes: bytes.into() };
        let all = [sealed, ChunkFrame::Missing { index }, ChunkFrame::Damaged { index }, ChunkFrame::End];
        let stream: Vec<u8> = all.iter().flat_map(|one| {
            let (head, sealed) = one.to_pieces();
            [head, sealed.unwrap_or_default()].concat()
        }).collect();
        let frames = decode(&stream, &pieces, ChunkFrame::MAX_BYTES).unwrap();
        let back: Vec<_> = frames.iter().map(|one| ChunkFrame::from_frame(one).unwrap()).collect();
        prop_assert_eq!(back, all);
    }
}

#[test]
fn a_stream_that_is_cut_off_is_told_apart_from_its_end() {
    let stream = [frame::frame(&message(100)), frame::frame(&Event::Current)].concat();
    for length in 0..stream.len() {
        let between = length == 0 || length == frame::frame(&message(100)).len();
        let cut = decode(&stream[..length], &[7], 1000);
        assert_eq!(cut.is_ok(), between, "{length}");
        if !between {
            assert_eq!(cut, Err(FrameError::Truncated));
        }
    }
}

#[test]
fn r16_a_frame_over_the_limit_is_refused_by_its_head() {
    let mut decoder = FrameDecoder::new(1000);
    // 4 GiB less one byte, of which none is there.
    decoder.push(&[0xd8, 0x18, 0x5a, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(
        decoder.next_frame(),
        Err(FrameError::TooLong { limit_bytes: 1000 })
    );
    let stream = frame::frame(&message(1000));
    assert_eq!(
        decode(&stream, &[64], 1000),
        Err(FrameError::TooLong { limit_bytes: 1000 })
    );
    assert!(decode(&stream, &[64], 1004).is_ok());
}

#[test]
fn only_the_shortest_head_begins_a_frame() {
    for wrong in [
        // No tag, another tag, a tag spelled longer.
        &b"\x41\x00"[..],
        b"\xd8\x19\x41\x00",
        b"\xd9\x00\x18\x41\x00",
        // A text, an array, a byte string of unknown length, one of 8 bytes of length.
        b"\xd8\x18\x61\x00",
        b"\xd8\x18\x81\x00",
        b"\xd8\x18\x5f\xff",
        b"\xd8\x18\x5b\x00\x00\x00\x00\x00\x00\x00\x01\x00",
        // Lengths spelled longer than needed.
        b"\xd8\x18\x58\x17",
        b"\xd8\x18\x59\x00\xff",
        b"\xd8\x18\x5a\x00\x00\xff\xff",
    ] {
        assert_eq!(
            decode(wrong, &[1], 1000),
            Err(FrameError::Head),
            "{wrong:02x?}"
        );
        assert_eq!(
            decode(wrong, &[100], 1000),
            Err(FrameError::Head),
            "{wrong:02x?}"
        );
    }
}

#[test]
fn an_empty_frame_is_a_frame() {
    assert_eq!(decode(b"\xd8\x18\x40", &[1], 10), Ok(vec![Bytes::new()]));
    assert!(Event::from_cbor(b"").is_err());
}
