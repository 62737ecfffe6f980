//! What is looked for in one decoded value.
//!
//! The classes of byte in a value and the literals in it, found in one pass, say which detectors run at all; the
//! detectors know a grammar and confirm.

use crate::classes::Classes;
use crate::decode::{Layer, Layers};
use crate::effort::Effort;
use crate::rules::{self, Rule};
use crate::verdict::{Manner, Spot, Verdict};

pub(crate) mod automation;
mod graphql;
mod html;
mod literal;
mod object;
mod path;
pub(crate) mod protocol;
pub(crate) mod quotation;
mod scanner;
mod script;
mod second;
mod shell;
mod sql;
mod template;
mod url;

pub(crate) use literal::Literals;
use literal::Topics;

/// What a detector saw: the rule, and the bytes that show it.
type Match = (&'static Rule, usize, usize);

/// Values of these bytes hold no attack: letters of any script, digits, `-` and `_`.
pub(crate) const PLAIN: Classes = Classes::LETTER
    .with(Classes::DIGIT)
    .with(Classes::JOINER)
    .with(Classes::HIGH);

/// Looks at one form of a value.
pub(crate) fn look(
    literals: &Literals,
    value: &[u8],
    classes: Classes,
    spot: Spot<'_>,
    layers: &Layers,
    effort: &mut Effort,
    verdict: &mut Verdict,
) {
    if classes.only(PLAIN) && value.len() < 24 && !classes.any(Classes::JOINER) {
        return;
    }
    effort.look(value.len());
    let lower;
    let text = if value.iter().any(u8::is_ascii_uppercase) {
        lower = value.to_ascii_lowercase();
        lower.as_slice()
    } else {
        value
    };
    // Programs and documents are sent in bodies; in an address they are what a page is to be broken with.
    let addressed = matches!(
        spot,
        Spot::Path | Spot::Query(_) | Spot::QueryName | Spot::Cookie(_) | Spot::CookieName
    );
    let mut surroundings = quotation::Surroundings::new(value);
    if addressed {
        surroundings = surroundings.in_address();
    }
    // A step upwards that had to be decoded by hand was hidden.
    let hidden = layers
        .iter()
        .any(|layer| matches!(layer, Layer::Overlong | Layer::FullWidth));
    let mut second = second::Opinion::new(value, verdict.sensitivity());
    let mut found = |(rule, from, to): Match| {
        let rule = if hidden && rule.id == rules::PATH_PARENT.id {
            &rules::PATH_TRAVERSAL
        } else if addressed
            && rule.id == rules::XSS_EMBED.id
            && crate::text::rest(text, from).starts_with(b"<iframe")
        {
            // Editors embed players in what they send as a body.
            &rules::XSS_ELEMENT
        } else {
            rule
        };
        // Hostile values match thousands of times, and whether a match is quoted takes a look around each.
        if verdict.is_told(rule, spot) {
            second.heard(rule);
            return;
        }
        if effort.gives_up(verdict, spot, layers, value) {
            return;
        }
        let quoted = surroundings.quote(rule, from, to) || second.vetoes(rule, from, to);
        effort.matched(surroundings.take_cost());
        let manner = if quoted {
            Manner::Quoted
        } else {
            Manner::Meant
        };
        if manner == Manner::Meant {
            second.heard(rule);
        }
        verdict.add_in(manner, rule, spot, layers, value, from, to);
    };
    let topics = literals.search(text, spot, &mut found);

    const SQL_MARKS: Classes = Classes::QUOTE
        .with(Classes::DOUBLE_QUOTE)
        .with(Classes::EQUALS)
        .with(Classes::PAREN)
        .with(Classes::ANGLE)
        .with(Classes::SEMICOLON)
        .with(Classes::HASH)
        .with(Classes::PIPE)
        .with(Classes::JOINER)
        .with(Classes::OTHER)
        .with(Classes::AMPERSAND)
        .with(Classes::SPACE)
        .with(Classes::LINE);
    // Without a quote there is no string to close: then a word of SQL must be there.
    if classes.any(SQL_MARKS)
        && (topics.has(Topics::SQL)
            || classes.any(Classes::QUOTE.with(Classes::DOUBLE_QUOTE))
                && sql_mark_after_quote(classes))
    {
        sql::detect(text, &mut found);
    }
    let commented = classes.any(Classes::PAREN) && text.trim_ascii_end().ends_with(b"//");
    if classes.any(Classes::ANGLE) || topics.has(Topics::SCRIPT) || commented {
        html::detect(text, &mut found);
    }
    if classes.any(
        Classes::SEMICOLON
            .with(Classes::PIPE)
            .with(Classes::AMPERSAND)
            .with(Classes::BACKTICK)
            .with(Classes::DOLLAR)
            .with(Classes::LINE),
    ) || topics.has(Topics::SHELL)
    {
        shell::detect(text, &mut found);
    }
    if topics.has(Topics::SHELL) {
        shell::programs(text, &mut found);
    }
    let separated = classes.any(Classes::SLASH.with(Classes::BACKSLASH));
    if topics.has(Topics::DOTS)
        || separated && (classes.any(Classes::DOT) || text.starts_with(b"/"))
    {
        path::detect(text, spot, &mut found);
    }
    if classes.any(Classes::BRACE) && graphql::begins(text) {
        graphql::detect(text, &mut found);
    }
    if classes.any(Classes::COLON)
        && classes.any(Classes::DOUBLE_QUOTE)
        && classes.any(Classes::BRACE)
    {
        object::detect(text, &mut found);
    }
    if topics.has(Topics::TEMPLATE) {
        template::detect(text, &mut found);
    }
    if topics.has(Topics::URL) {
        url::detect(text, spot, &mut found);
    }
    if second.joins(!topics.is_empty()) {
        verdict.add(&rules::MODEL_LIKENESS, spot, layers, value, 0, value.len());
    }
}

/// `it's` has a quote and nothing that could continue a string.
fn sql_mark_after_quote(classes: Classes) -> bool {
    classes.any(
        Classes::EQUALS
            .with(Classes::PAREN)
            .with(Classes::ANGLE)
            .with(Classes::SEMICOLON)
            .with(Classes::HASH)
            .with(Classes::PIPE)
            .with(Classes::JOINER)
            .with(Classes::OTHER)
            .with(Classes::AMPERSAND)
            .with(Classes::PLUS)
            .with(Classes::SLASH)
            .with(Classes::PERCENT),
    )
}
