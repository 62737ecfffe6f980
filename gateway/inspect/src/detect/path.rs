//! Path traversal: steps upwards, however the separators are written.

use super::Match;
use crate::rules;
use crate::text::steps::count;
use crate::text::{Ahead, at, find, is_space, is_word, rest, skip, span};
use crate::verdict::Spot;

/// Bytes of a link of a page that are read. Chosen: browsers and servers take no longer ones everywhere.
const LONGEST_LINK: usize = 2048;

/// Searches a lower-case value.
pub(super) fn detect(value: &[u8], spot: Spot<'_>, found: &mut impl FnMut(Match)) {
    let mut i = 0;
    let mut steps = 0;
    let mut first = 0;
    let mut named = [Ahead::of(b"etc"), Ahead::of(b"win")];
    let mut told = None;
    while let Some(start) = find(value, i, b"..") {
        let end = skip(value, start, |b| b == b'.');
        i = end;
        let separator = separator(value, end);
        let led = start == 0
            || matches!(
                at(value, start - 1),
                b'/' | b'\\'
                    | b'='
                    | b';'
                    | b':'
                    | b'"'
                    | b'\''
                    | b' '
                    | b','
                    | b'('
                    | b'f'
                    | b'c'
                    | b'5'
            )
            || !is_word(at(value, start - 1));
        if !led
            || separator == 0
                && !(end >= value.len()
                    && start > 0
                    && matches!(at(value, start - 1), b'/' | b'\\'))
        {
            // `.............................etc`: dots in such numbers are no ellipsis.
            if end - start >= 12
                && value.len() > end
                && is_word(at(value, end))
                && span(value, 0, start)
                    .iter()
                    .all(|b| matches!(b, b'/' | b'\\'))
            {
                found((&rules::PATH_TRAVERSAL, start, end));
            }
            continue;
        }
        if steps == 0 {
            first = start;
        }
        // An ellipsis before a slash is prose once; `....//` is a filter's opponent.
        steps += if end - start == 2 {
            1
        } else if end - start == 4 && separator > 1 {
            2
        } else {
            usize::from(start == 0 || matches!(at(value, start - 1), b'/' | b'\\'))
        };
        i = end + separator;
        let odd = at(value, end) == b'\\'
            || at(value, end) >= 0x80
            || separator > 2 && rest(value, end).starts_with(b"0x")
            || at(value, end) == b';'
            || at(value, end) == 0 && end < value.len();
        let decided = steps >= 2 || odd && steps >= 1 && start <= 1;
        // A path that code or a sentence names is no path that the value is.
        let mut stands_alone = || {
            steps >= 4
                || !*told.get_or_insert_with(|| {
                    let before = span(value, 0, first);
                    count(before.len());
                    before
                        .iter()
                        .any(|b| matches!(b, b'(' | b'<' | b'{') || is_space(*b))
                })
                || named.iter_mut().any(|name| name.from(value, i).is_some())
        };
        let page = || matches!(spot, Spot::Xml(_)) && is_page(value, i);
        if decided && stands_alone() && !page() || matches!(spot, Spot::Path) && end - start == 2 {
            found((&rules::PATH_TRAVERSAL, first, i));
            return;
        }
    }
    if let Some(end) = system_file(value).filter(|_| !matches!(spot, Spot::Path)) {
        found((&rules::PATH_FILE, 0, end));
    }
    if let Some((from, to)) = broken_separator(value) {
        found((&rules::PATH_TRAVERSAL, from, to));
    }
    if steps == 1
        && !matches!(spot, Spot::Header(_))
        && !(matches!(spot, Spot::Json(_) | Spot::Xml(_)) && is_page(value, first + 3))
    {
        let rule = if first <= 1 && is_secret(value) {
            &rules::PATH_TRAVERSAL
        } else {
            &rules::PATH_PARENT
        };
        found((rule, first, first + 3));
    }
    if let Some((from, to)) = odd_file(value) {
        found((&rules::PATH_TRAVERSAL, from, to));
    }
    if let Some(start) = find(value, 0, b"0x2e0x2e")
        .or_else(|| find(value, 0, b"::$data"))
        .or_else(|| find(value, 0, b"/.//./").or_else(|| find(value, 0, b"/././.")))
    {
        found((&rules::PATH_TRAVERSAL, start, start + 8));
    }
}

/// `../config/database.yml`: one step up to what holds settings or keys.
fn is_secret(value: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 16] = [
        b".yml",
        b".yaml",
        b".env",
        b".conf",
        b".cnf",
        b".ini",
        b".properties",
        b".config",
        b".key",
        b".pem",
        b".log",
        b".sqlite",
        b".passwd",
        b".php",
        b"web.xml",
        b".bak",
    ];
    value.len() < 200
        && value.iter().all(|b| b.is_ascii_graphic())
        && ENDINGS.iter().any(|ending| value.ends_with(ending))
}

/// `…etc%bg%qfpasswd`: a known file whose parts stand between the same odd bytes as the steps before it.
fn odd_file(value: &[u8]) -> Option<(usize, usize)> {
    const FILES: [(&[u8], &[&[u8]]); 2] = [
        (b"etc", &[b"passwd", b"issue", b"shadow", b"hosts"]),
        (b"windows", &[b"system32", b"win.ini"]),
    ];
    const LONGEST: usize = 14;
    for (folder, files) in FILES {
        let Some(start) = find(value, 0, folder).filter(|start| *start > 0) else {
            continue;
        };
        let from = start + folder.len();
        for file in files {
            let Some(end) = find(span(value, 0, from + LONGEST + file.len()), from, file) else {
                continue;
            };
            let separator = span(value, from, end);
            let odd = !separator.is_empty()
                && !matches!(separator, b"." | b"-" | b"_" | b"," | b":" | b"/" | b"\\")
                && !separator.iter().any(|b| is_space(*b));
            if odd && span(value, 0, start).ends_with(separator) {
                return Some((start, end + file.len()));
            }
        }
    }
    None
}

/// `../../a/b.html`: a link of a page, which goes up as far as its folder is deep.
fn is_page(value: &[u8], from: usize) -> bool {
    let path = span(value, from, from.saturating_add(LONGEST_LINK));
    let path = span(path, 0, skip(path, 0, |b| !matches!(b, b'?' | b'#')));
    [
        &b".html"[..],
        b".css",
        b".js",
        b".png",
        b".jpg",
        b".svg",
        b".gif",
        b".md",
        b".rs",
        b".woff2",
    ]
    .iter()
    .any(|ending| path.ends_with(ending))
        && find(path, 0, b"..").is_none_or(|at| at == 0 || path.get(at - 1) == Some(&b'/'))
}

/// Whole values that are the absolute path of a file of the system or of a server on it.
fn system_file(value: &[u8]) -> Option<usize> {
    if value.len() > 200 {
        return None;
    }
    let end = value.iter().position(|&b| b == 0).unwrap_or(value.len());
    let path = span(value, 0, end);
    let plain =
        |b: &u8| is_word(*b) || matches!(b, b'/' | b'.' | b'-' | b'\\' | b':' | b' ' | b'(' | b')');
    if !path.iter().all(plain) {
        return None;
    }
    const FOLDERS: [&[u8]; 12] = [
        b"/etc/",
        b"/proc/",
        b"/root/",
        b"/var/log/",
        b"/var/adm/",
        b"/var/run/",
        b"/var/lib/",
        b"/usr/local/",
        b"/usr/lib/",
        b"/opt/",
        b"/sys/",
        b"/boot/",
    ];
    const SERVERS: [&[u8]; 14] = [
        b"programdata",
        b"vmware",
        b"apache",
        b"xampp",
        b"wamp",
        b"mysql",
        b"php",
        b"inetpub",
        b"windows",
        b"winnt",
        b"system32",
        b"nginx",
        b"tomcat",
        b"filezilla",
    ];
    const FILES: [&[u8]; 17] = [
        b".log",
        b".ini",
        b".conf",
        b".cnf",
        b".err",
        b".dat",
        b".bat",
        b".sys",
        b".xml",
        b".passwd",
        b"_log",
        b".htm",
        b".inf",
        b".config",
        b"passwd",
        b".properties",
        b".sam",
    ];
    // What the kernel tells of the machine; applications have folders of this name, too.
    const KERNEL: [&[u8]; 24] = [
        b"buddyinfo",
        b"cgroups",
        b"config.gz",
        b"crypto",
        b"devices",
        b"diskstats",
        b"filesystems",
        b"interrupts",
        b"iomem",
        b"ioports",
        b"kallsyms",
        b"kcore",
        b"keys",
        b"loadavg",
        b"locks",
        b"mdstat",
        b"meminfo",
        b"misc",
        b"modules",
        b"partitions",
        b"stat",
        b"swaps",
        b"uptime",
        b"vmstat",
    ];
    let kernel = path
        .strip_prefix(b"/proc/")
        .is_some_and(|name| KERNEL.contains(&name));
    let file = FILES.iter().any(|end| path.ends_with(end));
    let unix = kernel
        || path.starts_with(b"/etc/") && !path.contains(&b' ')
        || path.starts_with(b"/logs/") && file
        || FOLDERS.iter().any(|folder| path.starts_with(folder)) && file
        || path.starts_with(b"/var/adm/");
    let windows = at(path, 0).is_ascii_lowercase()
        && at(path, 1) == b':'
        && matches!(at(path, 2), b'/' | b'\\')
        && file
        && (SERVERS.iter().any(|server| find(path, 0, server).is_some())
            || path.ends_with(b"log")
            || path.ends_with(b".ini"))
        && [&b"fakepath"[..], b"users"]
            .iter()
            .all(|word| find(path, 0, word).is_none());
    (unix || windows).then_some(end)
}

/// Steps whose separator no decoder understands but some file system might: `..%c0%qf..%c0%qf`.
fn broken_separator(value: &[u8]) -> Option<(usize, usize)> {
    let mut before: Option<(usize, &[u8])> = None;
    let mut i = 0;
    while let Some(start) = find(value, i, b"..") {
        let end = start + 2;
        i = end;
        let lead = at(value, end);
        if matches!(lead, 0xc0 | 0xc1) && at(value, end + 1) < 0x80 {
            return Some((start, end + 2));
        }
        let next = find(span(value, 0, end + 14), end, b"..");
        let gap = next.map(|next| span(value, end, next)).unwrap_or_default();
        let odd = gap.iter().any(|b| matches!(b, b'/' | b'\\' | b'%'))
            || matches!(gap, b"2f" | b"5c" | b"2f." | b"%2f" | b"u2215" | b"u2216");
        match before {
            Some((first, known)) if odd && known == gap => return Some((first, end)),
            _ => before = odd.then_some((start, gap)),
        }
    }
    None
}

/// Returns the length of the separator at `i`, or zero.
fn separator(value: &[u8], i: usize) -> usize {
    let tail = rest(value, i);
    for written in [
        &b"0x2f"[..],
        b"0x5c",
        b"%2f",
        b"%5c",
        b"%c0%af",
        b"%c1%9c",
        b";/",
        b"\0/",
        b"%00/",
        b"?/",
        "\u{2215}".as_bytes(),
        "\u{2216}".as_bytes(),
        "\u{efc8}".as_bytes(),
        "\u{f025}".as_bytes(),
        b"%u2215",
        b"%u2216",
        b"c0af",
    ] {
        if tail.starts_with(written) {
            return written.len();
        }
    }
    skip(value, i, |b| matches!(b, b'/' | b'\\')) - i
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(value: &str) -> u32 {
        let mut score = 0;
        detect(value.as_bytes(), Spot::Query(b"f"), &mut |(rule, _, _)| {
            score = score.max(rule.score)
        });
        score
    }

    #[test]
    fn steps_upwards_are_seen_in_every_spelling() {
        for value in [
            "../../x",
            "..\\..\\x",
            "/../../x",
            "....//....//x",
            "..;/..;/x",
            "..0x2f..0x2fx",
            "a/../../b",
            "/.//.//./x",
            "..\\x",
            "0x2e0x2e0x5c",
        ] {
            assert!(score(value) >= 5, "missed: {value}");
        }
        assert_eq!(score("../images/a.png"), 2);
        assert_eq!((score("/proc/meminfo"), score("/proc/list")), (5, 0));
    }

    #[test]
    fn an_ellipsis_is_not_a_step() {
        for value in [
            "wait...",
            "and so on.../or not",
            "1..5",
            "a..b/c",
            "等等....../",
            "v1.2.3/x",
            "http://a.b/c",
            "./a",
        ] {
            assert!(score(value) < 5, "flagged: {value}");
        }
    }
}
