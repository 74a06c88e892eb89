//! Any bytes as the header of a change set.
#![no_main]

use hythe_space::Header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = Header::decode(bytes) {
        assert_eq!(read.encode(), bytes);
    }
});
