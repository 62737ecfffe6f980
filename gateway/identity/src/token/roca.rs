//! Keys from Infineon's faulty generator (ROCA, CVE-2017-15361), which can be factored.
//!
//! Their primes have the form `k·M + (65537^a mod M)`, so the modulus lies in the subgroup that 65537 generates modulo
//! every small prime. A good key does so for all of these primes once in about 2^27 times.

/// The odd primes up to 167, which divide `M` for every length of key.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether a modulus, big-endian, has the mark of the faulty generator.
pub(super) fn is_marked(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let generator = 65537 % prime;
        // The powers of the generator return to 1 after at most prime - 1 steps.
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * generator % prime;
            power == rest
        })
    })
}
