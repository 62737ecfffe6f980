//! Programs that look for weaknesses: by the name they give, and by what they ask for.

use aho_corasick::AhoCorasick;

use super::Match;
use super::literal::automaton;
use crate::rules;
use crate::text::{at, find, rest, span};

mod table;

use table::{AGENTS, ARCHIVES, FILES, GUESSES, PROBES};

/// The names of all of them, in two automata that are built once.
pub(crate) struct Scanners {
    agents: AhoCorasick,
    paths: AhoCorasick,
}

impl Scanners {
    /// Builds the automata.
    pub(crate) fn new() -> Self {
        Self {
            agents: automaton(AGENTS),
            paths: automaton(&[PROBES, GUESSES].concat()),
        }
    }

    /// Looks for the name of a scanner in a header.
    pub(crate) fn agent(&self, value: &[u8], found: &mut impl FnMut(Match)) {
        if let Some(hit) = self.agents.find(value) {
            found((&rules::SCANNER_AGENT, hit.start(), hit.end()));
        }
    }

    /// Looks for a probe in a decoded path.
    pub(crate) fn path(&self, value: &[u8], found: &mut impl FnMut(Match)) {
        if is_shared_code(value) {
            return;
        }
        let mut guess = None;
        for hit in self.paths.find_overlapping_iter(value) {
            let (from, to) = (hit.start(), hit.end());
            if hit.pattern().as_usize() >= PROBES.len() {
                guess = guess.or(Some((from, to)));
            } else if to - from > 5
                || at(value, to - 1) == b'/'
                || !at(value, to).is_ascii_alphanumeric()
            {
                // `/.git` is a probe, `/.github` is a name.
                found((&rules::SCANNER_PROBE, from, to));
                return;
            }
        }
        if let Some(from) = backup(value).or_else(|| left_behind(value)) {
            found((&rules::SCANNER_PROBE, from, value.len()));
        } else if let Some((from, to)) = guess {
            found((&rules::SCANNER_GUESS, from, to));
        }
    }
}

/// Says whether a path is one of a site where people share code, which have files of every name.
fn is_shared_code(value: &[u8]) -> bool {
    [
        &b"/blob/"[..],
        b"/raw/",
        b"/tree/",
        b"/-/",
        b"/blame/",
        b"/commits/",
        b"/src/branch/",
        b"/repository/files/",
    ]
    .iter()
    .any(|word| find(value, 1, word).is_some())
}

/// A file of the site's own making, or an archive of it, at the root or in a folder of the root.
fn left_behind(value: &[u8]) -> Option<usize> {
    const PACKED: [&[u8]; 11] = [
        b".zip", b".rar", b".7z", b".tar", b".tar.gz", b".tgz", b".sql", b".sql.gz", b".bak",
        b".mdb", b".sqlite",
    ];
    let from = value.iter().rposition(|&b| b == b'/')?;
    let name = rest(value, from + 1);
    let depth = span(value, 0, from).iter().filter(|b| **b == b'/').count();
    if depth > 1 || name.is_empty() || name.len() > 64 {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let archived = PACKED.iter().any(|ending| {
        name.strip_suffix(*ending).is_some_and(|stem| {
            ARCHIVES.contains(&stem)
                || stem.starts_with(b"www.")
                || ending.starts_with(b".sql")
                    && matches!(
                        stem,
                        b"1" | b"data" | b"users" | b"test" | b"temp" | b"all" | b"sql"
                    )
        })
    });
    (archived || FILES.contains(&name.as_slice())).then_some(from)
}

/// A copy of a page that an editor or an administrator left behind: `/index.php.bak`.
fn backup(value: &[u8]) -> Option<usize> {
    const SOURCES: [&[u8]; 15] = [
        b".php", b".jsp", b".asp", b".aspx", b".inc", b".conf", b".yml", b".config", b".json",
        b".env", b".py", b".xml", b".js", b".ini", b".sql",
    ];
    const COPIES: [&[u8]; 13] = [
        b".bak", b".old", b".save", b".swp", b".swo", b".orig", b"~", b".copy", b".backup",
        b".tmp", b".1", b".bk", b".dist",
    ];
    let ends = |text: &[u8], end: &[u8]| {
        rest(text, text.len().saturating_sub(end.len())).eq_ignore_ascii_case(end)
    };
    let copy = COPIES.iter().find(|copy| ends(value, copy))?;
    let stem = span(value, 0, value.len() - copy.len());
    SOURCES
        .iter()
        .any(|source| ends(stem, source))
        .then_some(stem.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(text: &str) -> u32 {
        let mut score = 0;
        Scanners::new().path(text.as_bytes(), &mut |(rule, _, _)| {
            score = score.max(rule.score)
        });
        score
    }

    #[test]
    fn probes_are_told_from_pages() {
        assert_eq!(score("/.env"), 5);
        assert_eq!(score("/app/.git/config"), 5);
        assert_eq!(score("/index.php.bak"), 5);
        assert_eq!(score("/wp-login.php"), 3);
        assert_eq!(score("/wwwroot.zip"), 5);
        assert_eq!(score("/old/docker-compose.yml"), 5);
        for page in [
            "/",
            "/environment",
            "/.github",
            "/services/list",
            "/.well-known/openid-configuration",
            "/文件/备份.zip",
            "/api/v1/users",
            "/downloads/2024/reports/data.zip",
            "/group/project/raw/main/Dockerfile",
            "/environment/access",
            "/files/报告.sql",
            "/console",
        ] {
            assert_eq!(score(page), 0, "{page}");
        }
    }
}
