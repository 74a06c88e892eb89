//! The universal hash of a window.

/// Bytes of a window.
pub(super) const WINDOW: usize = 64;

/// NH with 64-bit words (Krovetz, "Message Authentication on 64-bit Architectures", 2006):
/// Σ (m₂ᵢ + k₂ᵢ mod 2^64) · (m₂ᵢ₊₁ + k₂ᵢ₊₁ mod 2^64) mod 2^128, words little-endian.
///
/// Two different windows collide for at most one in 2^64 keys.
#[inline]
pub(super) fn universal(window: &[u8; WINDOW], key: &[u64; WINDOW / 8]) -> u128 {
    let mut sum = 0_u128;
    let mut words = window.chunks_exact(8).zip(key);
    let mut next = || match words.next() {
        Some((bytes, key)) => bytes
            .try_into()
            .map_or(0, u64::from_le_bytes)
            .wrapping_add(*key),
        None => 0,
    };
    for _ in 0..WINDOW / 16 {
        let (left, right) = (next(), next());
        sum = sum.wrapping_add(u128::from(left) * u128::from(right));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn universal_is_the_sum_of_products_of_keyed_words() {
        let mut window = [0; WINDOW];
        for (i, byte) in window.iter_mut().enumerate() {
            *byte = i as u8 ^ 0x5a;
        }
        let key = [1, u64::MAX, 3, 4, 5, 6, 7, 1 << 63];
        let word = |i: usize| {
            let bytes: [u8; 8] = window[i * 8..i * 8 + 8].try_into().unwrap();
            u128::from(u64::from_le_bytes(bytes).wrapping_add(key[i]))
        };
        let expected = (0..4)
            .map(|i| word(2 * i) * word(2 * i + 1))
            .fold(0_u128, |sum, product| sum.wrapping_add(product));
        assert_eq!(universal(&window, &key), expected);
    }
}
