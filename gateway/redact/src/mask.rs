//! What an action makes of a value: a list of places and what stands there instead.

use smallvec::{SmallVec, smallvec};

use crate::action::Action;
use crate::shape;

/// Characters `at..at + over` of a value, and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) at: usize,
    pub(crate) over: usize,
    pub(crate) put: Put,
}

/// What stands in the place of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Put {
    Stars(usize),
    Text(String),
}

/// Changes to one value, from left to right.
pub(crate) type Edits = SmallVec<[Edit; 2]>;

fn stars(at: usize, over: usize) -> Edits {
    if over == 0 {
        return Edits::new();
    }
    smallvec![Edit {
        at,
        over,
        put: Put::Stars(over)
    }]
}

/// Something else for a whole value.
pub(crate) fn whole(text: &[char], put: &str) -> Edits {
    smallvec![Edit {
        at: 0,
        over: text.len(),
        put: Put::Text(put.to_owned())
    }]
}

/// Another text for a value, of which only what differs is written: what stays may stand there escaped.
pub(crate) fn turned(text: &[char], put: &str) -> Edits {
    let put: SmallVec<[char; 64]> = put.chars().collect();
    let mut edits = Edits::new();
    if put.len() == text.len() {
        for (at, (old, new)) in text.iter().zip(&put).enumerate() {
            if old == new {
                continue;
            }
            match edits.last_mut() {
                Some(Edit {
                    at: from,
                    over,
                    put: Put::Text(text),
                }) if *from + *over == at => {
                    *over += 1;
                    text.push(*new);
                }
                _ => edits.push(Edit {
                    at,
                    over: 1,
                    put: Put::Text(new.to_string()),
                }),
            }
        }
        return edits;
    }
    let same = |pair: &(&char, &char)| pair.0 == pair.1;
    let head = text.iter().zip(&put).take_while(same).count();
    let rest = text.len().min(put.len()) - head;
    let both = text.iter().rev().zip(put.iter().rev());
    let tail = both.take(rest).take_while(same).count();
    smallvec![Edit {
        at: head,
        over: text.len() - head - tail,
        put: Put::Text(
            put.iter()
                .take(put.len() - tail)
                .skip(head)
                .collect::<String>()
        ),
    }]
}

/// Stars for a value of which nothing stays.
pub(crate) fn dropped(text: &[char]) -> Edits {
    smallvec![Edit {
        at: 0,
        over: text.len(),
        put: Put::Stars(3)
    }]
}

/// Applies an action that needs no key to a value.
pub(crate) fn apply(action: Action, text: &[char]) -> Edits {
    let count = text.len();
    match action {
        Action::Pass => Edits::new(),
        Action::Keep { head, tail } => {
            let (head, tail) = fitting(usize::from(head), usize::from(tail), count);
            stars(head, count - head - tail)
        }
        Action::Hide { tail } => {
            let tail = usize::from(tail).min(count);
            stars(count - tail, tail)
        }
        Action::Line { tail } => {
            let head = area_code(text);
            let (_, tail) = fitting(0, usize::from(tail), count - head);
            stars(head, count - head - tail)
        }
        Action::Local { head } => local(text, usize::from(head)),
        Action::Surname => {
            let stays = shape::surname_length(text)
                .max(1)
                .min(count - usize::from(count == 1));
            stars(stays, count - stays)
        }
        Action::Hidden => whole(text, "**"),
        Action::District => area(text, true),
        Action::City => area(text, false),
        Action::Groups { count } => groups(text, usize::from(count)),
        Action::Digits { keep } => digits(text, usize::from(keep)),
        Action::Round { places } => round(text, usize::from(places)),
        Action::Band => band(text).map_or_else(|| dropped(text), |band| whole(text, &band)),
        Action::Remove | Action::Null => whole(text, ""),
        // Keys are missing: the stricter.
        Action::Drop | Action::Token | Action::Seal | Action::Encrypt | Action::Shift => {
            dropped(text)
        }
    }
}

/// Numbers of characters that may stay of a value so that at least a quarter of it is hidden.
fn fitting(head: usize, tail: usize, count: usize) -> (usize, usize) {
    if head + tail < count && 4 * (count - head - tail) >= count {
        (head, tail)
    } else {
        (0, tail.min(count / 2))
    }
}

/// Characters of the area code that a telephone number begins with, its separator included.
fn area_code(text: &[char]) -> usize {
    let separator = text
        .iter()
        .take(6)
        .position(|ch| matches!(ch, '-' | ' ' | ')'));
    match (separator, text) {
        (Some(at), _) => at + 1,
        (None, ['0', '1' | '2', ..]) if text.len() > 9 => 3,
        (None, ['0', ..]) if text.len() > 9 => 4,
        _ => 0,
    }
}

fn local(text: &[char], head: usize) -> Edits {
    match text.iter().position(|&ch| ch == '@') {
        Some(sign) if sign > 0 => {
            let from = head.min(sign);
            smallvec![Edit {
                at: from,
                over: sign - from,
                put: Put::Stars(3)
            }]
        }
        _ => dropped(text),
    }
}

/// Keeps an address down to its district, or to its city.
fn area(text: &[char], to_district: bool) -> Edits {
    let find = |from: usize, ends: &[char]| {
        text.iter()
            .enumerate()
            .skip(from)
            .take(14)
            .find(|(at, ch)| {
                ends.contains(ch)
                    && *at > from
                    && !matches!(
                        text.get(at.saturating_sub(2)..*at),
                        Some(['自', '治'] | ['行', '政'])
                    )
            })
            .map(|(at, _)| at + 1)
    };
    let city = find(0, &['市'])
        .or_else(|| find(0, &['州', '盟']))
        .or_else(|| find(0, &['省']));
    let kept = if to_district {
        find(city.unwrap_or(0), &['区', '县', '旗'])
            .or_else(|| city.and_then(|city| find(city, &['市'])))
            .or(city)
    } else {
        city
    };
    match kept {
        None => dropped(text),
        Some(kept) if kept == text.len() => Edits::new(),
        Some(kept) => smallvec![Edit {
            at: kept,
            over: text.len() - kept,
            put: Put::Stars(4)
        }],
    }
}

/// Keeps the first groups of an address of a machine.
fn groups(text: &[char], count: usize) -> Edits {
    let separator = text
        .iter()
        .copied()
        .find(|ch| matches!(ch, '.' | ':' | '-'));
    let Some(separator) = separator else {
        return dropped(text);
    };
    let total = text.split(|&ch| ch == separator).count();
    let fixed = separator != ':' || total == 6;
    // A hardware address may be written in three groups of two pairs.
    let count = if total == 3 { count / 2 } else { count };
    // An IPv6 address may leave groups out, so fewer are told apart.
    let wanted = if fixed {
        count
    } else {
        count.saturating_sub(1).max(1)
    };
    let mut kept = 0;
    let mut place = 0;
    for group in text.split(|&ch| ch == separator) {
        if kept == wanted || group.is_empty() || group.contains(&'.') && !fixed {
            break;
        }
        kept += 1;
        place += group.len() + 1;
    }
    let over = text.len().saturating_sub(place);
    let put = if fixed {
        vec!["*"; total - kept].join(&separator.to_string())
    } else {
        "*".to_owned()
    };
    smallvec![Edit {
        at: text.len() - over,
        over,
        put: Put::Text(put)
    }]
}

/// Hides every digit behind the first characters, so that the shape of a date stays.
fn digits(text: &[char], keep: usize) -> Edits {
    let mut edits = Edits::new();
    let (keep, until) = if shape::has_year_last(text) {
        (0, text.len() - keep.min(4))
    } else {
        (keep, text.len())
    };
    for (at, ch) in text.iter().enumerate().take(until).skip(keep) {
        if !ch.is_ascii_digit() {
            continue;
        }
        match edits.last_mut() {
            Some(Edit {
                at: from,
                over,
                put: Put::Stars(count),
            }) if *from + *over == at => {
                *over += 1;
                *count += 1;
            }
            _ => edits.push(Edit {
                at,
                over: 1,
                put: Put::Stars(1),
            }),
        }
    }
    edits
}

/// Takes decimals away from every number.
fn round(text: &[char], places: usize) -> Edits {
    if !text.contains(&'.') || text.contains(&'°') {
        return dropped(text);
    }
    let mut edits = Edits::new();
    let mut at = 0;
    while at < text.len() {
        if text.get(at) == Some(&'.') {
            let from = at + 1 + places;
            let end = at
                + 1
                + text
                    .iter()
                    .skip(at + 1)
                    .take_while(|ch| ch.is_ascii_digit())
                    .count();
            if from < end {
                edits.push(Edit {
                    at: from,
                    over: end - from,
                    put: Put::Stars(0),
                });
            }
            at = end;
        } else {
            at += 1;
        }
    }
    edits
}

/// The decade that an age is in.
fn band(text: &[char]) -> Option<String> {
    let age: u32 = text.iter().collect::<String>().trim().parse().ok()?;
    let decade = age / 10 * 10;
    Some(format!("{decade}-{}", decade + 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(action: Action, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        for edit in apply(action, &chars) {
            out.extend(&chars[at..edit.at]);
            match edit.put {
                Put::Stars(count) => out.push_str(&"*".repeat(count)),
                Put::Text(text) => out.push_str(&text),
            }
            at = edit.at + edit.over;
        }
        out.extend(&chars[at..]);
        out
    }

    #[test]
    fn masks_have_the_shapes_people_expect_and_stay_as_they_are() {
        for (action, text, expected) in [
            (
                Action::Keep { head: 3, tail: 4 },
                "13800138000",
                "138****8000",
            ),
            (Action::Keep { head: 6, tail: 4 }, "E1234", "***34"),
            (Action::Line { tail: 4 }, "010-62345678", "010-****5678"),
            (Action::Line { tail: 4 }, "075583334444", "0755****4444"),
            (Action::Line { tail: 4 }, "62345678", "****5678"),
            (Action::Hide { tail: 2 }, "京A12345", "京A123**"),
            (Action::Local { head: 1 }, "zhang@qq.com", "z***@qq.com"),
            (Action::Surname, "张三", "张*"),
            (Action::Surname, "欧阳娜娜", "欧阳**"),
            (Action::Surname, "李", "*"),
            (Action::Hidden, "张三丰", "**"),
            (
                Action::District,
                "北京市海淀区中关村大街1号",
                "北京市海淀区****",
            ),
            (
                Action::District,
                "广东省深圳市南山区科技园",
                "广东省深圳市南山区****",
            ),
            (
                Action::District,
                "江苏省苏州市昆山市花桥镇",
                "江苏省苏州市昆山市****",
            ),
            (
                Action::District,
                "内蒙古自治区呼和浩特市新城区1号",
                "内蒙古自治区呼和浩特市新城区****",
            ),
            (Action::District, "海淀区中关村", "海淀区****"),
            (Action::District, "1 Main Street", "***"),
            (Action::City, "北京市海淀区中关村大街1号", "北京市****"),
            (Action::City, "海淀区中关村", "***"),
            (Action::Groups { count: 3 }, "10.1.2.3", "10.1.2.*"),
            (Action::Groups { count: 2 }, "10.1.2.3", "10.1.*.*"),
            (
                Action::Groups { count: 3 },
                "00:1A:2B:3C:4D:5E",
                "00:1A:2B:*:*:*",
            ),
            (
                Action::Groups { count: 3 },
                "2001:db8:85a3::8a2e:370:7334",
                "2001:db8:*",
            ),
            (Action::Groups { count: 3 }, "fe80::1", "fe80:*"),
            (Action::Digits { keep: 4 }, "1990-03-07", "1990-**-**"),
            (Action::Digits { keep: 4 }, "1990年3月7日", "1990年*月*日"),
            (Action::Digits { keep: 0 }, "19900307", "********"),
            (Action::Digits { keep: 4 }, "07/03/1990", "**/**/1990"),
            (Action::Digits { keep: 0 }, "07/03/1990", "**/**/****"),
            (Action::Groups { count: 3 }, "001a.2b3c.4d5e", "001a.*.*"),
            (Action::Round { places: 2 }, "39°54'57.5\"N", "***"),
            (
                Action::Round { places: 2 },
                "39.916527,116.397128",
                "39.91,116.39",
            ),
            (Action::Band, "36", "30-39"),
            (Action::Remove, "36", ""),
            (Action::Drop, "36", "***"),
        ] {
            let once = masked(action, text);
            assert_eq!(once, expected, "{action:?} {text}");
            if action != Action::Band && !matches!(action, Action::Groups { .. }) {
                assert_eq!(masked(action, &once), once, "{action:?} {text} twice");
            }
        }
    }
}
