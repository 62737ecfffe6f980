//! The names that a policy and its world know, and statements checked against them.

use std::collections::BTreeSet;

use super::space::Space;
use super::word::suggestion;
use super::world::World;
use super::written::{Claim, Demand, From, Methods, Name, Need, Scope, Statement, Target, Who};
use crate::engine::snapshot::Policy;
use crate::language::expression::Expr;
use crate::source::{Mistake, brief};
use crate::{Said, said};

/// What the policy compares a fact with.
#[derive(Default)]
pub(super) struct Comparands<'a> {
    /// Columns whose texts it is compared with.
    pub(super) fields: Vec<usize>,
    /// Texts in the matcher and in conditions.
    pub(super) texts: BTreeSet<&'a str>,
    /// Role sections that are asked about it as a member.
    pub(super) graphs: Vec<usize>,
    /// Role sections that are asked within it as a domain.
    pub(super) domains: Vec<usize>,
}

impl<'a> Comparands<'a> {
    pub(super) fn of(policy: &'a Policy, slot: usize) -> Self {
        let mut found = Self::default();
        let matcher = policy.model.conjuncts.iter();
        for conjunct in matcher.chain(policy.rules.all_conditions()) {
            found.search(&conjunct.expr, slot);
        }
        found.fields.sort_unstable();
        found.fields.dedup();
        found
    }

    fn search(&mut self, expr: &'a Expr, slot: usize) {
        let is = |expr: &Expr| matches!(expr, Expr::Fact(known) if *known == slot);
        match expr {
            Expr::Compare(_, left, right) => {
                for (one, other) in [(left, right), (right, left)] {
                    if is(one) {
                        self.add(other);
                    }
                }
            }
            Expr::Role {
                graph,
                subject,
                role,
                domain,
            } => {
                if is(subject) {
                    self.graphs.push(*graph);
                    self.add(role);
                }
                if domain.as_deref().is_some_and(is) {
                    self.domains.push(*graph);
                }
            }
            Expr::Not(inner) => self.search(inner, slot),
            Expr::All(parts) | Expr::Any(parts) => {
                parts.iter().for_each(|part| self.search(part, slot))
            }
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Text(_)
            | Expr::Fact(_)
            | Expr::Policy(_)
            | Expr::Arithmetic(..)
            | Expr::Match { .. }
            | Expr::Condition(_) => {}
        }
    }

    fn add(&mut self, operand: &'a Expr) {
        if let Expr::Text(text) = operand {
            self.texts.insert(text);
        } else if let Expr::Policy(field) = operand {
            self.fields.push(*field);
        }
    }

    /// The texts of these rows, wildcards left out.
    pub(super) fn in_rows(
        &self,
        policy: &'a Policy,
        rows: impl Iterator<Item = usize>,
    ) -> BTreeSet<&'a str> {
        let mut texts = self.texts.clone();
        for row in rows {
            for field in &self.fields {
                let text = policy.rules.field(row, *field);
                if !policy.model.is_wildcard(*field, text) {
                    texts.insert(text);
                }
            }
        }
        texts
    }
}

/// Every text that the policy compares a fact with, in rows, conditions and role sections.
pub(super) fn compared(policy: &Policy, slot: usize) -> BTreeSet<&str> {
    let comparands = Comparands::of(policy, slot);
    let mut texts = comparands.in_rows(policy, 0..policy.rules.len());
    for row in policy.rules.role_rows() {
        if comparands.graphs.contains(&row.section) {
            texts.extend(row.fields.iter().take(2).map(|name| &**name));
        }
        if comparands.domains.contains(&row.section) {
            texts.extend(row.fields.get(2).map(|name| &**name));
        }
    }
    texts
}

/// A zone as policy sees it.
pub(super) fn zone_in_policy(name: &str) -> String {
    if name.starts_with("zone:") {
        name.to_owned()
    } else {
        format!("zone:{name}")
    }
}

/// The id of callers who have not said who they are.
pub(super) const ANONYMOUS: &str = "anon";

/// Everything that statements may name.
pub(super) struct Names<'a> {
    policy: &'a Policy,
    space: &'a Space,
    world: Option<&'a World>,
    callers: BTreeSet<&'a str>,
    departments: BTreeSet<&'a str>,
    sources: BTreeSet<&'a str>,
    hosts: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn new(policy: &'a Policy, space: &'a Space, world: Option<&'a World>) -> Self {
        let of = |slot: Option<usize>| slot.map(|slot| compared(policy, slot)).unwrap_or_default();
        let mut names = Self {
            policy,
            space,
            world,
            callers: of(space.sub),
            departments: of(space.dom),
            sources: BTreeSet::new(),
            hosts: BTreeSet::new(),
        };
        match world {
            Some(world) => names.departments.extend(
                world
                    .portals
                    .iter()
                    .map(|portal| portal.department.as_str()),
            ),
            None => {
                names.sources = of(space.src);
                names.hosts = of(space.host);
            }
        }
        names
    }

    /// Adds what is wrong with the names of a statement.
    pub(super) fn check(&self, statement: &Statement, mistakes: &mut Vec<Mistake>) {
        let mut desk = Desk {
            names: self,
            statement,
            mistakes,
        };
        match &statement.claim {
            Claim::Requests(scope, demand) => desk.requests(scope, demand),
            Claim::Exclude { roles, departments } => {
                desk.needs_field(&said!("a caller", "访问者"), "sub", self.space.sub);
                let graphs = self
                    .space
                    .sub
                    .map(|sub| Comparands::of(self.policy, sub).graphs);
                if graphs.is_none_or(|graphs| graphs.is_empty()) {
                    desk.wrong(
                        0,
                        said!("the model asks for no roles", "模型没有用到角色"),
                        said!(
                            "roles exclude one another where the matcher asks `g(r.sub, …)`",
                            "只有匹配器用到 `g(r.sub, …)` 时，角色才能互斥"
                        ),
                    );
                }
                roles.iter().for_each(|name| desk.caller(name));
                departments.iter().for_each(|name| desk.department(name));
            }
        }
    }
}

struct Desk<'n, 'a> {
    names: &'n Names<'a>,
    statement: &'n Statement,
    mistakes: &'n mut Vec<Mistake>,
}

impl Desk<'_, '_> {
    fn wrong(&mut self, at: usize, message: Said, help: Said) {
        self.mistakes
            .push(self.statement.passage.mistake(at, message, help));
    }

    fn known<'k>(
        &mut self,
        what: &Said,
        name: &Name,
        known: impl IntoIterator<Item = &'k str> + Clone,
    ) {
        if !known.clone().into_iter().any(|known| known == name.text) {
            let help = suggestion(&name.text, known);
            self.wrong(
                name.at,
                said!(
                    "there is no {what} `{}`",
                    "没有名为 `{}` 的{what}",
                    brief(&name.text);
                    what = what
                ),
                help,
            );
        }
    }

    fn needs_field(&mut self, what: &Said, field: &str, slot: Option<usize>) {
        if slot.is_none() {
            let message = said!(
                "the statement asks about {what}, but the model's requests have no `{field}`",
                "断言问到{what}，但模型的请求中没有 `{field}`";
                what = what
            );
            self.wrong(
                0,
                message,
                said!(
                    "add `{field}` to `[request_definition]`, or leave it out here",
                    "请把 `{field}` 加入 `[request_definition]`，或在断言中去掉它"
                ),
            );
        }
    }

    fn requests(&mut self, scope: &Scope, demand: &Demand) {
        let (names, space) = (self.names, self.names.space);
        match &scope.who {
            Who::Anyone => {}
            Who::But(callers) | Who::Named(callers) => {
                self.needs_field(&said!("a caller", "访问者"), "sub", space.sub);
                callers.iter().for_each(|name| self.caller(name));
            }
        }
        match &scope.from {
            From::Anywhere => {}
            From::Zones(zones) | From::Others(zones) => {
                self.needs_field(&said!("a zone", "区域"), "src", space.src);
                zones.iter().for_each(|name| self.zone(name));
            }
        }
        match &scope.methods {
            Methods::All => {}
            Methods::Read | Methods::Write => {
                self.needs_field(&said!("a method", "方法"), "act", space.act)
            }
            Methods::These(methods) => {
                self.needs_field(&said!("a method", "方法"), "act", space.act);
                methods.iter().for_each(|name| {
                    self.known(
                        &said!("method", "方法"),
                        name,
                        space.methods.iter().map(String::as_str),
                    )
                });
            }
        }
        if !scope.paths.is_empty() {
            self.needs_field(&said!("a path", "路径"), "path", space.path);
        }
        match (&scope.target, names.world) {
            (Target::Anything, _) => {}
            (Target::Portals(portals), Some(world)) => {
                let known = world.portals.iter().map(|portal| portal.name.as_str());
                portals
                    .iter()
                    .for_each(|name| self.known(&said!("portal", "门户"), name, known.clone()));
            }
            (Target::Zones(zones), Some(_)) => zones.iter().for_each(|name| self.zone(name)),
            (Target::Portals(first) | Target::Zones(first), None) => {
                let at = first.first().map_or(0, |name| name.at);
                let help = said!(
                    "give the zones and portals, or write `department …` or `host …`",
                    "请给出区域和门户，或改写为 `department …` 或 `host …`"
                );
                self.wrong(
                    at,
                    said!(
                        "the statement asks about a portal, and no portals are known here",
                        "断言问的是门户，但此处不知道有哪些门户"
                    ),
                    help,
                );
            }
            (Target::Departments(departments), _) => {
                self.needs_field(&said!("a department", "部门"), "dom", space.dom);
                departments.iter().for_each(|name| self.department(name));
            }
            (Target::Hosts(hosts), Some(world)) => {
                let declared = world
                    .portals
                    .iter()
                    .flat_map(|portal| &portal.hosts)
                    .map(String::as_str);
                for name in hosts {
                    if !declared.clone().any(|host| covers(host, &name.text)) {
                        self.known(&said!("host", "主机"), name, declared.clone());
                    }
                }
            }
            (Target::Hosts(hosts), None) => {
                self.needs_field(&said!("a host", "主机"), "host", space.host);
                hosts.iter().for_each(|name| {
                    self.known(&said!("host", "主机"), name, names.hosts.iter().copied())
                });
            }
        }
        if let Demand::Needs(needs) = demand {
            needs.iter().for_each(|need| self.fact(need));
        }
    }

    fn fact(&mut self, need: &Need) {
        let space = self.names.space;
        let (known, name, at) = match need {
            Need::Certificate { at } => (space.certificate(), "cert", *at),
            Need::Within { fact, at, .. } => (space.int(fact), *fact, *at),
        };
        if known.is_none() {
            let message = said!(
                "the model's requests have no `r.ctx.{name}`",
                "模型的请求中没有 `r.ctx.{name}`"
            );
            self.wrong(
                at,
                message,
                said!(
                    "name the field `ctx`, or declare the attribute in `[attribute_definition]`",
                    "请把字段命名为 `ctx`，或在 `[attribute_definition]` 中声明该属性"
                ),
            );
        }
    }

    fn caller(&mut self, name: &Name) {
        if name.text != ANONYMOUS {
            let names = self.names;
            self.known(
                &said!("role or caller", "角色或访问者"),
                name,
                names.callers.iter().copied(),
            );
        }
    }

    fn department(&mut self, name: &Name) {
        let names = self.names;
        self.known(
            &said!("department", "部门"),
            name,
            names.departments.iter().copied(),
        );
    }

    fn zone(&mut self, name: &Name) {
        let names = self.names;
        match names.world {
            Some(world) => {
                let known = world.zones.iter().map(|zone| zone.name.as_str());
                self.known(&said!("zone", "区域"), name, known);
            }
            None => {
                let wanted = zone_in_policy(&name.text);
                if !names.sources.contains(wanted.as_str()) {
                    let known = names
                        .sources
                        .iter()
                        .map(|source| source.strip_prefix("zone:").unwrap_or(source));
                    self.known(&said!("zone", "区域"), name, known);
                }
            }
        }
    }
}

/// Whether a declared host, whose leading `*.` stands for one label, is this one or has it among its hosts.
pub(super) fn covers(declared: &str, host: &str) -> bool {
    declared == host
        || match (declared.strip_prefix("*."), host.split_once('.')) {
            (Some(suffix), Some((label, rest))) => {
                !label.is_empty() && label != "*" && rest == suffix
            }
            (None, _) | (_, None) => false,
        }
}
