//! What a device that is let in is told, and how it travels.

use hythe_model::{ChainHash, Cursor, Head, ServerEpoch, SpaceId};
use hythe_space::flow::add_device_offer_telling;
use hythe_space::limits::{MAX_SEALED_TOLD_BYTES, MAX_TOLD};
use hythe_space::{AccountState, Moment, SealedTold, Told};

use crate::world::*;

fn head(n: u8) -> Head {
    Head {
        cursor: Cursor(u64::MAX - u64::from(n)),
        chain: ChainHash([n; 32]),
    }
}

fn told(spaces: u8) -> Told {
    let heads = (0..spaces).map(|n| (SpaceId([n; 32]), head(n)));
    Told::new(ServerEpoch([7; 16]), heads)
}

#[test]
fn a32_what_a_new_device_is_told_comes_back_and_is_bounded() {
    let most = u8::try_from(MAX_TOLD).unwrap();
    for spaces in [0, 1, most] {
        let bytes = told(spaces).encode();
        // Sealing adds less than a hundred bytes.
        assert!(
            bytes.len() + 100 <= MAX_SEALED_TOLD_BYTES,
            "{}",
            bytes.len()
        );
        let read = Told::decode(&bytes).unwrap();
        assert_eq!(read, told(spaces));
        for cut in 0..bytes.len() {
            assert!(Told::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(Told::decode(&[bytes, vec![0]].concat()).is_err());
    }
    assert_eq!(told(most + 9), told(most), "no more than so many");
    assert_eq!(told(3).head(SpaceId([2; 32])), Some(head(2)));
    assert_eq!(told(3).head(SpaceId([3; 32])), None);
    assert_eq!(SealedTold::new([]), None);
    assert_eq!(SealedTold::new(vec![0; MAX_SEALED_TOLD_BYTES + 1]), None);
}

#[test]
fn a32_it_travels_in_what_lets_the_device_in() {
    let mut world = World::open();
    let alice = &world.alice;
    let sealed = SealedTold::new(*b"sealed").unwrap();
    let tell = |_: &_| Some(sealed.clone());
    let keys = &alice.made.keys;
    let entropy = &mut world.entropy;
    let offer =
        add_device_offer_telling(&alice.account, &alice.key, keys, tell, NOW, entropy).unwrap();
    let mut account = alice.account.clone();
    account
        .append(Moment::Replaying, &offer.change_set)
        .unwrap();
    let account = AccountState::decode(&account.encode()).unwrap();
    let kept = account.offer(offer.secret.key().device_id()).unwrap();
    assert_eq!(kept.told.as_ref(), Some(&sealed));
    assert!(offer.secret.telling_key() != *offer.secret.secret());
}
