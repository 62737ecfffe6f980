//! Machine-readable lines of travel documents (ICAO 9303).

use crate::check::mrz_digit;

/// The longest line: that of a passport.
pub(crate) const LINE_MAX: usize = 44;

/// Tells whether a byte can stand in a line.
pub(crate) fn is_line(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'<'
}

/// Tells whether a run is a whole line: of a passport (two of 44), a small (two of 36) or a card (three of 30).
pub(crate) fn is_document(line: &[u8]) -> bool {
    match line.len() {
        44 => names(line, 5) || second(line),
        36 => names(line, 5) || second(line),
        30 => card_first(line) || card_second(line) || names(line, 0),
        _ => false,
    }
}

/// Document, state, then surname and given names.
fn names(line: &[u8], head: usize) -> bool {
    let begins = head == 0 || matches!(line, [b'P' | b'I' | b'A' | b'C' | b'V', _, ..]);
    let rest = line.get(head..).unwrap_or_default();
    begins
        && line.iter().all(|byte| !byte.is_ascii_digit())
        && rest.first().is_some_and(u8::is_ascii_uppercase)
        && memchr::memmem::find(rest, b"<<").is_some()
        && (head > 0 || line.ends_with(b"<"))
}

/// Number, state, birth and expiry, each with its digit.
fn second(line: &[u8]) -> bool {
    checked(line, 0, 9) && checked(line, 13, 19) && checked(line, 21, 27)
}

fn card_first(line: &[u8]) -> bool {
    matches!(line, [b'I' | b'A' | b'C', ..]) && checked(line, 5, 14)
}

fn card_second(line: &[u8]) -> bool {
    checked(line, 0, 6) && checked(line, 8, 14)
}

fn checked(line: &[u8], from: usize, to: usize) -> bool {
    match (line.get(from..to), line.get(to)) {
        (Some(field), Some(&check)) => mrz_digit(field, check),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_the_standard_are_lines_and_a_wrong_digit_makes_them_none() {
        for line in [
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
            "I<UTOD231458907<<<<<<<<<<<<<<<",
            "7408122F1204159UTO<<<<<<<<<<<6",
            "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        ] {
            assert!(is_document(line.as_bytes()), "{line}");
            assert!(!is_document(&line.as_bytes()[1..]), "{line}");
        }
        assert!(!is_document(
            b"L898902C46UTO7408122F1204159ZE184226B<<<<<10"
        ));
        assert!(!is_document(
            b"<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
        ));
    }
}
