//! Format-preserving encryption of numbers with check characters: what may vary is turned, the check is made anew.
//!
//! A number whose check is wrong is not turned: the way back would mend it.

use crate::check;
use crate::ff1::{Ff1, Way};
use crate::kind::Kind;

/// The symbols of a credit code, in the order of their values (GB 32100).
const CREDIT: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Digits, and what stands for ten.
const CHECK: &[u8] = b"0123456789X";

/// Numbers that are turned here rather than digit by digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    CreditCode,
    OrganisationCode,
    Imei,
    Iban,
    Vin,
}

const ALL: [(Kind, Checked); 5] = [
    (Kind::CreditCode, Checked::CreditCode),
    (Kind::OrganisationCode, Checked::OrganisationCode),
    (Kind::Imei, Checked::Imei),
    (Kind::Iban, Checked::Iban),
    (Kind::Vin, Checked::Vin),
];

impl Checked {
    /// `None` for kinds without a check, and those with a way of their own.
    pub(crate) fn of(kind: Kind) -> Option<Self> {
        let found = ALL.iter().find(|(known, _)| *known == kind);
        found.map(|&(_, checked)| checked)
    }

    /// Tells whether a number has the right check.
    fn is_right(self, number: &[u8]) -> bool {
        match self {
            Self::CreditCode => check::credit_code(number),
            Self::OrganisationCode => number.len() == 9 && check::organisation_code(number),
            Self::Imei => {
                number.len() == 15 && number.iter().all(u8::is_ascii_digit) && check::luhn(number)
            }
            Self::Iban => check::iban(number),
            Self::Vin => vin(number),
        }
    }

    fn tweak(self) -> &'static [u8] {
        let found = ALL.iter().find(|(_, known)| *known == self);
        found.map_or(b"", |(kind, _)| kind.as_str().as_bytes())
    }
}

/// Turns the symbols of a number, which are ASCII in upper case and without separators; `None` where they are none of the
/// kind.
pub(crate) fn turn(cipher: &Ff1, way: Way, kind: Checked, symbols: &[u8]) -> Option<Vec<u8>> {
    let right = |number: &[u8]| kind.is_right(number);
    if !right(symbols) {
        return None;
    }
    let mut turned = symbols.to_vec();
    let mut replace = |from: usize, to: usize, alphabet: &[u8]| -> Option<()> {
        let part = turned.get_mut(from..to)?;
        // What is not of the alphabet stays: letters of an account number.
        let numerals: Vec<u8> = part
            .iter()
            .filter_map(|symbol| numeral(alphabet, *symbol))
            .collect();
        let radix = u8::try_from(alphabet.len()).ok()?;
        let mut put = cipher
            .apply(way, kind.tweak(), radix, &numerals)?
            .into_iter();
        for symbol in part {
            if numeral(alphabet, *symbol).is_some() {
                *symbol = *alphabet.get(usize::from(put.next()?))?;
            }
        }
        Some(())
    };
    let digits = CREDIT.get(..10)?;
    match kind {
        Checked::CreditCode => {
            replace(8, 16, CREDIT)?;
            search(&mut turned, 16, CHECK, |code| {
                code.get(8..17).is_some_and(check::organisation_code)
            })?;
            search(&mut turned, 17, CREDIT, right)?;
        }
        Checked::OrganisationCode => {
            replace(0, 8, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")?;
            search(&mut turned, 8, CHECK, right)?;
        }
        // What is in front tells the model.
        Checked::Imei => {
            replace(8, 14, digits)?;
            search(&mut turned, 14, digits, right)?;
        }
        Checked::Vin => {
            replace(11, 17, digits)?;
            search(&mut turned, 8, CHECK, right)?;
        }
        Checked::Iban => {
            replace(4, symbols.len(), digits)?;
            iban_check(&mut turned)?;
        }
    }
    Some(turned)
}

fn numeral(alphabet: &[u8], symbol: u8) -> Option<u8> {
    let at = alphabet.iter().position(|&known| known == symbol)?;
    u8::try_from(at).ok()
}

/// Puts the check character in its place that makes a number right.
fn search(
    number: &mut [u8],
    at: usize,
    alphabet: &[u8],
    right: impl Fn(&[u8]) -> bool,
) -> Option<()> {
    for &symbol in alphabet {
        *number.get_mut(at)? = symbol;
        if right(number) {
            return Some(());
        }
    }
    None
}

/// The two check digits of an IBAN, from 02 to 98.
fn iban_check(iban: &mut [u8]) -> Option<()> {
    for check in 2..=98_u8 {
        *iban.get_mut(2)? = b'0' + check / 10;
        *iban.get_mut(3)? = b'0' + check % 10;
        if check::iban(iban) {
            return Some(());
        }
    }
    None
}

/// Tells whether 17 characters have the check of a vehicle in their ninth (GB 16735, ISO 3779).
fn vin(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |symbol: u8| match symbol {
        b'0'..=b'9' => Some(u32::from(symbol - b'0')),
        b'A'..=b'H' => Some(u32::from(symbol - b'A') + 1),
        b'J'..=b'N' | b'P' | b'R' => Some(u32::from(symbol - b'J') + 1),
        b'S'..=b'Z' => Some(u32::from(symbol - b'S') + 2),
        _ => None,
    };
    let products = text
        .iter()
        .zip(WEIGHTS)
        .map(|(&symbol, weight)| Some(value(symbol)? * weight));
    let Some(sum) = products.sum::<Option<u32>>() else {
        return false;
    };
    let check = CHECK.get((sum % 11) as usize);
    text.len() == 17 && text.get(8) == check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ff1::Cipher;

    #[test]
    fn a_number_stays_right_and_goes_back() {
        for cipher in [Cipher::Aes, Cipher::Sm4] {
            let ff1 = Ff1::new(
                cipher,
                &[3; 32][..if cipher == Cipher::Aes { 32 } else { 16 }],
            );
            let ff1 = ff1.unwrap();
            for (kind, number) in [
                (Kind::CreditCode, "91350100M000100Y43"),
                (Kind::OrganisationCode, "D2143569X"),
                (Kind::Imei, "490154203237518"),
                (Kind::Vin, "1M8GDM9AXKP042788"),
                (Kind::Iban, "GB82WEST12345698765432"),
                (Kind::Iban, "DE89370400440532013000"),
            ] {
                let kind = Checked::of(kind).unwrap();
                let there = turn(&ff1, Way::Encrypt, kind, number.as_bytes()).unwrap();
                assert_ne!(there, number.as_bytes(), "{kind:?}");
                assert!(kind.is_right(&there), "{kind:?}");
                let back = turn(&ff1, Way::Decrypt, kind, &there).unwrap();
                assert_eq!(back, number.as_bytes(), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_number_whose_check_is_wrong_is_not_turned() {
        let ff1 = Ff1::new(Cipher::Aes, &[3; 32]).unwrap();
        for (kind, number) in [
            (Kind::CreditCode, "91350100M000100Y44"),
            (Kind::OrganisationCode, "D21435691"),
            (Kind::OrganisationCode, "D2143569"),
            (Kind::Imei, "490154203237519"),
            (Kind::Vin, "1M8GDM9A0KP042788"),
            (Kind::Vin, "1M8GDM9AXKP04278\u{e9}"),
            (Kind::Iban, "GB83WEST12345698765432"),
            (Kind::Iban, ""),
        ] {
            assert_eq!(
                turn(
                    &ff1,
                    Way::Encrypt,
                    Checked::of(kind).unwrap(),
                    number.as_bytes()
                ),
                None,
                "{number}"
            );
        }
        assert_eq!(Checked::of(Kind::Mobile), None);
    }
}
