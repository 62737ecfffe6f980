//! A model as meant: the request, the rows, the roles, the matcher and the effect.

use super::definitions::Reader;
use super::expression::{Conjunct, Expr, Place, Scope, Section, conjuncts};
use super::pattern::{Patterns, Way};
use super::sections::{self, Definition};
use crate::facts::Schema;
use crate::revision::Fingerprint;
use crate::said;
use crate::source::{Mistake, Source};

/// A model as meant.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) schema: Schema,
    /// Fields of a row.
    pub(crate) policy: Vec<Box<str>>,
    /// Column that says `allow` or `deny`.
    pub(crate) effect_field: Option<usize>,
    pub(crate) obligation_field: Option<usize>,
    pub(crate) priority_field: Option<usize>,
    pub(crate) sections: Vec<Section>,
    pub(crate) combination: Combination,
    pub(crate) conjuncts: Vec<Conjunct>,
    /// Columns that hold patterns, each with its way of matching.
    pub(crate) pattern_fields: Vec<(usize, Way)>,
    /// Columns that hold conditions.
    pub(crate) condition_fields: Vec<usize>,
    /// Texts that stand for everything in a column, like `*`.
    pub(crate) wildcards: Vec<(usize, Box<str>)>,
    /// What the revision is computed from.
    normal: Vec<(String, String, String)>,
}

/// How the rows that match make a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Combination {
    /// Some row allows.
    AllowOverride,
    /// No row denies.
    DenyOverride,
    /// Some row allows and none denies.
    AllowAndDeny,
    /// The first row that matches.
    FirstMatch,
}

impl Model {
    /// Reads a model whole; `None` if it has mistakes.
    pub(crate) fn read(
        source: Source<'_>,
        patterns: &mut Patterns,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Self> {
        let before = mistakes.len();
        let written = sections::read(source, mistakes);
        let mut reader = Reader {
            source,
            written: &written,
            mistakes,
        };
        reader.refuse_strangers();
        let request = reader.one("request_definition", "r");
        let policy = reader.one("policy_definition", "p");
        let effect = reader.one("policy_effect", "e");
        let matcher = reader.one("matchers", "m");
        let schema = reader.schema(request?);
        let policy = reader
            .names(policy?)
            .iter()
            .map(|(name, _)| Box::from(name.as_str()))
            .collect::<Vec<Box<str>>>();
        let sections = reader.roles();
        let combination = reader.effect(effect?)?;
        let matcher = matcher?;
        let scope = Scope {
            schema: &schema,
            policy: &policy,
            sections: &sections,
            place: Place::Matcher,
        };
        let conjuncts = conjuncts(&scope, &matcher.value, patterns, reader.mistakes);
        let uses = Uses::of(&conjuncts);
        if reader.mistakes.len() == before && !uses.policy {
            reader.mistakes.push(matcher.value.mistake(
                0,
                said!(
                    "the matcher asks no field of the rules, where the references differ",
                    "匹配器没有用到规则的任何字段，各参照引擎对此处理不一"
                ),
                said!("compare with `p.…`", "请与 `p.…` 比较"),
            ));
        }
        let column = |name: &str| policy.iter().position(|field| **field == *name);
        let (effect_field, obligation_field) = (column("eft"), column("obl"));
        let priority_field = column("priority").filter(|_| combination == Combination::FirstMatch);
        if combination == Combination::DenyOverride && effect_field.is_none() {
            reader.mistakes.push(matcher.value.mistake(
                0,
                said!(
                    "the effect asks for denying rows, but rows have no `eft` column, so all of them allow",
                    "效果要看拒绝规则，但规则没有 `eft` 列，因此全部都是放行",
                ),
                said!(
                    "add `eft` to `[policy_definition]`",
                    "请把 `eft` 加入 `[policy_definition]`",
                ),
            ));
        }
        let normal = normal(&written);
        if mistakes.len() > before {
            return None;
        }
        Some(Self {
            schema,
            policy,
            effect_field,
            obligation_field,
            priority_field,
            sections,
            combination,
            conjuncts,
            pattern_fields: uses.patterns,
            condition_fields: uses.conditions,
            wildcards: uses.wildcards,
            normal,
        })
    }

    /// Scope of the conditions that rows hold.
    pub(crate) fn condition_scope(&self) -> Scope<'_> {
        Scope {
            schema: &self.schema,
            policy: &[],
            sections: &self.sections,
            place: Place::Condition,
        }
    }

    /// Whether this text in this column stands for everything.
    pub(crate) fn is_wildcard(&self, field: usize, text: &str) -> bool {
        self.wildcards
            .iter()
            .any(|(known, wildcard)| *known == field && **wildcard == *text)
    }

    /// Whether two models say the same.
    pub(crate) fn reads_as(&self, other: &Self) -> bool {
        self.normal == other.normal
    }

    /// Feeds what the model says, without comments and layout.
    pub(crate) fn fingerprint(&self, into: &mut Fingerprint) {
        into.count(self.normal.len());
        for (section, key, value) in &self.normal {
            into.text(section);
            into.text(key);
            into.text(value);
        }
    }
}

/// Definitions in order of section and key, blanks folded.
fn normal(written: &[Definition]) -> Vec<(String, String, String)> {
    let fold = |definition: &Definition| {
        let value = folded(&definition.value.text);
        (definition.section.clone(), definition.key.clone(), value)
    };
    let mut normal: Vec<_> = written.iter().map(fold).collect();
    normal.sort();
    normal
}

/// Every run of blanks outside quotes as one.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let (mut quote, mut escaped) = (None, false);
    for c in text.chars() {
        let blank = c == ' ' || c == '\t';
        if quote.is_none() && blank {
            if !folded.ends_with(' ') {
                folded.push(' ');
            }
            continue;
        }
        folded.push(c);
        if quote.is_none() && (c == '"' || c == '\'') {
            quote = Some(c);
        } else if quote == Some(c) && !escaped {
            quote = None;
        }
        escaped = quote.is_some() && c == '\\' && !escaped;
    }
    folded
}

/// Which columns the matcher asks, and how.
#[derive(Default)]
struct Uses {
    policy: bool,
    patterns: Vec<(usize, Way)>,
    conditions: Vec<usize>,
    wildcards: Vec<(usize, Box<str>)>,
}

impl Uses {
    fn of(conjuncts: &[Conjunct]) -> Self {
        let mut uses = Self::default();
        for conjunct in conjuncts {
            conjunct.expr.visit(&mut |expr| uses.see(expr));
        }
        uses
    }

    fn see(&mut self, expr: &Expr) {
        match expr {
            Expr::Policy(_) => self.policy = true,
            Expr::Condition(field) => {
                self.policy = true;
                if !self.conditions.contains(field) {
                    self.conditions.push(*field);
                }
            }
            Expr::Match { way, pattern, .. } => {
                if let Expr::Policy(field) = **pattern
                    && !self.patterns.contains(&(field, *way))
                {
                    self.patterns.push((field, *way));
                }
            }
            Expr::Any(parts) => {
                let wildcards = parts.iter().filter_map(Expr::wildcard);
                self.wildcards
                    .extend(wildcards.map(|(field, text)| (field, Box::from(text))));
            }
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Text(_)
            | Expr::Fact(_)
            | Expr::Not(_)
            | Expr::All(_)
            | Expr::Compare(..)
            | Expr::Arithmetic(..)
            | Expr::Role { .. } => {}
        }
    }
}
