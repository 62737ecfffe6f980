//! Reads a policy in another engine's dialect.

use std::collections::{HashMap, HashSet};

use super::extras::Extras;
use super::functions::Compiled;
use super::grammar::{Names, Node, parse};
use super::links::{CrateLinks, GoLinks, Holds, Link, cycle, moment};
use super::model::Model;
use super::policy::{Policy, Roles, Rule};
use super::rows::{self, Line};
use crate::obligation::Obligations;
use crate::revision::Fingerprint;
use crate::said;
use crate::source::{Dialect, Mistake, Passage, Source, size};

impl Policy {
    /// Reads a model and its rules.
    ///
    /// # Errors
    ///
    /// Everything that the dialect's reference refuses at load, and everything that is not supported, each
    /// with its line and column.
    pub fn load(
        model: Source<'_>,
        rules: &[Source<'_>],
        dialect: Dialect,
        extras: &Extras,
    ) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let Some(model) = Model::read(model, dialect, extras, &mut mistakes) else {
            return Err(mistakes);
        };
        let mut loader = Loader {
            dialect,
            extras,
            rows: vec![Vec::new(); model.policies.len()],
            links: vec![Vec::new(); model.roles.len()],
            conditions: HashMap::default(),
            seen: HashSet::default(),
            fingerprint: Fingerprint::new(),
            mistakes,
            model,
        };
        loader.fingerprint.text(dialect.name());
        loader.model.fingerprint(&mut loader.fingerprint);
        for (file, source) in rules.iter().enumerate() {
            for line in rows::read(*source, dialect, &mut loader.mistakes) {
                loader.line(file, source.name, &line);
            }
        }
        loader.finish(rules)
    }
}

struct Loader<'a> {
    dialect: Dialect,
    extras: &'a Extras,
    model: Model,
    rows: Vec<Vec<Rule>>,
    links: Vec<Vec<Link>>,
    conditions: HashMap<Box<str>, Node, foldhash::quality::RandomState>,
    /// Rows so far, to find duplicates.
    seen: HashSet<Vec<String>, foldhash::quality::RandomState>,
    fingerprint: Fingerprint,
    mistakes: Vec<Mistake>,
}

impl Loader<'_> {
    fn line(&mut self, file: usize, name: &str, line: &Line<'_>) {
        let Some(((kind, _), cells)) = line.cells.split_first() else {
            return;
        };
        let texts: Vec<String> = line.cells.iter().map(|(text, _)| text.clone()).collect();
        self.fingerprint.count(texts.len());
        texts.iter().for_each(|text| self.fingerprint.text(text));
        let again = !self.seen.insert(texts);
        let is = |(key, _): &(Box<str>, Vec<Box<str>>)| **key == **kind;
        if let Some(section) = self.model.policies.iter().position(is) {
            self.rule(section, file, name, line, cells, again);
        } else if let Some(section) = self.model.role_keys.iter().position(|key| **key == **kind) {
            self.role(section, file, name, line, cells, again);
        } else {
            let message = said!(
                "row type `{kind}` is not defined by the model",
                "模型没有定义行类型 `{kind}`"
            );
            self.mistakes.push(line.mistake(
                name,
                0,
                message,
                said!(
                    "define it, or remove the row",
                    "请在模型中定义，或删除这一行"
                ),
            ));
        }
    }

    fn rule(
        &mut self,
        section: usize,
        file: usize,
        name: &str,
        line: &Line<'_>,
        cells: &[(String, usize)],
        again: bool,
    ) {
        let Some((_, columns)) = self.model.policies.get(section) else {
            return;
        };
        // Go refuses such a row; the crate fails once a request reaches it.
        if cells.len() != columns.len() && self.dialect == Dialect::CasbinGo {
            let message = said!(
                "the row has {} fields; the model defines {}",
                "这一行有 {} 个字段，模型定义了 {} 个",
                cells.len(),
                columns.len()
            );
            self.mistakes.push(line.mistake(
                name,
                0,
                message,
                said!("write one field for each column", "每列写一个字段"),
            ));
            return;
        }
        let priced = columns.iter().position(|column| **column == *"obl");
        let cost = match priced.and_then(|priced| cells.get(priced)) {
            None => Obligations::default(),
            Some((text, offset)) => match Obligations::parse(text) {
                Ok(cost) => cost,
                Err(fault) => {
                    let at = offset + fault.offset;
                    self.mistakes
                        .push(line.mistake(name, at, fault.message, fault.help));
                    return;
                }
            },
        };
        for field in evaluated(&self.model, section) {
            if let Some((text, offset)) = cells.get(field) {
                self.condition(name, line, text, *offset);
            }
        }
        let fields: Vec<Box<str>> = cells.iter().map(|(text, _)| text.as_str().into()).collect();
        let Some(rows) = self.rows.get_mut(section) else {
            return;
        };
        if again {
            // Go keeps the first of two equal rows; in the crate the row moves to the end.
            if self.dialect != Dialect::CasbinRs {
                return;
            }
            rows.retain(|row| row.fields != fields);
        }
        rows.push(Rule {
            fields,
            cost,
            file,
            line: line.number,
        });
    }

    fn condition(&mut self, name: &str, line: &Line<'_>, text: &str, offset: usize) {
        if self.conditions.contains_key(text) {
            return;
        }
        let before = line.raw.get(..offset).unwrap_or_default();
        let column = size(before.chars().count()) + 1;
        let passage = Passage::new(name, text, line.number, column);
        let custom: Vec<&str> = self
            .extras
            .functions
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let names = Names {
            dialect: self.dialect,
            requests: &self.model.requests,
            policies: &self.model.policies,
            roles: &self.model.role_keys,
            custom: &custom,
        };
        match parse(&passage, names) {
            Ok(node) => {
                let mut nested = false;
                node.visit(&mut |part| nested |= matches!(part, Node::Eval(_)));
                if nested {
                    let help = said!("write the condition itself", "请直接写出条件");
                    self.mistakes.push(passage.mistake(
                        0,
                        said!("`eval` inside a condition", "条件中不能用 `eval`"),
                        help,
                    ));
                }
                self.conditions.insert(text.into(), node);
            }
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    fn role(
        &mut self,
        section: usize,
        file: usize,
        name: &str,
        line: &Line<'_>,
        cells: &[(String, usize)],
        again: bool,
    ) {
        let Some(shape) = self.model.roles.get(section).copied() else {
            return;
        };
        let needed = shape.columns() - shape.parameters;
        if cells.len() < needed {
            let message = said!(
                "the row has {} fields; the model defines {needed}",
                "这一行有 {} 个字段，模型定义了 {needed} 个",
                cells.len()
            );
            self.mistakes.push(line.mistake(
                name,
                0,
                message,
                said!(
                    "write member, role and, with domains, the domain",
                    "依次写成员、角色，带域时再写域"
                ),
            ));
            return;
        }
        let text = |at: usize| cells.get(at).map_or("", |(text, _)| text.as_str());
        let domain = if shape.domains { text(2) } else { "" };
        let holds = match (shape.parameters, self.extras.condition) {
            (0, _) => Holds::Always,
            (_, Some(condition)) if condition(text(0), text(1)) => Holds::Always,
            (_, Some(_)) => Holds::Never,
            (_, None) => match (moment(text(needed)), moment(text(needed + 1))) {
                (Ok(start), Ok(end)) => Holds::Between(start, end),
                (Err(fault), _) | (_, Err(fault)) => {
                    self.mistakes.push(line.mistake(
                        name,
                        0,
                        fault,
                        said!("name start and end of the window", "请写明时间段的起止"),
                    ));
                    return;
                }
            },
        };
        if again && self.dialect != Dialect::CasbinRs {
            return;
        }
        if let Some(links) = self.links.get_mut(section) {
            // In the crate a row that stands again moves to the end.
            let same = |link: &Link| {
                (&*link.member, &*link.role, &*link.domain) == (text(0), text(1), domain)
            };
            links.retain(|link| !(again && same(link)));
            links.push(Link {
                member: text(0).into(),
                role: text(1).into(),
                domain: domain.into(),
                holds,
                line: line.number,
                file,
            });
        }
    }

    fn refuse_cycles(&mut self, sources: &[Source<'_>]) {
        for links in &self.links {
            let Some(link) = cycle(links).and_then(|at| links.get(at)) else {
                continue;
            };
            let file = sources.get(link.file).map_or("", |source| source.name);
            self.mistakes.push(Mistake::new(
                file,
                (link.line, 1),
                said!(
                    "the role `{}` -> `{}` closes a cycle",
                    "角色 `{}` -> `{}` 形成了循环",
                    link.member,
                    link.role
                ),
                said!(
                    "a role is never, over others, a member of itself",
                    "角色不能直接或间接成为自己的成员"
                ),
            ));
        }
    }

    fn finish(mut self, sources: &[Source<'_>]) -> Result<Policy, Vec<Mistake>> {
        if self.dialect == Dialect::CasbinGo {
            self.refuse_cycles(sources);
            self.sort(sources);
        }
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        let compiled = self.patterns();
        let roles = match self.dialect {
            Dialect::CasbinRs => Roles::Crate(self.shared()),
            Dialect::CasbinGo | Dialect::Strict => {
                let sections = self.links.iter().zip(&self.model.role_keys);
                Roles::Go(
                    sections
                        .map(|(links, key)| graph(links, key, self.extras, &self.model))
                        .collect(),
                )
            }
        };
        Ok(Policy {
            dialect: self.dialect,
            model: self.model,
            rows: self.rows,
            files: sources.iter().map(|source| source.name.into()).collect(),
            conditions: self.conditions,
            compiled,
            functions: self.extras.functions.clone(),
            roles,
            revision: self.fingerprint.finish(),
        })
    }

    /// The one graph of the crate, its links in the order in which the crate adds them: `g`, `g2`, `g3`.
    fn shared(&self) -> CrateLinks {
        let sections = self
            .model
            .role_keys
            .iter()
            .zip(&self.model.roles)
            .zip(&self.links);
        let mut sections: Vec<_> = sections.collect();
        sections.sort_by_key(|((key, _), _)| (key.len(), key.as_bytes()));
        let mut graph = CrateLinks::default();
        for ((_, shape), links) in sections {
            for link in links {
                graph.add(
                    &link.member,
                    &link.role,
                    shape.domains.then_some(&*link.domain),
                );
            }
        }
        graph
    }

    /// Compiles every pattern that stands in a column or in an expression.
    fn patterns(&self) -> Compiled {
        let mut compiled = Compiled::default();
        let mut see = |node: &Node| {
            let Some((function, pattern)) = node.pattern() else {
                return;
            };
            if let Node::Text(text) = pattern {
                compiled.learn(self.dialect, function, text);
            }
            if let Node::Policy(section, field) = pattern {
                let rows = self.rows.get(*section).into_iter().flatten();
                rows.filter_map(|row| row.fields.get(*field))
                    .for_each(|text| compiled.learn(self.dialect, function, text));
            }
        };
        self.model
            .matchers
            .iter()
            .for_each(|matcher| matcher.node.visit(&mut see));
        self.conditions
            .values()
            .for_each(|node| node.visit(&mut see));
        compiled
    }

    /// Sorts rows as Go does: by a column `priority`, and for the subject's priority by how far down the role
    /// hierarchy it stands, the farthest first.
    fn sort(&mut self, sources: &[Source<'_>]) {
        for (rows, (_, columns)) in self.rows.iter_mut().zip(&self.model.policies) {
            let Some(priority) = columns.iter().position(|column| **column == *"priority") else {
                continue;
            };
            let number = |rule: &Rule| {
                rule.fields
                    .get(priority)
                    .and_then(|text| text.parse::<i64>().ok())
            };
            if let Some(rule) = rows.iter().find(|rule| number(rule).is_none()) {
                let file = sources.get(rule.file).map_or("", |source| source.name);
                self.mistakes.push(Mistake::new(
                    file,
                    (rule.line, 1),
                    said!(
                        "the priority is no whole number, and Go's order is not defined",
                        "优先级不是整数，Go 的排序没有定义"
                    ),
                    said!(
                        "write a whole number; the lowest comes first",
                        "请写整数；数字小的在前"
                    ),
                ));
            }
            rows.sort_by_key(|rule| number(rule).unwrap_or(i64::MIN));
        }
        let by_subject =
            self.model.effects.iter().any(|(key, merge)| {
                **key == *"e" && *merge == super::effect::Merge::FirstBySubject
            });
        let graph = self.model.role_keys.iter().position(|key| **key == *"g");
        let (true, Some(links)) = (by_subject, graph.and_then(|graph| self.links.get(graph)))
        else {
            return;
        };
        let depths = depths(links);
        for (rows, (_, columns)) in self.rows.iter_mut().zip(&self.model.policies) {
            let domain = columns.iter().position(|column| **column == *"dom");
            rows.sort_by_key(|rule| {
                let text = |at: usize| rule.fields.get(at).map_or("", |text| &**text);
                let depth = depths.get(&(text(0), domain.map_or("", text)));
                std::cmp::Reverse(depth.copied().unwrap_or(0))
            });
        }
    }
}

/// Columns that hold conditions.
fn evaluated(model: &Model, section: usize) -> Vec<usize> {
    let mut fields = Vec::new();
    for matcher in &model.matchers {
        matcher.node.visit(&mut |node| {
            if let Node::Eval(inner) = node
                && let Node::Policy(known, field) = &**inner
                && *known == section
            {
                fields.push(*field);
            }
        });
    }
    fields
}

/// How many links lead from a root of the hierarchy to each name, by name and domain; the longest way counts.
fn depths(links: &[Link]) -> HashMap<(&str, &str), usize, foldhash::quality::RandomState> {
    let mut depths: HashMap<(&str, &str), usize, foldhash::quality::RandomState> =
        HashMap::default();
    // As many rounds as there are links reach every name, since there are no cycles.
    for _ in 0..links.len() {
        let mut moved = false;
        for link in links {
            let parent = depths
                .get(&(&*link.role, &*link.domain))
                .copied()
                .unwrap_or(0);
            let depth = depths.entry((&link.member, &link.domain)).or_default();
            if *depth < parent + 1 {
                *depth = parent + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    depths
}

fn graph(links: &[Link], key: &str, extras: &Extras, model: &Model) -> GoLinks {
    let of = |list: &[(String, super::extras::Matching)]| {
        list.iter()
            .rev()
            .find(|(known, _)| known == key)
            .map(|(_, matching)| *matching)
    };
    let mut graph = GoLinks::default();
    graph.role_matching = of(&extras.role_matching);
    graph.domain_matching = of(&extras.domain_matching);
    // Go takes this one comparison in a matcher for the wish that domains be patterns.
    let asks = model
        .matchers
        .iter()
        .any(|known| *known.key == *"m" && known.text.contains("keyMatch(r_dom, p_dom)"));
    if asks && graph.domain_matching.is_none() {
        graph.domain_matching = Some(super::extras::Matching::KeyMatch);
    }
    graph.build(links);
    graph
}
