//! A policy in another engine's dialect, and the answers it gives.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::datum::{Datum, Fault};
use super::effect::{Says, Tally};
use super::evaluate::{Case, Chosen};
use super::extras::Custom;
use super::functions::Compiled;
use super::grammar::Node;
use super::links::{CrateLinks, GoLinks};
use super::model::{Matcher, Model};
use crate::decision::{Effect, Grounds};
use crate::obligation::Obligations;
use crate::revision::Revision;
use crate::source::Dialect;

/// A policy that answers as `casbin-go` or `casbin-rs` would.
#[derive(Debug)]
pub struct Policy {
    pub(super) dialect: Dialect,
    pub(super) model: Model,
    /// Rows of each policy definition, in the order in which they are asked.
    pub(super) rows: Vec<Vec<Rule>>,
    pub(super) files: Vec<Box<str>>,
    pub(super) conditions: HashMap<Box<str>, Node, foldhash::quality::RandomState>,
    pub(super) compiled: Compiled,
    pub(super) functions: Vec<(String, Custom)>,
    pub(super) roles: Roles,
    pub(super) revision: Revision,
}

/// Role graphs, as many as the dialect has.
#[derive(Debug)]
pub(super) enum Roles {
    Go(Vec<GoLinks>),
    Crate(CrateLinks),
}

/// A row as it is asked.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) fields: Vec<Box<str>>,
    pub(super) cost: Obligations,
    pub(super) file: usize,
    pub(super) line: u32,
}

/// Which of several definitions a request is judged by, as keys of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definitions<'q> {
    /// `r`, `r2`, …
    pub request: &'q str,
    /// `p`, `p2`, …
    pub policy: &'q str,
    /// `e`, `e2`, …
    pub effect: &'q str,
    /// `m`, `m2`, …
    pub matcher: &'q str,
}

impl Default for Definitions<'_> {
    fn default() -> Self {
        Self {
            request: "r",
            policy: "p",
            effect: "e",
            matcher: "m",
        }
    }
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Values in the order of the request definition.
    pub values: &'q [Json],
    /// What it is judged by.
    pub definitions: Definitions<'q>,
    /// When it is asked, in seconds since 1970, for roles that hold for a time.
    pub now: i64,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no.
    pub effect: Effect,
    /// What the answer rests on.
    pub grounds: Grounds,
    /// What the rows it rests on ask for, combined.
    pub obligations: Obligations,
    section: usize,
    rows: Vec<usize>,
}

/// A row that an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// File where it stands.
    pub file: &'a str,
    /// Line, counted from 1.
    pub line: u32,
    /// Its fields.
    pub fields: Vec<&'a str>,
}

impl Policy {
    /// The name of this policy: a digest of its dialect and of what it says.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Names of the values of a request, in order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let first = self.model.requests.iter().find(|(key, _)| **key == *"r");
        first
            .into_iter()
            .flat_map(|(_, fields)| fields.iter().map(|field| &**field))
    }

    /// The rows that an answer rests on.
    pub fn rows<'a>(&'a self, answer: &'a Answer) -> impl Iterator<Item = Row<'a>> {
        let rows = self
            .rows
            .get(answer.section)
            .map_or(&[] as &[_], Vec::as_slice);
        answer
            .rows
            .iter()
            .filter_map(|row| rows.get(*row))
            .map(|rule| Row {
                file: self.files.get(rule.file).map_or("", |name| &**name),
                line: rule.line,
                fields: rule.fields.iter().map(|field| &**field).collect(),
            })
    }

    /// Decides a request.
    ///
    /// # Errors
    ///
    /// What is an error or a panic in the reference; whoever asks treats it as a refusal.
    pub fn decide(&self, question: &Question<'_>) -> Result<Answer, String> {
        let Definitions {
            request,
            policy,
            effect,
            matcher,
        } = question.definitions;
        let none = |key: &str| format!("the model does not define `{key}`");
        let place = |sections: &[(Box<str>, Vec<Box<str>>)], key: &str| {
            sections
                .iter()
                .position(|(known, _)| **known == *key)
                .ok_or_else(|| none(key))
        };
        let chosen = Chosen {
            request: place(&self.model.requests, request)?,
            policy: place(&self.model.policies, policy)?,
        };
        let (_, merge) = self
            .model
            .effects
            .iter()
            .find(|(key, _)| **key == *effect)
            .ok_or_else(|| none(effect))?;
        let matcher = self
            .model
            .matchers
            .iter()
            .find(|known| *known.key == *matcher)
            .ok_or_else(|| none(matcher))?;
        let expected = self
            .model
            .requests
            .get(chosen.request)
            .map_or(0, |(_, fields)| fields.len());
        if question.values.len() != expected {
            let got = question.values.len();
            return Err(format!(
                "the request has {got} values; the model defines {expected}"
            ));
        }
        let values: Result<Vec<Datum<'_>>, Fault> = question
            .values
            .iter()
            .map(|value| match self.dialect {
                Dialect::CasbinRs => Datum::whole(value),
                Dialect::CasbinGo | Dialect::Strict => Ok(Datum::floating(value)),
            })
            .collect();
        let values = values?;
        let case = Case {
            policy: self,
            chosen,
            request: &values,
            row: None,
            now: question.now,
        };
        let tally = self.ask(case, matcher, Tally::new(*merge), policy)?;
        let (effect, grounds, rows) = tally.settle();
        Ok(self.answer(chosen.policy, effect, grounds, rows))
    }

    /// Asks the rows in order, or the matcher once where the reference does so.
    fn ask(
        &self,
        case: Case<'_>,
        matcher: &Matcher,
        mut tally: Tally,
        key: &str,
    ) -> Result<Tally, Fault> {
        let rows = self
            .rows
            .get(case.chosen.policy)
            .map_or(&[] as &[_], Vec::as_slice);
        let named = self.dialect == Dialect::CasbinRs || matcher.text.contains(&format!("{key}_"));
        if rows.is_empty() || !named {
            if matcher.evaluates && rows.is_empty() && self.dialect == Dialect::CasbinGo {
                return Err("`eval` in a matcher needs a rule".to_owned());
            }
            let once = case.value(&matcher.node)?.truth()?;
            tally.take(usize::MAX, if once { Says::Allow } else { Says::Nothing });
            return Ok(tally);
        }
        let columns = self.model.policies.get(case.chosen.policy);
        let columns = columns.map_or(&[] as &[_], |(_, columns)| columns.as_slice());
        let column = columns.iter().position(|column| **column == *"eft");
        // The crate looks for `p_eft` whatever the policy is called, so that denying rows of `p2` allow.
        let column = column.filter(|_| self.dialect != Dialect::CasbinRs || key == "p");
        for (at, rule) in rows.iter().enumerate() {
            if rule.fields.len() != columns.len() {
                let line = rule.line;
                return Err(format!(
                    "the row on line {line} has {} fields",
                    rule.fields.len()
                ));
            }
            let case = Case {
                row: Some(&rule.fields),
                ..case
            };
            let value = case.value(&matcher.node)?;
            let matches = match value {
                Datum::Number(number) => number != 0.0,
                Datum::Null
                | Datum::Bool(_)
                | Datum::Int(_)
                | Datum::Text(_)
                | Datum::List(_)
                | Datum::Map(_) => value.truth()?,
            };
            let says = match column
                .and_then(|column| rule.fields.get(column))
                .map(|text| &**text)
            {
                _ if !matches => Says::Nothing,
                None | Some("allow") => Says::Allow,
                Some("deny") => Says::Deny,
                Some(_) => Says::Nothing,
            };
            if tally.take(at, says) {
                break;
            }
        }
        Ok(tally)
    }

    fn answer(
        &self,
        section: usize,
        effect: Effect,
        grounds: Grounds,
        mut rows: Vec<usize>,
    ) -> Answer {
        rows.retain(|row| *row != usize::MAX);
        let known = self.rows.get(section).map_or(&[] as &[_], Vec::as_slice);
        let mut costs = rows
            .iter()
            .filter_map(|row| known.get(*row))
            .map(|rule| &rule.cost);
        let mut obligations = costs.next().cloned().unwrap_or_default();
        costs.for_each(|cost| obligations.combine(cost));
        Answer {
            effect,
            grounds,
            obligations,
            section,
            rows,
        }
    }

    /// A condition of a row, read at load; the empty text is none.
    pub(super) fn condition(&self, text: &str) -> Result<&Node, Fault> {
        self.conditions
            .get(text)
            .ok_or_else(|| format!("`{text}` is no condition"))
    }

    pub(super) fn has_role(
        &self,
        section: usize,
        member: &str,
        role: &str,
        domain: Option<&str>,
        now: i64,
    ) -> Result<bool, Fault> {
        let shape = self
            .model
            .roles
            .get(section)
            .ok_or("the role section is not defined")?;
        match &self.roles {
            Roles::Go(sections) => {
                let links = sections
                    .get(section)
                    .ok_or("the role section is not defined")?;
                let domain = domain.filter(|_| shape.domains).unwrap_or_default();
                Ok(links.has(member, role, domain, now))
            }
            Roles::Crate(links) if shape.domains == domain.is_some() => {
                Ok(links.has(member, role, domain))
            }
            Roles::Crate(_) => Err("the role section takes another number of arguments".to_owned()),
        }
    }
}
