//! What no prose has, wherever it stands in a value.

use super::Best;
use super::grammar::Reader;
use super::lexer::Kind;
use super::words::Word;
use crate::rules;
use crate::text::rest;

/// Looks at one token and what follows it.
pub(super) fn anywhere(r: &Reader<'_>, i: usize, best: &mut Best) {
    match r.kind(i) {
        Some(Kind::Word(Word::Logic | Word::Where | Word::Having)) => {
            let Some(left) = r.operand(i + 1).filter(|o| o.is_literal()) else {
                return;
            };
            if let Some((compare, Some(right))) = r.comparison(r.closers(left.last + 1))
                && right.is_literal()
                && r.kind(compare) == Some(Kind::Compare)
                && (left.is_number() == right.is_number())
            {
                best.keep((&rules::SQLI_TAUTOLOGY, r.from(i), r.end(right.last)));
            }
        }
        Some(Kind::Word(Word::Union)) => {
            if let Some((end, true)) = r.union(i) {
                best.keep((&rules::SQLI_UNION, r.from(i), r.end(end)));
            }
        }
        Some(Kind::Semicolon) => {
            if let Some(end) = r.statement(i + 1).filter(|&end| end > i + 2) {
                best.keep((&rules::SQLI_STACKED, r.from(i), r.end(end)));
            }
        }
        Some(Kind::Open) if r.kind(i + 1) == Some(Kind::Word(Word::Select)) => {
            if let Some((end, strong)) = r.select(i + 1) {
                best.keep((
                    if strong {
                        &rules::SQLI_SUBQUERY
                    } else {
                        &rules::SQLI_HINT
                    },
                    r.from(i),
                    r.end(end),
                ));
            }
        }
        Some(Kind::Word(Word::Select)) if i > 0 => {
            if let Some((end, true)) = r.select(i) {
                let after_word = matches!(
                    r.kind(i - 1),
                    Some(Kind::Word(Word::Name | Word::Thing) | Kind::Other)
                );
                best.keep((
                    if after_word || !r.has_from(i) {
                        &rules::SQLI_HINT
                    } else {
                        &rules::SQLI_SUBQUERY
                    },
                    r.from(i),
                    r.end(end),
                ));
            }
        }
        Some(Kind::Word(Word::Danger)) => {
            if r.kind(i + 1) == Some(Kind::Open) && r.danger_call(i) {
                best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i + 1)));
            } else if r.word(i).contains(&b'_') && r.word(i).iter().take(2).eq(b"xp") {
                best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i)));
            }
        }
        Some(Kind::Word(Word::Function))
            if r.kind(i + 1) == Some(Kind::Open)
                && matches!(
                    r.word(i),
                    b"char"
                        | b"chr"
                        | b"nchar"
                        | b"concat"
                        | b"concat_ws"
                        | b"exp"
                        | b"group_concat"
                ) =>
        {
            let code = matches!(r.kind(i + 2), Some(Kind::Number))
                && matches!(r.kind(i + 3), Some(Kind::Comma | Kind::Close));
            let again = matches!(r.kind(i + 4), Some(Kind::Bars | Kind::Number))
                || matches!(
                    (r.kind(i + 4), r.word(i + 5)),
                    (Some(Kind::Arithmetic), b"char" | b"chr")
                );
            let hex =
                r.word(i + 2).starts_with(b"0x") && matches!(r.kind(i + 2), Some(Kind::Number));
            let negated = r.word(i) == b"exp" && r.word(i + 2) == b"~";
            if code && again || hex || negated || r.is_condition(i) {
                best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i + 3)));
            }
        }
        Some(Kind::Word(Word::Statement))
            if r.word(i) == b"waitfor"
                && matches!(r.word(i + 1), b"delay" | b"time")
                && matches!(
                    r.kind(i + 2),
                    Some(Kind::Text | Kind::OpenText | Kind::Variable)
                ) =>
        {
            best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i + 2)));
        }
        Some(Kind::Word(Word::Function)) if r.asks_the_server(i) => {
            best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i + 3)));
        }
        Some(Kind::Word(Word::Function | Word::Statement))
            if r.kind(i + 1) == Some(Kind::Open) && r.is_condition(i) =>
        {
            best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i + 4)));
        }
        Some(Kind::Word(Word::Into)) if matches!(r.word(i + 1), b"outfile" | b"dumpfile") => {
            best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i + 1)));
        }
        Some(Kind::Word(Word::Procedure))
            if r.word(i + 1) == b"analyse" && r.kind(i + 2) == Some(Kind::Open) =>
        {
            best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(i + 2)));
        }
        Some(Kind::Word(Word::Case)) if r.kind(i + 1) == Some(Kind::Word(Word::When)) => {
            if let Some(left) = r
                .operand(i + 2)
                .filter(|o| o.is_literal() || o.is_call() || o.is_query())
                && (r.comparison(r.closers(left.last + 1)).is_some()
                    || r.word(left.last + 1) == b"then")
            {
                best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(left.last)));
            }
        }
        // `case f(1) when 2 then …`: the form that compares.
        Some(Kind::Word(Word::Case)) => {
            if let Some(compared) = r.operand(i + 1).filter(|o| o.is_call() || o.is_query())
                && r.kind(r.closers(compared.last + 1)) == Some(Kind::Word(Word::When))
            {
                best.keep((&rules::SQLI_FUNCTION, r.from(i), r.end(compared.last)));
            }
        }
        Some(Kind::Word(Word::Schema)) => {
            let reached =
                i > 0 && r.kind(i - 1) == Some(Kind::Word(Word::From)) || r.word(i).contains(&b'.');
            best.keep((
                if reached {
                    &rules::SQLI_SCHEMA
                } else {
                    &rules::SQLI_HINT
                },
                r.from(i),
                r.end(i),
            ));
        }
        Some(Kind::Variable) if r.word(i).starts_with(b"@@") => {
            let known = matches!(
                rest(r.word(i), 2),
                b"version"
                    | b"datadir"
                    | b"hostname"
                    | b"basedir"
                    | b"servername"
                    | b"version_compile_os"
                    | b"global"
                    | b"tmpdir"
                    | b"spid"
                    | b"identity"
            );
            if known {
                best.keep((&rules::SQLI_SCHEMA, r.from(i), r.end(i)));
            }
        }
        _ => {}
    }
}
