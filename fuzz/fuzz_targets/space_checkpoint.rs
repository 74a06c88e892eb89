//! Any bytes as a signed checkpoint.
#![no_main]

use hythe_space::SignedCheckpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = SignedCheckpoint::decode(bytes) {
        assert_eq!(read.encode(), bytes);
    }
});
