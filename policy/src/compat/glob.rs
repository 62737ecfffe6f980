//! Patterns of `globMatch`: `*`, `**`, `?`, classes and alternatives over paths.

use super::datum::Fault;

/// Most alternatives that a pattern may unfold to; chosen.
const MOST: usize = 1024;

/// Whether a pattern matches a whole value.
///
/// # Errors
///
/// Malformed patterns, and those that unfold to more than 1,024 alternatives.
pub(crate) fn matches(pattern: &str, value: &str) -> Result<bool, Fault> {
    let value: Vec<char> = value.chars().collect();
    for pattern in unfolded(pattern)? {
        let pattern: Vec<char> = pattern.chars().collect();
        check(&pattern)?;
        if fits(&pattern, &value) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The pattern once for each choice among its `{a,b}`.
fn unfolded(pattern: &str) -> Result<Vec<String>, Fault> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        if done.len() + open.len() > MOST {
            return Err(format!("`{pattern}` has more than {MOST} alternatives"));
        }
        let Some((start, commas, end)) = first_choice(&pattern)? else {
            done.push(pattern);
            continue;
        };
        let (head, tail) = (pattern.get(..start), pattern.get(end + 1..));
        let mut from = start + 1;
        for to in commas.into_iter().chain([end]) {
            let choice = pattern.get(from..to).unwrap_or_default();
            open.push([head.unwrap_or_default(), choice, tail.unwrap_or_default()].concat());
            from = to + 1;
        }
    }
    Ok(done)
}

/// Where the first `{…}` begins, its commas, and where it ends.
type Choice = (usize, Vec<usize>, usize);

fn first_choice(pattern: &str) -> Result<Option<Choice>, Fault> {
    let (mut depth, mut start, mut commas, mut class) = (0_usize, 0, Vec::new(), false);
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' if !class => class = true,
            ']' => class = false,
            '{' if !class => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            ',' if !class && depth == 1 => commas.push(at),
            '}' if !class && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some((start, commas, at)));
                }
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(format!("`{pattern}` has a `{{` that is not closed"));
    }
    Ok(None)
}

fn check(pattern: &[char]) -> Result<(), Fault> {
    let mut rest = pattern;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            '\\' if behind.is_empty() => {
                return Err("a glob pattern ends in a backslash".to_owned());
            }
            '\\' => rest = behind.get(1..).unwrap_or_default(),
            '[' => {
                let (_, length) =
                    class(behind, '\0').ok_or("a class in a glob pattern is not closed")?;
                rest = behind.get(length..).unwrap_or_default();
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a character is in the class that begins behind `[`, and how long the class is.
fn class(pattern: &[char], value: char) -> Option<(bool, usize)> {
    let mut at = 0;
    let negated = matches!(pattern.first(), Some('^' | '!'));
    at += usize::from(negated);
    let mut found = false;
    let start = at;
    loop {
        let mut low = *pattern.get(at)?;
        if low == ']' && at > start {
            return Some((found != negated, at + 1));
        }
        if low == '\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|next| *next != ']') {
            high = *pattern.get(at + 1)?;
            at += 2;
            if high == '\\' {
                high = *pattern.get(at)?;
                at += 1;
            }
        }
        found |= (low..=high).contains(&value);
    }
}

/// Matches from the ends of pattern and value towards their beginnings, a row of answers at a time, so that
/// the cost is their product at most.
fn fits(pattern: &[char], value: &[char]) -> bool {
    // `next[i]`: the rest of the pattern matches `value[i..]`.
    let mut next: Vec<bool> = vec![false; value.len() + 1];
    if let Some(end) = next.last_mut() {
        *end = true;
    }
    let pieces = pieces(pattern);
    for piece in pieces.iter().rev() {
        let mut now = vec![false; value.len() + 1];
        for at in (0..=value.len()).rev() {
            let here = value.get(at);
            let on = |to: usize| next.get(to).copied().unwrap_or(false);
            let same = |now: &[bool], to: usize| now.get(to).copied().unwrap_or(false);
            let answer = match piece {
                Piece::One(one) => here == Some(one) && on(at + 1),
                Piece::Any => here.is_some_and(|c| *c != '/') && on(at + 1),
                Piece::Class(inner) => {
                    here.is_some_and(|c| {
                        *c != '/' && class(inner, *c).is_some_and(|(found, _)| found)
                    }) && on(at + 1)
                }
                Piece::Star => on(at) || (here.is_some_and(|c| *c != '/') && same(&now, at + 1)),
                Piece::Rest => on(at) || (here.is_some() && same(&now, at + 1)),
                // Whole segments, each with the slash behind it.
                Piece::Folders => {
                    let start = at == 0 || value.get(at - 1) == Some(&'/');
                    let segment = value
                        .get(at..)
                        .unwrap_or_default()
                        .iter()
                        .position(|c| *c == '/');
                    start && (on(at) || segment.is_some_and(|length| same(&now, at + length + 1)))
                }
                // `/**` at the end: nothing, or a slash and anything.
                Piece::Below => here.is_none() || *here.unwrap_or(&' ') == '/',
            };
            if let Some(place) = now.get_mut(at) {
                *place = answer;
            }
        }
        next = now;
    }
    next.first().copied().unwrap_or(false)
}

#[derive(Debug)]
enum Piece<'p> {
    One(char),
    Any,
    Class(&'p [char]),
    Star,
    /// `**` as the whole pattern.
    Rest,
    /// `**/`
    Folders,
    /// A final `/**`.
    Below,
}

fn pieces(pattern: &[char]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        let next = |offset: usize| pattern.get(at + offset);
        let opens = at == 0 || pattern.get(at - 1) == Some(&'/');
        match c {
            '/' if next(1) == Some(&'*') && next(2) == Some(&'*') && next(3).is_none() => {
                pieces.push(Piece::Below);
                at += 3;
            }
            '*' if next(1) == Some(&'*') && opens && next(2) == Some(&'/') => {
                pieces.push(Piece::Folders);
                at += 3;
            }
            '*' if next(1) == Some(&'*') && opens && next(2).is_none() => {
                pieces.push(Piece::Rest);
                at += 2;
            }
            '*' => {
                pieces.push(Piece::Star);
                at += 1;
            }
            '?' => {
                pieces.push(Piece::Any);
                at += 1;
            }
            '[' => {
                let inner = pattern.get(at + 1..).unwrap_or_default();
                let length = class(inner, '\0').map_or(0, |(_, length)| length);
                pieces.push(Piece::Class(inner));
                at += 1 + length;
            }
            '\\' => {
                pieces.extend(next(1).map(|c| Piece::One(*c)));
                at += 2;
            }
            other => {
                pieces.push(Piece::One(*other));
                at += 1;
            }
        }
    }
    pieces
}
