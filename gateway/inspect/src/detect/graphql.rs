//! GraphQL: queries that ask for the same thing over and over, very deep, or for the whole schema.

use super::Match;
use crate::rules;
use crate::text::{at, find, find_byte, is_space, is_word, skip, span, trim};

/// The same field under this many names is a flood; pages ask for a few at once. Chosen.
const ALIASES: usize = 20;
/// Selections inside selections; clients stay below ten. Chosen.
const DEPTH: usize = 15;

/// Says whether a lower-case value begins like a document of GraphQL, which JSON never does.
pub(super) fn begins(value: &[u8]) -> bool {
    let text = trim(value);
    let word = span(text, 0, skip(text, 0, |b| b.is_ascii_lowercase()));
    match word {
        b"query" | b"mutation" | b"subscription" => {
            find_byte(span(text, 0, 400), 0, b'{').is_some()
        }
        b"" if at(text, 0) == b'{' => {
            let next = at(text, skip(text, 1, is_space));
            next.is_ascii_lowercase() || next == b'_'
        }
        _ => false,
    }
}

/// Searches a document.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    if let Some(start) = find(value, 0, b"__schema") {
        found((&rules::GRAPHQL_SCHEMA, start, start + 8));
    }
    let (mut depth, mut i, mut same) = (0_usize, 0, 0);
    let mut field: &[u8] = b"";
    while i < value.len() {
        match at(value, i) {
            b'"' => i = find_byte(value, i + 1, b'"').unwrap_or(value.len()),
            b'#' => i = find_byte(value, i, b'\n').unwrap_or(value.len()),
            b'{' => {
                depth += 1;
                if depth > DEPTH {
                    found((&rules::GRAPHQL_FLOOD, i, i + 1));
                    return;
                }
            }
            b'}' => depth = depth.saturating_sub(1),
            b':' => {
                let from = skip(value, i + 1, is_space);
                let to = skip(value, from, is_word);
                let asked = matches!(at(value, skip(value, to, is_space)), b'(' | b'{');
                let name = span(value, from, to);
                if asked && !name.is_empty() {
                    if field.is_empty() {
                        field = name;
                    }
                    same += usize::from(field == name);
                    if same >= ALIASES {
                        found((&rules::GRAPHQL_FLOOD, from, to));
                        return;
                    }
                }
                i = to.max(i + 1);
                continue;
            }
            _ => {}
        }
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(value: &str) -> Vec<&'static str> {
        let mut seen = Vec::new();
        if begins(value.as_bytes()) {
            detect(value.as_bytes(), &mut |(rule, _, _)| {
                seen.push(rule.id.as_str());
            });
        }
        seen
    }

    #[test]
    fn floods_depth_and_schemas_are_seen_and_ordinary_queries_are_not() {
        let many: String = (0..20)
            .map(|n| format!("a{n}: user(id: {n}) {{ name }} "))
            .collect();
        assert_eq!(rules(&format!("query {{ {many} }}")), ["graphql-flood"]);
        assert_eq!(
            rules(&format!("{{ {} }}", "a { ".repeat(20))),
            ["graphql-flood"]
        );
        assert_eq!(
            rules("query { __schema { types { name } } }"),
            ["graphql-schema"]
        );
        let few: String = (0..19)
            .map(|n| format!("a{n}: user(id: {n}) {{ name }} "))
            .collect();
        for ordinary in [
            format!("{{ {few} }}"),
            "{\"a\":{\"b\":{\"c\":1}}}".to_owned(),
            "query q($a: Int!) { items(first: $a, by: {f: x}) { edges { node { id } } } }"
                .to_owned(),
            "query words in a sentence".to_owned(),
        ] {
            assert_eq!(rules(&ordinary), [""; 0], "{ordinary}");
        }
    }
}
