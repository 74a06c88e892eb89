//! The sealed name of a space.

use hythe_model::{KeyEpoch, Secret32, SpaceId, SpaceName};

use crate::seal::OpenError;
use crate::wrap::{Purpose, open_under, seal_under};

/// A name is filled up to a multiple of this, so that its length says little.
const STEP_BYTES: usize = 32;

const NAME: Purpose = Purpose::new("hythe 2026-11-22 content v1: name of a space");

/// Seals a space's name under the secret of a key epoch.
pub fn seal_space_name(
    secret: &Secret32,
    space: SpaceId,
    epoch: KeyEpoch,
    name: &SpaceName,
) -> Vec<u8> {
    let mut plain = name.as_str().as_bytes().to_vec();
    // No name holds a zero byte.
    plain.resize(plain.len().next_multiple_of(STEP_BYTES), 0);
    seal_under(secret, NAME, &place(space, epoch), &plain)
}

/// Opens what [`seal_space_name`] sealed; none where it holds no name that may be shown.
///
/// # Errors
/// When the secret, the space or the epoch is another, or the bytes were changed.
pub fn open_space_name(
    secret: &Secret32,
    space: SpaceId,
    epoch: KeyEpoch,
    sealed: &[u8],
) -> Result<Option<SpaceName>, OpenError> {
    let plain = open_under(secret, NAME, &place(space, epoch), sealed)?;
    let length = plain
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    let text = std::str::from_utf8(plain.get(..length).unwrap_or_default()).ok();
    Ok(text.and_then(|text| SpaceName::new(text).ok()))
}

fn place(space: SpaceId, epoch: KeyEpoch) -> Vec<u8> {
    [space.as_bytes().as_slice(), &epoch.0.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: SpaceId = SpaceId([1; 32]);
    const EPOCH: KeyEpoch = KeyEpoch(3);

    fn secret(n: u8) -> Secret32 {
        Secret32::new([n; 32])
    }

    #[test]
    fn a_name_opens_where_it_was_sealed_and_nowhere_else() {
        let name = SpaceName::new("photos").unwrap();
        let sealed = seal_space_name(&secret(7), SPACE, EPOCH, &name);
        let open = |n, space, epoch| open_space_name(&secret(n), space, epoch, &sealed);
        assert_eq!(open(7, SPACE, EPOCH).unwrap(), Some(name));
        assert!(open(8, SPACE, EPOCH).is_err());
        assert!(open(7, SpaceId([2; 32]), EPOCH).is_err());
        assert!(open(7, SPACE, KeyEpoch(4)).is_err());
    }

    #[test]
    fn names_of_about_one_length_are_of_one_length_sealed() {
        let sealed = |text: &str| {
            let name = SpaceName::new(text).unwrap();
            seal_space_name(&secret(7), SPACE, EPOCH, &name).len()
        };
        assert_eq!(sealed("x"), sealed(&"x".repeat(32)));
        assert!(sealed(&"x".repeat(33)) > sealed("x"));
        assert!(sealed(&"x".repeat(100)) <= 256, "fits into the operation");
    }

    #[test]
    fn a_sealed_text_that_is_no_name_is_none() {
        let sealed = seal_under(&secret(7), NAME, &place(SPACE, EPOCH), b"a/b");
        assert_eq!(
            open_space_name(&secret(7), SPACE, EPOCH, &sealed).unwrap(),
            None
        );
    }
}
