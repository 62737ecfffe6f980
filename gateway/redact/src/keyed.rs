//! Actions that need a key: tokens, format-preserving encryption, shifted dates.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

use crate::check;
use crate::checked::{self, Checked};
use crate::ff1::{Cipher, Ff1, Way};
use crate::kind::Kind;
use crate::seal::Seal;
use crate::shape::date_parts;

/// The shortest secret that keys are made of, in bytes.
pub const SECRET_MIN: usize = 32;

/// Why keys cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The secret is too short.
    #[error(
        "the key has {0} bytes; at least {SECRET_MIN} random ones are needed, for example from `openssl rand -hex 32`"
    )]
    Short(usize),
    /// The cipher does not take the key.
    #[error("the cipher cannot be set up")]
    Cipher,
}

/// Keys of one purpose: what is hidden for one cannot be joined with another.
pub struct Keys {
    token: Key,
    seal: Seal,
    cipher: Ff1,
    purpose: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Derives the keys of a purpose from a secret; format-preserving encryption is with AES.
    ///
    /// # Errors
    /// The secret is shorter than [`SECRET_MIN`] bytes.
    pub fn new(secret: &[u8], purpose: &str) -> Result<Self, KeyError> {
        Self::with(secret, purpose, Cipher::Aes)
    }

    /// Derives the keys of a purpose from a secret, those of format-preserving encryption for a cipher.
    ///
    /// # Errors
    /// The secret is shorter than [`SECRET_MIN`] bytes.
    pub fn with(secret: &[u8], purpose: &str, cipher: Cipher) -> Result<Self, KeyError> {
        if secret.len() < SECRET_MIN {
            return Err(KeyError::Short(secret.len()));
        }
        let secret = Key::new(HMAC_SHA256, secret);
        let derived = |label: &str| {
            sign(
                &secret,
                format!("hangu redact {label} {purpose}").as_bytes(),
            )
        };
        let ff1 = match cipher {
            Cipher::Aes => Ff1::new(cipher, derived("ff1").as_ref()),
            Cipher::Sm4 => {
                let key = derived("ff1 sm4");
                Ff1::new(cipher, key.as_ref().get(..16).unwrap_or_default())
            }
        };
        Ok(Self {
            token: Key::new(HMAC_SHA256, derived("token").as_ref()),
            seal: Seal::new(derived("seal").as_ref(), purpose).ok_or(KeyError::Cipher)?,
            cipher: ff1.ok_or(KeyError::Cipher)?,
            purpose: purpose.to_owned(),
        })
    }

    /// Returns the token of a value: `tok_` and 24 letters, the same for every way of writing its separators.
    ///
    /// Letters only, so that no token looks like a number.
    pub(crate) fn token(&self, kind: Kind, text: &[char]) -> String {
        let plain: String = text
            .iter()
            .filter(|ch| {
                kind == Kind::Name
                    || kind == Kind::Address
                    || ch.is_alphanumeric()
                    || matches!(ch, '@' | '.' | ':')
            })
            .flat_map(|ch| ch.to_lowercase())
            .collect();
        let mac = sign(&self.token, format!("{kind}\0{plain}").as_bytes());
        let letters = mac
            .as_ref()
            .iter()
            .take(12)
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|nibble| char::from(b'a' + nibble));
        "tok_".chars().chain(letters).collect()
    }

    /// Encrypts a value so that it stays one of its kind, check digit included; `None` where it has too few digits.
    pub(crate) fn encrypt(&self, kind: Kind, text: &[char]) -> Option<String> {
        self.turn(Way::Encrypt, kind, text)
    }

    /// Returns the token of a value that [`Self::reveal`] opens; `None` where it is too long.
    pub(crate) fn seal(&self, kind: Kind, text: &[char]) -> Option<String> {
        self.seal.seal(kind, text)
    }

    /// Undoes the encryption of a value of a kind under this purpose, or opens its token, of which separators are left out.
    /// `None` for what was not hidden so, where that can be told, and for tokens that hash.
    #[must_use]
    pub fn reveal(&self, kind: Kind, text: &str) -> Option<String> {
        if text.starts_with("tok_") {
            return self.seal.open(kind, text);
        }
        let text: Vec<char> = text.chars().collect();
        self.turn(Way::Decrypt, kind, &text)
    }

    fn turn(&self, way: Way, kind: Kind, text: &[char]) -> Option<String> {
        if let Some(kind) = Checked::of(kind) {
            return self.checked(way, kind, text);
        }
        let digits: Vec<u8> = text
            .iter()
            .filter_map(|ch| u8::try_from(ch.to_digit(10)?).ok())
            .collect();
        let tweak = kind.as_str().as_bytes();
        let turned = |numerals: &[u8]| self.cipher.apply(way, tweak, 10, numerals);
        let turned = match (kind, digits.len()) {
            (Kind::ResidentId, 17 | 18) => return self.resident_id(way, text, &digits),
            (Kind::Mobile, 11) => {
                let (head, rest) = digits.split_at_checked(3)?;
                [head.to_vec(), turned(rest)?].concat()
            }
            (Kind::BankCard, 13..=19) => {
                let (head, rest) = digits.split_at_checked(6)?;
                let (_, body) = rest.split_last()?;
                let mut all = [head.to_vec(), turned(body)?].concat();
                let check = (0..10).find(|&check| {
                    let card: Vec<u8> = all
                        .iter()
                        .chain([&check])
                        .map(|digit| digit + b'0')
                        .collect();
                    check::luhn(&card)
                })?;
                all.push(check);
                all
            }
            _ => turned(&digits)?,
        };
        let mut turned = turned.iter();
        Some(
            text.iter()
                .map(|&ch| {
                    if ch.is_ascii_digit() {
                        turned.next().map_or(ch, |&digit| char::from(digit + b'0'))
                    } else {
                        ch
                    }
                })
                .collect(),
        )
    }

    /// Turns a number with a check character; separators stay, letters become capitals.
    fn checked(&self, way: Way, kind: Checked, text: &[char]) -> Option<String> {
        let symbols: Option<Vec<u8>> = text
            .iter()
            .filter(|ch| ch.is_alphanumeric())
            .map(|&ch| u8::try_from(ch).ok().map(|byte| byte.to_ascii_uppercase()))
            .collect();
        let mut turned = checked::turn(&self.cipher, way, kind, &symbols?)?.into_iter();
        let put = |&ch: &char| {
            if ch.is_alphanumeric() {
                turned.next().map(char::from)
            } else {
                Some(ch)
            }
        };
        text.iter().map(put).collect()
    }

    /// Keeps the area, turns date and order as one number among those with a date, and makes the check digit anew.
    fn resident_id(&self, way: Way, text: &[char], digits: &[u8]) -> Option<String> {
        let value = |from: usize, to: usize| -> Option<i64> {
            Some(
                digits
                    .get(from..to)?
                    .iter()
                    .fold(0, |sum, &digit| sum * 10 + i64::from(digit)),
            )
        };
        let first = days(1900, 1, 1);
        let count = days(2100, 1, 1) - first;
        let day = days(value(6, 10)?, value(10, 12)?, value(12, 14)?) - first;
        if !(0..count).contains(&day) {
            return None;
        }
        let mut number = day * 1000 + value(14, 17)?;
        loop {
            let numerals: Vec<u8> = format!("{number:08}")
                .bytes()
                .map(|digit| digit - b'0')
                .collect();
            let turned = self.cipher.apply(way, b"resident_id", 10, &numerals)?;
            number = turned
                .iter()
                .fold(0, |sum, &digit| sum * 10 + i64::from(digit));
            // Numbers beyond the last day are turned again; the way back passes the same ones.
            if number < count * 1000 {
                break;
            }
        }
        let (year, month, day) = civil(first + number / 1000);
        let area: String = digits
            .get(..6)?
            .iter()
            .map(|&digit| char::from(digit + b'0'))
            .collect();
        let body = format!("{area}{year:04}{month:02}{day:02}{:03}", number % 1000);
        let check = check::resident_check(body.as_bytes())?;
        let mut turned = body.chars().chain([char::from(check)]);
        Some(
            text.iter()
                .map(|&ch| {
                    if ch.is_alphanumeric() {
                        turned.next().unwrap_or(ch)
                    } else {
                        ch
                    }
                })
                .collect(),
        )
    }

    /// Moves a date by the days of this purpose, half a year at most, in its own way of writing.
    pub(crate) fn shift(&self, text: &[char]) -> Option<String> {
        let plain: String = text.iter().collect();
        let (year, month, day) = date_parts(&plain)?;
        if day == 0 || crate::shape::has_year_last(text) {
            return None;
        }
        let mac = sign(&self.token, b"date shift");
        let (high, low) = (*mac.as_ref().first()?, *mac.as_ref().get(1)?);
        let by = i64::from(u16::from_be_bytes([high, low]) % 360) - 180;
        let by = if by >= 0 { by + 1 } else { by };
        let (year, month, day) =
            civil(days(i64::from(year), i64::from(month), i64::from(day)) + by);
        let mut parts = [
            format!("{year:04}"),
            format!("{month:02}"),
            format!("{day:02}"),
        ]
        .into_iter();
        if text.iter().take(8).all(char::is_ascii_digit) {
            let rest: String = text.iter().skip(8).collect();
            return Some(parts.by_ref().collect::<String>() + &rest);
        }
        let mut out = String::new();
        let mut digits = 0;
        for &ch in text {
            if ch.is_ascii_digit() {
                digits += 1;
                if digits == 1
                    && let Some(part) = parts.next()
                {
                    out.push_str(&part);
                    digits = 1;
                    continue;
                }
                if parts.len() < 3
                    && digits > 1
                    && out.ends_with(|last: char| last.is_ascii_digit())
                {
                    continue;
                }
            }
            digits = 0;
            out.push(ch);
        }
        Some(out)
    }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{self, date};

    fn keys(purpose: &str) -> Keys {
        Keys::new(&[9; 32], purpose).unwrap()
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn a_token_is_the_same_for_one_value_and_purpose_and_no_other() {
        let token = |purpose: &str, text: &str| keys(purpose).token(Kind::Mobile, &chars(text));
        let one = token("a", "13800138000");
        assert_eq!(one, token("a", "138-0013-8000"));
        assert_ne!(one, token("b", "13800138000"));
        assert_ne!(one, token("a", "13800138001"));
        assert_ne!(one, keys("a").token(Kind::Qq, &chars("13800138000")));
        assert!(
            one.len() == 28 && one.starts_with("tok_") && !one.bytes().any(|b| b.is_ascii_digit())
        );
    }

    #[test]
    fn what_is_encrypted_stays_of_its_kind_and_goes_back() {
        let keys = keys("a");
        for (kind, text) in [
            (Kind::ResidentId, "110101199003077774"),
            (Kind::ResidentId, "11010519491231002X"),
            (Kind::Mobile, "13800138000"),
            (Kind::Mobile, "138-0013-8000"),
            (Kind::BankCard, "6222020000000000000"),
            (Kind::BankCard, "4111 1111 1111 1111"),
            (Kind::Passport, "E12345678"),
            (Kind::Qq, "2233445566"),
        ] {
            let secret = keys.encrypt(kind, &chars(text)).unwrap();
            assert_ne!(secret, text);
            assert_eq!(secret.len(), text.len());
            assert_eq!(
                keys.reveal(kind, &secret).as_deref(),
                Some(text),
                "{secret}"
            );
            let rule = crate::label::Rule {
                kind,
                strength: crate::label::Strength::Strong,
            };
            assert!(shape::kind(rule, &secret).is_some(), "{secret}");
            let plain: Vec<u8> = secret.bytes().filter(u8::is_ascii_alphanumeric).collect();
            assert!(
                kind != Kind::ResidentId || check::resident_id(&plain),
                "{secret}"
            );
            assert!(
                kind != Kind::BankCard || check::bank_card(&plain),
                "{secret}"
            );
        }
        assert_eq!(keys.encrypt(Kind::Age, &chars("36")), None);
    }

    #[test]
    fn a_shifted_date_is_another_date_in_the_same_writing() {
        for text in [
            "1990-03-07",
            "19900307",
            "1990年03月07日",
            "1990/03/07",
            "1990-03-07T10:00:00",
        ] {
            let shifted = keys("a").shift(&chars(text)).unwrap();
            assert!(shifted != text && date(&shifted), "{shifted}");
            assert_eq!(shifted.chars().count(), text.chars().count(), "{shifted}");
            assert_eq!(
                shifted.replace(|ch: char| ch.is_ascii_digit(), "0"),
                text.replace(|ch: char| ch.is_ascii_digit(), "0")
            );
        }
    }

    #[test]
    fn every_day_of_two_centuries_is_a_date_and_back() {
        let mut last = civil(days(1899, 12, 31));
        for day in days(1900, 1, 1)..days(2100, 1, 1) {
            let date = civil(day);
            assert_eq!(days(date.0, date.1, date.2), day);
            assert!(date > last);
            last = date;
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(Keys::new(&[1; 31], "a").unwrap_err(), KeyError::Short(31));
    }
}
