//! A line at the control door: refused or understood, never more than that. What is understood and
//! written again is understood as the same.

#![no_main]

use hythe_control::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let Ok(request) = serde_json::from_slice::<Request>(line) else { return };
    let again = serde_json::to_vec(&request).expect("a request can be written");
    let read = serde_json::from_slice::<Request>(&again).expect("and be read again");
    assert_eq!(read, request);
});
