//! Reads rows and checks each against the model.

use std::collections::HashMap;

use super::csv::{self, Blanks, Cell, Row};
use super::roles::RoleRow;
use super::table::{Head, Rules};
use crate::decision::Effect;
use crate::language::expression::conjuncts;
use crate::language::model::Model;
use crate::language::pattern::{Patterns, Way};
use crate::obligation::Obligations;
use crate::source::{Mistake, Passage, Source, brief, size};
use crate::symbol::Symbols;

impl Rules {
    /// Reads every row of every file. Mistakes are added, never returned early.
    pub(crate) fn read(
        model: &Model,
        sources: &[Source<'_>],
        patterns: &mut Patterns,
        symbols: &mut Symbols,
        mistakes: &mut Vec<Mistake>,
    ) -> (Self, Vec<Mistake>) {
        let rules = Self {
            arity: model.policy.len(),
            starts: vec![0],
            ..Self::default()
        };
        let mut loader = Loader {
            model,
            patterns,
            mistakes,
            rules,
            priorities: Vec::new(),
            costs: HashMap::new(),
            warnings: Vec::new(),
        };
        for (file, source) in sources.iter().enumerate() {
            loader.rules.files.push(source.name.into());
            for row in csv::read(*source, Blanks::Refuse, loader.mistakes) {
                loader.row(file, source.name, &row);
            }
        }
        loader.finish(sources, symbols);
        (loader.rules, loader.warnings)
    }
}

/// Rows on their way in.
pub(super) struct Loader<'a> {
    pub(super) model: &'a Model,
    pub(super) patterns: &'a mut Patterns,
    pub(super) mistakes: &'a mut Vec<Mistake>,
    pub(super) rules: Rules,
    pub(super) priorities: Vec<i64>,
    costs: HashMap<Box<str>, u32>,
    pub(super) warnings: Vec<Mistake>,
}

impl Loader<'_> {
    fn row(&mut self, file: usize, name: &str, row: &Row<'_>) {
        let mut cells = row.cells.iter();
        let Some(kind) = cells.next() else { return };
        let cells = cells.as_slice();
        if kind.text == "p" {
            self.rule(file, name, row, cells);
            return;
        }
        let section = self
            .model
            .sections
            .iter()
            .position(|section| *section.name == *kind.text);
        let Some(section) = section else {
            let mut known = vec!["p"];
            known.extend(self.model.sections.iter().map(|section| &*section.name));
            self.mistakes.push(row.mistake(
                name,
                kind.offset,
                format!(
                    "row type `{}` is not defined by the model",
                    brief(&kind.text)
                ),
                format!("defined are {}", known.join(", ")),
            ));
            return;
        };
        self.role(file, name, row, section, cells);
    }

    fn role(&mut self, file: usize, name: &str, row: &Row<'_>, section: usize, cells: &[Cell<'_>]) {
        let Some(defined) = self.model.sections.get(section) else {
            return;
        };
        let expected = if defined.domains { 3 } else { 2 };
        if cells.len() != expected {
            let message = format!(
                "the row has {} fields behind `{}`; the model defines {expected}",
                cells.len(),
                defined.name
            );
            let help = if defined.domains {
                "write member, role, domain"
            } else {
                "write member, role"
            };
            self.mistakes.push(row.mistake(name, 0, message, help));
            return;
        }
        if let Some(empty) = cells.iter().find(|cell| cell.text.is_empty()) {
            self.mistakes.push(row.mistake(
                name,
                empty.offset,
                "empty field",
                "name a member, a role and a domain",
            ));
            return;
        }
        if let Some(domain) = cells.get(2).filter(|cell| cell.text == "*") {
            self.warnings.push(row.mistake(
                name,
                domain.offset,
                "`*` is no wildcard in a role's domain",
                "write a row for each domain",
            ));
        }
        let fields = cells.iter().map(|cell| Box::from(&*cell.text)).collect();
        self.rules.roles.push(RoleRow {
            section,
            fields,
            file,
            line: row.line,
        });
    }

    fn rule(&mut self, file: usize, name: &str, row: &Row<'_>, cells: &[Cell<'_>]) {
        let model = self.model;
        if cells.len() != model.policy.len() {
            let fields: Vec<&str> = model.policy.iter().map(|field| &**field).collect();
            self.mistakes.push(row.mistake(
                name,
                0,
                format!(
                    "the row has {} fields behind `p`; the model defines {}",
                    cells.len(),
                    model.policy.len()
                ),
                format!("write {}", fields.join(", ")),
            ));
            return;
        }
        let cell = |field: Option<usize>| field.and_then(|field| cells.get(field));
        for (field, cell) in cells.iter().enumerate() {
            if cell.text.is_empty() && model.obligation_field != Some(field) {
                let help = "only the column `obl` may be empty";
                self.mistakes
                    .push(row.mistake(name, cell.offset, "empty field", help));
            }
        }
        let effect = match cell(model.effect_field).map(|cell| (cell, &*cell.text)) {
            None | Some((_, "allow")) => Effect::Allow,
            Some((_, "deny")) => Effect::Deny,
            Some((cell, other)) => {
                self.mistakes.push(row.mistake(
                    name,
                    cell.offset,
                    format!("effect `{}` would neither allow nor deny", brief(other)),
                    "write `allow` or `deny` in lower case",
                ));
                Effect::Deny
            }
        };
        if let Some(cell) = cell(model.priority_field) {
            self.priority(name, row, cell);
        }
        self.patterns(name, row, cells);
        for field in &model.condition_fields {
            let cell = cells
                .get(*field)
                .filter(|cell| !model.is_wildcard(*field, &cell.text));
            if let Some(cell) = cell {
                self.condition(name, row, cell);
            }
        }
        let cost =
            cell(model.obligation_field).map_or(0, |cell| self.cost(name, row, cell, effect));
        for cell in cells {
            self.rules.text.push_str(&cell.text);
            self.rules.text.push('\n');
            self.rules.starts.push(size(self.rules.text.len()));
        }
        let rank = size(self.rules.heads.len());
        self.rules.heads.push(Head {
            file: size(file),
            line: row.line,
            effect,
            cost,
            rank,
        });
    }

    fn priority(&mut self, name: &str, row: &Row<'_>, cell: &Cell<'_>) {
        let priority = cell
            .text
            .parse::<i32>()
            .ok()
            .filter(|number| number.to_string() == *cell.text);
        if priority.is_none() {
            self.mistakes.push(row.mistake(
                name,
                cell.offset,
                format!(
                    "priority `{}` is no whole number, where the references sort differently",
                    brief(&cell.text)
                ),
                "write a whole number; the lowest comes first",
            ));
        }
        self.priorities.push(priority.map_or(i64::MAX, i64::from));
    }

    fn patterns(&mut self, name: &str, row: &Row<'_>, cells: &[Cell<'_>]) {
        for (field, way) in &self.model.pattern_fields {
            let Some(cell) = cells.get(*field) else {
                continue;
            };
            if cell.text.is_empty() || self.model.is_wildcard(*field, &cell.text) {
                continue;
            }
            if let Err(fault) = self.patterns.admit(*way, &cell.text) {
                self.mistakes.push(row.mistake(
                    name,
                    cell.offset + fault.offset,
                    fault.message,
                    fault.help,
                ));
                continue;
            }
            let part_only = self
                .patterns
                .expression(&cell.text)
                .is_some_and(|expression| !expression.anchored);
            if *way == Way::Regex && part_only {
                self.warnings.push(row.mistake(
                    name,
                    cell.offset,
                    format!(
                        "`{}` also matches values that only contain it",
                        brief(&cell.text)
                    ),
                    format!("write `^({})$`", brief(&cell.text)),
                ));
            }
        }
    }

    fn condition(&mut self, name: &str, row: &Row<'_>, cell: &Cell<'_>) {
        if cell.text.is_empty() || self.rules.conditions.contains_key(&*cell.text) {
            return;
        }
        let before = row.raw.get(..cell.offset).unwrap_or_default();
        let passage = Passage::new(name, &cell.text, row.line, size(before.chars().count()) + 1);
        let faults = self.mistakes.len();
        let condition = conjuncts(
            &self.model.condition_scope(),
            &passage,
            self.patterns,
            self.mistakes,
        );
        if self.mistakes.len() == faults {
            self.rules
                .conditions
                .insert(Box::from(&*cell.text), condition);
        }
    }

    fn cost(&mut self, name: &str, row: &Row<'_>, cell: &Cell<'_>, effect: Effect) -> u32 {
        let known = self.costs.get(&*cell.text).copied();
        let cost = match known {
            Some(cost) => cost,
            None => match Obligations::parse(&cell.text) {
                Ok(obligations) => {
                    let cost = size(self.rules.costs.len());
                    self.rules.costs.push(obligations);
                    self.costs.insert(Box::from(&*cell.text), cost);
                    cost
                }
                Err(fault) => {
                    self.mistakes.push(row.mistake(
                        name,
                        cell.offset + fault.offset,
                        fault.message,
                        fault.help,
                    ));
                    return 0;
                }
            },
        };
        let fits = self
            .rules
            .cost(cost)
            .is_some_and(Obligations::fits_a_denial);
        if effect == Effect::Deny && !fits {
            self.mistakes.push(row.mistake(
                name,
                cell.offset,
                format!("`{}` on a row that denies", brief(&cell.text)),
                "a denial carries `log` and `alert` only",
            ));
        }
        cost
    }
}
