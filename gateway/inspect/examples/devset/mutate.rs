//! Encodings and disguises of one payload.

use base64::Engine as _;

use super::dice::Dice;
use super::wire::component;

/// Kinds of payload, as far as disguises and places depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Sql,
    Script,
    Path,
    Command,
    Code,
    Template,
    Remote,
    Xml,
    Query,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Script => "script",
            Self::Path => "path",
            Self::Command => "command",
            Self::Code => "code",
            Self::Template => "template",
            Self::Remote => "remote",
            Self::Xml => "xml",
            Self::Query => "query",
        }
    }
}

/// Disguises a payload; half of them stay as they are.
pub fn mutate(payload: &[u8], kind: Kind, dice: &mut Dice) -> (Vec<u8>, &'static str) {
    let text = payload.to_vec();
    match (dice.roll(20), kind) {
        (0, _) => (component(&text).into_bytes(), "percent"),
        (1, _) => (
            component(component(&text).as_bytes()).into_bytes(),
            "percent-twice",
        ),
        (2, Kind::Script | Kind::Code) => (entities(&text, dice), "entity"),
        (2, Kind::Path) => (
            text.iter()
                .flat_map(|&b| match b {
                    b'.' => b"%2e".to_vec(),
                    b'/' => b"%2f".to_vec(),
                    b'\\' => b"%5c".to_vec(),
                    b => vec![b],
                })
                .collect(),
            "percent-dots",
        ),
        (3, Kind::Script | Kind::Template | Kind::Query) => (
            text.iter()
                .flat_map(|&b| {
                    if b.is_ascii_punctuation() && dice.percent(70) {
                        format!("\\u{b:04x}").into_bytes()
                    } else {
                        vec![b]
                    }
                })
                .collect(),
            "escape",
        ),
        (4, Kind::Sql | Kind::Script | Kind::Command | Kind::Code) if text.len() >= 16 => (
            base64::engine::general_purpose::STANDARD
                .encode(&text)
                .into_bytes(),
            "base64",
        ),
        (5 | 6, Kind::Sql | Kind::Script) => (
            text.iter()
                .map(|b| {
                    if dice.percent(50) {
                        b.to_ascii_uppercase()
                    } else {
                        b.to_ascii_lowercase()
                    }
                })
                .collect(),
            "case",
        ),
        (7, Kind::Sql) => (spaces(&text, b"/**/"), "comments"),
        (8, Kind::Sql | Kind::Command) => {
            let space: &[u8] = match kind {
                Kind::Command => b"${IFS}",
                _ => dice.pick(&[&b"\t"[..], b"\n", b"\x0b", b"/*x*/", b"%0a"]),
            };
            (spaces(&text, space), "space")
        }
        (9, _) => (
            [
                dice.pick(&["1", "abc", "42,", "x=y&z", "test "]).as_bytes(),
                &text,
            ]
            .concat(),
            "prefix",
        ),
        (10, Kind::Sql) => ([b"%u0027".as_slice(), &text].concat(), "wide-quote"),
        _ => (text, "plain"),
    }
}

fn spaces(text: &[u8], with: &[u8]) -> Vec<u8> {
    text.iter()
        .flat_map(|&b| if b == b' ' { with.to_vec() } else { vec![b] })
        .collect()
}

fn entities(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    text.iter()
        .flat_map(|&b| match (b, dice.roll(3)) {
            (b'<', 0) => b"&lt;".to_vec(),
            (b'>', 0) => b"&gt;".to_vec(),
            (b'<' | b'>' | b'"' | b'\'' | b'(' | b':', 1) => format!("&#{b};").into_bytes(),
            (b'<' | b'>' | b'"' | b'\'' | b'(' | b':', _) => format!("&#x{b:x};").into_bytes(),
            _ => vec![b],
        })
        .collect()
}
