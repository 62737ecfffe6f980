//! Checks over all rows together: duplicates, shared names, priorities, roles.

use std::collections::{HashMap, HashSet};

use super::load::Loader;
use super::roles::{Graph, RoleRow, Unclosed};
use super::table::Head;
use crate::decision::Effect;
use crate::language::model::Combination;
use crate::language::pattern::Way;
use crate::obligation::Obligations;
use crate::source::{Mistake, Passage, Source, brief, size};
use crate::symbol::Symbols;

/// Most rows in a policy; chosen so that every count fits 32 bits with room.
const MOST_ROWS: usize = 1 << 24;

impl Loader<'_> {
    pub(super) fn finish(&mut self, sources: &[Source<'_>], symbols: &mut Symbols) {
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
        self.warn_of_open_folders();
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

    /// `/x/*` leaves `/x` itself open, which matters where it denies.
    fn warn_of_open_folders(&mut self) {
        let model = self.model;
        let rules = &self.rules;
        let denying = || {
            let rows = rules.heads.iter().enumerate();
            rows.filter(|(_, head)| head.effect == Effect::Deny)
        };
        let mut found = Vec::new();
        for (path, way) in &model.pattern_fields {
            if !matches!(way, Way::Path(_)) {
                continue;
            }
            let like = |row: usize, pattern: &str| {
                let mut key = pattern.to_owned();
                for field in (0..rules.arity)
                    .filter(|field| field != path && model.obligation_field != Some(*field))
                {
                    key.push('\n');
                    key.push_str(rules.field(row, field));
                }
                key
            };
            let known: HashSet<String> = denying()
                .map(|(row, _)| like(row, rules.field(row, *path)))
                .collect();
            for (row, head) in denying() {
                let folder = rules
                    .field(row, *path)
                    .strip_suffix("/*")
                    .unwrap_or_default();
                if !folder.is_empty() && !known.contains(&like(row, folder)) {
                    let message = format!("`{}/*` does not deny `{0}` itself", brief(folder));
                    let help = format!("add the same row with `{}`", brief(folder));
                    found.push(self.at(head.file as usize, head.line, message, help));
                }
            }
        }
        self.warnings.append(&mut found);
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
