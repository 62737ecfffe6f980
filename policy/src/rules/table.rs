//! Every row as meant: checked against the model, its texts in one arena.

use std::collections::HashMap;

use super::csv::{self, Cell, Row};
use super::roles::{Graph, RoleRow, Unclosed};
use super::view::{RoleView, RuleId, RuleView};
use crate::decision::Effect;
use crate::language::expression::{Conjunct, conjuncts};
use crate::language::model::{Combination, Model};
use crate::language::pattern::{Patterns, Way};
use crate::obligation::Obligations;
use crate::revision::Fingerprint;
use crate::source::{Mistake, Passage, Source, brief, size};
use crate::symbol::Symbols;

/// The rows of a policy.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    files: Vec<Box<str>>,
    arity: usize,
    /// The fields of all rows, each ended by a line feed, which no field holds.
    text: String,
    /// Where each field begins, and the end.
    starts: Vec<u32>,
    heads: Vec<Head>,
    costs: Vec<Obligations>,
    roles: Vec<RoleRow>,
    graphs: Vec<Graph>,
    conditions: HashMap<Box<str>, Vec<Conjunct>, foldhash::fast::RandomState>,
}

/// What is known about a row beside its texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    file: u32,
    line: u32,
    pub(crate) effect: Effect,
    /// Index of its obligations.
    pub(crate) cost: u32,
    /// Place in the order of first match; the lowest decides.
    pub(crate) rank: u32,
}

/// Most rows in a policy; chosen so that every count fits 32 bits with room.
const MOST_ROWS: usize = 1 << 24;

impl Rules {
    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn head(&self, row: usize) -> Option<&Head> {
        self.heads.get(row)
    }

    /// A field of a row; empty if there is none.
    pub(crate) fn field(&self, row: usize, field: usize) -> &str {
        let at = row * self.arity + field;
        let (Some(start), Some(next)) = (self.starts.get(at), self.starts.get(at + 1)) else {
            return "";
        };
        self.text
            .get(*start as usize..(*next as usize).saturating_sub(1))
            .unwrap_or_default()
    }

    pub(crate) fn cost(&self, cost: u32) -> Option<&Obligations> {
        self.costs.get(cost as usize)
    }

    pub(crate) fn graph(&self, section: usize) -> Option<&Graph> {
        self.graphs.get(section)
    }

    pub(crate) fn condition(&self, text: &str) -> Option<&[Conjunct]> {
        self.conditions.get(text).map(Vec::as_slice)
    }

    pub(crate) fn view(&self, row: usize) -> Option<RuleView<'_>> {
        let head = self.heads.get(row)?;
        Some(RuleView {
            ordinal: RuleId(size(row)),
            file: self.file(head.file as usize),
            line: head.line,
            effect: head.effect,
            fields: (0..self.arity)
                .map(|field| self.field(row, field))
                .collect(),
        })
    }

    pub(crate) fn role_views<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = RoleView<'a>> {
        self.roles.iter().map(|row| RoleView {
            section: model
                .sections
                .get(row.section)
                .map_or("", |section| &*section.name),
            file: self.file(row.file),
            line: row.line,
            fields: row.fields.iter().map(|field| &**field).collect(),
        })
    }

    fn file(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |name| &**name)
    }

    /// Feeds the rows in order.
    pub(crate) fn fingerprint(&self, into: &mut Fingerprint) {
        into.count(self.heads.len());
        into.text(&self.text);
        into.count(self.roles.len());
        for row in &self.roles {
            into.count(row.section);
            row.fields.iter().for_each(|field| into.text(field));
        }
    }

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
            for row in csv::read(*source, loader.mistakes) {
                loader.row(file, source.name, &row);
            }
        }
        loader.finish(sources, symbols);
        (loader.rules, loader.warnings)
    }
}

struct Loader<'a> {
    model: &'a Model,
    patterns: &'a mut Patterns,
    mistakes: &'a mut Vec<Mistake>,
    rules: Rules,
    priorities: Vec<i64>,
    costs: HashMap<Box<str>, u32>,
    warnings: Vec<Mistake>,
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
            if let Some(cell) = cells.get(*field) {
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

    fn finish(&mut self, sources: &[Source<'_>], symbols: &mut Symbols) {
        if self.rules.costs.is_empty() {
            self.rules.costs.push(Obligations::default());
        }
        let whole = Passage::new(
            sources.first().map_or("rules", |source| source.name),
            "",
            1,
            1,
        );
        if self.rules.len() > MOST_ROWS || u32::try_from(self.rules.text.len()).is_err() {
            self.mistakes.push(whole.mistake(
                0,
                "more than 16 million rows or 4 GiB of text",
                "split the policy",
            ));
            return;
        }
        if self.rules.len() == 0 && self.mistakes.is_empty() {
            let help =
                "add a `p` row; a policy that failed to load must not look like an empty one";
            self.mistakes
                .push(whole.mistake(0, "the policy has no rules", help));
        }
        self.refuse_duplicates();
        self.refuse_shared_names();
        self.rank();
        self.close(symbols);
        if self.model.combination == Combination::AllowOverride {
            let denying = self
                .rules
                .heads
                .iter()
                .find(|head| head.effect == Effect::Deny);
            if let Some(head) = denying {
                let help = "add ` && !some(where (p.eft == deny))` to the effect";
                let mistake = self.at(
                    head.file as usize,
                    head.line,
                    "rows that deny have no effect in this model",
                    help,
                );
                self.warnings.push(mistake);
            }
        }
    }

    fn at(
        &self,
        file: usize,
        line: u32,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Mistake {
        Mistake {
            file: self.rules.file(file).to_owned(),
            line,
            column: 1,
            message: message.into(),
            help: help.into(),
        }
    }

    fn refuse_duplicates(&mut self) {
        let mut found = Vec::new();
        let mut report = |file: usize, line: u32, first_file: usize, first: u32| {
            let message = format!(
                "the same row stands at {}:{first}",
                self.rules.file(first_file)
            );
            let help = "remove one; a second copy moves a row to the back in one reference";
            found.push(self.at(file, line, message, help));
        };
        let mut rows: HashMap<&str, &Head, foldhash::fast::RandomState> = HashMap::default();
        for (row, head) in self.rules.heads.iter().enumerate() {
            let start = self
                .rules
                .starts
                .get(row * self.rules.arity)
                .copied()
                .unwrap_or_default();
            let end = self
                .rules
                .starts
                .get((row + 1) * self.rules.arity)
                .copied()
                .unwrap_or_default();
            let text = self
                .rules
                .text
                .get(start as usize..end as usize)
                .unwrap_or_default();
            match rows.get(text) {
                Some(first) => report(
                    head.file as usize,
                    head.line,
                    first.file as usize,
                    first.line,
                ),
                None => {
                    rows.insert(text, head);
                }
            }
        }
        let mut roles: HashMap<(usize, &[Box<str>]), &RoleRow, foldhash::fast::RandomState> =
            HashMap::default();
        for row in &self.rules.roles {
            match roles.get(&(row.section, row.fields.as_slice())) {
                Some(first) => report(row.file, row.line, first.file, first.line),
                None => {
                    roles.insert((row.section, &row.fields), row);
                }
            }
        }
        self.mistakes.append(&mut found);
    }

    /// One reference keeps all role sections in one graph, where a name in two of them carries roles
    /// from one to the other.
    fn refuse_shared_names(&mut self) {
        if self.model.sections.len() < 2 {
            return;
        }
        let mut owners: HashMap<&str, (&RoleRow, bool), foldhash::fast::RandomState> =
            HashMap::default();
        let mut found = Vec::new();
        for row in &self.rules.roles {
            for name in row.fields.iter().take(2) {
                let (first, reported) = owners.entry(name).or_insert((row, false));
                if first.section == row.section || *reported {
                    continue;
                }
                *reported = true;
                let section = |row: &RoleRow| {
                    self.model
                        .sections
                        .get(row.section)
                        .map_or("", |section| &*section.name)
                };
                let message = format!(
                    "`{}` is a name of `{}` here and of `{}` at {}:{}; in one reference they share their roles",
                    brief(name),
                    section(row),
                    section(first),
                    self.rules.file(first.file),
                    first.line
                );
                found.push(self.at(
                    row.file,
                    row.line,
                    message,
                    "give each section its own prefix, like `u:` and `zone:`",
                ));
            }
        }
        self.mistakes.append(&mut found);
    }

    /// Orders rows for first match: lowest priority first, deny before allow, then as written.
    fn rank(&mut self) {
        if self.model.priority_field.is_none() || self.priorities.len() != self.rules.heads.len() {
            return;
        }
        let mut order: Vec<_> = self
            .rules
            .heads
            .iter_mut()
            .zip(&self.priorities)
            .map(|(head, priority)| ((*priority, head.effect == Effect::Allow), head))
            .collect();
        order.sort_by_key(|(key, _)| *key);
        for (rank, (_, head)) in order.into_iter().enumerate() {
            head.rank = size(rank);
        }
    }

    fn close(&mut self, symbols: &mut Symbols) {
        for section in 0..self.model.sections.len() {
            let rows = self
                .rules
                .roles
                .iter()
                .enumerate()
                .filter(|(_, row)| row.section == section);
            let mistake = match Graph::close(rows, symbols) {
                Ok(graph) => {
                    self.rules.graphs.push(graph);
                    continue;
                }
                Err(Unclosed::Cycle(index)) => {
                    let Some(row) = self.rules.roles.get(index) else {
                        continue;
                    };
                    let ends: Vec<&str> = row.fields.iter().take(2).map(|field| &**field).collect();
                    let message = format!("the role `{}` closes a cycle", ends.join("` -> `"));
                    self.at(
                        row.file,
                        row.line,
                        message,
                        "a role is never, over others, a member of itself",
                    )
                }
                Err(Unclosed::TooLarge) => self.at(
                    0,
                    1,
                    "the roles have more than 64 million members in all",
                    "flatten the hierarchy",
                ),
            };
            self.mistakes.push(mistake);
            self.rules.graphs.push(Graph::default());
        }
    }
}
