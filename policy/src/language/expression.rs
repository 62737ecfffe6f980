//! Expressions as meant: names resolved, types checked, literal patterns compiled.

use super::pattern::{Patterns, Way};
use super::resolve::Resolver;
use super::syntax::{Arithmetic, Comparison, Form, Syntax};
use crate::facts::{Kind, Schema};
use crate::source::{Mistake, Passage};

/// An expression that can be evaluated against a request and a row.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Bool(bool),
    Int(i64),
    Text(Box<str>),
    /// A fact of the request, by slot.
    Fact(usize),
    /// A field of the row.
    Policy(usize),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    Arithmetic(Arithmetic, Box<Self>, Box<Self>),
    Role {
        graph: usize,
        subject: Box<Self>,
        role: Box<Self>,
        domain: Option<Box<Self>>,
    },
    Match {
        way: Way,
        value: Box<Self>,
        pattern: Box<Self>,
    },
    /// `eval` of a field of the row.
    Condition(usize),
}

/// A role section of the model.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: Box<str>,
    pub(crate) domains: bool,
}

/// What names an expression may use.
pub(crate) struct Scope<'a> {
    pub(crate) schema: &'a Schema,
    /// The fields of a row; empty in a condition, which sees the request only.
    pub(crate) policy: &'a [Box<str>],
    pub(crate) sections: &'a [Section],
    pub(crate) place: Place,
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Matcher,
    Condition,
}

/// One of the conditions that must all hold.
#[derive(Debug)]
pub(crate) struct Conjunct {
    pub(crate) expr: Expr,
    /// As written.
    pub(crate) text: Box<str>,
}

/// Resolves an expression whose value is a truth value into conditions that must all hold.
pub(crate) fn conjuncts(
    scope: &Scope<'_>,
    passage: &Passage,
    patterns: &mut Patterns,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Conjunct> {
    let syntax = match super::syntax::parse(passage) {
        Ok(syntax) => syntax,
        Err(mistake) => {
            mistakes.push(mistake);
            return Vec::new();
        }
    };
    let mut parts = Vec::new();
    flatten(&syntax, &mut parts);
    let mut resolver = Resolver {
        scope,
        passage,
        patterns,
        mistakes,
    };
    let mut conjuncts = Vec::new();
    for part in parts {
        let Some(expr) = resolver.expect(part, Kind::Bool) else {
            continue;
        };
        let text = passage.text.get(part.span.clone()).unwrap_or_default();
        conjuncts.push(Conjunct {
            expr,
            text: text.into(),
        });
    }
    conjuncts
}

fn flatten<'s>(syntax: &'s Syntax, parts: &mut Vec<&'s Syntax>) {
    if let Form::All(inner) = &syntax.form {
        inner.iter().for_each(|part| flatten(part, parts));
    } else {
        parts.push(syntax);
    }
}

impl Expr {
    /// The column and the text of `p.field == "text"`.
    pub(crate) fn wildcard(&self) -> Option<(usize, &str)> {
        let Self::Compare(Comparison::Equal, left, right) = self else {
            return None;
        };
        match (&**left, &**right) {
            (Self::Policy(field), Self::Text(text)) | (Self::Text(text), Self::Policy(field)) => {
                Some((*field, text))
            }
            _ => None,
        }
    }

    /// Calls `see` for this expression and everything in it.
    pub(crate) fn visit(&self, see: &mut dyn FnMut(&Self)) {
        see(self);
        match self {
            Self::Bool(_)
            | Self::Int(_)
            | Self::Text(_)
            | Self::Fact(_)
            | Self::Policy(_)
            | Self::Condition(_) => {}
            Self::Not(inner) => inner.visit(see),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.visit(see)),
            Self::Compare(_, left, right) | Self::Arithmetic(_, left, right) => {
                left.visit(see);
                right.visit(see);
            }
            Self::Role {
                subject,
                role,
                domain,
                ..
            } => {
                subject.visit(see);
                role.visit(see);
                if let Some(domain) = domain {
                    domain.visit(see);
                }
            }
            Self::Match { value, pattern, .. } => {
                value.visit(see);
                pattern.visit(see);
            }
        }
    }
}
