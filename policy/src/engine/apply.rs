//! A snapshot from another by changes of single rows.

use super::draft::Drafter;
use super::index::Index;
use super::shard::Entry;
use super::snapshot::{Policy, Snapshot};
use crate::rules::change::{Line, RowChange};
use crate::rules::load::{Loader, Placed};
use crate::rules::sheet::Slot;
use crate::source::{Mistake, Passage};
use crate::symbol::{Symbol, Symbols};
use crate::{Said, said};

impl Snapshot {
    /// Makes the snapshot that a full load gives once these lines are changed, and shares with this one
    /// what stays the same. Removals come before additions, whatever their order; a row that moves or
    /// changes is both. Each change costs time that grows with the roles below it and with the logarithm
    /// of everything else, plus a copy of the lists that name the parts: well below a millisecond at
    /// 100,000 rows.
    ///
    /// Rows do not move: a removed one leaves its line empty, and one that is added needs an empty line.
    /// The revision is that of the full load.
    ///
    /// # Errors
    ///
    /// Every mistake, as a full load finds it, and rows to remove that do not stand where they are said
    /// to; then nothing has changed.
    pub fn apply(&self, changes: &[RowChange<'_>]) -> Result<Self, Vec<Mistake>> {
        let Policy {
            model,
            rules,
            mut patterns,
            mut symbols,
            plan,
            named_slots,
            no_domain,
        } = self.policy().clone();
        let mut index = self.index().clone();
        let mut mistakes = Vec::new();
        let mut work = Work {
            loader: Loader {
                model: &model,
                patterns: &mut patterns,
                mistakes: &mut mistakes,
                rules,
            },
            symbols: &mut symbols,
            plan: &plan,
            index: &mut index,
        };
        for change in changes {
            if let RowChange::Remove(line) = change {
                work.remove(line);
            }
        }
        for change in changes {
            if let RowChange::Add(line) = change {
                work.add(line);
            }
        }
        let first = changes.first().map_or("rules", |change| change.line().file);
        work.loader.refuse_extremes(first);
        let mut rules = work.loader.rules;
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        rules.settle();
        let policy = Policy {
            model,
            rules,
            patterns,
            symbols,
            plan,
            named_slots,
            no_domain,
        };
        Ok(Self::of(policy, index))
    }
}

/// A policy while it changes.
struct Work<'w> {
    loader: Loader<'w>,
    symbols: &'w mut Symbols,
    plan: &'w super::plan::Plan,
    index: &'w mut Index,
}

impl Work<'_> {
    fn remove(&mut self, line: &Line<'_>) {
        match self.loader.find(line) {
            Some(Placed::Rule(slot)) => {
                let row = self.loader.rules.position(slot) as usize;
                let mut drafter = Drafter {
                    plan: self.plan,
                    model: self.loader.model,
                    rules: &self.loader.rules,
                    patterns: self.loader.patterns,
                    symbols: self.symbols,
                    vocabularies: self.index.vocabularies(),
                };
                let (key, route) = drafter.address(row);
                self.index.remove(key, route.as_deref(), slot);
                drafter.release(row);
                self.loader.drop_rule(slot);
            }
            Some(Placed::Role(slot)) => self.loader.drop_role(slot, self.symbols),
            None => {}
        }
    }

    fn add(&mut self, line: &Line<'_>) {
        let wrong = |message: Said, help: Said| {
            Passage::new(line.file, line.text, line.number, 1).mistake(0, message, help)
        };
        if line.number == 0 {
            let mistake = wrong(
                said!("lines are counted from 1", "行号从 1 开始"),
                said!("give the line of the row", "请给出规则所在的行号"),
            );
            self.loader.mistakes.push(mistake);
            return;
        }
        let file = self.loader.file(line.file);
        if self.loader.rules.is_taken(file, line.number) {
            let help = said!(
                "take a free line, or remove that row with the same change",
                "请换一个空行，或在同一变更中删除原有的规则"
            );
            let mistake = wrong(
                said!("a row stands on this line already", "这一行已有规则"),
                help,
            );
            self.loader.mistakes.push(mistake);
            return;
        }
        let before = self.loader.mistakes.len();
        let placed = self.loader.line(file, line.file, line.number, line.text);
        if self.loader.mistakes.len() > before {
            return;
        }
        match placed {
            Some(Placed::Rule(slot)) => self.rule(slot),
            Some(Placed::Role(slot)) => self.loader.join_role(slot, self.symbols),
            None => {
                let help = said!("write `p, …` or `g, …`", "写成 `p, …` 或 `g, …`");
                let mistake = wrong(said!("the line holds no row", "这一行没有规则"), help);
                self.loader.mistakes.push(mistake);
            }
        }
    }

    fn rule(&mut self, slot: Slot) {
        let row = self.loader.joined_rule(slot);
        let rules = &self.loader.rules;
        let mut drafter = Drafter {
            plan: self.plan,
            model: self.loader.model,
            rules,
            patterns: self.loader.patterns,
            symbols: self.symbols,
            vocabularies: self.index.vocabularies(),
        };
        let key = drafter.key(row);
        let draft = drafter.draft(row);
        let vocabularies = drafter.vocabularies;
        let Some(head) = rules.head(row) else {
            return;
        };
        let entry = Entry {
            role: Symbol::ANY,
            row: slot,
            checks: 0,
            cost: head.cost,
            count: 0,
            effect: head.effect,
        };
        let same = |other: Slot| rules.says_the_same(other, slot);
        let inserted = self.index.insert(key, &draft, entry, vocabularies, same);
        if let Err(first) = inserted {
            let mistake = rules.twice_at(slot, first);
            self.loader.mistakes.extend(mistake);
        }
    }
}
