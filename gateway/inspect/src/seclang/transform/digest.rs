//! MD5 and SHA-1, for rules that make keys of values. Nothing here rests on their strength.

/// RFC 1321.
pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] = [
        [7, 12, 17, 22],
        [5, 9, 14, 20],
        [4, 11, 16, 23],
        [6, 10, 15, 21],
    ];
    let mut state = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(bytes, u64::to_le_bytes).chunks_exact(64) {
        let words: Vec<u32> = block
            .chunks_exact(4)
            .map(|w| word(w, u32::from_le_bytes))
            .collect();
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0u32..64 {
            let (round, n) = (i / 16, i);
            let (mixed, k) = match round {
                0 => ((b & c) | (!b & d), n),
                1 => ((d & b) | (!d & c), 5 * n + 1),
                2 => (b ^ c ^ d, 3 * n + 5),
                _ => (c ^ (b | !d), 7 * n),
            };
            let shift = SHIFTS
                .get(round as usize)
                .and_then(|row| row.get(i as usize % 4))
                .copied()
                .unwrap_or(0);
            let sum = a
                .wrapping_add(mixed)
                .wrapping_add(sine(i))
                .wrapping_add(words.get(k as usize % 16).copied().unwrap_or(0));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(shift));
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut out = [0; 16];
    for (to, part) in out.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&part.to_le_bytes());
    }
    out
}

/// The constants of RFC 1321, section 3.4: 2³² times the absolute sine of the step.
fn sine(step: u32) -> u32 {
    let value = f64::from(step + 1).sin().abs() * 4_294_967_296.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is at least 0 and below 2^32"
    )]
    let integer = value as u32;
    integer
}

/// RFC 3174.
pub(super) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state = [
        0x6745_2301u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    for block in padded(bytes, u64::to_be_bytes).chunks_exact(64) {
        let mut words: Vec<u32> = block
            .chunks_exact(4)
            .map(|w| word(w, u32::from_be_bytes))
            .collect();
        for t in 16..80 {
            let back = |n: usize| words.get(t - n).copied().unwrap_or(0);
            words.push((back(3) ^ back(8) ^ back(14) ^ back(16)).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, word) in words.iter().enumerate() {
            let (mixed, constant) = match t / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999u32),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let sum = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(*word)
                .wrapping_add(constant);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut out = [0; 20];
    for (to, part) in out.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&part.to_be_bytes());
    }
    out
}

fn word(bytes: &[u8], join: fn([u8; 4]) -> u32) -> u32 {
    bytes.try_into().map_or(0, join)
}

/// One bit, zeros, and the length in bits, up to whole blocks of 64 bytes.
fn padded(bytes: &[u8], length: fn(u64) -> [u8; 8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.push(0x80);
    while out.len() % 64 != 56 {
        out.push(0);
    }
    out.extend_from_slice(&length((bytes.len() as u64).wrapping_mul(8)));
    out
}
