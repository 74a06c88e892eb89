//! Any bytes as a signed sighting.
#![no_main]

use hythe_space::SignedSighting;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = SignedSighting::decode(bytes) {
        assert_eq!(read.encode(), bytes);
    }
});
