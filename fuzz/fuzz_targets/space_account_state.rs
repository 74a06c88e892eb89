//! Any bytes as the stored state of an account.
#![no_main]

use hythe_space::AccountState;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = AccountState::decode(bytes) {
        assert_eq!(read.encode(), bytes);
        assert!(read.chain_at(read.head().cursor).is_some());
    }
});
