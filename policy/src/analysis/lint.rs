//! What an author of rules should look at: rows that never apply, never matter, contradict each other or say
//! more than they should, roles that nobody asks for, and the traps that loading lets pass.

use serde::Serialize;
use serde_json::Value as Json;

use super::cover::covers;
use super::held::json;
use super::patience::Patience;
use super::sample::{Candidates, find, goals};
use super::survey::Survey;
use crate::decision::Effect;
use crate::engine::plan::{Guard, Plan};
use crate::engine::snapshot::{Policy, Snapshot};
use crate::language::model::Combination;
use crate::rules::view::RuleId;
use crate::{Said, said};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The policy does not do what it says.
    Error,
    /// It probably does not do what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something to look at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Which check: `unreachable`, `shadowed`, `redundant`, `conflict`, `broad`, `dead-role`, `unused-role`,
    /// `no-index` or `trap`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// File where it stands.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// What is found.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
    /// What would be right.
    pub help: String,
    /// The same in Chinese.
    pub help_zh: String,
    /// Lines of the other rows that it concerns, `file:line`.
    pub others: Vec<String>,
    /// A request that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Json>,
}

/// Most rows that are compared in pairs; a policy beyond that is checked row by row only.
const PAIRED: usize = 3_000;

/// Checks a policy.
pub fn lint(snapshot: &Snapshot) -> Vec<Finding> {
    within(snapshot, &Patience::endless())
}

/// As [`lint`], as far as the patience goes.
pub(crate) fn within(snapshot: &Snapshot, patience: &Patience<'_>) -> Vec<Finding> {
    let policy = snapshot.policy();
    let survey = Survey::new(policy);
    let mut lint = Lint {
        snapshot,
        policy,
        survey: &survey,
        patience,
        findings: Vec::new(),
    };
    lint.traps();
    lint.roles();
    for row in 0..policy.rules.len() {
        if patience.is_lost() {
            break;
        }
        lint.row(row);
    }
    if policy.rules.len() <= PAIRED {
        lint.pairs();
    }
    lint.findings.sort_by(|one, other| {
        (&one.file, one.line, one.code).cmp(&(&other.file, other.line, other.code))
    });
    lint.findings
}

struct Lint<'a> {
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    survey: &'a Survey<'a>,
    patience: &'a Patience<'a>,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    fn report(
        &mut self,
        row: usize,
        code: &'static str,
        severity: Severity,
        (message, help): (Said, Said),
        others: Vec<String>,
        sample: Option<Json>,
    ) {
        let Some(view) = self.policy.rules.view(row) else {
            return;
        };
        let (file, line) = (view.file.to_owned(), view.line);
        self.findings.push(Finding {
            code,
            severity,
            file,
            line,
            message: message.en,
            message_zh: message.zh,
            help: help.en,
            help_zh: help.zh,
            others,
            sample,
        });
    }

    fn place(&self, row: usize) -> String {
        let view = self.policy.rules.view(row);
        view.map_or(String::new(), |view| format!("{}:{}", view.file, view.line))
    }

    fn effect(&self, row: usize) -> Effect {
        self.policy
            .rules
            .head(row)
            .map_or(Effect::Deny, |head| head.effect)
    }

    fn traps(&mut self) {
        for warning in self.snapshot.warnings() {
            self.findings.push(Finding {
                code: "trap",
                severity: Severity::Warning,
                file: warning.file.to_string(),
                line: warning.line,
                message: warning.message.clone(),
                message_zh: warning.message_zh.clone(),
                help: warning.help.clone(),
                help_zh: warning.help_zh.clone(),
                others: Vec::new(),
                sample: None,
            });
        }
    }

    /// Roles that rows name and nobody holds, and roles that somebody holds and no row names.
    fn roles(&mut self) {
        let columns = self.survey.role_columns();
        let rows = self.policy.rules.role_rows();
        let prefix = |name: &str| name.split_once(':').map(|(prefix, _)| prefix.to_owned());
        for row in &rows {
            if self.patience.is_lost() {
                return;
            }
            let (Some(role), Some(member)) = (row.fields.get(1), row.fields.first()) else {
                continue;
            };
            let fields = columns.iter().filter(|(graph, _, _)| *graph == row.section);
            let named = |name: &str| {
                fields.clone().any(|(_, _, field)| {
                    (0..self.policy.rules.len())
                        .any(|known| self.policy.rules.field(known, *field) == name)
                })
            };
            // A role may also matter through the roles that it has itself.
            let domain = row.fields.get(2).map_or("", |domain| &**domain);
            let symbols = &self.policy.symbols;
            let above = self.policy.rules.graph(row.section).is_some_and(|graph| {
                !graph
                    .reach(symbols.find(role), symbols.find(domain))
                    .is_empty()
            });
            if columns.iter().any(|(graph, _, _)| *graph == row.section) && !named(role) && !above {
                self.findings.push(Finding {
                    code: "unused-role",
                    severity: Severity::Warning,
                    file: self.policy.rules.file_of(row).to_owned(),
                    line: row.line,
                    message: format!("no row asks for the role `{role}`, which `{member}` has"),
                    message_zh: format!("没有规则用到角色 `{role}`，其成员为 `{member}`"),
                    help: "name it in a row, or remove it".to_owned(),
                    help_zh: "请在规则中使用它，或删除".to_owned(),
                    others: Vec::new(),
                    sample: None,
                });
            }
        }
        for row in 0..self.policy.rules.len() {
            if self.patience.is_lost() {
                return;
            }
            for (graph, _, field) in &columns {
                let name = self.policy.rules.field(row, *field);
                // A prefix means a role if nobody who only holds roles has it: `zone:` names zones and their groups.
                let of = |text: &str| prefix(text).is_some() && prefix(text) == prefix(name);
                let here = || rows.iter().filter(|known| known.section == *graph);
                let given = here().any(|row| row.fields.get(1).is_some_and(|role| of(role)));
                let held = here()
                    .filter_map(|row| row.fields.first())
                    .any(|member| of(member) && !self.survey.is_role(*graph, member));
                let like_a_role = name.starts_with("role:") || (given && !held);
                let member = rows.iter().any(|known| {
                    known.section == *graph
                        && known.fields.first().is_some_and(|member| **member == *name)
                });
                if like_a_role
                    && !member
                    && self.survey.holders(*graph, name).is_empty()
                    && !self.policy.model.is_wildcard(*field, name)
                {
                    let texts = (
                        said!(
                            "nobody has the role `{name}`, so the row applies to nobody",
                            "没有人拥有角色 `{name}`，此规则对任何人都不生效",
                        ),
                        said!(
                            "give it to somebody, or remove the row",
                            "请把角色授予他人，或删除此规则",
                        ),
                    );
                    self.report(row, "dead-role", Severity::Warning, texts, Vec::new(), None);
                }
            }
        }
    }

    /// What a row is on its own.
    fn row(&mut self, row: usize) {
        let candidates = Candidates::of(self.survey, &[row]);
        let sample = find(
            self.policy,
            &goals(self.policy, row),
            &candidates,
            &mut |_| true,
        );
        if sample.is_none() {
            let texts = (
                said!(
                    "no request meets all conditions of this row",
                    "没有请求能满足此规则的全部条件",
                ),
                said!(
                    "look for ranges that exclude each other and methods that do not exist",
                    "请检查互相排斥的范围和不存在的方法",
                ),
            );
            self.report(row, "unreachable", Severity::Error, texts, Vec::new(), None);
        }
        let plan: &Plan = &self.policy.plan;
        let wild = |guard: &Guard| match guard {
            Guard::Equal(pair) | Guard::Role(pair, _) => {
                Some(pair.any.as_deref() == Some(self.policy.rules.field(row, pair.field)))
            }
            Guard::Match(pair, _) => {
                let text = self.policy.rules.field(row, pair.field);
                Some(
                    pair.any.as_deref() == Some(text) || matches!(text, "/*" | "*" | ".*" | "^.*$"),
                )
            }
            Guard::Condition(_) | Guard::Other => None,
        };
        let open: Vec<bool> = plan.guards.iter().filter_map(wild).collect();
        let free = open.iter().filter(|open| **open).count();
        let conditional = plan.guards.iter().any(|guard| {
            let Guard::Condition(field) = guard else {
                return false;
            };
            self.policy.rules.field(row, *field) != "true"
        });
        if self.effect(row) == Effect::Allow
            && open.len() > 2
            && free + 1 >= open.len()
            && !conditional
        {
            let texts = (
                said!(
                    "the row allows with {free} of {} columns open and no condition",
                    "此规则放行时 {} 列中有 {free} 列不受限，且没有条件",
                    open.len(),
                ),
                said!(
                    "name the caller, the portal or the path",
                    "请写明访问者、门户或路径"
                ),
            );
            let sample = sample.map(|sample| json(self.policy, &sample));
            self.report(row, "broad", Severity::Warning, texts, Vec::new(), sample);
        }
        if !open.is_empty() && free == open.len() && self.effect(row) == Effect::Allow {
            let texts = (
                said!(
                    "nothing in the row can be looked up, so it is asked on every request",
                    "此规则没有可索引的列，每个请求都要检查",
                ),
                said!(
                    "name a department, a host or a path",
                    "请写明部门、主机或路径"
                ),
            );
            self.report(row, "no-index", Severity::Note, texts, Vec::new(), None);
        }
    }

    /// What rows are to each other.
    fn pairs(&mut self) {
        let count = self.policy.rules.len();
        let rank = |row: usize| self.policy.rules.head(row).map_or(0, |head| head.rank);
        let combination = self.policy.model.combination;
        for row in 0..count {
            let mut overridden = Vec::new();
            for other in (0..count).filter(|other| *other != row) {
                if self.patience.is_lost() {
                    return;
                }
                let same = self.effect(row) == self.effect(other);
                let before = match combination {
                    Combination::FirstMatch => rank(other) < rank(row),
                    Combination::AllowAndDeny | Combination::DenyOverride => {
                        self.effect(other) == Effect::Deny && self.effect(row) == Effect::Allow
                    }
                    Combination::AllowOverride => {
                        self.effect(other) == Effect::Allow && self.effect(row) == Effect::Deny
                    }
                };
                if before && covers(self.policy, other, row) {
                    let place = self.place(other);
                    let texts = (
                        said!(
                            "the row never decides: wherever it applies, {place} decides first",
                            "此规则从不生效：凡它适用之处，{place} 先行决定",
                        ),
                        said!(
                            "remove it, or narrow the other row",
                            "请删除它，或收窄另一条规则"
                        ),
                    );
                    self.report(row, "shadowed", Severity::Error, texts, vec![place], None);
                    continue;
                }
                let cost = |row: usize| self.policy.rules.head(row).map(|head| head.cost);
                let equal = covers(self.policy, row, other);
                if same
                    && combination != Combination::FirstMatch
                    && cost(row) == cost(other)
                    && covers(self.policy, other, row)
                    && (!equal || other < row)
                {
                    let place = self.place(other);
                    let texts = (
                        said!(
                            "{place} says the same for every request that this row applies to",
                            "{place} 已对此规则适用的所有请求作出同样的规定",
                        ),
                        said!("remove it", "请删除"),
                    );
                    self.report(
                        row,
                        "redundant",
                        Severity::Warning,
                        texts,
                        vec![place],
                        None,
                    );
                }
                if self.effect(row) == Effect::Deny && !same && self.overlap(row, other) {
                    overridden.push(other);
                }
            }
            self.conflict(row, &overridden);
        }
    }

    /// A denying row that takes something away from allowing rows.
    fn conflict(&mut self, row: usize, overridden: &[usize]) {
        if overridden.is_empty() || self.policy.model.combination == Combination::AllowOverride {
            return;
        }
        let others: Vec<String> = overridden.iter().map(|other| self.place(*other)).collect();
        let sample = overridden.iter().find_map(|other| self.shared(row, *other));
        let texts = (
            said!(
                "the row takes requests away from {} rows that allow",
                "此规则从 {} 条放行规则中收回部分请求",
                others.len(),
            ),
            said!(
                "nothing to do if it is meant as a guard rail",
                "如果本意就是护栏，无需处理"
            ),
        );
        self.report(row, "conflict", Severity::Note, texts, others, sample);
    }

    /// A quick look at whether two rows can meet, column by column.
    fn overlap(&self, one: usize, other: usize) -> bool {
        self.policy.plan.guards.iter().all(|guard| match guard {
            Guard::Equal(pair) => {
                let (left, right) = (
                    self.policy.rules.field(one, pair.field),
                    self.policy.rules.field(other, pair.field),
                );
                left == right
                    || pair.any.as_deref() == Some(left)
                    || pair.any.as_deref() == Some(right)
            }
            Guard::Role(..) | Guard::Match(..) | Guard::Condition(_) | Guard::Other => true,
        }) && self.shared(one, other).is_some()
    }

    /// A request to which both rows apply.
    fn shared(&self, one: usize, other: usize) -> Option<Json> {
        let mut both = goals(self.policy, one);
        both.extend(goals(self.policy, other));
        let candidates = Candidates::of(self.survey, &[one, other]);
        find(self.policy, &both, &candidates, &mut |_| true)
            .map(|sample| json(self.policy, &sample))
    }
}

/// The row of a finding, if it stands in a rule.
pub fn row_of(snapshot: &Snapshot, finding: &Finding) -> Option<RuleId> {
    snapshot
        .rules()
        .find(|rule| rule.file == finding.file && rule.line == finding.line)
        .map(|rule| rule.ordinal)
}
