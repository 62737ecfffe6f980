//! Writes rows as formulas for one place.

use std::collections::HashMap;
use std::rc::Rc;

use super::callers::Holding;
use super::formula::{Clause, Formula, Given, Row};
use super::ranges::Ranges;
use super::routes::{self, Route};
use super::space::{Dim, Space};
use crate::decision::Effect;
use crate::engine::explain::conjuncts;
use crate::engine::interpret::Case;
use crate::engine::snapshot::Policy;
use crate::facts::{Fact, Facts};
use crate::language::expression::{Conjunct, Expr};
use crate::language::path::Style;
use crate::language::pattern::Way;
use crate::language::syntax::Comparison;
use crate::symbol::Symbol;
use crate::truth::Truth;

/// Makes formulas, and keeps what many rows share.
pub(super) struct Writer<'a> {
    pub(super) policy: &'a Policy,
    pub(super) space: &'a Space,
    methods: HashMap<(usize, &'a str), u64>,
    routes: HashMap<(&'a str, Style), Route<'a>>,
}

/// What an operand of a comparison is.
enum Operand<'a> {
    Text(&'a str),
    Open(usize),
    Unnamed,
    Other,
}

/// Widest range of numbers that is tried one by one.
const TRIED: i64 = 4096;

impl<'a> Writer<'a> {
    pub(super) fn new(policy: &'a Policy, space: &'a Space) -> Self {
        Self {
            policy,
            space,
            methods: HashMap::new(),
            routes: HashMap::new(),
        }
    }

    /// A row at a place; `None` if it never applies there.
    pub(super) fn row(&mut self, row: usize, given: &[(usize, Given<'a>)]) -> Option<Row<'a>> {
        let policy = self.policy;
        let effect = policy.rules.head(row)?.effect;
        let mut facts: Facts<'a> = Facts::from_elem(Fact::Missing, policy.model.schema.slots.len());
        for (slot, value) in given {
            if let (Given::Named(text), Some(place)) = (value, facts.get_mut(*slot)) {
                *place = Fact::Text(text);
            }
        }
        let mut found = Row {
            row,
            effect,
            clauses: Vec::new(),
            methods: u64::MAX,
            route: None,
        };
        for conjunct in conjuncts(policy, row) {
            let formula = self.conjunct(conjunct, row, given, &facts);
            if let Formula::Known(known) = formula {
                // A verdict that stays open counts for a denial only.
                match (known, effect) {
                    (Truth::True, _) | (Truth::Unknown, Effect::Deny) => continue,
                    (Truth::False, _) | (Truth::Unknown, Effect::Allow) => return None,
                }
            }
            if let Formula::Method(methods) = formula {
                found.methods &= methods;
            }
            if let Formula::Path(route) = &formula {
                found.route = Some(Rc::clone(route));
            }
            found.clauses.push(Clause {
                formula,
                text: &conjunct.text,
            });
        }
        Some(found)
    }

    fn conjunct(
        &mut self,
        conjunct: &'a Conjunct,
        row: usize,
        given: &[(usize, Given<'a>)],
        facts: &Facts<'a>,
    ) -> Formula<'a> {
        let policy = self.policy;
        let case = Case { policy, facts, row };
        // What the given facts settle is settled, whatever the others are.
        match case.truth(&conjunct.expr) {
            Truth::Unknown => Sentence {
                writer: self,
                row,
                given,
                facts,
            }
            .formula(&conjunct.expr),
            known @ (Truth::True | Truth::False) => Formula::Known(known),
        }
    }
}

/// One expression of a row at a place.
struct Sentence<'w, 'a> {
    writer: &'w mut Writer<'a>,
    row: usize,
    given: &'w [(usize, Given<'a>)],
    facts: &'w Facts<'a>,
}

impl<'a> Sentence<'_, 'a> {
    fn formula(&mut self, expr: &'a Expr) -> Formula<'a> {
        match expr {
            Expr::Not(inner) => negated(self.formula(inner)),
            Expr::All(parts) => {
                let formulas = parts.iter().map(|part| self.formula(part));
                simple(formulas.collect(), Truth::True, Formula::All)
            }
            Expr::Any(parts) => {
                let formulas = parts.iter().map(|part| self.formula(part));
                simple(formulas.collect(), Truth::False, Formula::Any)
            }
            Expr::Condition(field) => {
                let policy = self.writer.policy;
                match policy.rules.condition(policy.rules.field(self.row, *field)) {
                    Some(parts) => {
                        let formulas = parts.iter().map(|part| self.formula(&part.expr));
                        simple(formulas.collect(), Truth::True, Formula::All)
                    }
                    None => Formula::Known(Truth::Unknown),
                }
            }
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Text(_)
            | Expr::Fact(_)
            | Expr::Policy(_)
            | Expr::Compare(..)
            | Expr::Arithmetic(..)
            | Expr::Role { .. }
            | Expr::Match { .. } => self.leaf(expr),
        }
    }

    fn leaf(&mut self, expr: &'a Expr) -> Formula<'a> {
        let case = Case {
            policy: self.writer.policy,
            facts: self.facts,
            row: self.row,
        };
        let known = case.truth(expr);
        if known != Truth::Unknown {
            return Formula::Known(known);
        }
        let mut slots: Vec<usize> = Vec::new();
        expr.visit(&mut |part| {
            if let Expr::Fact(slot) = part
                && !slots.contains(slot)
            {
                slots.push(*slot);
            }
        });
        // A comparison with what is never given is never known.
        if slots
            .iter()
            .any(|slot| self.writer.space.dim(*slot) == Dim::Missing)
        {
            return Formula::Known(Truth::Unknown);
        }
        let open: Vec<usize> = slots
            .iter()
            .copied()
            .filter(|slot| self.given(*slot).is_none())
            .collect();
        let unnamed = slots
            .iter()
            .any(|slot| matches!(self.given(*slot), Some(Given::Unnamed(_))));
        if let ([slot], false) = (open.as_slice(), unnamed) {
            match self.writer.space.dim(*slot) {
                Dim::Method => return self.methods(expr, *slot),
                Dim::Int(fact) => return self.numbers(expr, *slot, fact),
                Dim::Flag(fact) => return self.flag(expr, *slot, fact),
                Dim::Place | Dim::Path | Dim::Text(_) | Dim::Missing => {}
            }
        }
        match expr {
            Expr::Compare(Comparison::Equal, left, right) => self.equal(left, right),
            Expr::Compare(Comparison::Unequal, left, right) => negated(self.equal(left, right)),
            Expr::Role {
                graph,
                subject,
                role,
                domain,
            } => self.role(*graph, subject, role, domain.as_deref()),
            Expr::Match {
                way,
                value,
                pattern,
            } => self.matches(*way, value, pattern),
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Text(_)
            | Expr::Fact(_)
            | Expr::Policy(_)
            | Expr::Not(_)
            | Expr::All(_)
            | Expr::Any(_)
            | Expr::Compare(..)
            | Expr::Arithmetic(..)
            | Expr::Condition(_) => Formula::Opaque,
        }
    }

    fn given(&self, slot: usize) -> Option<&Given<'a>> {
        self.given
            .iter()
            .find(|(known, _)| *known == slot)
            .map(|(_, given)| given)
    }

    fn operand(&self, expr: &'a Expr) -> Operand<'a> {
        match expr {
            Expr::Text(text) => Operand::Text(text),
            Expr::Policy(field) => Operand::Text(self.writer.policy.rules.field(self.row, *field)),
            Expr::Fact(slot) => match self.given(*slot) {
                Some(Given::Named(text)) => Operand::Text(text),
                Some(Given::Unnamed(_)) => Operand::Unnamed,
                None => Operand::Open(*slot),
            },
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Not(_)
            | Expr::All(_)
            | Expr::Any(_)
            | Expr::Compare(..)
            | Expr::Arithmetic(..)
            | Expr::Role { .. }
            | Expr::Match { .. }
            | Expr::Condition(_) => Operand::Other,
        }
    }

    fn equal(&self, left: &'a Expr, right: &'a Expr) -> Formula<'a> {
        match (self.operand(left), self.operand(right)) {
            (Operand::Open(slot), Operand::Text(text))
            | (Operand::Text(text), Operand::Open(slot)) => match self.writer.space.dim(slot) {
                Dim::Path => {
                    routes::exactly(text).map_or(Formula::Known(Truth::False), Formula::Path)
                }
                Dim::Text(at) => Formula::Is {
                    text: at,
                    name: text,
                },
                Dim::Place | Dim::Method | Dim::Int(_) | Dim::Flag(_) | Dim::Missing => {
                    Formula::Opaque
                }
            },
            (Operand::Unnamed, Operand::Text(_)) | (Operand::Text(_), Operand::Unnamed) => {
                Formula::Known(Truth::False)
            }
            _ => Formula::Opaque,
        }
    }

    fn role(
        &self,
        graph: usize,
        subject: &'a Expr,
        role: &'a Expr,
        domain: Option<&'a Expr>,
    ) -> Formula<'a> {
        let symbols = &self.writer.policy.symbols;
        let Operand::Text(role) = self.operand(role) else {
            return Formula::Opaque;
        };
        let domain = match domain.map(|domain| self.operand(domain)) {
            None => self.writer.policy.no_domain,
            Some(Operand::Text(domain)) => symbols.find(domain),
            Some(Operand::Unnamed) => Symbol::NONE,
            Some(Operand::Open(_) | Operand::Other) => return Formula::Opaque,
        };
        match self.operand(subject) {
            // Somebody whom the policy does not name has no role and is not called like one.
            Operand::Unnamed => Formula::Known(Truth::False),
            Operand::Open(slot) => match self.writer.space.dim(slot) {
                Dim::Text(text) => {
                    let symbol = symbols.find(role);
                    Formula::Holds {
                        text,
                        holding: Holding {
                            graph,
                            role,
                            symbol,
                            domain,
                        },
                    }
                }
                Dim::Place
                | Dim::Path
                | Dim::Method
                | Dim::Int(_)
                | Dim::Flag(_)
                | Dim::Missing => Formula::Opaque,
            },
            Operand::Text(subject) => {
                // Only an unnamed domain leaves this open, and nobody has a role there.
                Formula::Known((subject == role).into())
            }
            Operand::Other => Formula::Opaque,
        }
    }

    fn matches(&mut self, way: Way, value: &'a Expr, pattern: &'a Expr) -> Formula<'a> {
        let (Operand::Open(slot), Operand::Text(pattern)) =
            (self.operand(value), self.operand(pattern))
        else {
            return Formula::Opaque;
        };
        if self.writer.space.dim(slot) != Dim::Path {
            return Formula::Opaque;
        }
        match way {
            Way::Path(style) => {
                let route = self
                    .writer
                    .routes
                    .entry((pattern, style))
                    .or_insert_with(|| routes::pattern(pattern, style));
                Formula::Path(Rc::clone(route))
            }
            Way::Prefix if pattern == "/*" || pattern == "*" => Formula::Path(routes::everything()),
            Way::Prefix => match pattern.strip_suffix('*') {
                None => {
                    routes::exactly(pattern).map_or(Formula::Known(Truth::False), Formula::Path)
                }
                Some(folder) if folder.ends_with('/') => match routes::below(folder).first() {
                    Some(route) => Formula::Path(Rc::clone(route)),
                    None => Formula::Known(Truth::False),
                },
                Some(_) => Formula::Opaque,
            },
            Way::Regex | Way::Address => Formula::Opaque,
        }
    }

    /// Tries every method.
    fn methods(&mut self, expr: &'a Expr, slot: usize) -> Formula<'a> {
        let mut columns: Vec<usize> = Vec::new();
        let mut facts_too = false;
        expr.visit(&mut |part| {
            if let Expr::Policy(field) = part {
                columns.push(*field);
            } else if let Expr::Fact(other) = part {
                facts_too |= *other != slot;
            }
        });
        let key = match (columns.as_slice(), facts_too) {
            ([field], false) => Some((
                std::ptr::from_ref(expr) as usize,
                self.writer.policy.rules.field(self.row, *field),
            )),
            _ => None,
        };
        if let Some(known) = key.and_then(|key| self.writer.methods.get(&key)) {
            return Formula::Method(*known);
        }
        let mut bits = 0;
        for (at, method) in self.writer.space.methods.iter().enumerate() {
            match self.with(expr, slot, Fact::Text(method)) {
                Truth::True => {
                    bits |= 1_u64
                        .checked_shl(u32::try_from(at).unwrap_or(u32::MAX))
                        .unwrap_or(0)
                }
                Truth::False => {}
                Truth::Unknown => return Formula::Opaque,
            }
        }
        if let Some(key) = key {
            self.writer.methods.insert(key, bits);
        }
        Formula::Method(bits)
    }

    fn numbers(&self, expr: &'a Expr, slot: usize, fact: usize) -> Formula<'a> {
        if let Expr::Compare(comparison, left, right) = expr {
            match (&**left, &**right) {
                (Expr::Fact(_), Expr::Int(bound)) => {
                    let values = Ranges::of(*comparison, *bound);
                    return Formula::Int { fact, values };
                }
                (Expr::Int(bound), Expr::Fact(_)) => {
                    let values = Ranges::of(comparison.mirrored(), *bound);
                    return Formula::Int { fact, values };
                }
                _ => {}
            }
        }
        let Some(range) = self.writer.space.ints.get(fact) else {
            return Formula::Opaque;
        };
        if range
            .high
            .checked_sub(range.low)
            .is_none_or(|width| width > TRIED)
        {
            return Formula::Opaque;
        }
        let at = |number: i64| self.with(expr, slot, Fact::Int(number));
        if (range.low..=range.high).any(|number| at(number) == Truth::Unknown) {
            return Formula::Opaque;
        }
        let values = Ranges::filtered(range.low, range.high, |number| at(number) == Truth::True);
        Formula::Int { fact, values }
    }

    fn flag(&self, expr: &'a Expr, slot: usize, fact: usize) -> Formula<'a> {
        let at = |known: bool| self.with(expr, slot, Fact::Bool(known));
        match (at(true), at(false)) {
            (Truth::True, Truth::False) => Formula::Flag { fact },
            (Truth::False, Truth::True) => Formula::Not(Box::new(Formula::Flag { fact })),
            (Truth::True, Truth::True) => Formula::Known(Truth::True),
            (Truth::False, Truth::False) => Formula::Known(Truth::False),
            (Truth::Unknown, _) | (_, Truth::Unknown) => Formula::Opaque,
        }
    }

    /// The expression with one more fact.
    fn with(&self, expr: &Expr, slot: usize, fact: Fact<'_>) -> Truth {
        let mut facts: Facts<'_> = self.facts.iter().copied().collect();
        if let Some(place) = facts.get_mut(slot) {
            *place = fact;
        }
        let case = Case {
            policy: self.writer.policy,
            facts: &facts,
            row: self.row,
        };
        case.truth(expr)
    }
}

/// Leaves out what does not matter: true parts of a conjunction, false ones of a disjunction.
fn simple<'a>(
    mut parts: Vec<Formula<'a>>,
    neutral: Truth,
    join: fn(Vec<Formula<'a>>) -> Formula<'a>,
) -> Formula<'a> {
    if parts
        .iter()
        .any(|part| matches!(part, Formula::Known(known) if *known == neutral.not()))
    {
        return Formula::Known(neutral.not());
    }
    parts.retain(|part| !matches!(part, Formula::Known(known) if *known == neutral));
    match parts.len() {
        0 => Formula::Known(neutral),
        1 => parts.pop().unwrap_or(Formula::Opaque),
        _ => join(parts),
    }
}

fn negated(formula: Formula<'_>) -> Formula<'_> {
    if let Formula::Known(known) = formula {
        return Formula::Known(known.not());
    }
    if matches!(formula, Formula::Opaque) {
        return formula;
    }
    Formula::Not(Box::new(formula))
}
