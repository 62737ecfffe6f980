//! Who has which role, as each reference finds out.

use std::collections::{HashMap, HashSet, VecDeque};

use super::extras::Matching;
use crate::{Said, said};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// A link from a member to a role, with the window of time in which it holds.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) member: Box<str>,
    pub(crate) role: Box<str>,
    pub(crate) domain: Box<str>,
    pub(crate) holds: Holds,
    pub(crate) file: usize,
    pub(crate) line: u32,
}

/// When a link holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Always,
    Never,
    /// Behind the first and before the second, in seconds since 1970.
    Between(Option<i64>, Option<i64>),
}

impl Holds {
    fn at(self, now: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Between(start, end) => {
                start.is_none_or(|start| now > start) && end.is_none_or(|end| now < end)
            }
        }
    }
}

/// The role graph of one section in Go: a graph for each domain, levels counted, patterns where they were
/// asked for.
#[derive(Debug, Default)]
pub(crate) struct GoLinks {
    domains: Map<Box<str>, GoGraph>,
    pub(crate) role_matching: Option<Matching>,
    pub(crate) domain_matching: Option<Matching>,
}

#[derive(Debug, Default)]
struct GoGraph {
    links: Map<Box<str>, Vec<(Box<str>, Holds)>>,
    names: Vec<Box<str>>,
    known: HashSet<Box<str>, foldhash::quality::RandomState>,
}

impl GoGraph {
    fn know(&mut self, name: &str) {
        if self.known.insert(name.into()) {
            self.names.push(name.into());
        }
    }

    fn add(&mut self, link: &Link) {
        self.know(&link.member);
        self.know(&link.role);
        let roles = self.links.entry(link.member.clone()).or_default();
        match roles.iter_mut().find(|(role, _)| *role == link.role) {
            Some((_, holds)) => *holds = link.holds,
            None => roles.push((link.role.clone(), link.holds)),
        }
    }
}

/// Most links between a member and a role that Go follows.
const GO_DEPTH: usize = 10;

impl GoLinks {
    /// Files the links; with a domain matching function, those of every domain that a domain matches are its
    /// own as well.
    pub(crate) fn build(&mut self, links: &[Link]) {
        for link in links {
            self.domains
                .entry(link.domain.clone())
                .or_default()
                .add(link);
        }
        let Some(matching) = self.domain_matching else {
            return;
        };
        let domains: Vec<Box<str>> = self.domains.keys().cloned().collect();
        for domain in &domains {
            let wider =
                |link: &&Link| link.domain != *domain && matching.holds(domain, &link.domain);
            let taken: Vec<&Link> = links.iter().filter(wider).collect();
            if let Some(graph) = self.domains.get_mut(domain) {
                taken.into_iter().for_each(|link| graph.add(link));
            }
        }
    }

    /// Whether a member has a role.
    pub(crate) fn has(&self, member: &str, role: &str, domain: &str, now: i64) -> bool {
        let like = |name: &str, pattern: &str| {
            name == pattern
                || self
                    .role_matching
                    .is_some_and(|matching| matching.holds(name, pattern))
        };
        if like(member, role) {
            return true;
        }
        let graphs: Vec<&GoGraph> = match (self.domains.get(domain), self.domain_matching) {
            (Some(graph), _) => vec![graph],
            (None, Some(matching)) => {
                let fits = |(name, graph)| matching.holds(domain, name).then_some(graph);
                self.domains
                    .iter()
                    .map(|(name, graph)| (&**name, graph))
                    .filter_map(fits)
                    .collect()
            }
            (None, None) => return false,
        };
        let mut here: Vec<&str> = vec![member];
        for _ in 0..=GO_DEPTH {
            if here.iter().any(|name| like(name, role)) {
                return true;
            }
            let mut next = Vec::new();
            for name in &here {
                self.follow(&graphs, name, role, now, &mut next);
            }
            next.sort_unstable();
            next.dedup();
            if next.is_empty() {
                return false;
            }
            here = next;
        }
        false
    }

    /// The roles one link on: a name's own, what matches these as patterns, and those of patterns that the
    /// name matches.
    fn follow<'l>(
        &'l self,
        graphs: &[&'l GoGraph],
        name: &str,
        target: &'l str,
        now: i64,
        next: &mut Vec<&'l str>,
    ) {
        for graph in graphs {
            let direct = |name: &str| {
                let links = graph.links.get(name).map_or(&[] as &[_], Vec::as_slice);
                links
                    .iter()
                    .filter(|(_, holds)| holds.at(now))
                    .map(|(role, _)| &**role)
            };
            next.extend(direct(name));
            let Some(matching) = self.role_matching else {
                continue;
            };
            for pattern in direct(name) {
                let names = graph.names.iter().map(|name| &**name).chain([target]);
                next.extend(names.filter(|name| *name != pattern && matching.holds(name, pattern)));
            }
            for pattern in graph.names.iter().filter(|pattern| ***pattern != *name) {
                if matching.holds(name, pattern) {
                    next.extend(direct(pattern));
                }
            }
        }
    }
}

/// A member and role of a link that closes a cycle, if there is one; domains apart.
pub(crate) fn cycle(links: &[Link]) -> Option<usize> {
    let mut out: Map<(&str, &str), Vec<&str>> = Map::default();
    for (at, link) in links.iter().enumerate() {
        // Whether the member can be reached from the role already.
        let mut open = vec![&*link.role];
        let mut seen: HashSet<&str, foldhash::quality::RandomState> = HashSet::default();
        while let Some(name) = open.pop() {
            if name == &*link.member {
                return Some(at);
            }
            if seen.insert(name) {
                open.extend(out.get(&(name, &*link.domain)).into_iter().flatten());
            }
        }
        out.entry((&link.member, &link.domain))
            .or_default()
            .push(&link.role);
    }
    None
}

/// The roles of each name.
type RolesOf = Map<Box<str>, Vec<Box<str>>>;

/// The one role graph of the crate, which all sections share.
#[derive(Debug, Default)]
pub(crate) struct CrateLinks {
    domains: Map<Box<str>, RolesOf>,
}

/// The domain of sections that have none.
const NO_DOMAIN: &str = "DEFAULT";

/// Levels that the crate visits, the member's own included; a level ends when nothing waits.
const CRATE_DEPTH: usize = 10;

impl CrateLinks {
    pub(crate) fn add(&mut self, member: &str, role: &str, domain: Option<&str>) {
        let graph = self
            .domains
            .entry(domain.unwrap_or(NO_DOMAIN).into())
            .or_default();
        graph.entry(role.into()).or_default();
        let roles = graph.entry(member.into()).or_default();
        if !roles.iter().any(|known| **known == *role) {
            roles.push(role.into());
        }
    }

    /// Whether a member has a role. The depth is counted as the crate does: only when the queue runs empty.
    pub(crate) fn has(&self, member: &str, role: &str, domain: Option<&str>) -> bool {
        if member == role {
            return true;
        }
        let Some(graph) = self.domains.get(domain.unwrap_or(NO_DOMAIN)) else {
            return false;
        };
        let Some((start, _)) = graph.get_key_value(member) else {
            return false;
        };
        let mut queue: VecDeque<&str> = VecDeque::from([&**start]);
        let mut seen: HashSet<&str, foldhash::quality::RandomState> =
            HashSet::from_iter([&**start]);
        let mut depth = 0;
        while depth < CRATE_DEPTH {
            let Some(name) = queue.pop_front() else {
                return false;
            };
            if queue.is_empty() {
                depth += 1;
            }
            if name == role {
                return true;
            }
            // The newest link is followed first.
            for next in graph.get(name).into_iter().flatten().rev() {
                if seen.insert(next) {
                    queue.push_back(next);
                }
            }
        }
        false
    }
}

/// Seconds since 1970 of `YYYY-MM-DD hh:mm:ss`, which is read as UTC; `_` is open.
///
/// # Errors
///
/// Texts of another shape.
pub(crate) fn moment(text: &str) -> Result<Option<i64>, Said> {
    if text == "_" {
        return Ok(None);
    }
    let wrong = || {
        said!(
            "`{text}` is no time; write `YYYY-MM-DD hh:mm:ss` or `_`",
            "`{text}` 不是时间；写成 `YYYY-MM-DD hh:mm:ss` 或 `_`"
        )
    };
    let numbers: Option<Vec<i64>> = text
        .split(['-', ' ', ':'])
        .map(|part| {
            part.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| part.parse().ok())
                .flatten()
        })
        .collect();
    let (Some(numbers), 19) = (numbers, text.len()) else {
        return Err(wrong());
    };
    let [year, month, day, hour, minute, second] = numbers.as_slice() else {
        return Err(wrong());
    };
    let ranges = [
        (*month, 1, 12),
        (*day, 1, 31),
        (*hour, 0, 23),
        (*minute, 0, 59),
        (*second, 0, 59),
    ];
    if ranges
        .iter()
        .any(|(value, low, high)| value < low || value > high)
    {
        return Err(wrong());
    }
    // Days since 1970 of the proleptic Gregorian calendar, with years that begin in March.
    let shifted = year - i64::from(*month <= 2);
    let (era, within) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + within * 365 + within / 4 - within / 100 + of_year - 719_468;
    Ok(Some(((days * 24 + hour) * 60 + minute) * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds_since_1970() {
        for (text, expected) in [
            ("1970-01-01 00:00:00", 0),
            ("2000-02-29 12:00:01", 951_825_601),
            ("2026-11-22 08:00:00", 1_795_334_400),
        ] {
            assert_eq!(moment(text).unwrap(), Some(expected), "{text}");
        }
        assert_eq!(moment("_").unwrap(), None);
        for wrong in [
            "",
            "2000-13-01 00:00:00",
            "2000-01-01",
            "2000-01-01 00:00:60",
            "+000-01-01 00:00:00",
        ] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_reference_has_its_own_depth() {
        let chain = |length: usize| -> Vec<Link> {
            (0..length)
                .map(|at| Link {
                    member: format!("n{at}").into(),
                    role: format!("n{}", at + 1).into(),
                    domain: "".into(),
                    holds: Holds::Always,
                    file: 0,
                    line: 1,
                })
                .collect()
        };
        for (length, go, rs) in [
            (1, true, true),
            (9, true, true),
            (10, true, false),
            (11, false, false),
        ] {
            let links = chain(length);
            let (mut of_go, mut of_rs) = (GoLinks::default(), CrateLinks::default());
            of_go.build(&links);
            links
                .iter()
                .for_each(|link| of_rs.add(&link.member, &link.role, None));
            let role = format!("n{length}");
            assert_eq!(of_go.has("n0", &role, "", 0), go, "{length}");
            assert_eq!(of_rs.has("n0", &role, None), rs, "{length}");
        }
    }

    #[test]
    fn a_cycle_is_found_at_the_link_that_closes_it() {
        let link = |member: &str, role: &str, domain: &str| Link {
            member: member.into(),
            role: role.into(),
            domain: domain.into(),
            holds: Holds::Always,
            file: 0,
            line: 1,
        };
        let open = [
            link("a", "b", "x"),
            link("b", "c", "x"),
            link("c", "a", "y"),
        ];
        assert_eq!(cycle(&open), None);
        let closed = [
            link("a", "b", "x"),
            link("b", "c", "x"),
            link("c", "a", "x"),
        ];
        assert_eq!(cycle(&closed), Some(2));
    }
}
