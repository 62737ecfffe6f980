//! Cross-site scripting: the value is read as markup, as the inside of an attribute, as a URL and as script.

use super::{Match, script};
use crate::rules;
use crate::text::{at, find, find_byte, is_space, rest, skip, span};

mod element;

/// Bytes that one tag may span; a longer one is read up to here. Chosen.
const LONGEST_TAG: usize = 4096;

/// Searches a lower-case value.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    tags(value, found);
    script::attribute(value, found);
    script::url(value, 0, found);
    script::code(value, found);
}

fn tags(value: &[u8], found: &mut impl FnMut(Match)) {
    let mut i = 0;
    // Where the content of the last style ends: a second style inside it is part of it.
    let mut styled = 0;
    while let Some(start) = find_byte(value, i, b'<') {
        i = start + 1;
        let closing = at(value, i) == b'/';
        // Old parsers skip NUL and control characters before the name.
        let name_at = skip(value, i + usize::from(closing), |b| b < 0x20 || b == b'/');
        let name_end = skip(value, name_at, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_')
        });
        let name = span(value, name_at, name_end);
        if name.is_empty() {
            if rest(value, i).starts_with(b"?import") {
                found((&rules::XSS_ELEMENT, start, i + 7));
            }
            if at(value, i) == b'!'
                && matches!(span(value, i, i + 3), b"!--")
                && at(value, i + 3) == b'['
            {
                found((&rules::XSS_EMBED, start, i + 4));
            }
            continue;
        }
        if !name.first().is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let end = attributes(value, start, name_end, name, found);
        // What no parser takes for the end of a name makes another name: `<script[^>]*>` in an expression.
        let named = matches!(
            at(value, name_end),
            b'/' | b'>' | b'<' | b'%' | b'&' | b'+' | b'"' | b'\''
        ) || at(value, name_end) <= b' ';
        if named && (name == b"script" || name.ends_with(b":script")) {
            let tag = span(value, name_end, end);
            let live = closing || element::begins_script(tag, rest(value, end));
            found((
                if live {
                    &rules::XSS_SCRIPT
                } else {
                    &rules::XSS_MARKUP
                },
                start,
                name_end,
            ));
        }
        // A word after a sign of comparison is no element: it needs an end, a space or a slash.
        if name == b"style" && !closing && start >= styled {
            let content = span(value, end, end + LONGEST_TAG);
            let content = span(
                content,
                0,
                find(content, 0, b"</style").unwrap_or(content.len()),
            );
            styled = end + content.len();
            if [
                &b"@import"[..],
                b"expression(",
                b"javascript:",
                b"-moz-binding",
            ]
            .iter()
            .any(|word| find(content, 0, word).is_some())
            {
                found((&rules::XSS_STYLE, start, end));
            }
        }
        let shaped = end > name_end
            && matches!(
                at(value, name_end),
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b'/' | b'>'
            )
            || at(value, name_end) == 0;
        if shaped
            && let Some(rule) = element::judge(name, span(value, name_end, end))
            && (rule.id != rules::XSS_ELEMENT.id
                || !closing
                    && (end > name_end + 1 || matches!(name, b"xss" | b"isindex" | b"iframe")))
        {
            found((rule, start, end));
        }
        i = end.max(i);
    }
}

/// Reads the attributes of a tag: where it ends.
fn attributes(
    value: &[u8],
    start: usize,
    from: usize,
    element: &[u8],
    found: &mut impl FnMut(Match),
) -> usize {
    let limit = (start + LONGEST_TAG).min(value.len());
    let tag = span(value, 0, limit);
    let mut i = from;
    let mut no_quote = [false; 2];
    while i < limit {
        i = skip(tag, i, |b| {
            is_space(b) || b < 0x20 || matches!(b, b'/' | b'"' | b'\'' | b'`' | b',' | b'+' | b'=')
        });
        if i >= limit || at(tag, i) == b'>' {
            return (i + 1).min(limit);
        }
        if at(tag, i) == b'<' {
            return i;
        }
        let name_at = i;
        i = skip(tag, i, |b| {
            !is_space(b) && !matches!(b, b'=' | b'>' | b'/' | b'"' | b'\'' | b'<' | 0)
        });
        let name = span(tag, name_at, i);
        let equals = skip(tag, i, |b| is_space(b) || b < 0x20);
        if at(tag, equals) != b'=' {
            i = i.max(name_at + 1);
            continue;
        }
        let mut value_at = skip(tag, equals + 1, |b| is_space(b) || b < 0x20);
        let quote = at(tag, value_at);
        let slot = usize::from(quote == b'"');
        let closed = if matches!(quote, b'"' | b'\'') && no_quote.get(slot) == Some(&false) {
            find_byte(tag, value_at + 1, quote)
        } else {
            None
        };
        let value_end = match closed {
            Some(end) => {
                value_at += 1;
                i = end + 1;
                end
            }
            None => {
                if let (b'"' | b'\'', Some(flag)) = (quote, no_quote.get_mut(slot)) {
                    *flag = true;
                }
                i = skip(tag, value_at, |b| !is_space(b) && b != b'>');
                i
            }
        };
        if is_handler(name) {
            let harmless = element::is_harmless(span(tag, value_at, value_end));
            found((
                if harmless {
                    &rules::XSS_EMBED
                } else {
                    &rules::XSS_HANDLER
                },
                name_at,
                value_end,
            ));
        }
        let content = span(tag, value_at, value_end);
        // Where the page has an attribute, the quotes here end it, and the inside of this one is markup.
        if let Some(inner) = find(content, 0, b"<script>")
            && element::begins_script(b"", rest(content, inner + 8))
            && find(content, inner, b"</script").is_some()
        {
            found((&rules::XSS_SCRIPT, value_at + inner, value_end));
        }
        let url_bearing = matches!(
            name,
            b"src"
                | b"href"
                | b"action"
                | b"formaction"
                | b"data"
                | b"background"
                | b"dynsrc"
                | b"lowsrc"
                | b"poster"
                | b"xlink:href"
                | b"to"
                | b"values"
                | b"from"
                | b"content"
                | b"srcdoc"
                | b"code"
                | b"datasrc"
                | b"codebase"
                | b"url"
                | b"value"
                | b"param"
        );
        if url_bearing {
            script::url(span(tag, 0, value_end), value_at, found);
            if name == b"content"
                && let Some(inner) = find(content, 0, b"url=")
            {
                script::url(span(tag, 0, value_end), value_at + inner + 4, found);
            }
            if name == b"srcdoc" {
                found((&rules::XSS_ELEMENT, name_at, value_end));
            }
        }
        if name == b"style"
            && [
                &b"expression"[..],
                b"javascript:",
                b"-moz-binding",
                b"behavior:",
                b"behaviour:",
                b"/*",
                b"&{",
                b"binding:",
                b"@import",
            ]
            .iter()
            .any(|word| find(content, 0, word).is_some())
        {
            found((&rules::XSS_STYLE, name_at, value_end));
        }
        if name == b"xmlns" && element != b"svg" {
            found((&rules::XSS_MARKUP, name_at, value_end));
        }
    }
    limit
}

/// Says whether a handler that begins after its `=` only changes its own element; `body` may be cut.
pub(super) fn is_harmless_handler(body: &[u8]) -> bool {
    let body = crate::text::trim(body);
    // Markup inside of markup has its quotes written out.
    for quote in [&b"\""[..], b"'", b"&quot;", b"&#34;", b"&#39;", b"\\\""] {
        if body.starts_with(quote) {
            let end = find(body, quote.len(), quote).unwrap_or(body.len());
            return element::is_harmless(span(body, quote.len(), end));
        }
    }
    false
}

fn is_handler(name: &[u8]) -> bool {
    let name = name
        .rsplit(|&b| matches!(b, b'/' | b'"' | b'\'' | b'`') || b < 0x20)
        .next()
        .unwrap_or(name);
    name.len() >= 5
        && name.len() <= 40
        && name.starts_with(b"on")
        && rest(name, 2).iter().all(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(value: &str) -> u32 {
        let mut score = 0;
        detect(value.to_ascii_lowercase().as_bytes(), &mut |(
            rule,
            _,
            _,
        )| {
            score = score.max(rule.score)
        });
        score
    }

    #[test]
    fn script_in_markup_attributes_urls_and_code_is_seen() {
        for value in [
            "<script>alert(1)</script>",
            "<scr\0ipt x>",
            "<img src=x onerror=alert(1)>",
            "<svg/onload=alert(1)>",
            "<svg onload\n=\n'x'>",
            "\" onmouseover=\"alert(1)",
            "<a href=\"java\tscript:alert(1)\">x",
            "javascript:alert(1)",
            "<iframe src=//evil>",
            "<body/onhashchange=alert(1)>",
            "';alert(1)//",
            "\"-alert(1)-\"",
            "<div style=\"width:expression(alert(1))\">",
            "<x onclick=alert`1`>",
            "<object data=\"data:text/html;base64,PHN\">",
            "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
            "<img \"\"\"><script>alert(1)</script>",
            "<details open ontoggle=confirm()>",
            "x' onfocus=alert(1) autofocus '",
            "<script src=//e.vil/x.js>",
            "<image style='filter:url(\"data:image/x,<svg><script>parent.f(1)</script></svg>\")'>",
            "\" type=image src=null onerror=go \"",
            "onload='f' \\\" onload=\\\"f\\\"",
            "\";exit(md5('x'));//",
            "\".f(1)//",
            "';d=new Date();do{c=new Date();}while(c-d<10000);//",
        ] {
            assert!(score(value) >= 5 || value.contains('\0'), "missed: {value}");
        }
    }

    #[test]
    fn angle_brackets_in_prose_and_simple_markup_are_not_attacks() {
        for value in [
            "a < b and c > d",
            "i <3 you",
            "<b>bold</b> and <i>italic</i>",
            "<p class=\"x\">文本</p>",
            "x<y",
            "1<2>0",
            "<-- see",
            "button on=off",
            "版本=1; onset=5",
            "onload=fast",
            "he said \"call (me)\" // and left",
            "see https://a.example/(x)//",
            "\"a\", f(x) //",
            "see \"onload\" and onerror=x",
            "<img alt='<script> is a tag'>",
            "email <zhang@example.com>",
            "<a href=\"https://example.com/\">link</a>",
            "please confirm (or not)",
            "the script was on time",
            "<img src=\"/a.png\">",
            "javascript: the good parts",
            "on time = good",
            "data: 5, 6",
            "《办法》<第一条>",
        ] {
            assert!(score(value) < 5, "flagged: {value}");
        }
    }
}
