//! Template expressions: braces with arithmetic, with objects of an interpreter, or with lookups inside lookups.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Match;
use super::literal::automaton;
use crate::rules;
use crate::text::steps::count;
use crate::text::{at, find, find_byte, rest, span, trim};

/// Expressions that one value is searched for; more say nothing new.
const LOOKS: usize = 64;
/// Bytes of an expression that are read.
const LONGEST: usize = 300;

/// Searches a lower-case value.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    directives(value, found);
    for (open, close) in [
        (&b"{{"[..], &b"}}"[..]),
        (b"${", b"}"),
        (b"#{", b"}"),
        (b"*{", b"}"),
        (b"%{", b"}"),
        (b"<%", b"%>"),
        (b"{%", b"%}"),
        (b"@(", b")"),
        (b"[[", b"]]"),
        (b"@{", b"}"),
        (b"~{", b"}"),
        (b"[=", b"]"),
    ] {
        let mut i = 0;
        for _ in 0..LOOKS {
            let Some(start) = find(value, i, open) else {
                break;
            };
            let window = span(value, start + open.len(), start + open.len() + LONGEST);
            let end = find(window, 0, close).unwrap_or(window.len());
            let body = trim(
                span(window, 0, end)
                    .strip_prefix(b"=")
                    .unwrap_or(span(window, 0, end)),
            );
            i = start + open.len();
            if computes(body) || reaches(body, open) || open == b"${" && nested(window) {
                found((&rules::TEMPLATE_EXPRESSION, start, i + end));
                return;
            }
        }
    }
}

/// Directives that only one engine has, and that nobody writes to it but who means it.
fn directives(value: &[u8], found: &mut impl FnMut(Match)) {
    const BEGINS: [&[u8]; 13] = [
        b"<#assign",
        b"[#assign",
        b"<#include",
        b"<#import",
        b"<#list .data_model",
        b"{$smarty.",
        b"{php}",
        b"{system(",
        b"{if system",
        b"{if phpinfo",
        b"{if shell_exec",
        b"#set($",
        b"@system.diagnostics",
    ];
    if let Some((start, word)) = BEGINS
        .iter()
        .find_map(|word| Some((find(value, 0, word)?, word)))
    {
        found((&rules::TEMPLATE_EXPRESSION, start, start + word.len()));
    }
}

/// `7*7`, `'7'*7`, `191*7`: what every probe begins with.
fn computes(body: &[u8]) -> bool {
    let plain =
        |b: &u8| b.is_ascii_digit() || matches!(b, b'\'' | b'"' | b' ' | b'(' | b')' | b'.');
    let Some(operator) = body
        .iter()
        .position(|b| matches!(b, b'*' | b'+' | b'-' | b'/' | b'%'))
    else {
        return false;
    };
    let (left, right) = (span(body, 0, operator), rest(body, operator + 1));
    let digit = |side: &[u8]| side.iter().any(u8::is_ascii_digit);
    digit(left) && digit(right) && left.iter().all(plain) && right.iter().all(|b| plain(b) || matches!(b, b'*' | b'+'))
        // `{{2024-01-01}}` is a date.
        && (at(body, operator) != b'-' || left.len() < 4)
}

fn reaches(body: &[u8], open: &[u8]) -> bool {
    count(body.len());
    let strong = REACHING.is_match(body);
    let whole = matches!(
        body,
        b"config" | b"self" | b"request" | b"settings" | b"debug" | b"dump" | b"app" | b"."
    ) && open == b"{{";
    strong && open != b"[[" || whole
}

/// `${${lower:j}ndi:…}`.
fn nested(window: &[u8]) -> bool {
    window.starts_with(b"${")
        || find_byte(window, 0, b'}').is_some_and(|end| {
            find(span(window, 0, end), 0, b"${")
                .is_some_and(|inner| find_byte(span(window, inner, end), 0, b':').is_some())
        })
}

/// What expressions that reach out of their template name.
const OBJECTS: [&[u8]; 49] = [
    b"constructor",
    b"__",
    b"config.",
    b"request.",
    b"self.",
    b"system(",
    b"exec(",
    b"popen",
    b".class",
    b"getruntime",
    b"runtime",
    b"import(",
    b"exec",
    b"eval",
    b"request(",
    b"require(",
    b"file.",
    b"|attr",
    b"_self",
    b"registerundefined",
    b"filter('system",
    b"dump(",
    b"t(java",
    b"new java",
    b"settings.secret",
    b"process.",
    b"env.",
    b"alert(",
    b"include(",
    b"@java",
    b"readfile",
    b"`id`",
    b"range.constructor",
    b"'system'",
    b"\"system\"",
    b"'passthru'",
    b"'exec'",
    b".touppercase()",
    b"tolowercase()",
    b"getclass(",
    b"applicationscope",
    b"pagecontext",
    b"facescontext",
    b"sessionscope",
    b"file_excerpt",
    b"getmethod(",
    b"app.request",
    b"get_flashed",
    b"java.",
];

static REACHING: LazyLock<AhoCorasick> = LazyLock::new(|| automaton(&OBJECTS));

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(value: &str) -> bool {
        let mut seen = false;
        detect(value.as_bytes(), &mut |_| seen = true);
        seen
    }

    #[test]
    fn expressions_are_told_from_placeholders() {
        for value in [
            "{{7*7}}",
            "${7*7}",
            "#{7*7}",
            "<%= 7*7 %>",
            "{{config}}",
            "{{constructor.constructor('x')()}}",
            "${${lower:j}ndi:ldap://x}",
            "{{''.__class__}}",
            "*{t(java.lang.runtime)}",
        ] {
            assert!(seen(value), "missed: {value}");
        }
        for value in [
            "{{name}}",
            "${user}",
            "{{2024-01-01}}",
            "{\"a\":{\"b\":1}}",
            "{a}",
            "[[1,2],[3,4]]",
            "100%{x}",
            "{{ 姓名 }}",
        ] {
            assert!(!seen(value), "flagged: {value}");
        }
    }
}
