//! What was in a capsule of a link, opened: refused or understood. What is understood is sealed and
//! opened again as the same. Whoever gave a link out, or a server in its name, may have written anything.

#![no_main]

use hythe_content::{CapsulePlace, open_capsule, read_capsule, seal_capsule};
use hythe_model::{LinkId, Secret32};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|plain: &[u8]| {
    let Ok(nodes) = read_capsule(plain) else {
        return;
    };
    let secret = Secret32::new([7; 32]);
    let place = CapsulePlace {
        link: LinkId([2; 16]),
        directory: None,
    };
    let sealed = seal_capsule(&secret, &place, &nodes);
    let opened = open_capsule(&secret, &place, &sealed).expect("what was sealed opens");
    assert!(opened == nodes);
});
