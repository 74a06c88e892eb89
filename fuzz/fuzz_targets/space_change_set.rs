//! Any bytes as a change set: never a panic, and what is read is written back the same.
#![no_main]

use hythe_space::ChangeSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = ChangeSet::decode(bytes) {
        assert_eq!(read.encoded(), bytes);
        let purged = read.purged(|part| part % 2 == 0);
        let again = ChangeSet::decode(purged.encoded());
        assert!(again.is_ok_and(|again| again.hash() == read.hash()));
        assert_eq!(read.writes().count(), read.operations().len());
    }
});
