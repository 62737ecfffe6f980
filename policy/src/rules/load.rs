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
use crate::{Said, said};

pub(super) fn too_much() -> Said {
    said!(
        "more than 16 million rows or 4 GiB of text",
        "超过 1600 万行或 4 GiB 文本"
    )
}

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
                said!(
                    "row type `{}` is not defined by the model",
                    "模型没有定义行类型 `{}`",
                    brief(&kind.text)
                ),
                said!("defined are {known}", "已定义的有 {known}"; known = Said::list(&known)),
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
            let message = said!(
                "the row has {} fields behind `{}`; the model defines {expected}",
                "这一行有 {} 个字段（在 `{}` 之后），模型定义了 {expected} 个",
                cells.len(),
                defined.name
            );
            let help = if defined.domains {
                said!("write member, role, domain", "依次写成员、角色、域")
            } else {
                said!("write member, role", "依次写成员、角色")
            };
            self.mistakes.push(row.mistake(name, 0, message, help));
            return None;
        }
        if let Some(empty) = cells.iter().find(|cell| cell.text.is_empty()) {
            self.mistakes.push(row.mistake(
                name,
                empty.offset,
                said!("empty field", "字段为空"),
                said!("name a member, a role and a domain", "请写明成员、角色和域"),
            ));
            return None;
        }
        let open = cells.get(2).filter(|cell| cell.text == "*").map(|domain| {
            row.mistake(
                name,
                domain.offset,
                said!(
                    "`*` is no wildcard in a role's domain",
                    "`*` 在角色的域中不是通配符"
                ),
                said!("write a row for each domain", "请为每个域各写一行"),
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
            Err(Refused::Taken) => (
                said!("a row stands on this line already", "这一行已有规则"),
                said!("take a free line", "请换一个空行"),
            ),
            Err(Refused::Full) => (too_much(), said!("split the policy", "请拆分策略")),
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
                said!(
                    "the row has {} fields behind `p`; the model defines {}",
                    "这一行有 {} 个字段（不含 `p`），模型定义了 {} 个",
                    cells.len(),
                    model.policy.len()
                ),
                said!("write {}", "依次写 {}", fields.join(", ")),
            ));
            return None;
        }
        let cell = |field: Option<usize>| field.and_then(|field| cells.get(field));
        for (field, cell) in cells.iter().enumerate() {
            if cell.text.is_empty() && model.obligation_field != Some(field) {
                let help = said!(
                    "only the column `obl` may be empty",
                    "只有 `obl` 列可以为空"
                );
                self.mistakes.push(row.mistake(
                    name,
                    cell.offset,
                    said!("empty field", "字段为空"),
                    help,
                ));
            }
        }
        let effect = match cell(model.effect_field).map(|cell| (cell, &*cell.text)) {
            None | Some((_, "allow")) => Effect::Allow,
            Some((_, "deny")) => Effect::Deny,
            Some((cell, other)) => {
                self.mistakes.push(row.mistake(
                    name,
                    cell.offset,
                    said!(
                        "effect `{}` would neither allow nor deny",
                        "效果 `{}` 既不是放行也不是拒绝",
                        brief(other)
                    ),
                    said!(
                        "write `allow` or `deny` in lower case",
                        "请用小写的 `allow` 或 `deny`"
                    ),
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
                said!(
                    "priority `{}` is no whole number, where the references sort differently",
                    "优先级 `{}` 不是整数，各参照引擎对此排序不一",
                    brief(&cell.text)
                ),
                said!(
                    "write a whole number; the lowest comes first",
                    "请写整数；数字小的在前"
                ),
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
                    said!(
                        "`{}` is too large for a table: threads share what it is matched with",
                        "`{}` 过大，不能编译成状态表；各线程要共用匹配所需的内存",
                        brief(&cell.text)
                    ),
                    said!(
                        "leave out counted repetitions of anything, like `.{{0,100}}`",
                        "请不要对任意字符规定重复次数，如 `.{{0,100}}`"
                    ),
                ));
            }
            if *way == Way::Regex && part_only {
                warnings.push(row.mistake(
                    name,
                    cell.offset,
                    said!(
                        "`{}` also matches values that only contain it",
                        "只要值中包含 `{}` 就会匹配",
                        brief(&cell.text)
                    ),
                    said!("write `^({})$`", "写成 `^({})$`", brief(&cell.text)),
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
                said!(
                    "`{}` on a row that denies",
                    "拒绝规则上写了 `{}`",
                    brief(&cell.text)
                ),
                said!(
                    "a denial carries `log` and `alert` only",
                    "拒绝规则只能附带 `log` 和 `alert`"
                ),
            ));
        }
        cost
    }
}
