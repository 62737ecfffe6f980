//! Programs that look for weaknesses: by the name they give, and by what they ask for.

use aho_corasick::AhoCorasick;

use super::Match;
use super::literal::automaton;
use crate::rules;
use crate::text::{at, rest, span};

/// Names of scanners as they stand in `User-Agent`, lower case.
const AGENTS: [&[u8]; 62] = [
    b"sqlmap",
    b"nikto",
    b"nessus",
    b"nmap",
    b"masscan",
    b"zgrab",
    b"acunetix",
    b"netsparker",
    b"invicti",
    b"w3af",
    b"dirbuster",
    b"gobuster",
    b"wpscan",
    b"nuclei",
    b"havij",
    b"arachni",
    b"openvas",
    b"feroxbuster",
    b"fuzz faster",
    b"ffuf",
    b"thc-hydra",
    b"(hydra)",
    b"xray",
    b"awvs",
    b"appscan",
    b"burpsuite",
    b"burpcollaborator",
    b"fimap",
    b"jorgee",
    b"zmeu",
    b"morfeus",
    b"whatweb",
    b"commix",
    b"goby",
    b"fscan",
    b"dirsearch",
    b"wfuzz",
    b"skipfish",
    b"vega/",
    b"grabber",
    b"webinspect",
    b"qualys",
    b"jaeles",
    b"zaproxy",
    b"owasp zap",
    b"censysinspect",
    b"expanse",
    b"l9explore",
    b"l9tcpid",
    b"webshag",
    b"paros",
    b"bsqlbf",
    b"absinthe",
    b"sqlninja",
    b"pangolin",
    b"muieblackcat",
    b"blackwidow",
    b"interact.sh",
    b"burpcollab",
    b"oastify.com",
    b"evilginx",
    b"hakai",
];

/// What no portal serves and every scanner asks for.
const PROBES: [&[u8]; 64] = [
    b"/.env",
    b"/.git/",
    b"/.git",
    b"/.gitignore",
    b"/.svn/",
    b"/.hg/",
    b"/.aws/",
    b"/.ssh/",
    b"/.ds_store",
    b"/.htpasswd",
    b"/.htaccess",
    b"/.vscode/sftp",
    b"/.idea/",
    b"/.docker",
    b"/.npmrc",
    b"/.kube/",
    b"/.bash_history",
    b"/.config/",
    b"/id_rsa",
    b"/server-status",
    b"/server-info",
    b"/phpinfo",
    b"/info.php",
    b"/xmlrpc.php",
    b"/cgi-bin/",
    b"/vendor/phpunit",
    b"/hnap1",
    b"/boaform",
    b"/gponform",
    b"/_ignition/",
    b"/actuator/env",
    b"/actuator/heapdump",
    b"/actuator/gateway",
    b"/actuator/jolokia",
    b"/jolokia",
    b"/solr/admin",
    b"/manager/html",
    b"/invoker/",
    b"/jmx-console",
    b"/web-console/",
    b"/wls-wsat",
    b"/_async/",
    b"/struts2-",
    b"/druid/index",
    b"/nacos/v1/",
    b"/seeyon/",
    b"/weaver/",
    b"/public/index.php?s=",
    b"/think/app/",
    b"/invokefunction",
    b"/setup.cgi",
    b"/shell?cd",
    b"/eval-stdin",
    b"/wp-config",
    b"/config.php.bak",
    b"/backup.sql",
    b"/dump.sql",
    b"/database.sql",
    b"/db.sql",
    b"/backup.zip",
    b"/www.zip",
    b"/wwwroot.rar",
    b"/web.rar",
    b"/.well-known/../",
];

/// Products that some portals are made of, though few are.
const GUESSES: [&[u8]; 20] = [
    b"/wp-login",
    b"/wp-admin",
    b"/wp-content/plugins",
    b"/wp-includes",
    b"/phpmyadmin",
    b"/pma/",
    b"/mysqladmin",
    b"/adminer",
    b"/administrator/index.php",
    b"/console/login",
    b"/actuator",
    b"/swagger-ui",
    b"/telescope/requests",
    b"/owa/auth",
    b"/autodiscover",
    b"/remote/login",
    b"/dana-na",
    b"/nacos",
    b"/druid",
    b"/api/jsonws",
];

/// The names of all of them, in two automata that are built once.
pub(crate) struct Scanners {
    agents: AhoCorasick,
    paths: AhoCorasick,
}

impl Scanners {
    /// Builds the automata.
    pub(crate) fn new() -> Self {
        Self {
            agents: automaton(&AGENTS),
            paths: automaton(&[PROBES.as_slice(), GUESSES.as_slice()].concat()),
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
        if let Some(from) = backup(value) {
            found((&rules::SCANNER_PROBE, from, value.len()));
        } else if let Some((from, to)) = guess {
            found((&rules::SCANNER_GUESS, from, to));
        }
    }
}

/// A copy of a page that an editor or an administrator left behind: `/index.php.bak`.
fn backup(value: &[u8]) -> Option<usize> {
    const SOURCES: [&[u8]; 7] = [
        b".php", b".jsp", b".asp", b".aspx", b".inc", b".conf", b".yml",
    ];
    const COPIES: [&[u8]; 9] = [
        b".bak", b".old", b".save", b".swp", b".orig", b"~", b".copy", b".backup", b".tmp",
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
        for page in [
            "/",
            "/environment",
            "/.github",
            "/services/list",
            "/.well-known/openid-configuration",
            "/文件/备份.zip",
            "/api/v1/users",
        ] {
            assert_eq!(score(page), 0, "{page}");
        }
    }
}
