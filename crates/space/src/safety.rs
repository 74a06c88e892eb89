//! Safety numbers: what two people compare to know that nobody stands between them (A2).

use hythe_model::AccountId;

/// Groups of five digits.
const GROUPS: usize = 12;

/// The 60 digits that both of two accounts see, in twelve groups of five. An account's id is the
/// hash of its log's beginning, so equal numbers mean equal keys.
pub fn safety_number(one: AccountId, other: AccountId) -> String {
    let (low, high) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    let mut hasher = blake3::Hasher::new_derive_key("hythe 1 safety number");
    hasher.update(low.as_bytes());
    hasher.update(high.as_bytes());
    let mut bytes = [0; 8 * GROUPS];
    hasher.finalize_xof().fill(&mut bytes);
    let group = |eight: &[u8]| {
        let number = eight
            .iter()
            .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        format!("{:05}", number % 100_000)
    };
    let groups: Vec<String> = bytes.chunks(8).map(group).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_one_number_and_others_another() {
        let [a, b, c] = [1, 2, 3].map(|n| AccountId([n; 32]));
        let number = safety_number(a, b);
        assert_eq!(number, safety_number(b, a));
        assert_ne!(number, safety_number(a, c));
        assert_eq!(number.len(), 12 * 5 + 11);
        assert!(number.split(' ').all(|group| group.len() == 5));
        // docs/format/keys.md
        assert_eq!(
            number,
            "13082 78462 28955 87114 54362 54026 42041 28008 85012 63416 67071 43511"
        );
    }
}
