//! Script outside of tags: in an attribute that was broken out of, in a URL, in a string that was closed.

use super::Match;
use crate::rules;
use crate::text::{at, find, find_byte, is_space, is_word, rest, skip, span, trim};

/// ` onerror=alert(1)` after a quote that closed an attribute of the page, or at the start of an unquoted one.
pub(super) fn attribute(value: &[u8], found: &mut impl FnMut(Match)) {
    const EVENTS: [&[u8]; 24] = [
        b"onerror",
        b"onload",
        b"onclick",
        b"onmouse",
        b"onfocus",
        b"onblur",
        b"onkey",
        b"onchange",
        b"onsubmit",
        b"oninput",
        b"ontoggle",
        b"onpointer",
        b"onanimation",
        b"ontransition",
        b"onbegin",
        b"onend",
        b"onscroll",
        b"ondrag",
        b"ondrop",
        b"oncopy",
        b"oncut",
        b"onpaste",
        b"onwheel",
        b"onpage",
    ];
    let mut i = 0;
    while let Some(start) = find(value, i, b"on") {
        i = start + 2;
        let before = if start == 0 {
            b' '
        } else {
            at(value, start - 1)
        };
        if is_word(before)
            || !EVENTS
                .iter()
                .any(|event| rest(value, start).starts_with(event))
        {
            continue;
        }
        let end = skip(value, start, |b| b.is_ascii_lowercase());
        let equals = skip(value, end, |b| is_space(b) || b < 0x20);
        if at(value, equals) != b'=' || equals >= value.len() {
            continue;
        }
        let body = handler(span(value, equals + 1, equals + 120));
        // A reference that is not decoded yet ends with a semicolon, too.
        let closed = |b: &u8| *b == b';' && !body.contains(&b'&');
        let scripted = body
            .iter()
            .any(|b| matches!(b, b'(' | b'`' | b'=') || closed(b))
            || find(body, 0, b"alert").is_some();
        let harmless = super::html::is_harmless_handler(body);
        // What begins with the quote that closes an attribute goes on with another for a purpose.
        let broken_out = matches!(at(value, 0), b'"' | b'\'') && is_space(before)
            || start == 0 && matches!(body.first(), Some(b'"' | b'\''));
        let scripted = scripted || broken_out && body.len() > 1;
        if scripted && !harmless {
            found((&rules::XSS_HANDLER, start, equals + 1));
        } else if harmless {
            found((&rules::XSS_EMBED, start, equals + 1));
        } else {
            found((&rules::XSS_MARKUP, start, equals + 1));
        }
        return;
    }
}

/// Returns the script of a handler, quotes included, as far as it is there.
fn handler(text: &[u8]) -> &[u8] {
    let start = skip(text, 0, is_space);
    let end = match at(text, start) {
        quote @ (b'"' | b'\'') => find_byte(text, start + 1, quote).map(|end| end + 1),
        _ => rest(text, start)
            .iter()
            .position(|b| is_space(*b) || matches!(b, b'<' | b'>'))
            .map(|end| start + end),
    };
    span(text, start, end.unwrap_or(text.len()))
}

/// `javascript:`, with the blanks that browsers skip, at the beginning of a URL.
pub(super) fn url(value: &[u8], from: usize, found: &mut impl FnMut(Match)) {
    let mut scheme = [0; 24];
    let mut length = 0;
    let mut end = from;
    for &b in span(value, from, from + 96) {
        end += 1;
        if b <= b' '
            || length == 0 && matches!(b, b'"' | b'\'' | b'`' | b'(' | b'>' | b'/' | b'[')
            || b == b'\\'
        {
            continue;
        }
        let Some(slot) = scheme.get_mut(length) else {
            break;
        };
        *slot = b;
        length += 1;
        if b == b':' {
            break;
        }
    }
    let scheme = span(&scheme, 0, length);
    let body = rest(value, end);
    let runs = match scheme {
        b"javascript:" | b"vbscript:" | b"livescript:" | b"mocha:" | b"jscript:" => {
            body.iter().any(|b| {
                matches!(
                    b,
                    b'(' | b'`' | b'=' | b'/' | b'%' | b'[' | b'&' | b'"' | b'\''
                )
            }) || body.len() < 2
        }
        b"data:" => {
            let head = span(body, 0, 60);
            [
                &b"text/html"[..],
                b"image/svg",
                b"text/xml",
                b"application/xhtml",
                b"javascript",
                b"text/vbs",
            ]
            .iter()
            .any(|t| find(head, 0, t).is_some())
                || head.starts_with(b",")
                || head.starts_with(b";base64")
        }
        _ => false,
    };
    if runs && scheme == b"javascript:" && is_idle(body) {
        found((&rules::XSS_EMBED, from, end));
    } else if runs {
        found((&rules::XSS_URL, from, end));
    }
}

/// `javascript:void(0)`: what links of pages that have handlers elsewhere say.
fn is_idle(body: &[u8]) -> bool {
    const IDLE: [&[u8]; 9] = [
        b";",
        b"void(0)",
        b"void 0",
        b"void(null)",
        b"history.back()",
        b"history.go(-1)",
        b"history.back(-1)",
        b"window.close()",
        b"location.reload()",
    ];
    let body = trim(body);
    let end = body
        .iter()
        .position(|b| matches!(b, b'"' | b'\'' | b'>' | b'\\'))
        .unwrap_or(body.len());
    let script = span(body, 0, end);
    let script = script.strip_suffix(b";").unwrap_or(script);
    let closed = rest(body, end)
        .iter()
        .all(|b| !matches!(b, b'(' | b'`') || end < body.len() && at(body, end) != b'\\');
    closed && (script.is_empty() && !body.is_empty() || IDLE.contains(&script))
}

/// `";f(x);//`: a string is ended, something is called, and the rest of the line is commented out.
fn commented_out(value: &[u8]) -> Option<(usize, usize)> {
    let body = trim(value).strip_suffix(b"//")?;
    let quote = body.iter().position(|b| matches!(b, b'"' | b'\'' | b'`'))?;
    let ended = matches!(
        at(body, quote + 1),
        b';' | b'.' | b'+' | b'-' | b',' | b'|' | b'&' | b'*'
    );
    let called = find_byte(body, quote, b'(').is_some_and(|open| {
        is_word(at(body, open.saturating_sub(1))) && matches!(body.last(), Some(b')' | b';'))
    });
    (ended && called).then_some((quote, body.len()))
}

/// Calls that proofs of concept make, and whether they continue a string or expression that was broken.
pub(super) fn code(value: &[u8], found: &mut impl FnMut(Match)) {
    const CALLS: [&[u8]; 12] = [
        b"alert",
        b"prompt",
        b"confirm",
        b"eval",
        b"fetch",
        b"settimeout",
        b"setinterval",
        b"atob",
        b"function",
        b"fromcharcode",
        b"document.write",
        b"import",
    ];
    const OBJECTS: [&[u8]; 10] = [
        b"document.cookie",
        b"document.domain",
        b"document.location",
        b"window.location",
        b".innerhtml",
        b"localstorage",
        b"document[",
        b"window[",
        b"self[",
        b"constructor.constructor",
    ];
    // The same for every call.
    let mut known = None;
    let mut broken = || *known.get_or_insert_with(|| is_broken(value));
    for call in CALLS {
        let mut i = 0;
        let mut tries = 0;
        while let Some(start) = find(value, i, call) {
            i = start + call.len();
            tries += 1;
            if tries > 64 {
                break;
            }
            let before = if start == 0 {
                b' '
            } else {
                at(value, start - 1)
            };
            let open = skip(value, i, |b| {
                is_space(b) || matches!(b, b')' | b'?' | b'.') || b == b'/' || b == b'*'
            });
            let called = matches!(at(value, open), b'(' | b'`')
                && (open == i || call != b"function" && call != b"import")
                || rest(value, i).starts_with(b"&lpar;");
            if !called || is_word(before) && before != b'_' {
                continue;
            }
            let broken = broken();
            // `confirm (yes or no)` is prose; script may hold blanks there, once it is script.
            if open > i
                && is_space(at(value, i))
                && !(broken
                    && (at(value, open + 1).is_ascii_digit()
                        || matches!(at(value, open + 1), b'"' | b'\'' | b'`' | b'/' | b')')))
            {
                continue;
            }
            let strong = broken
                || call == b"eval" && before == b';'
                || matches!(call, b"alert" | b"prompt" | b"confirm")
                    && (start == 0
                        || matches!(
                            before,
                            b';' | b'='
                                | b'}'
                                | b'>'
                                | b'"'
                                | b'\''
                                | b'+'
                                | b'|'
                                | b'&'
                                | b'{'
                                | b'('
                                | b'`'
                                | b'/'
                                | b'['
                                | b','
                                | b'-'
                                | b'!'
                                | b'~'
                                | b':'
                        ));
            found((
                if strong && !matches!(call, b"function" | b"import") {
                    &rules::XSS_CODE
                } else {
                    &rules::XSS_CALL
                },
                start,
                open + 1,
            ));
            break;
        }
    }
    if let Some((from, to)) = commented_out(value) {
        found((&rules::XSS_CODE, from, to));
    }
    let sign = skip(value, 0, |b| {
        !matches!(b, b'(' | b'=' | b'+' | b'`' | b';' | b'[')
    });
    let is_code = sign < value.len();
    for object in OBJECTS.iter().filter(|_| is_code) {
        if let Some(start) = find(value, 0, object) {
            found((
                if broken() {
                    &rules::XSS_CODE
                } else {
                    &rules::XSS_CALL
                },
                start,
                start + object.len(),
            ));
            break;
        }
    }
}

/// Says whether the first quote or bracket of a value is followed by what goes on behind a string or expression.
fn is_broken(value: &[u8]) -> bool {
    let quote = skip(value, 0, |b| {
        !matches!(b, b'\'' | b'"' | b'`' | b'}' | b')' | b'<')
    });
    let next = skip(value, quote + 1, |b| {
        is_space(b) || matches!(b, b')' | b'}' | b']' | b'\'' | b'"' | b'`')
    });
    matches!(
        at(value, next),
        b';' | b'-' | b'+' | b',' | b'*' | b'/' | b'>' | b'|' | b'&' | b'^' | b'%' | b'=' | b'\n'
    )
}
