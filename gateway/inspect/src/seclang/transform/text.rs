//! White space, comments, command lines and paths.

use crate::text::{at, find, is_space, rest, span};

/// White space, or the no-break space of Latin-1 where it is no part of a character in UTF-8.
fn blank(bytes: &[u8], i: usize) -> bool {
    let b = at(bytes, i);
    is_space(b) || (b == 0xa0 && (i == 0 || at(bytes, i - 1) < 0x80))
}

pub(super) fn compress_whitespace(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut before = false;
    for (i, &b) in bytes.iter().enumerate() {
        let space = blank(bytes, i);
        if !space {
            out.push(b);
        } else if !before {
            out.push(b' ');
        }
        before = space;
    }
    out
}

pub(super) fn remove_whitespace(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .enumerate()
        .filter(|(i, _)| !blank(bytes, *i))
        .map(|(_, &b)| b)
        .collect()
}

pub(super) fn trim_left(bytes: &[u8]) -> &[u8] {
    rest(bytes, bytes.iter().take_while(|&&b| is_space(b)).count())
}

pub(super) fn trim_right(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().rev().take_while(|&&b| is_space(b)).count();
    span(bytes, 0, bytes.len() - blanks)
}

/// What a shell reads: quotes, carets and backslashes gone, `,` and `;` as blanks, one blank where there were several,
/// none before `/` and `(`, lower case.
pub(super) fn command_line(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut space = false;
    for &b in bytes {
        match b {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c => {
                if !space {
                    out.push(b' ');
                    space = true;
                }
            }
            b'/' | b'(' => {
                if space {
                    out.pop();
                }
                space = false;
                out.push(b);
            }
            _ => {
                out.push(b.to_ascii_lowercase());
                space = false;
            }
        }
    }
    out
}

pub(super) fn replace_comments(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(open) = find(bytes, i, b"/*") {
        out.extend_from_slice(span(bytes, i, open));
        out.push(b' ');
        i = find(bytes, open + 2, b"*/").map_or(bytes.len(), |end| end + 2);
    }
    out.extend_from_slice(rest(bytes, i));
    out
}

pub(super) fn remove_comments(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let tail = rest(bytes, i);
        let end: Option<&[u8]> = if tail.starts_with(b"/*") {
            Some(b"*/")
        } else if tail.starts_with(b"<!--") {
            Some(b"-->")
        } else {
            None
        };
        if let Some(end) = end {
            i = find(bytes, i + 2, end).map_or(bytes.len(), |at| at + end.len());
        } else if tail.starts_with(b"--") || tail.starts_with(b"#") {
            break;
        } else {
            out.extend(tail.first());
            i += 1;
        }
    }
    out
}

pub(super) fn remove_comment_signs(bytes: &[u8]) -> Vec<u8> {
    const SIGNS: [&[u8]; 6] = [b"<!--", b"-->", b"/*", b"*/", b"--", b"#"];
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let tail = rest(bytes, i);
        match SIGNS.iter().find(|sign| tail.starts_with(sign)) {
            Some(sign) => i += sign.len(),
            None => {
                out.extend(tail.first());
                i += 1;
            }
        }
    }
    out
}

/// Takes out empty and `.` segments, and `..` with the segment before it; a path that leaves the folder it begins in
/// keeps its `..`, one that leaves the root loses it.
pub(super) fn path(bytes: &[u8]) -> Vec<u8> {
    let rooted = bytes.first() == Some(&b'/');
    let open = bytes.last() == Some(&b'/');
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in bytes.split(|&b| b == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => match segments.last() {
                Some(&b"..") => segments.push(segment),
                Some(_) => {
                    segments.pop();
                }
                None if !rooted => segments.push(segment),
                None => {}
            },
            _ => segments.push(segment),
        }
    }
    let mut out = Vec::with_capacity(bytes.len());
    if rooted {
        out.push(b'/');
    }
    out.extend_from_slice(&segments.join(&b'/'));
    if open && !segments.is_empty() {
        out.push(b'/');
    }
    out
}
