//! SQL injection: the value is read as it would stand bare, in single quotes and in double quotes, and the tokens
//! are searched for a continuation that makes sense in SQL. Prose has the words but not the grammar.

use crate::rules::{self, Rule};
use crate::text::{at, find_byte, trim};

mod anywhere;
mod escape;
mod grammar;
mod lexer;
mod statement;
mod words;

use anywhere::anywhere;
use grammar::Reader;
use lexer::Kind;
use words::Word;

/// What was seen, and the bytes that show it.
pub(super) type Match = (&'static Rule, usize, usize);

/// The score of what needs no other evidence beside it.
const SURE: u32 = 5;

/// The heaviest of what was seen, and of equals the first: nothing replaces what is sure.
#[derive(Default)]
struct Best(Option<Match>);

impl Best {
    fn keep(&mut self, m: Match) {
        if self.0.is_none_or(|known| known.0.score < m.0.score) {
            self.0 = Some(m);
        }
    }

    fn is_sure(&self) -> bool {
        self.0.is_some_and(|known| known.0.score >= SURE)
    }
}

/// Reads a lower-case value in its three contexts, up to what shows an attack.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    let mut best = Best::default();
    bare(&Reader::new(value, 0), &mut best);
    for quote in [b'\'', b'"'] {
        if best.is_sure() {
            break;
        }
        if let Some(end) = find_byte(value, 0, quote) {
            let apostrophe = end > 0
                && at(value, end - 1).is_ascii_alphabetic()
                && at(value, end + 1).is_ascii_alphabetic();
            let double = quote == b'"';
            broken(&Reader::new(value, end + 1), apostrophe, double, &mut best);
        }
    }
    if let Some(m) = best.0.or_else(|| escape::swallowed(value)) {
        found(m);
    }
}

/// Searches what follows the quote that closed the application's string.
fn broken(r: &Reader<'_>, apostrophe: bool, double: bool, best: &mut Best) {
    let first = r.opening();
    if r.is_quoted_sign(first) {
        return;
    }
    if !double && !apostrophe && r.continues(first) {
        best.keep((&rules::SQLI_OPERATOR, r.from(first), r.length()));
        return;
    }
    match r.kind(first) {
        Some(Kind::Comment) => {
            let tail = r.comment_body(first);
            let short = is_cut_off(tail);
            best.keep((
                if short && !(double && first == 0 && r.is_hash(first) && !tail.is_empty()) {
                    &rules::SQLI_COMMENT
                } else {
                    &rules::SQLI_HINT
                },
                r.from(first),
                r.end(first),
            ));
            if !r.has_more(first) {
                return;
            }
        }
        Some(Kind::Semicolon)
            if matches!(r.kind(first + 1), Some(Kind::Comment))
                && is_cut_off(r.comment_body(first + 1)) =>
        {
            best.keep((&rules::SQLI_COMMENT, r.from(first), r.end(first + 1)));
        }
        Some(Kind::Compare) => {
            let literal = match r.kind(first + 1) {
                Some(Kind::Text) => true,
                Some(Kind::OpenText) => !double || r.is_end(first + 2),
                _ => r
                    .operand(first + 1)
                    .is_some_and(|o| o.is_call() || o.is_query()),
            };
            if literal && !(double && first == 0 && r.kind(first + 1) != Some(Kind::Text)) {
                best.keep((
                    if double && first == 0 {
                        &rules::SQLI_HINT
                    } else {
                        &rules::SQLI_OPERATOR
                    },
                    r.from(first),
                    r.end(first + 1),
                ));
            }
        }
        Some(Kind::Word(Word::Compare)) if !apostrophe => {
            let next = r.skip_prefix(first + 1);
            if matches!(r.kind(next), Some(Kind::Text | Kind::Open | Kind::Number))
                || r.is_constant(next)
                || (!double && matches!(r.kind(next), Some(Kind::OpenText)))
            {
                best.keep((&rules::SQLI_OPERATOR, r.from(first), r.end(next)));
            }
        }
        Some(Kind::Word(Word::Prefix))
            if !apostrophe
                && r.kind(first + 1) == Some(Kind::Word(Word::Compare))
                && matches!(r.kind(first + 2), Some(Kind::OpenText | Kind::Text))
                && !double =>
        {
            best.keep((&rules::SQLI_OPERATOR, r.from(first), r.end(first + 2)));
        }
        Some(Kind::Ampersands)
            if first == 0
                && matches!(r.kind(1), Some(Kind::OpenText))
                && r.is_end(2)
                && !double =>
        {
            best.keep((&rules::SQLI_OPERATOR, r.from(0), r.end(1)));
        }
        Some(Kind::Bars | Kind::Arithmetic) => concatenation(r, first, double, best),
        Some(Kind::Word(Word::Name)) if first > 0 => {}
        Some(
            Kind::Close
            | Kind::Semicolon
            | Kind::Comma
            | Kind::Ampersands
            | Kind::Word(
                Word::Logic
                | Word::Union
                | Word::Where
                | Word::Having
                | Word::Sort
                | Word::Limit
                | Word::Into
                | Word::Procedure
                | Word::As
                | Word::From
                | Word::Operator
                | Word::When,
            ),
        ) => {}
        Some(Kind::Open | Kind::Word(Word::Select | Word::Statement | Word::Values))
            if !apostrophe => {}
        _ => return,
    }
    let mut i = first;
    while !best.is_sure() && !r.is_end(i) {
        clause(r, i, Some(apostrophe), double, best);
        anywhere(r, i, best);
        i += 1;
    }
}

/// Says whether a comment does nothing but end the statement: `'#s` and `'--status'` are parts of something else.
fn is_cut_off(comment: &[u8]) -> bool {
    trim(comment).len() <= 12 && !comment.first().is_some_and(u8::is_ascii_alphanumeric)
}

/// `'||'`, `'+(select …)`, `'-sleep(1)-'`.
fn concatenation(r: &Reader<'_>, i: usize, double: bool, best: &mut Best) {
    let bars = r.kind(i) == Some(Kind::Bars);
    let Some(operand) = r.operand(i + 1) else {
        return;
    };
    let computed = operand.is_call() || operand.is_query();
    let joined = bars && (operand.is_text() || operand.is_number());
    if computed || joined && !(double && r.kind(i + 1) == Some(Kind::OpenText)) {
        best.keep((&rules::SQLI_OPERATOR, r.from(i), r.end(operand.last)));
    } else if operand.is_text() && !double {
        // `'-'`, `'+'`, `'^'`: the string goes on in a second one; three of them are an expression.
        let closed = r.kind(i + 1) == Some(Kind::Text)
            && matches!(r.kind(i + 2), Some(Kind::Arithmetic | Kind::Compare));
        let empty = r.kind(i + 1) == Some(Kind::OpenText) && r.end(i + 1) <= r.from(i + 1) + 1;
        if i == 0 && (closed || empty) {
            best.keep((
                if closed || r.starts_value() {
                    &rules::SQLI_OPERATOR
                } else {
                    &rules::SQLI_HINT
                },
                r.from(i),
                r.end(i + 1),
            ));
        }
    }
}

/// Searches a value that stands where a number or a name belongs.
fn bare(r: &Reader<'_>, best: &mut Best) {
    if let Some(end) = r.statement(0) {
        best.keep((&rules::SQLI_STATEMENT, r.from(0), r.end(end)));
    }
    if let Some(operand) = r.operand(0).filter(|o| o.is_text() || o.is_call())
        && r.kind(0) == Some(Kind::Open)
        && let end = r.closers(operand.last + 1)
        && matches!(r.kind(end), Some(Kind::Comment))
        && trim(r.comment_body(end)).is_empty()
    {
        best.keep((&rules::SQLI_COMMENT, r.from(0), r.end(end)));
    }
    if r.kind(0) == Some(Kind::Word(Word::Sort))
        && r.kind(1) == Some(Kind::Word(Word::By))
        && r.kind(2) == Some(Kind::Number)
        && r.is_end(3)
    {
        best.keep((&rules::SQLI_CLAUSE, r.from(0), r.end(2)));
    }
    let anchor = r.anchor();
    let mut i = 0;
    while !best.is_sure() && !r.is_end(i) {
        if anchor.is_some_and(|anchor| i >= anchor) {
            clause(r, i, None, false, best);
        }
        anywhere(r, i, best);
        i += 1;
    }
}

/// What may follow a value that belongs to the application: `broken` says that a string was closed before.
fn clause(r: &Reader<'_>, i: usize, broken: Option<bool>, double: bool, best: &mut Best) {
    let first = r.anchor() == Some(i) || i == r.opening();
    match r.kind(i) {
        Some(
            Kind::Word(Word::Logic | Word::Where | Word::Having | Word::When)
            | Kind::Bars
            | Kind::Ampersands,
        ) => {
            let Some(left) = r.operand(i + 1) else { return };
            // The string of the application goes on at the end, and in between is arithmetic: `a'or b^-'1`.
            if broken.is_some()
                && left.last > i + 2
                && r.kind(left.last) == Some(Kind::OpenText)
                && matches!(r.kind(left.last - 1), Some(Kind::Arithmetic))
            {
                best.keep((&rules::SQLI_TAUTOLOGY, r.from(i), r.end(left.last)));
                return;
            }
            let right_at = r.closers(left.last + 1);
            if let Some((_, right)) = r.comparison(right_at) {
                let literals = left.is_literal() && right.is_none_or(|o| o.is_literal());
                let calls = left.is_call()
                    || left.is_query()
                    || right.is_some_and(|o| o.is_call() || o.is_query());
                let texts = broken.is_some() && right.is_some_and(|o| o.is_literal());
                if r.is_aggregate(i) {
                    best.keep((&rules::SQLI_HINT, r.from(i), r.end(left.last)));
                    return;
                }
                if literals && (right.is_some() || broken == Some(false)) || calls || texts {
                    best.keep((
                        &rules::SQLI_TAUTOLOGY,
                        r.from(i),
                        r.end(right.map_or(right_at, |o| o.last)),
                    ));
                }
                return;
            }
            let ends = r.is_end(right_at) || matches!(r.kind(right_at), Some(Kind::Comment));
            let commented = matches!(r.kind(right_at), Some(Kind::Comment))
                || r.kind(right_at) == Some(Kind::Semicolon)
                    && matches!(r.kind(right_at + 1), Some(Kind::Comment));
            let empty =
                matches!(r.kind(left.last), Some(Kind::OpenText)) && r.word(left.last).len() == 1;
            let literal = (left.is_literal() || left.is_call()) && !empty;
            let quoted = matches!(r.kind(left.last), Some(Kind::OpenText)) && double;
            let strong = match broken {
                Some(apostrophe) => {
                    literal
                        && !apostrophe
                        && !quoted
                        && (ends
                            || matches!(
                                r.kind(right_at),
                                Some(Kind::Word(
                                    Word::Logic | Word::Union | Word::Sort | Word::Limit
                                ))
                            ))
                }
                None => literal && commented && !r.is_hash_word(right_at),
            };
            if strong && !matches!(r.kind(i), Some(Kind::Word(Word::When))) {
                best.keep((&rules::SQLI_TAUTOLOGY, r.from(i), r.end(left.last)));
            } else if broken == Some(false) && commented {
                best.keep((&rules::SQLI_COMMENT, r.from(i), r.end(right_at)));
            }
        }
        Some(Kind::Word(Word::Sort)) if r.kind(r.comments(i + 1)) == Some(Kind::Word(Word::By)) => {
            // A comment where a blank belongs hides something.
            let hidden = r.comments(i + 1) > i + 1;
            let Some(by) = r.operand(r.comments(r.comments(i + 1) + 1)) else {
                return;
            };
            let after = r.closers(by.last + 1);
            let strong = hidden
                || by.is_call()
                || by.is_query()
                || (by.is_number() || broken.is_some())
                    && (matches!(
                        r.kind(after),
                        Some(Kind::Comment | Kind::Comma | Kind::Word(Word::Union | Word::Having))
                    ) || broken == Some(false) && r.is_end(after) && by.is_number());
            best.keep((
                if strong {
                    &rules::SQLI_CLAUSE
                } else {
                    &rules::SQLI_HINT
                },
                r.from(i),
                r.end(by.last),
            ));
        }
        Some(Kind::Word(Word::Limit))
            if first && r.operand(i + 1).is_some_and(|o| o.is_number()) && broken.is_some() =>
        {
            best.keep((&rules::SQLI_CLAUSE, r.from(i), r.end(i + 1)));
        }
        Some(Kind::Word(Word::Union)) => {
            if let Some((end, strong)) = r.union(i) {
                best.keep((
                    if strong || broken == Some(false) {
                        &rules::SQLI_UNION
                    } else {
                        &rules::SQLI_HINT
                    },
                    r.from(i),
                    r.end(end),
                ));
            } else if broken == Some(false)
                && first
                && (r.is_end(i + 1) || matches!(r.kind(i + 1), Some(Kind::Comment)))
            {
                best.keep((&rules::SQLI_HINT, r.from(i), r.end(i)));
            }
        }
        Some(Kind::Semicolon) => {
            if let Some(end) = r.statement(i + 1) {
                best.keep((&rules::SQLI_STACKED, r.from(i), r.end(end)));
            }
        }
        Some(Kind::Arithmetic | Kind::Compare) if first => {
            if let Some(operand) = r.operand(i + 1).filter(|o| o.is_query() || o.is_danger()) {
                best.keep((&rules::SQLI_OPERATOR, r.from(i), r.end(operand.last)));
            }
        }
        _ => {}
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
    fn injections_of_every_kind_are_seen() {
        for value in [
            "1' or '1'='1",
            "1 or 1=1",
            "admin'--",
            "admin' #",
            "') or ('a'='a",
            "1' and sleep(5)#",
            "case sin(1) when 2 then 2 end",
            "-1 union select 1,2,3--",
            "1/**/union/**/all/**/select/**/null,null",
            "/*!50000union*//*!select*/1,2",
            "1;drop table users",
            "'; exec xp_cmdshell 'dir'--",
            "1' || (select user from dual) || '",
            "'||'a'||'",
            "' or 1 -- ",
            "\" or \"\"=\"",
            "1) order by 10--",
            "1' order by 3#",
            "1 and (select count(*) from users)>0",
            "x' and email is null --",
            "1 where 5828=5828 and (3020=3020)*6703--",
            "1 procedure analyse(extractvalue(1,concat(0x5c,version())),1)",
            "select * from users where id=1",
            "1 or benchmark(1,md5(1))",
            "1;waitfor delay '0:0:5'--",
            "' like '%",
            "1'=sleep(1)='1",
            "1 and 1=@@version",
            "' having 1=1--",
            "1001-(select 1 from dual)",
            "x'; insert into users values (1,'a')",
            "or true--",
            "1&&1=1",
            "1' xor 1=1 or '",
            "1 and exp(~(select 1))",
            "1%a0or 1=1'or'a'='a",
        ] {
            assert!(score(value) >= 5, "missed: {value}");
        }
    }

    #[test]
    fn prose_with_the_words_of_sql_is_not_an_injection() {
        for value in [
            "o'neil",
            "d'or 5",
            "rock 'n' roll",
            "it's 5 o'clock or later",
            "select one from the list",
            "please select a date from the calendar",
            "credit union select committee",
            "drop table reservations",
            "7 and a half",
            "1 and 1/2\" button",
            "5\" or 6\" pipe",
            "2 or 4 metal buttons",
            "\"alaska\" + 1978",
            "small \"& sign",
            "dress size 20\" -pattern -baby",
            "in case (of fire) when it rains",
            "case 5 when opened",
            "order by phone; delivery where possible",
            "'-\"8 track\" player",
            "jack-o'-lantern?",
            "3/4\" - vintage",
            "update: we moved; delete old mail",
            "the 'new' (old) house -- best",
            "he said 'no'; i left",
            "请选择 select 或 union 后再 where 提交",
            "a or b",
            "bob and alice = friends",
            "c++ and c#",
            "x = 5",
            "a=1 and b=2",
            "1950's dresses",
            "movin' on t-shirt",
            "\"wood\" and \"sign\" and \"polka dots\"",
            "/search?q=8.9\" case&view=1",
            "group by julia",
            "7/\" aluminum disc",
            "card's",
            "if (a) b; c",
        ] {
            assert!(score(value) < 5, "flagged: {value}");
        }
    }
}
