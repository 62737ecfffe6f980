//! What one element is worth, by its name and attributes.

use crate::rules::{self, Rule};
use crate::text::{at, find, rest, span, trim};

/// Elements that load or run something by being there.
const ACTIVE: [&[u8]; 20] = [
    b"iframe",
    b"frame",
    b"frameset",
    b"object",
    b"embed",
    b"applet",
    b"base",
    b"meta",
    b"link",
    b"bgsound",
    b"layer",
    b"ilayer",
    b"isindex",
    b"xml",
    b"xss",
    b"import",
    b"portal",
    b"fencedframe",
    b"noembed",
    b"t:set",
];
/// Elements that a form rarely sends.
const RARE: [&[u8]; 26] = [
    b"svg",
    b"math",
    b"style",
    b"form",
    b"input",
    b"button",
    b"textarea",
    b"select",
    b"video",
    b"audio",
    b"details",
    b"template",
    b"html",
    b"head",
    b"body",
    b"title",
    b"noscript",
    b"animate",
    b"set",
    b"foreignobject",
    b"keygen",
    b"isindex",
    b"plaintext",
    b"xmp",
    b"marquee",
    b"blink",
];

/// Judges an element whose tag, from its name's end to `>`, is `tag`.
pub(super) fn judge(name: &[u8], tag: &[u8]) -> Option<&'static Rule> {
    if RARE.contains(&name) {
        return Some(&rules::XSS_MARKUP);
    }
    if !ACTIVE.contains(&name) {
        return None;
    }
    let has = |words: &[&[u8]]| {
        words
            .iter()
            .filter(|word| find(tag, 0, word).is_some())
            .count()
    };
    Some(match name {
        // Editors embed players by their address, with the size of the frame.
        b"iframe" | b"embed"
            if has(&[
                b"width",
                b"height",
                b"border",
                b"allow",
                b"scrolling",
                b"class=",
            ]) >= 2
                && has(&[b"src=\"http", b"src='http", b"src=\"/", b"src='/"]) == 1
                && has(&[b"srcdoc", b"javascript:", b"data:"]) == 0 =>
        {
            &rules::XSS_EMBED
        }
        b"object" if has(&[b"data", b"classid", b"codebase", b"type"]) == 0 && tag.len() > 2 => {
            &rules::XSS_EMBED
        }
        b"meta"
            if has(&[
                b"refresh",
                b"set-cookie",
                b"utf-7",
                b"javascript",
                b"link",
                b"url=",
            ]) == 0
                && tag.len() > 2 =>
        {
            &rules::XSS_EMBED
        }
        b"xml" if has(&[b"src", b"id="]) == 0 => &rules::XSS_EMBED,
        _ => &rules::XSS_ELEMENT,
    })
}

/// Says whether `<script`, with `tag` up to its `>` and `after` behind it, begins script: prose that names the tag
/// goes on with words.
pub(super) fn begins_script(tag: &[u8], after: &[u8]) -> bool {
    if find(tag, 0, b"=").is_some() || at(tag, 0) == b'/' {
        return true;
    }
    let after = span(after, 0, 400);
    let content = trim(after);
    content.is_empty()
        || find(content, 0, b"</").is_some()
        || content
            .iter()
            .any(|b| matches!(b, b'(' | b'=' | b';' | b'`' | b'[' | b'{' | b'+'))
}

/// Says whether a handler does nothing but replace a picture or a style of its own element.
pub(super) fn is_harmless(script: &[u8]) -> bool {
    let script = trim(script);
    let tame = !script
        .iter()
        .any(|b| matches!(b, b'(' | b'`' | b'\\' | b'[' | b'&' | b'%'))
        && [
            &b"script:"[..],
            b"document",
            b"cookie",
            b"location",
            b"html",
            b"data:",
            b"srcdoc",
        ]
        .iter()
        .all(|word| find(script, 0, word).is_none());
    script.is_empty()
        || tame
            && (script.starts_with(b"this.src=")
                || script.starts_with(b"this.onerror=null")
                || script.starts_with(b"this.style.")
                || rest(script, 0) == b"return false"
                || script == b"return false;")
}
