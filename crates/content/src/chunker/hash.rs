//! The universal hash of a window.

/// Bytes of a window.
pub(super) const WINDOW: usize = 64;

/// NH with 64-bit words (Krovetz, "Message Authentication on 64-bit Architectures", 2006):
/// Σ (m₂ᵢ + k₂ᵢ mod 2^64) · (m₂ᵢ₊₁ + k₂ᵢ₊₁ mod 2^64) mod 2^128, words little-endian.
///
/// Two different windows collide for at most one in 2^64 keys.
#[inline]
pub(super) fn universal(window: &[u8; WINDOW], key: &[u64; WINDOW / 8]) -> u128 {
    let bytes = window.as_chunks().0;
    let word = |i: usize| u128::from(u64::from_le_bytes(bytes[i]).wrapping_add(key[i]));
    let products = (0..WINDOW / 16).map(|i| word(2 * i) * word(2 * i + 1));
    products.fold(0, u128::wrapping_add)
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
        let mut expected = 0_u128;
        for i in (0..64).step_by(16) {
            let mut words = [0_u64; 2];
            for (j, word) in words.iter_mut().enumerate() {
                for k in (0..8).rev() {
                    *word = *word << 8 | u64::from(window[i + 8 * j + k]);
                }
                *word = word.wrapping_add(key[i / 8 + j]);
            }
            expected = expected.wrapping_add(u128::from(words[0]) * u128::from(words[1]));
        }
        assert_eq!(universal(&window, &key), expected);
    }
}
