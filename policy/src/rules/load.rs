//! Reads rows and checks each against the model.

use std::sync::Arc;

use super::csv::{self, Blanks, Cell, Row};
use super::sheet::{Refused, Slot};
use super::table::{Condition, Note, Rules};
use crate::decision::Effect;
use crate::language::expression::conjuncts;
use crate::language::model::Model;
use crate::language::pattern::{Patterns, Way};
use crate::obligation::Obligations;
use crate::source::{Mistake, Passage, Source, brief, size};
use crate::symbol::Symbols;

pub(super) const TOO_MUCH: &str = "more than 16 million rows or 4 GiB of text";

impl Rules {
    /// Reads every row of every file. Mistakes are added, never returned early.
    pub(crate) fn read(
        model: &Model,
        sources: &[Source<'_>],
        patterns: &mut Patterns,
        symbols: &mut Symbols,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let mut loader = Loader {
            model,
            patterns,
            mistakes,
            rules: Self::new(model),
        };
        for (file, source) in sources.iter().enumerate() {
            Arc::make_mut(&mut loader.rules.files).push(source.name.into());
            for (number, raw) in source.text.lines().enumerate() {
                loader.line(file, source.name, size(number + 1), raw);
            }
        }
        loader.rules.rows.shrink();
        loader.rules.roles.shrink();
        loader.finish(sources, symbols);
        loader.rules
    }
}

/// Rows on their way in.
pub(crate) struct Loader<'a> {
    pub(crate) model: &'a Model,
    pub(crate) patterns: &'a mut Patterns,
    pub(crate) mistakes: &'a mut Vec<Mistake>,
    pub(crate) rules: Rules,
}

/// A row that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    Rule(Slot),
    Role(Slot),
}

impl Loader<'_> {
    /// Reads a line; `None` if it holds no row or one that cannot stand.
    pub(crate) fn line(&mut self, file: usize, name: &str, line: u32, raw: &str) -> Option<Placed> {
        match csv::row(raw, line, Blanks::Refuse) {
            Ok(row) => self.row(file, name, &row?),
            Err(fault) => {
                self.mistakes.push(fault.mistake(name, raw, line));
                None
            }
        }
    }

    fn row(&mut self, file: usize, name: &str, row: &Row<'_>) -> Option<Placed> {
        let (kind, cells) = row.cells.split_first()?;
        if kind.text == "p" {
            return self.rule(file, name, row, cells).map(Placed::Rule);
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
            return None;
        };
        self.role(file, name, row, section, cells).map(Placed::Role)
    }

    fn role(
        &mut self,
        file: usize,
        name: &str,
        row: &Row<'_>,
        section: usize,
        cells: &[Cell<'_>],
    ) -> Option<Slot> {
        let defined = self.model.sections.get(section)?;
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
            return None;
        }
        if let Some(empty) = cells.iter().find(|cell| cell.text.is_empty()) {
            self.mistakes.push(row.mistake(
                name,
                empty.offset,
                "empty field",
                "name a member, a role and a domain",
            ));
            return None;
        }
        let open = cells.get(2).filter(|cell| cell.text == "*").map(|domain| {
            row.mistake(
                name,
                domain.offset,
                "`*` is no wildcard in a role's domain",
                "write a row for each domain",
            )
        });
        let fields = cells.iter().map(|cell| &*cell.text);
        let placed = self.rules.roles.insert(
            (file, row.line),
            fields.chain(std::iter::repeat("")),
            size(section),
            open.into_iter().collect(),
        );
        self.placed(placed, name, row)
    }

    fn placed(&mut self, placed: Result<Slot, Refused>, name: &str, row: &Row<'_>) -> Option<Slot> {
        let (message, help) = match placed {
            Ok(slot) => return Some(slot),
            Err(Refused::Taken) => ("a row stands on this line already", "take a free line"),
            Err(Refused::Full) => (TOO_MUCH, "split the policy"),
        };
        self.mistakes.push(row.mistake(name, 0, message, help));
        None
    }

    fn rule(&mut self, file: usize, name: &str, row: &Row<'_>, cells: &[Cell<'_>]) -> Option<Slot> {
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
            return None;
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
        let priority = cell(model.priority_field).map_or(0, |cell| self.priority(name, row, cell));
        let warnings = self.patterns(name, row, cells);
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
        let note = Note {
            effect,
            cost,
            priority,
        };
        let fields = cells.iter().map(|cell| &*cell.text);
        let placed = self
            .rules
            .rows
            .insert((file, row.line), fields, note, warnings);
        self.rules.denying += usize::from(effect == Effect::Deny);
        self.placed(placed, name, row)
    }

    fn priority(&mut self, name: &str, row: &Row<'_>, cell: &Cell<'_>) -> i32 {
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
        priority.unwrap_or(i32::MAX)
    }

    /// Admits the patterns of a row; gives back what its author should look at.
    fn patterns(&mut self, name: &str, row: &Row<'_>, cells: &[Cell<'_>]) -> Vec<Mistake> {
        let mut warnings = Vec::new();
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
            let expression = self.patterns.expression(&cell.text);
            let large = expression.is_some_and(|expression| !expression.is_table());
            let part_only = expression.is_some_and(|expression| !expression.anchored);
            if *way == Way::Regex && large {
                warnings.push(row.mistake(
                    name,
                    cell.offset,
                    format!(
                        "`{}` is too large for a table: threads share what it is matched with",
                        brief(&cell.text)
                    ),
                    "leave out counted repetitions of anything, like `.{0,100}`".to_owned(),
                ));
            }
            if *way == Way::Regex && part_only {
                warnings.push(row.mistake(
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
        warnings
    }

    fn condition(&mut self, name: &str, row: &Row<'_>, cell: &Cell<'_>) {
        if cell.text.is_empty() {
            return;
        }
        if let Some(condition) = self.rules.conditions.get_mut(&*cell.text) {
            condition.mentions = condition.mentions.saturating_add(1);
            return;
        }
        let before = row.raw.get(..cell.offset).unwrap_or_default();
        let passage = Passage::new(name, &cell.text, row.line, size(before.chars().count()) + 1);
        let faults = self.mistakes.len();
        self.patterns.record();
        let conjuncts = conjuncts(
            &self.model.condition_scope(),
            &passage,
            self.patterns,
            self.mistakes,
        );
        let patterns = self.patterns.recorded();
        if self.mistakes.len() == faults {
            let condition = Condition {
                conjuncts: conjuncts.into(),
                patterns: patterns.into(),
                mentions: 1,
            };
            self.rules
                .conditions
                .insert(Box::from(&*cell.text), condition);
        }
    }

    fn cost(&mut self, name: &str, row: &Row<'_>, cell: &Cell<'_>, effect: Effect) -> u32 {
        let cost = match self.rules.costs.take(&cell.text) {
            Some(cost) => cost,
            None => match Obligations::parse(&cell.text) {
                Ok(obligations) => self.rules.costs.add(&cell.text, obligations),
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
