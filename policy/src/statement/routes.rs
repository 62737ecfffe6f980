//! Sets of canonical paths: one pattern less others.
//!
//! A canonical path begins with `/`, and only its last segment can be empty.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::language::path::{Segment, Style, segments};

/// A pattern taken apart.
pub(super) type Route<'a> = Rc<[Segment<'a>]>;

/// Every path.
pub(super) fn everything<'a>() -> Route<'a> {
    Rc::from([Segment::Tail])
}

/// The paths that a checked pattern matches.
pub(super) fn pattern(text: &str, style: Style) -> Route<'_> {
    segments(text, style).collect()
}

/// This one path; `None` if it does not begin with `/`.
pub(super) fn exactly(path: &str) -> Option<Route<'_>> {
    let rest = path.strip_prefix('/')?;
    Some(rest.split('/').map(Segment::Literal).collect())
}

/// The path and what lies below it, as a portal's prefix has it.
pub(super) fn below(prefix: &str) -> SmallVec<[Route<'_>; 2]> {
    let Some(exact) = exactly(prefix) else {
        return SmallVec::new();
    };
    let mut parts: Vec<Segment<'_>> = exact.to_vec();
    if parts.last() == Some(&Segment::Literal("")) {
        parts.pop();
        parts.push(Segment::Tail);
        return SmallVec::from_iter([Rc::from(parts)]);
    }
    parts.push(Segment::Tail);
    SmallVec::from_iter([exact, Rc::from(parts)])
}

/// The paths that both match; two patterns share one pattern or none.
pub(super) fn both<'a>(one: &Route<'a>, other: &Route<'a>) -> Option<Route<'a>> {
    if **one == [Segment::Tail] {
        return Some(Rc::clone(other));
    }
    if **other == [Segment::Tail] {
        return Some(Rc::clone(one));
    }
    let mut shared = Vec::with_capacity(one.len().max(other.len()));
    let mut at = 0;
    loop {
        let segment = match (one.get(at), other.get(at)) {
            (None, None) => return Some(Rc::from(shared)),
            (Some(Segment::Tail), Some(_)) => {
                shared.extend_from_slice(other.get(at..)?);
                return Some(Rc::from(shared));
            }
            (Some(_), Some(Segment::Tail)) => {
                shared.extend_from_slice(one.get(at..)?);
                return Some(Rc::from(shared));
            }
            (None, Some(_)) | (Some(_), None) => return None,
            (Some(Segment::Literal(text)), Some(Segment::Literal(other))) if text == other => {
                Segment::Literal(text)
            }
            (Some(Segment::Literal(_)), Some(Segment::Literal(_))) => return None,
            (Some(Segment::Literal(text)), Some(Segment::Parameter))
            | (Some(Segment::Parameter), Some(Segment::Literal(text))) => {
                if text.is_empty() {
                    return None;
                }
                Segment::Literal(text)
            }
            (Some(Segment::Parameter), Some(Segment::Parameter)) => Segment::Parameter,
        };
        shared.push(segment);
        at += 1;
    }
}

/// What a search for a path comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Path(String),
    /// There is none.
    None,
    /// Given up; there may be one.
    TooMany,
}

/// Most segments that a search tries; chosen, far beyond what policies need.
const MOST_TRIED: usize = 50_000;

/// A canonical path that the pattern matches and none of the others does.
pub(super) fn find<'a>(within: &[Segment<'a>], avoid: &[Route<'a>]) -> Found {
    let mut search = Search {
        within,
        path: String::new(),
        left: MOST_TRIED,
    };
    let avoid: Vec<&[Segment<'a>]> = avoid.iter().map(|route| &**route).collect();
    if search.descend(0, &avoid) {
        Found::Path(search.path)
    } else if search.left == 0 {
        Found::TooMany
    } else {
        Found::None
    }
}

struct Search<'r, 'a> {
    within: &'r [Segment<'a>],
    path: String,
    left: usize,
}

impl Search<'_, '_> {
    /// Chooses the segment at this depth; `avoid` holds the patterns that the path so far still fits.
    fn descend(&mut self, depth: usize, avoid: &[&[Segment<'_>]]) -> bool {
        let last = self.within.len().saturating_sub(1);
        let Some(wanted) = self.within.get(depth.min(last)).copied() else {
            return false;
        };
        let open = wanted == Segment::Tail;
        if avoid
            .iter()
            .any(|route| route.get(depth) == Some(&Segment::Tail))
        {
            return false;
        }
        let literals = avoid.iter().filter_map(|route| match route.get(depth) {
            Some(Segment::Literal(text)) if !text.is_empty() => Some(*text),
            Some(Segment::Literal(_) | Segment::Parameter | Segment::Tail) | None => None,
        });
        let mut choices: Vec<&str> = Vec::new();
        let free;
        if let Segment::Literal(text) = wanted {
            choices.push(text);
        } else {
            choices.extend(literals);
            choices.sort_unstable();
            choices.dedup();
            free = (1_usize..)
                .map(|n| n.to_string())
                .find(|text| !choices.contains(&text.as_str()))
                .unwrap_or_default();
            choices.insert(0, &free);
            if open {
                choices.push("");
            }
        }
        let before = self.path.len();
        for choice in choices {
            let Some(left) = self.left.checked_sub(1) else {
                return false;
            };
            self.left = left;
            self.path.truncate(before);
            self.path.push('/');
            self.path.push_str(choice);
            let fits = |route: &&&[Segment<'_>]| match route.get(depth) {
                Some(Segment::Literal(text)) => *text == choice,
                Some(Segment::Parameter) => !choice.is_empty(),
                Some(Segment::Tail) | None => false,
            };
            let kept: Vec<&[Segment<'_>]> = avoid.iter().filter(fits).copied().collect();
            let may_end = open || depth == last;
            if may_end && !kept.iter().any(|route| route.len() == depth + 1) {
                return true;
            }
            let may_go_on = !choice.is_empty() && (open || depth < last);
            if may_go_on {
                let longer: Vec<&[Segment<'_>]> = kept
                    .into_iter()
                    .filter(|route| route.len() > depth + 1)
                    .collect();
                if self.descend(depth + 1, &longer) {
                    return true;
                }
            }
        }
        self.path.truncate(before);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::path::matches;

    fn colon(text: &str) -> Route<'_> {
        pattern(text, Style::Colon)
    }

    #[test]
    fn a_path_is_found_outside_the_others_or_there_is_none() {
        let table: [(&str, &[&str], Option<&str>); 16] = [
            ("/*", &[], Some("/1")),
            ("/*", &["/*"], None),
            ("/a/*", &["/a/:x"], Some("/a/1/1")),
            ("/a/*", &["/a/:x", "/a/:x/*"], Some("/a/")),
            ("/a/*", &["/a/:x", "/a/:x/*", "/a/"], None),
            ("/a/:x", &["/a/1"], Some("/a/2")),
            ("/a/:x", &["/a/*"], None),
            ("/a/b", &["/a/:x"], None),
            ("/a/b", &["/a/c", "/a"], Some("/a/b")),
            ("/", &["/:x"], Some("/")),
            ("/", &["/"], None),
            ("/a//b", &[], None),
            ("/:x/:y", &["/1/:y", "/:x/1"], Some("/2/2")),
            ("/:x/b", &["/1/b", "/2/*"], Some("/3/b")),
            ("/*", &["/:a/*", "/:a", "/"], None),
            ("/*", &["/:a/*", "/"], Some("/1")),
        ];
        for (within, avoid, expected) in table {
            let routes: Vec<Route<'_>> = avoid.iter().map(|text| colon(text)).collect();
            let found = find(&colon(within), &routes);
            let expected = expected.map_or(Found::None, |path| Found::Path(path.to_owned()));
            assert_eq!(found, expected, "{within} less {avoid:?}");
        }
    }

    #[test]
    fn the_shared_pattern_matches_what_both_do() {
        let patterns = [
            "/*", "/", "/a", "/a/*", "/a/:x", "/:x/b", "/a/b/*", "/:x", "/:x/*", "/a/", "/:x/:y/c",
        ];
        let paths = [
            "/", "/a", "/b", "/a/", "/a/b", "/a/c", "/b/b", "/a/b/", "/a/b/c", "/x/y/c", "/a/b/c/d",
        ];
        let text = |route: &Route<'_>| -> String {
            route
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => format!("/{text}"),
                    Segment::Parameter => "/:p".to_owned(),
                    Segment::Tail => "/*".to_owned(),
                })
                .collect()
        };
        for one in patterns {
            for other in patterns {
                let shared = both(&colon(one), &colon(other)).map(|route| text(&route));
                for path in paths {
                    let wanted =
                        matches(one, Style::Colon, path) && matches(other, Style::Colon, path);
                    let got = shared
                        .as_ref()
                        .is_some_and(|shared| matches(shared, Style::Colon, path));
                    assert_eq!(got, wanted, "{one} {other} {path}");
                }
            }
        }
    }

    #[test]
    fn a_prefix_is_itself_and_what_lies_below() {
        let within = |prefix: &str, path: &str| {
            below(prefix).iter().any(|route| {
                let exact = exactly(path).unwrap();
                both(route, &exact).is_some()
            })
        };
        assert!(within("/", "/") && within("/", "/a/b"));
        assert!(within("/a", "/a") && within("/a", "/a/b") && within("/a", "/a/"));
        assert!(!within("/a", "/ab") && !within("/a/", "/a") && within("/a/", "/a/b"));
    }
}
