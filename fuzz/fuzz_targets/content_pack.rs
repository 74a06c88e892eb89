//! A pack as a client uploads it: refused, or accounted for to the last byte.

#![no_main]

use hythe_content::{PackBuilder, read_pack};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pack: &[u8]| {
    let Ok(entries) = read_pack(pack) else { return };
    let mut again = PackBuilder::new();
    for entry in &entries {
        again
            .push_sealed(entry.id, &pack[entry.range()])
            .expect("an object that was read");
    }
    assert_eq!(again.finish(), pack);
});
