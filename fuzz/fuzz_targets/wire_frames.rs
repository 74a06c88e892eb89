//! A stream of frames in two pieces: the same as in one, and never more than was pushed.

#![no_main]

use bytes::Bytes;
use hythe_wire::chunk::ChunkFrame;
use hythe_wire::{FrameDecoder, FrameError};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 4096;

/// The messages of a stream, and how it ended.
fn frames(pieces: &[&[u8]]) -> (Vec<Bytes>, Result<(), FrameError>) {
    let mut decoder = FrameDecoder::new(LIMIT);
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
    }
    (messages, decoder.finish())
}

fuzz_target!(|data: &[u8]| {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let (first, second) = stream.split_at(stream.len().min(usize::from(*cut)));
    let whole = frames(&[stream]);
    assert_eq!(frames(&[first, second]), whole);
    for message in whole.0 {
        assert!(message.len() <= LIMIT);
        if let Ok(frame) = ChunkFrame::from_frame(&message) {
            let (head, sealed) = frame.to_pieces();
            let again = [head, sealed.unwrap_or_default()].concat();
            assert!(again.ends_with(&message));
        }
    }
});
