//! Values made by hand to keep a reader busy. Work is counted in bytes looked at, not in time.

use crate::body::Completeness;
use crate::inspector::{Head, Inspector, Settings};
use crate::text::steps;

/// Pieces that, repeated, open what never closes, almost match, or match all the time.
pub(crate) const PIECES: &[&str] = &[
    "'",
    "\"",
    "`",
    "\\",
    "%",
    "%25",
    "%2525",
    "&",
    "&amp;",
    "&#60;",
    "&#x3c;",
    "<",
    "<a ",
    "<a b=",
    "<a b='",
    "<script",
    "<script>",
    "</script",
    "<!--",
    "<![CDATA[",
    "<style>",
    "onerror=",
    "on=",
    "on",
    "javascript:",
    "alert(",
    "eval (",
    "alert",
    "(",
    ")",
    "((select ",
    "select ",
    "select(",
    "union ",
    "union select ",
    "or ",
    "or 1",
    "or 1=1 ",
    "' or '",
    "'||",
    "1+",
    "1,",
    "case when ",
    "--",
    "/*",
    "/**/",
    "*/",
    "/*!",
    "#",
    ";",
    "; ",
    ";id",
    "; id ",
    "|",
    "||",
    "&& ",
    "$(",
    "$(id ",
    "`id",
    "`id` ",
    "\n",
    "\nid",
    "a\n",
    "../",
    "..",
    "..\\",
    "....//",
    "%c0%ae",
    "/etc/",
    "/etc/passwd ",
    "bin/",
    "bin/id",
    "{{",
    "{{7*",
    "${",
    "${jndi:",
    "${${",
    "#{",
    "<%",
    "<%=",
    "[[",
    "{",
    "{a:b(",
    "query{a:b{",
    "}",
    "[",
    "]",
    "\u{ff1c}",
    "\u{4e2d}",
    "\u{4e2d}' or ",
    "the ' or 1=1 ",
    "a b c d the of to ",
    "\"get / http/1.1\" ",
    "http://",
    "://127.0.0.1",
    "169.254.169.254 ",
    "+ADw-",
    "+ADw",
    "AAAA",
    "JyBvciAxPTEg",
    "PHNjcmlwdD4",
    "a=",
    "a=&",
    "a=b;",
    "[$ne]",
    "$ne",
    "*)(",
    ")(",
    "=",
    "==",
    "0x",
    "char(1)",
    "char(1)+",
    "having count(*)",
    "group by ",
    "sleep(5)",
    "ascii(substring(",
    "exec ",
    "declare @a ",
    "@@",
    "@",
    ":",
    "x:y ",
    "__proto__",
    "ro0ab",
    "<?xml ",
    "<!doctype ",
    "<!entity ",
    "a:a:",
    "\0",
    "\u{1}",
    "\r\n",
    "\r\nset-cookie:",
    "%0d%0a",
    "\\u003c",
    "\\x3c",
    "\\74",
];
/// Bytes of the longer input; the shorter is half of it.
const SIZE: usize = 64 << 10;
/// Bytes looked at for each byte of input, over all layers and detectors. The worst pieces need about a third.
const PER_BYTE: usize = 4000;

#[test]
fn no_value_makes_work_grow_faster_than_its_length() {
    let inspector = Inspector::new(Settings::default());
    let mut worst = (0, "");
    for piece in PIECES {
        let short = work(&inspector, piece, SIZE / 2);
        let long = work(&inspector, piece, SIZE);
        assert!(
            long <= short * 23 / 10 + 100_000,
            "`{}`: {short} steps for half, {long} for the whole",
            piece.escape_debug()
        );
        worst = worst.max((long, piece));
    }
    let (steps, piece) = worst;
    assert!(
        steps <= PER_BYTE * SIZE,
        "`{}` needs {} steps a byte",
        piece.escape_debug(),
        steps / SIZE
    );
}

/// What goes on without an end, or ends what was begun, before or behind a piece.
const FILLERS: [&str; 14] = [
    "x", " ", "(", ")", ";", "<", ">", "'", "/", "=", "\n", "|", "on", "?",
];
/// What calls every detector.
const CALLS: &str = "select '(<a ../ ;$(id) {{ __ http://";

#[test]
fn no_piece_before_or_behind_another_makes_work_grow_faster_than_their_length() {
    const SHORT: usize = 2 << 10;
    // What is looked at once, or up to a number of times, however long the value is.
    const ONCE: usize = 500_000;
    let inspector = Inspector::new(Settings::default());
    let work = |first: &str, second: &str, size: usize| {
        let half = |piece: &str| piece.repeat(size / 2 / piece.len());
        let value = format!("{CALLS}{}{}", half(first), half(second));
        let xml = format!("<a>{value}");
        steps::take();
        for (media, body) in [("text/plain", &value), ("text/xml", &xml)] {
            drop(inspector.body(Some(media), None, body.as_bytes(), Completeness::Whole));
        }
        steps::take()
    };
    for piece in PIECES {
        for filler in FILLERS {
            for (first, second) in [(*piece, filler), (filler, *piece)] {
                let (short, long) = (work(first, second, SHORT), work(first, second, 8 * SHORT));
                assert!(
                    long <= short * 10 + ONCE,
                    "`{}` and `{}`: {short} steps for an eighth, {long} for the whole",
                    first.escape_debug(),
                    second.escape_debug()
                );
            }
        }
    }
}

/// Reads a value as text, as a form and as JSON, and returns the bytes looked at.
fn work(inspector: &Inspector, piece: &str, size: usize) -> usize {
    let value = piece.repeat(size / piece.len());
    steps::take();
    for (media, body) in [
        ("text/plain", value.clone()),
        ("application/x-www-form-urlencoded", format!("a={value}")),
        (
            "application/json",
            serde_json::json!({ "a": value }).to_string(),
        ),
        ("application/xml", format!("<a>{value}</a>")),
    ] {
        // What cannot be read is refused, and that is no work.
        drop(inspector.body(Some(media), None, body.as_bytes(), Completeness::Whole));
    }
    drop(inspector.head(&Head {
        method: "GET",
        target_path: value.as_bytes(),
        query: Some(value.as_bytes()),
        headers: &[("cookie", value.as_bytes()), ("referer", value.as_bytes())],
    }));
    steps::take()
}

#[test]
fn pieces_of_every_kind_after_one_another_do_not_break_a_reader() {
    let inspector = Inspector::new(Settings::default());
    for first in PIECES {
        for second in PIECES {
            let value = [*first, *second, first].concat();
            let body = format!("a={value}&{value}");
            drop(inspector.body(
                Some("application/x-www-form-urlencoded"),
                None,
                body.as_bytes(),
                Completeness::Truncated,
            ));
            drop(inspector.body(None, None, value.as_bytes(), Completeness::Whole));
        }
    }
}
