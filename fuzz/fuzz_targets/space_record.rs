//! Any bytes as a record of a space's state.
#![no_main]

use hythe_space::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = Record::decode(bytes) {
        assert_eq!(read.encode(), bytes);
    }
});
