//! Checks over all rows together: duplicates, shared names, priorities, roles.

use std::collections::{HashMap, HashSet};

use super::ledger::Ledger;
use super::load::{Loader, too_much};
use super::roles::{Edge, Graph, Unclosed};
use super::sheet::Sheet;
use super::table::{Owner, Rules};
use crate::language::model::Model;
use crate::source::{Mistake, Passage, Source, brief};
use crate::symbol::{Symbol, Symbols};
use crate::{Said, said};

/// Most rows in a policy; chosen so that every count fits 32 bits with room.
const MOST_ROWS: usize = 1 << 24;

impl Loader<'_> {
    pub(super) fn finish(&mut self, sources: &[Source<'_>], symbols: &mut Symbols) {
        self.rules.rows.settle();
        self.rules.roles.settle();
        let first = sources.first().map_or("rules", |source| source.name);
        self.refuse_extremes(first);
        if self.rules.len() > MOST_ROWS {
            return;
        }
        self.refuse_duplicates();
        self.close(symbols);
        self.rules.ledgers = [
            Ledger::new(self.rules.rows.len()),
            Ledger::new(self.rules.roles.len()),
        ];
        self.rules.settle();
    }

    /// Refuses a policy without rows and one that is too large.
    pub(crate) fn refuse_extremes(&mut self, file: &str) {
        let whole = Passage::new(file, "", 1, 1);
        let rules = &self.rules;
        let rows = rules.rows.len().max(rules.roles.len());
        let bytes = rules.rows.bytes().max(rules.roles.bytes());
        if rows > MOST_ROWS || u32::try_from(bytes).is_err() {
            self.mistakes.push(whole.mistake(
                0,
                too_much(),
                said!("split the policy", "请拆分策略"),
            ));
        }
        if rules.len() == 0 && self.mistakes.is_empty() {
            let help = said!(
                "add a `p` row; a policy that failed to load must not look like an empty one",
                "请加一条 `p` 规则；加载失败的策略不能与空策略混淆"
            );
            self.mistakes.push(whole.mistake(
                0,
                said!("the policy has no rules", "策略中没有规则"),
                help,
            ));
        }
    }

    fn refuse_duplicates(&mut self) {
        let rules = &self.rules;
        for (row, first) in repeated(&rules.rows, |_| 0) {
            if let (Some(place), Some(first)) = (rules.rows.place(row), rules.rows.place(first)) {
                self.mistakes.push(rules.twice(place, first));
            }
        }
        for (row, first) in repeated(&rules.roles, |section| *section) {
            if let (Some(place), Some(first)) = (rules.roles.place(row), rules.roles.place(first)) {
                self.mistakes.push(rules.twice(place, first));
            }
        }
    }

    fn close(&mut self, symbols: &mut Symbols) {
        let mut edges: Vec<Vec<(Edge, usize)>> = vec![Vec::new(); self.model.sections.len()];
        let mut shared = Vec::new();
        for row in 0..self.rules.roles.len() {
            let Some(section) = self.rules.roles.head(row).copied() else {
                continue;
            };
            let edge = self.rules.edge(row, symbols);
            if let Some(edges) = edges.get_mut(section as usize) {
                edges.push((edge, row));
            }
            shared.extend(self.rules.own(row, section, edge));
        }
        self.refuse_shared(shared);
        let mut pairs = 0;
        for edges in edges {
            let (edges, rows): (Vec<Edge>, Vec<usize>) = edges.into_iter().unzip();
            let graph = Graph::close(&edges, pairs);
            let graph = graph.unwrap_or_else(|(edge, fault)| {
                let row = rows.get(edge).copied().unwrap_or_default();
                let mistake = self.rules.unclosed(row, &fault);
                self.mistakes.push(mistake);
                Graph::default()
            });
            pairs += graph.pairs();
            self.rules.graphs.push(graph);
        }
    }

    /// Reports each name once, with the first row that has it.
    fn refuse_shared(&mut self, mut shared: Vec<Shared>) {
        if shared.is_empty() {
            return;
        }
        let mut reported: HashSet<Symbol> = HashSet::new();
        shared.retain(|shared| reported.insert(shared.name));
        let mut firsts: HashMap<&str, usize, foldhash::fast::RandomState> = HashMap::default();
        for row in 0..self.rules.roles.len() {
            for field in 0..2 {
                firsts
                    .entry(self.rules.roles.field(row, field))
                    .or_insert(row);
            }
        }
        for shared in &shared {
            let name = self.rules.roles.field(shared.row, shared.field);
            let first = firsts.get(name).copied();
            self.mistakes
                .push(self.rules.shared(self.model, shared, first));
        }
    }
}

/// A name of one role section that a row of another uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    pub(super) name: Symbol,
    pub(super) row: usize,
    pub(super) field: usize,
}

/// Rows that say what another row says, each with the first that does.
fn repeated<H: Clone>(sheet: &Sheet<H>, number: impl Fn(&H) -> u32) -> Vec<(usize, usize)> {
    let mut known: HashMap<(u32, &str), usize, foldhash::fast::RandomState> =
        HashMap::with_capacity_and_hasher(sheet.len(), Default::default());
    let mut found = Vec::new();
    let mut row = 0;
    sheet.each(|head, text| {
        let first = *known.entry((number(head), text)).or_insert(row);
        if first != row {
            found.push((row, first));
        }
        row += 1;
    });
    found
}

impl Rules {
    pub(super) fn fault(&self, (file, line): (usize, u32), message: Said, help: Said) -> Mistake {
        Mistake::new(self.file(file), (line, 1), message, help)
    }

    /// What is wrong with a row that stands at another place already.
    pub(crate) fn twice(&self, place: (usize, u32), first: (usize, u32)) -> Mistake {
        let message = said!(
            "the same row stands at {}:{}",
            "{}:{} 处已有相同的一行",
            self.file(first.0),
            first.1
        );
        let help = said!(
            "remove one; a second copy moves a row to the back in one reference",
            "请删除其中一行；重复的行会让有的参照引擎把规则移到最后"
        );
        self.fault(place, message, help)
    }

    /// What is wrong with the row of a role section.
    pub(super) fn unclosed(&self, row: usize, fault: &Unclosed) -> Mistake {
        let place = self.roles.place(row).unwrap_or_default();
        let field = |field| self.roles.field(row, field);
        match fault {
            Unclosed::Cycle => self.fault(
                place,
                said!(
                    "the role `{}` -> `{}` closes a cycle",
                    "角色 `{}` -> `{}` 形成了循环",
                    field(0),
                    field(1)
                ),
                said!(
                    "a role is never, over others, a member of itself",
                    "角色不能直接或间接成为自己的成员"
                ),
            ),
            Unclosed::Twice => self.twice(place, place),
            Unclosed::TooLarge => self.fault(
                place,
                said!(
                    "the roles have more than 64 million members in all",
                    "各角色的成员合计超过 6400 万"
                ),
                said!("flatten the hierarchy", "请减少角色层级"),
            ),
        }
    }

    /// The edge of a row of a role section, its names mentioned once more.
    pub(super) fn edge(&self, row: usize, symbols: &mut Symbols) -> Edge {
        let mut name = |field| symbols.intern(self.roles.field(row, field));
        Edge {
            member: name(0),
            role: name(1),
            domain: name(2),
        }
    }

    /// Notes that a section uses the names of an edge. One reference keeps all role sections in one graph,
    /// where a name in two of them carries roles from one to the other: gives back such names.
    pub(super) fn own(&mut self, row: usize, section: u32, edge: Edge) -> Vec<Shared> {
        let mut found = Vec::new();
        if self.widths.len() < 2 {
            return found;
        }
        for (field, name) in [edge.member, edge.role].into_iter().enumerate() {
            let owner = self.owners.get_mut(&name).map(|owner| {
                owner.mentions = owner.mentions.saturating_add(1);
                owner.section
            });
            match owner {
                None => {
                    let owner = Owner {
                        section,
                        mentions: 1,
                    };
                    self.owners.insert(name, owner);
                }
                Some(owner) if owner != section => found.push(Shared { name, row, field }),
                Some(_) => {}
            }
        }
        found
    }

    pub(super) fn shared(&self, model: &Model, shared: &Shared, first: Option<usize>) -> Mistake {
        let section = |row: usize| {
            let section = self.roles.head(row).copied().unwrap_or_default();
            let section = model.sections.get(section as usize);
            section.map_or("", |section| &*section.name)
        };
        let first = first.unwrap_or_default();
        let place = self.roles.place(first).unwrap_or_default();
        let message = said!(
            "`{}` is a name of `{}` here and of `{}` at {}:{}; in one reference they share their roles",
            "`{}` 在此处属于 `{}`，在另一处却属于 `{}`，见 {}:{}；有的参照引擎会让两处共用角色",
            brief(self.roles.field(shared.row, shared.field)),
            section(shared.row),
            section(first),
            self.file(place.0),
            place.1
        );
        self.fault(
            self.roles.place(shared.row).unwrap_or_default(),
            message,
            said!(
                "give each section its own prefix, like `u:` and `zone:`",
                "请为各角色段使用不同的前缀，如 `u:` 和 `zone:`"
            ),
        )
    }

    /// Takes one use of the names of an edge back.
    pub(super) fn disown(&mut self, edge: Edge) {
        for name in [edge.member, edge.role] {
            let left = self.owners.get_mut(&name).map(|owner| {
                owner.mentions = owner.mentions.saturating_sub(1);
                owner.mentions
            });
            if left == Some(0) {
                self.owners.remove(&name);
            }
        }
    }
}
