//! The mask over what a client sends (RFC 6455, 5.3).

/// Masks or unmasks bytes in place, the first of which is `offset` bytes into its frame.
pub(crate) fn apply(mask: [u8; 4], offset: usize, bytes: &mut [u8]) {
    let mut mask = mask;
    mask.rotate_left(offset % 4);
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_of_a_frame_is_masked_as_its_whole() {
        let mask = [1, 2, 3, 4];
        let plain: Vec<u8> = (0..40).collect();
        let byte_by_byte: Vec<u8> = plain
            .iter()
            .zip(mask.into_iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        for cut in 0..=plain.len() {
            let mut bytes = plain.clone();
            let (begin, end) = bytes.split_at_mut(cut);
            apply(mask, 0, begin);
            apply(mask, cut, end);
            assert_eq!(bytes, byte_by_byte, "cut at {cut}");
        }
    }
}
