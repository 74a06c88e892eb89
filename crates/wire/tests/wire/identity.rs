//! Identities that are not proven. (That the server's own certificates prove theirs is shown where
//! they are made.)

use ed25519_dalek::{Signer, SigningKey};
use hythe_wire::IdentityKey;
use hythe_wire::identity::{
    EXPORTER_BYTES, IdentityError, certificate_statement, connection_statement, server_identity,
    verify_connection,
};

#[test]
fn what_is_no_certificate_has_no_identity() {
    for bytes in [&b""[..], b"\x30\x00", b"\x30\x82\xff\xff", &[0x30; 4000]] {
        assert_eq!(server_identity(bytes), Err(IdentityError::Certificate));
    }
}

#[test]
fn a_connection_is_proven_by_its_own_signature_only() {
    let key = SigningKey::from_bytes(&[5; 32]);
    let identity = IdentityKey(key.verifying_key().to_bytes());
    let secret = [6; EXPORTER_BYTES];
    let good = key.sign(&connection_statement(&secret)).to_bytes();
    assert_eq!(verify_connection(identity, &secret, &good), Ok(()));

    let wrong = Err(IdentityError::Signature);
    assert_eq!(
        verify_connection(identity, &[7; EXPORTER_BYTES], &good),
        wrong
    );
    assert_eq!(verify_connection(identity, &secret, &good[..63]), wrong);
    assert_eq!(verify_connection(identity, &secret, &[]), wrong);
    for bit in 0..512 {
        let mut flipped = good;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            verify_connection(identity, &secret, &flipped),
            wrong,
            "bit {bit}"
        );
    }
    // A signature for one purpose is none for the other (A24).
    let other = key.sign(&certificate_statement(&secret)).to_bytes();
    assert_eq!(verify_connection(identity, &secret, &other), wrong);
}

#[test]
fn a23_weak_keys_prove_nothing() {
    // The neutral element: with it every signature equation of a lax verifier can be met.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let secret = [6; EXPORTER_BYTES];
    let refused = verify_connection(IdentityKey(neutral), &secret, &signature);
    assert_eq!(refused, Err(IdentityError::Signature));
}

#[test]
fn the_text_form_comes_back() {
    let key = IdentityKey([0xab; 32]);
    assert_eq!(key.to_string(), "ab".repeat(32));
    assert_eq!(key.to_string().parse(), Ok(key));
    for bad in ["", "ab", &"zz".repeat(32)] {
        assert_eq!(bad.parse::<IdentityKey>(), Err(IdentityError::Text));
    }
}
