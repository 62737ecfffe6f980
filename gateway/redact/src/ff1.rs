//! Format-preserving encryption FF1 (NIST SP 800-38G) with AES or SM4, over numerals of one radix.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, UnboundCipherKey};
use sm4::Sm4;
use sm4::cipher::{BlockCipherEncrypt as _, KeyInit as _};

/// The longest text, in numerals: halves of it must be numbers of 64 bits.
pub(crate) const LONGEST: usize = 36;

/// The block cipher under format-preserving encryption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// AES with 256 bits.
    #[default]
    Aes,
    /// SM4 (GB/T 32907), which has 128 bits.
    Sm4,
}

/// A cipher that does not exist here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown cipher `{0}`; write `aes` or `sm4`")]
pub struct UnknownCipher(pub String);

impl FromStr for Cipher {
    type Err = UnknownCipher;

    fn from_str(text: &str) -> Result<Self, UnknownCipher> {
        match text {
            "aes" => Ok(Self::Aes),
            "sm4" => Ok(Self::Sm4),
            _ => Err(UnknownCipher(text.to_owned())),
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes => "aes",
            Self::Sm4 => "sm4",
        })
    }
}

/// FF1 under one key.
pub(crate) struct Ff1 {
    key: Block,
}

enum Block {
    Aes(Box<EncryptingKey>),
    Sm4(Box<Sm4>),
}

/// Which way numerals go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Encrypt,
    Decrypt,
}

impl Ff1 {
    /// Takes a key of 16 or 32 bytes, of 16 for SM4.
    pub(crate) fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        let key = match cipher {
            Cipher::Aes => {
                let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
                let key = UnboundCipherKey::new(algorithm, key).ok()?;
                Block::Aes(Box::new(EncryptingKey::ecb(key).ok()?))
            }
            Cipher::Sm4 => Block::Sm4(Box::new(Sm4::new_from_slice(key).ok()?)),
        };
        Some(Self { key })
    }

    /// Encrypts or decrypts numerals below `radix`; `None` where there are too few or too many, or the cipher fails.
    pub(crate) fn apply(&self, way: Way, tweak: &[u8], radix: u8, text: &[u8]) -> Option<Vec<u8>> {
        let values = u128::from(radix).checked_pow(u32::try_from(text.len()).ok()?);
        // Fewer than a million values could be guessed (SP 800-38G revision 1).
        let enough = values.is_none_or(|count| count >= 1_000_000);
        if !enough || text.len() > LONGEST || !text.iter().all(|&numeral| numeral < radix) {
            return None;
        }
        let (u, v) = (text.len() / 2, text.len() - text.len() / 2);
        let modulus = |length: usize| u128::from(radix).checked_pow(u32::try_from(length).ok()?);
        let (of_u, of_v) = (modulus(u)?, modulus(v)?);
        let bits = 128 - (of_v - 1).leading_zeros() as usize;
        let width = bits.div_ceil(8);
        let taken = 4 * width.div_ceil(4) + 4;
        if taken > 16 {
            return None;
        }
        let mut head = vec![1, 2, 1, 0, 0, radix, 10, u.to_le_bytes()[0]];
        head.extend(u32::try_from(text.len()).ok()?.to_be_bytes());
        head.extend(u32::try_from(tweak.len()).ok()?.to_be_bytes());
        let (first, second) = text.split_at_checked(u)?;
        let (mut a, mut b) = (number(first, radix), number(second, radix));
        for round in 0..10_u8 {
            let round = if way == Way::Encrypt {
                round
            } else {
                9 - round
            };
            let modulus = if round % 2 == 0 { of_u } else { of_v };
            let input = if way == Way::Encrypt { b } else { a };
            let mut block = head.clone();
            block.extend_from_slice(tweak);
            block.resize(block.len() + (16 - (tweak.len() + width + 1) % 16) % 16, 0);
            block.push(round);
            block.extend_from_slice(input.to_be_bytes().get(16 - width..)?);
            let mac = self.chained(&block)?;
            let y = mac
                .get(..taken)?
                .iter()
                .fold(0_u128, |sum, &byte| sum << 8 | u128::from(byte))
                % modulus;
            if way == Way::Encrypt {
                let c = (a + y) % modulus;
                (a, b) = (b, c);
            } else {
                let c = (b + modulus - y) % modulus;
                (b, a) = (a, c);
            }
        }
        let mut out = numerals(a, radix, u);
        out.extend(numerals(b, radix, v));
        Some(out)
    }

    /// The last block of a chain over whole blocks, beginning with zeros.
    fn chained(&self, blocks: &[u8]) -> Option<[u8; 16]> {
        let mut state = [0; 16];
        for block in blocks.chunks(16) {
            for (byte, &other) in state.iter_mut().zip(block) {
                *byte ^= other;
            }
            match &self.key {
                Block::Aes(key) => {
                    key.encrypt(&mut state).ok()?;
                }
                Block::Sm4(key) => {
                    let mut block = state.into();
                    key.encrypt_block(&mut block);
                    state = block.into();
                }
            }
        }
        Some(state)
    }
}

fn number(numerals: &[u8], radix: u8) -> u128 {
    numerals.iter().fold(0, |sum, &numeral| {
        sum * u128::from(radix) + u128::from(numeral)
    })
}

fn numerals(mut number: u128, radix: u8, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    for slot in out.iter_mut().rev() {
        *slot = u8::try_from(number % u128::from(radix)).unwrap_or(0);
        number /= u128::from(radix);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    fn numerals_of(text: &str) -> Vec<u8> {
        text.chars()
            .map(|ch| u8::try_from(ch.to_digit(36).unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn the_samples_of_the_standard_come_out_and_go_back() {
        let short = "2B7E151628AED2A6ABF7158809CF4F3C";
        let long = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94";
        for (key, tweak, radix, plain, secret) in [
            (short, "", 10, "0123456789", "2433477484"),
            (
                short,
                "39383736353433323130",
                10,
                "0123456789",
                "6124200773",
            ),
            (
                short,
                "3737373770717273373737",
                36,
                "0123456789abcdefghi",
                "a9tv40mll9kdu509eum",
            ),
            (long, "", 10, "0123456789", "6657667009"),
            (long, "39383736353433323130", 10, "0123456789", "1001623463"),
            (
                long,
                "3737373770717273373737",
                36,
                "0123456789abcdefghi",
                "xs8a0azh2avyalyzuwd",
            ),
        ] {
            let ff1 = Ff1::new(Cipher::Aes, &hex(key)).unwrap();
            let (plain, secret) = (numerals_of(plain), numerals_of(secret));
            assert_eq!(
                ff1.apply(Way::Encrypt, &hex(tweak), radix, &plain),
                Some(secret.clone())
            );
            assert_eq!(
                ff1.apply(Way::Decrypt, &hex(tweak), radix, &secret),
                Some(plain)
            );
        }
    }

    #[test]
    fn the_sample_of_sm4_comes_out() {
        let key = hex("0123456789ABCDEFFEDCBA9876543210");
        let ff1 = Ff1::new(Cipher::Sm4, &key).unwrap();
        // GB/T 32907 appendix A: one block under itself. A chain over one block is the block encrypted.
        let block = ff1.chained(&key).unwrap();
        assert_eq!(block.to_vec(), hex("681EDF34D206965E86B3E94F536E4246"));
    }

    #[test]
    fn samples_with_sm4_come_out_and_go_back() {
        // No standard has samples: these are from another implementation, which gives those of NIST with AES.
        let ff1 = Ff1::new(Cipher::Sm4, &hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
        for (tweak, radix, plain, secret) in [
            ("", 10, "0123456789", "0496670108"),
            ("39383736353433323130", 10, "0123456789", "0656917208"),
            (
                "3737373770717273373737",
                36,
                "0123456789abcdefghi",
                "ddrem2888btdrjs0jn9",
            ),
        ] {
            let (plain, secret) = (numerals_of(plain), numerals_of(secret));
            let there = ff1.apply(Way::Encrypt, &hex(tweak), radix, &plain);
            assert_eq!(there.as_ref(), Some(&secret));
            let back = ff1.apply(Way::Decrypt, &hex(tweak), radix, &secret);
            assert_eq!(back, Some(plain));
        }
        assert!(Ff1::new(Cipher::Sm4, &[7; 32]).is_none());
        assert_eq!("sm4".parse(), Ok(Cipher::Sm4));
        assert!("des".parse::<Cipher>().is_err());
    }

    #[test]
    fn too_few_values_are_not_encrypted() {
        let ff1 = Ff1::new(Cipher::Aes, &[7; 32]).unwrap();
        assert_eq!(ff1.apply(Way::Encrypt, b"", 10, &[1, 2, 3, 4, 5]), None);
        assert_eq!(ff1.apply(Way::Encrypt, b"", 10, &[10; 8]), None);
        assert_eq!(ff1.apply(Way::Encrypt, b"", 10, &[1; 37]), None);
        assert!(Ff1::new(Cipher::Aes, &[7; 5]).is_none());
    }
}
