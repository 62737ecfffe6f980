//! A word in the place of a command, read as a shell reads it.

use crate::text::{at, is_space, is_word, rest, skip, span};

/// A word in the place of a command that names a program.
pub(super) struct Command {
    pub(super) from: usize,
    pub(super) to: usize,
    name: Name,
    arguments: Arguments,
    /// Named by a path.
    pub(super) path: bool,
    /// Nothing but a separator or the end follows.
    pub(super) last: bool,
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
    pub(super) fn read(value: &[u8], i: usize) -> Option<Self> {
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
                // The shell of Windows drops its mark: `w^hoami`.
                b'^' if to > from || is_word(at(value, to + 1)) => {}
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
        let ambiguous = is_word_of_prose(name);
        if !ambiguous && !is_program(name) {
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
            && (a == b'-'
                && b.is_ascii_alphanumeric()
                && !is_no_flag(ambiguous, name, value, next)
                || a == b'/' && (is_word(b) || b == b'?')
                || a == b'~'
                || name == b"net"
                    && [&b"user"[..], b"localgroup", b"view", b"share", b"use "]
                        .iter()
                        .any(|verb| rest(value, next).starts_with(verb))
                || name == b"reg" && rest(value, next).starts_with(b"add")
                || name == b"type" && b == b':'
                || name == b"chmod" && matches!(a, b'+' | b'0'..=b'9')
                || name == b"which" && is_program(span(value, next, skip(value, next, is_word)))
                || is_redirected(name, value, next)
                || a == b'.' && matches!(b, b'/' | b'.')
                || address
                || rest(value, next).starts_with(b"http")
                || b == b':' && at(value, next + 2) == b'/'
                || b == b':' && at(value, next + 2) == b'\\'
                || b == b':' && name == b"dir")
            || matches!(a, b'>' | b'<') && !matches!(b, b'/' | b'b' | b'p')
            || a == b'>'
                && [
                    &b">/tmp/"[..],
                    b">/var/",
                    b">/dev/",
                    b">/etc/",
                    b">/root",
                    b">/home",
                ]
                .iter()
                .any(|target| rest(value, next).starts_with(target));
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

    pub(super) fn ambiguous(&self) -> bool {
        self.name == Name::Word
    }

    pub(super) fn argued(&self) -> bool {
        self.arguments != Arguments::Plain
    }

    pub(super) fn telling(&self) -> bool {
        self.arguments == Arguments::Telling
    }

    /// Says whether the name is one that nobody writes who does not mean the program.
    pub(super) fn is_unmistakable(&self, value: &[u8]) -> bool {
        matches!(
            span(value, self.from, self.to),
            b"whoami"
                | b"ifconfig"
                | b"ipconfig"
                | b"netstat"
                | b"uname"
                | b"systeminfo"
                | b"sysinfo"
                | b"tasklist"
                | b"printenv"
        )
    }

    /// `;read;`: nothing but a name between separators.
    pub(super) fn is_enclosed(&self, value: &[u8]) -> bool {
        self.last && self.to + 1 == value.len() && matches!(at(value, self.to), b';' | b'|' | b'&')
    }

    /// `A | cat pictures`: a bar with blanks around it and a sentence behind.
    pub(super) fn is_pipe_in_prose(&self, value: &[u8], start: usize) -> bool {
        !self.argued() && !self.last && start > 0 && is_space(at(value, start - 1))
            || self.ambiguous() && !self.argued() && start > 0
    }
}

/// `echo x > /tmp/y`: what a word of prose is followed by when it is a command after all.
fn is_redirected(name: &[u8], value: &[u8], next: usize) -> bool {
    if !matches!(name, b"echo" | b"print" | b"printf" | b"cat") {
        return false;
    }
    let tail = span(value, next, next + 400);
    let mut i = 0;
    while let Some(arrow) = tail
        .get(i..)
        .and_then(|t| t.iter().position(|b| *b == b'>'))
    {
        let target = skip(tail, i + arrow + 1, |b| is_space(b) || b == b'>');
        if matches!(at(tail, target), b'/' | b'~')
            || at(tail, target + 1) == b':' && at(tail, target + 2) == b'\\'
        {
            return true;
        }
        i += arrow + 1;
    }
    false
}

/// `sort -count` in the language of a search: such programs have flags of one letter, but for a few.
fn is_no_flag(ambiguous: bool, name: &[u8], value: &[u8], next: usize) -> bool {
    let flag = skip(value, next + 1, is_word) - next - 1;
    ambiguous
        && flag > 3
        && matches!(
            name,
            b"sort"
                | b"head"
                | b"tail"
                | b"cut"
                | b"date"
                | b"time"
                | b"host"
                | b"type"
                | b"test"
                | b"set"
        )
}

/// Says whether a word is the name of a program that prose does not speak of.
pub(super) fn is_program(name: &[u8]) -> bool {
    is_listed(&PROGRAMS, name)
}

/// Says whether a word is the name of a program and a word of prose.
pub(super) fn is_word_of_prose(name: &[u8]) -> bool {
    is_listed(&WORDS, name)
}

/// Says whether a word is in a sorted list. Hostile values ask thousands of times: only words with the same first
/// letter are compared, and of these only those of the same length.
fn is_listed(list: &[&[u8]], name: &[u8]) -> bool {
    let Some(first) = name.first() else {
        return false;
    };
    let from = list.partition_point(|word| word.first() < Some(first));
    list.iter()
        .skip(from)
        .take_while(|word| word.first() == Some(first))
        .any(|word| *word == name)
}

/// Programs whose names are no words of prose, sorted.
const PROGRAMS: [&[u8]; 125] = [
    b"adduser",
    b"apt-get",
    b"arp",
    b"arp.exe",
    b"attrib",
    b"awk",
    b"base64",
    b"bash",
    b"bash.exe",
    b"bitsadmin",
    b"busybox",
    b"cat",
    b"certutil",
    b"certutil.exe",
    b"chmod",
    b"chown",
    b"cmd.exe",
    b"cmdkey",
    b"crontab",
    b"cscript",
    b"csh",
    b"curl",
    b"curl.exe",
    b"dig",
    b"dir",
    b"diskshadow",
    b"dmesg",
    b"egrep",
    b"env",
    b"findstr",
    b"ftp",
    b"gdb",
    b"grep",
    b"hexdump",
    b"icacls",
    b"id",
    b"ifconfig",
    b"ifdata",
    b"ipconfig",
    b"ipconfig.exe",
    b"ipcs",
    b"iptables",
    b"killall",
    b"ksh",
    b"kubectl",
    b"lastlog",
    b"ls",
    b"lsb_release",
    b"lsof",
    b"mkdir",
    b"mkfifo",
    b"mknod",
    b"mshta",
    b"msiexec",
    b"msiexec.exe",
    b"nc",
    b"nc.exe",
    b"ncat",
    b"ncat.exe",
    b"net.exe",
    b"netcat",
    b"netsh",
    b"netstat",
    b"netstat.exe",
    b"nmap",
    b"nohup",
    b"nslookup",
    b"nslookup.exe",
    b"passwd.exe",
    b"phpinfo",
    b"ping",
    b"ping.exe",
    b"ping6",
    b"pkill",
    b"powershell",
    b"powershell.exe",
    b"printenv",
    b"ps",
    b"pwd",
    b"pwsh",
    b"quser",
    b"regsvr32",
    b"regsvr32.exe",
    b"rm",
    b"rmdir",
    b"rundll32",
    b"rundll32.exe",
    b"rvim",
    b"schtasks",
    b"scp",
    b"sed",
    b"sh",
    b"socat",
    b"ssh",
    b"strace",
    b"sudo",
    b"sysinfo",
    b"systemctl",
    b"systeminfo",
    b"tac",
    b"taskkill",
    b"tasklist",
    b"tasklist.exe",
    b"telnet",
    b"tftp",
    b"traceroute",
    b"tracert",
    b"umount",
    b"uname",
    b"useradd",
    b"userdel",
    b"usermod",
    b"usleep",
    b"visudo",
    b"vssadmin",
    b"wget",
    b"whoami",
    b"whoami.exe",
    b"wmic",
    b"wmic.exe",
    b"wscript",
    b"xargs",
    b"xterm",
    b"xxd",
    b"zsh",
];
/// Programs whose names are words, sorted: they count with arguments that no sentence has.
const WORDS: [&[u8]; 74] = [
    b"cd",
    b"cmd",
    b"copy",
    b"cp",
    b"cut",
    b"dash",
    b"date",
    b"del",
    b"docker",
    b"echo",
    b"eval",
    b"exec",
    b"export",
    b"find",
    b"gcc",
    b"groups",
    b"gzip",
    b"head",
    b"host",
    b"hostname",
    b"ip",
    b"java",
    b"kill",
    b"last",
    b"less",
    b"ln",
    b"lua",
    b"more",
    b"mount",
    b"mv",
    b"net",
    b"nl",
    b"node",
    b"npm",
    b"openssl",
    b"passwd",
    b"perl",
    b"php",
    b"pip",
    b"print",
    b"printf",
    b"python",
    b"python2",
    b"python3",
    b"read",
    b"reboot",
    b"reg",
    b"rev",
    b"route",
    b"rsync",
    b"ruby",
    b"set",
    b"shutdown",
    b"sleep",
    b"sort",
    b"source",
    b"start",
    b"strings",
    b"tail",
    b"tar",
    b"tee",
    b"test",
    b"time",
    b"touch",
    b"tr",
    b"type",
    b"ver",
    b"vi",
    b"w",
    b"wc",
    b"which",
    b"who",
    b"yum",
    b"zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_as_the_search_in_them_needs() {
        assert!(PROGRAMS.is_sorted() && WORDS.is_sorted());
    }
}
