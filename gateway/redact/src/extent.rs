//! Where a value begins and ends in each format.

use memchr::{memchr, memchr2};

use crate::kind::Kind;
use crate::unit::Escapes;
use crate::value::{Charset, Letter, letters};

/// The longest value that is taken whole, in bytes: chosen, with room for escapes.
pub(crate) const VALUE_MAX: usize = 1024;

/// What stands at a place where a value is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A value from `from` to `to`; its format goes on at `end`.
    Whole { from: usize, to: usize, end: usize },
    /// A JSON number up to `to`.
    Number { to: usize },
    /// Spaces up to `to`.
    Blank { to: usize },
    /// The start of an array.
    Bracket { to: usize },
    /// What stands between two elements of it.
    Comma { to: usize },
    /// A tag between label and value.
    Tag { to: usize },
    /// A string longer than is held, from `from` on.
    Long { from: usize },
    /// The buffer ends within it; `from` is where its characters begin.
    Open { from: usize },
    /// Nothing that is a value.
    None,
}

pub(crate) fn json(buffer: &[u8], at: usize, last: bool) -> Extent {
    match buffer.get(at) {
        None => Extent::Open { from: at },
        Some(b' ' | b'\t' | b'\r' | b'\n') => {
            let rest = buffer.get(at..).unwrap_or_default();
            let blank = rest
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            Extent::Blank { to: at + blank }
        }
        Some(b'[') => Extent::Bracket { to: at + 1 },
        Some(b',') => Extent::Comma { to: at + 1 },
        Some(b'"') => string(buffer, at + 1),
        Some(b'-' | b'0'..=b'9') => {
            let rest = buffer.get(at..).unwrap_or_default();
            let length = rest
                .iter()
                .take(64)
                .take_while(|byte| {
                    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
                })
                .count();
            match length {
                64 => Extent::None,
                _ if at + length == buffer.len() && !last => Extent::Open { from: buffer.len() },
                _ => Extent::Number { to: at + length },
            }
        }
        Some(_) => Extent::None,
    }
}

fn string(buffer: &[u8], from: usize) -> Extent {
    let mut at = from;
    let limit = (from + VALUE_MAX).min(buffer.len());
    loop {
        let rest = buffer.get(at..limit).unwrap_or_default();
        match memchr2(b'"', b'\\', rest) {
            Some(offset) if rest.get(offset) == Some(&b'"') => {
                let to = at + offset;
                return Extent::Whole {
                    from,
                    to,
                    end: to + 1,
                };
            }
            Some(offset) => at += offset + 2,
            None => break,
        }
    }
    if buffer.len() >= from + VALUE_MAX {
        Extent::Long { from }
    } else {
        Extent::Open { from }
    }
}

pub(crate) fn until(buffer: &[u8], from: usize, ends: impl Fn(u8) -> bool) -> Extent {
    let rest = buffer.get(from..).unwrap_or_default();
    match rest.iter().take(VALUE_MAX).position(|&byte| ends(byte)) {
        Some(length) => Extent::Whole {
            from,
            to: from + length,
            end: from + length,
        },
        None if rest.len() >= VALUE_MAX => {
            // Too long for a field: as much as is held.
            Extent::Whole {
                from,
                to: from + VALUE_MAX,
                end: from + VALUE_MAX,
            }
        }
        None => Extent::Open { from },
    }
}

/// An extent that the end of the body ends.
pub(crate) fn upto(extent: Extent, buffer: &[u8], last: bool) -> Extent {
    if let (Extent::Open { from }, true) = (extent, last) {
        let to = buffer.len();
        return Extent::Whole { from, to, end: to };
    }
    extent
}

pub(crate) fn attribute(buffer: &[u8], at: usize) -> Extent {
    match buffer.get(at) {
        None => Extent::Open { from: at },
        Some(&quote @ (b'"' | b'\'')) => until(buffer, at + 1, |byte| byte == quote),
        Some(_) => Extent::None,
    }
}

pub(crate) fn element(buffer: &[u8], at: usize) -> Extent {
    const OPEN: &[u8] = b"<![CDATA[";
    let rest = buffer.get(at..).unwrap_or_default();
    if rest.len() < OPEN.len() && OPEN.starts_with(rest) {
        return Extent::Open { from: buffer.len() };
    }
    if !rest.starts_with(OPEN) {
        return until(buffer, at, |byte| byte == b'<');
    }
    let from = at + OPEN.len();
    let extent = until(buffer, from, |byte| byte == b']');
    if let Extent::Whole { to, .. } = extent {
        return Extent::Whole { from, to, end: to };
    }
    extent
}

/// Tags that begin or end cells, and those whose text is no value.
const BORDERS: [&[u8]; 17] = [
    b"/th", b"/td", b"/tr", b"th", b"tr", b"/table", b"table", b"a", b"button", b"option",
    b"script", b"style", b"h1", b"h2", b"h3", b"h4", b"nav",
];

/// Tells whether what is behind a tag is no value of the label before it.
fn is_border(tag: &[u8]) -> bool {
    let name = tag.get(1..).unwrap_or_default();
    BORDERS.iter().any(|border| {
        name.get(..border.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(border))
            && !name
                .get(border.len())
                .is_some_and(u8::is_ascii_alphanumeric)
    })
}

/// Past one tag, or the text between two.
pub(crate) fn cell(buffer: &[u8], at: usize, tag_max: usize, within: bool) -> Extent {
    let rest = buffer.get(at..).unwrap_or_default();
    let blank = rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    if blank > 0 {
        return Extent::Blank { to: at + blank };
    }
    let head = rest.get(..rest.len().min(tag_max)).unwrap_or_default();
    match rest.first() {
        None => Extent::Open { from: at },
        Some(b'<') => match memchr(b'>', head) {
            Some(_) if is_border(head) || within && head.get(1) == Some(&b'/') => Extent::None,
            // What a tag hides must be looked at by itself.
            Some(end) if is_harmless(head.get(..end).unwrap_or_default()) => {
                Extent::Tag { to: at + end + 1 }
            }
            Some(_) => Extent::None,
            None if head.len() == tag_max => Extent::None,
            None => Extent::Open { from: buffer.len() },
        },
        Some(_) => until(buffer, at, |byte| byte == b'<'),
    }
}

/// Tells whether nothing in a tag could be a value.
fn is_harmless(tag: &[u8]) -> bool {
    let mut digits = 0;
    tag.iter().all(|&byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits < 4 && !matches!(byte, b'@' | b'&' | b':' | b'.') && byte < 0x80
    }) && !tag
        .windows(5)
        .any(|part| part.eq_ignore_ascii_case(b"value"))
}

/// The value behind a label in running text; `all` is room for its letters.
pub(crate) fn text(
    buffer: &[u8],
    at: usize,
    escapes: Escapes,
    charset: Charset,
    kind: Kind,
    last: bool,
    all: &mut Vec<Letter>,
) -> Extent {
    let limit = (at + VALUE_MAX).min(buffer.len());
    // A value is short, so its letters are read in steps, each only where those before it were not enough.
    for most in [32, 96, VALUE_MAX] {
        let to = (at + most).min(limit);
        letters(buffer, at, to, escapes, charset, all);
        let whole = last && to == buffer.len();
        if !whole {
            let known = buffer.get(..to).unwrap_or_default();
            let open =
                |letter: &Letter| is_open(known.get(letter.from..).unwrap_or_default(), escapes);
            // Before these, no letter reaches the end of what is known.
            let sure = all.partition_point(|letter| to - letter.from >= LETTER_MAX);
            let end = all.get(sure..).unwrap_or_default();
            if let Some(open) = end.iter().position(open) {
                all.truncate(sure + open);
            }
        }
        match among(all, kind, whole) {
            Some((head, tail)) => {
                let place = |index: usize| all.get(index).map_or(to, |letter| letter.from);
                let (from, to) = (place(head), place(tail));
                return if from < to {
                    Extent::Whole { from, to, end: to }
                } else {
                    Extent::None
                };
            }
            None if to < limit => {}
            None => break,
        }
    }
    if limit - at < VALUE_MAX {
        return Extent::Open { from: limit };
    }
    let to = all.last().map_or(limit, |letter| letter.to);
    Extent::Whole {
        from: at,
        to,
        end: to,
    }
}

/// The most bytes that one character is written with: an entity.
const LETTER_MAX: usize = 14;

/// Tells whether the character that bytes begin with may read otherwise once more bytes are known.
fn is_open(bytes: &[u8], escapes: Escapes) -> bool {
    if bytes.len() >= LETTER_MAX {
        return false;
    }
    match (escapes, bytes) {
        (Escapes::Backslash, [b'\\']) => true,
        // Another half may follow a surrogate.
        (Escapes::Backslash, [b'\\', b'u', digits @ ..]) => {
            digits.len() < 4 || matches!(digits, [b'd' | b'D', ..])
        }
        (Escapes::Entity, [b'&', rest @ ..]) => !rest.contains(&b';'),
        (Escapes::Percent, [b'%', b'0'..=b'7', _, ..]) => false,
        (Escapes::Percent, [b'%', ..]) => true,
        (_, [0xC2..=0xDF]) => true,
        (_, [0xE0..=0xEF, rest @ ..]) => rest.len() < 2,
        (_, [0xF0..=0xF4, rest @ ..]) => rest.len() < 3,
        _ => false,
    }
}

/// Schemes of credentials in HTTP.
const SCHEMES: [&str; 5] = ["bearer", "basic", "digest", "token", "apikey"];

/// The letters of a value, first and behind the last; `None` where its end is not among them.
fn among(all: &[Letter], kind: Kind, whole: bool) -> Option<(usize, usize)> {
    let blank = |letter: &Letter| matches!(letter.ch, ' ' | '\t' | '\u{3000}');
    let mut head = all.iter().take_while(|letter| blank(letter)).count();
    let opening = all.get(head)?;
    let quote = matches!(opening.ch, '"' | '\'' | '“').then_some(opening.ch);
    if quote.is_some() {
        head += 1;
    }
    let rest = all.get(head..)?;
    let stars = rest.iter().take_while(|letter| letter.ch == '*').count();
    // It was masked before, and what follows is no part of it. One star alone marks a field that must be filled in.
    let is_masked = |behind: Option<&Letter>| behind.map_or(whole, blank);
    if stars > 1 && quote.is_none() && is_masked(rest.get(stars)) {
        return Some((head, head + stars));
    }
    let latin = rest.first()?.ch.is_ascii();
    let mut words = 0;
    let mut length = 0;
    let mut ended = whole;
    for letter in rest {
        let ch = letter.ch;
        words += usize::from(ch == ' ');
        let closes = matches!(ch, '"' | '\n' | '\r' | '<')
            || quote.is_some_and(|quote| ch == quote || (quote == '“' && ch == '”'));
        // The scheme of credentials stands before them.
        let scheme = || {
            let word: String = rest.iter().take(length).map(|letter| letter.ch).collect();
            SCHEMES
                .iter()
                .any(|scheme| scheme.eq_ignore_ascii_case(&word))
        };
        if kind == Kind::Secret && ch == ' ' && (2..=9).contains(&length) && scheme() {
            length += 1;
            continue;
        }
        if closes
            || (quote.is_none()
                && (!belongs(kind, ch, latin)
                    || (kind == Kind::Name && (words > 3 || (!latin && length == 8)))))
        {
            ended = true;
            break;
        }
        length += 1;
    }
    if !ended {
        return None;
    }
    let value = rest.get(..length)?;
    let trailing = value
        .iter()
        .rev()
        .take_while(|letter| {
            blank(letter) || matches!(letter.ch, '.' | '-' | '(' | '（') && kind != Kind::Secret
        })
        .count();
    let mut tail = length - trailing;
    if kind == Kind::Name && !latin && tail > 4 && !value.iter().any(|letter| letter.ch == '·') {
        // The sentence goes on behind the name.
        tail = 3;
    }
    Some((head, head + tail))
}

fn belongs(kind: Kind, ch: char, latin: bool) -> bool {
    match kind {
        Kind::Name if latin => ch.is_alphabetic() || matches!(ch, ' ' | '.' | '\'' | '-' | '*'),
        Kind::Name => ch.is_alphabetic() || matches!(ch, '·' | '•' | '*'),
        Kind::Address if latin => !matches!(ch, ';' | '|' | '；' | '。' | '，' | '\t'),
        Kind::Address => {
            !ch.is_whitespace() && !matches!(ch, ',' | ';' | '|' | '，' | '；' | '。' | '、' | '】')
        }
        Kind::BirthDate => {
            ch.is_ascii_digit() || matches!(ch, '-' | '/' | '.' | '年' | '月' | '日')
        }
        Kind::Age => ch.is_ascii_digit(),
        Kind::Mac => ch.is_ascii_hexdigit() || matches!(ch, ':' | '-' | '.'),
        Kind::Coordinates => ch.is_ascii_digit() || matches!(ch, '.' | ',' | '-'),
        Kind::Iban => ch.is_ascii_alphanumeric() || ch == ' ',
        Kind::Plate | Kind::MilitaryId => ch.is_alphanumeric() || ch == '·',
        Kind::Secret => {
            !ch.is_whitespace()
                && ch.is_ascii()
                && !matches!(ch, '\'' | ',' | ';' | '&' | '>' | ')' | ']' | '}')
        }
        Kind::Mobile | Kind::Landline => {
            ch.is_ascii_digit() || matches!(ch, '+' | '-' | ' ' | '(' | ')' | '（' | '）')
        }
        Kind::ResidentId
        | Kind::BankCard
        | Kind::CreditCode
        | Kind::Email
        | Kind::Passport
        | Kind::Permit
        | Kind::OrganisationCode
        | Kind::TaxNumber
        | Kind::Vin
        | Kind::Ip
        | Kind::Wechat
        | Kind::Qq
        | Kind::SocialSecurity
        | Kind::HousingFund
        | Kind::MedicalRecord
        | Kind::Ssn
        | Kind::Imei
        | Kind::Mrz
        | Kind::Custom => ch.is_alphanumeric() || matches!(ch, '-' | '_'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(kind: Kind, text_after: &str) -> Option<&str> {
        let bytes = text_after.as_bytes();
        let extent = text(
            bytes,
            0,
            Escapes::Backslash,
            Charset::Utf8,
            kind,
            false,
            &mut Vec::new(),
        );
        if let Extent::Whole { from, to, .. } = extent {
            return text_after.get(from..to);
        }
        None
    }

    #[test]
    fn a_value_ends_where_its_kind_does() {
        for (kind, text, expected) in [
            (Kind::Name, "张三，男", Some("张三")),
            (Kind::Name, " 张三 电话", Some("张三")),
            (Kind::Name, "张三请尽快联系我们办理", Some("张三请")),
            (Kind::Name, "阿卜杜拉·买买提，", Some("阿卜杜拉·买买提")),
            (Kind::Name, "Zhang San, male", Some("Zhang San")),
            (Kind::Name, "\"John Smith\" x", Some("John Smith")),
            (Kind::Name, "张三", None),
            (
                Kind::Address,
                "北京市海淀区中关村大街1号，邮编",
                Some("北京市海淀区中关村大街1号"),
            ),
            (
                Kind::Address,
                "1 Main Street, Springfield; x",
                Some("1 Main Street, Springfield"),
            ),
            (Kind::Secret, " hunter2,", Some("hunter2")),
            (Kind::Secret, "\"a b\" c", Some("a b")),
            (Kind::Secret, "\n", None),
            (Kind::BirthDate, "1990年3月7日出生", Some("1990年3月7日")),
            (Kind::Plate, "京A·12345。", Some("京A·12345")),
            (Kind::Name, "*** 身份证：", Some("***")),
            (Kind::Name, "* 张三，", Some("* 张三")),
            (Kind::Address, "** 电话", Some("**")),
        ] {
            assert_eq!(taken(kind, text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_that_is_cut_within_a_character_is_open() {
        let whole = "李\\u674e\\ud840\\udc00，";
        let end = whole.find('，').unwrap();
        for cut in 1..=end {
            let bytes = &whole.as_bytes()[..cut];
            let extent = text(
                bytes,
                0,
                Escapes::Backslash,
                Charset::Utf8,
                Kind::Name,
                false,
                &mut Vec::new(),
            );
            assert!(
                matches!(extent, Extent::Open { .. }),
                "cut at {cut}: {extent:?}"
            );
        }
        assert_eq!(taken(Kind::Name, whole), Some(&whole[..end]));
    }

    #[test]
    fn a_long_value_is_not_cut_within_a_character() {
        let place = "省".repeat(60);
        for before in ["", " ", "  "] {
            let whole = format!("{before}{place}，");
            assert_eq!(taken(Kind::Address, &whole), Some(&*place));
        }
        let endless = format!(" {}", "省".repeat(600));
        let taken = taken(Kind::Address, &endless).unwrap();
        assert_eq!(taken.len(), 1 + (VALUE_MAX - 1) / 3 * 3);
    }

    #[test]
    fn a_value_is_not_ended_by_a_character_that_is_cut() {
        for (escapes, text) in [
            (Escapes::Backslash, "张三，"),
            (Escapes::Backslash, r"\u5f20\u4e09，"),
            (Escapes::Percent, "%E5%BC%A0%E4%B8%89%EF%BC%8C%20%20%20"),
            (Escapes::Entity, "&#24352;&#19977;，"),
            (Escapes::Backslash, "𠀀三，"),
        ] {
            let bytes = text.as_bytes();
            let taken = |to: usize| {
                let head = &bytes[..to];
                super::text(
                    head,
                    0,
                    escapes,
                    Charset::Utf8,
                    Kind::Name,
                    false,
                    &mut Vec::new(),
                )
            };
            let Extent::Whole {
                from: 0, to: value, ..
            } = taken(bytes.len())
            else {
                panic!("{text} is not taken");
            };
            for cut in 0..=value {
                assert_eq!(
                    taken(cut),
                    Extent::Open { from: cut },
                    "{text} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn a_json_value_is_cut_at_its_quote() {
        for (text, expected) in [
            (
                r#""a\"b","#,
                Extent::Whole {
                    from: 1,
                    to: 5,
                    end: 6,
                },
            ),
            (r#"  "a""#, Extent::Blank { to: 2 }),
            (r#""a"#, Extent::Open { from: 1 }),
            ("12.5,", Extent::Number { to: 4 }),
            ("12", Extent::Open { from: 2 }),
            ("[1", Extent::Bracket { to: 1 }),
            ("true", Extent::None),
        ] {
            assert_eq!(json(text.as_bytes(), 0, false), expected, "{text}");
        }
        assert_eq!(
            json(format!("\"{}", "a".repeat(2000)).as_bytes(), 0, false),
            Extent::Long { from: 1 }
        );
    }
}
