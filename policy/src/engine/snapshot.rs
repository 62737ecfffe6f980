//! One policy, compiled: immutable, shared, asked without a lock.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::draft::Drafter;
use super::explain::{self, Explanation};
use super::index::{Hit, Hits, Index};
use super::plan::{Guard, Plan};
use crate::decision::{Decision, Effect, Grounds};
use crate::facts::{Fact, Facts, Kind, Slot, Unjudged, Value};
use crate::language::model::{Combination, Model};
use crate::language::pattern::Patterns;
use crate::obligation::Obligations;
use crate::revision::{Fingerprint, Revision};
use crate::rules::table::Rules;
use crate::rules::view::{RoleView, RuleId, RuleView};
use crate::said;
use crate::source::{Dialect, Mistake, Passage, Source};
use crate::symbol::{Symbol, Symbols};

/// A compiled policy. It never changes; a new policy is a new snapshot.
#[derive(Debug)]
pub struct Snapshot {
    policy: Policy,
    index: Index,
    revision: Revision,
    /// Found when first asked for.
    warnings: OnceLock<Vec<Mistake>>,
}

/// What the index refers to.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) model: Arc<Model>,
    pub(crate) rules: Rules,
    pub(crate) patterns: Patterns,
    pub(crate) symbols: Symbols,
    pub(crate) plan: Arc<Plan>,
    /// Slots whose values are looked up among the policy's names.
    pub(crate) named_slots: SmallVec<[usize; 8]>,
    /// Stands for the domain in sections that have none.
    pub(crate) no_domain: Symbol,
}

impl Snapshot {
    /// Reads, checks and compiles a model and its rules.
    ///
    /// # Errors
    ///
    /// Every mistake in the model or, if the model has none, in the rules.
    pub fn load(
        model: Source<'_>,
        rules: &[Source<'_>],
        dialect: Dialect,
    ) -> Result<Self, Vec<Mistake>> {
        if dialect != Dialect::Strict {
            let message = said!(
                "the dialect `{}` is for comparing and does not serve",
                "方言 `{}` 只用于对照，不能用于判定",
                dialect.name()
            );
            let help = said!(
                "load it with `compat::Policy`, or write `strict`",
                "请用 `compat::Policy` 加载，或改写为 `strict`"
            );
            return Err(vec![
                Passage::new(model.name, "", 1, 1).mistake(0, message, help),
            ]);
        }
        let mut mistakes = Vec::new();
        let (mut patterns, mut symbols) = (Patterns::default(), Symbols::default());
        let Some(model) = Model::read(model, &mut patterns, &mut mistakes) else {
            return Err(mistakes);
        };
        // A name of no row, so that no change takes it away.
        let no_domain = symbols.intern("");
        let rules = Rules::read(&model, rules, &mut patterns, &mut symbols, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let plan = Plan::new(&model);
        let index = Index::build(&mut Drafter {
            plan: &plan,
            model: &model,
            rules: &rules,
            patterns: &patterns,
            symbols: &mut symbols,
            vocabularies: Arc::default(),
        });
        let policy = Policy {
            named_slots: named_slots(&plan),
            model: Arc::new(model),
            rules,
            patterns,
            symbols,
            plan: Arc::new(plan),
            no_domain,
        };
        Ok(Self::of(policy, index))
    }

    pub(super) fn of(policy: Policy, index: Index) -> Self {
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(Dialect::Strict.name());
        policy.model.fingerprint(&mut fingerprint);
        policy.rules.fingerprint(&mut fingerprint);
        Self {
            policy,
            index,
            revision: fingerprint.finish(),
            warnings: OnceLock::new(),
        }
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// What the analyses read.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The name of this policy: a digest of what it says.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// What the loader let pass but an author should look at.
    pub fn warnings(&self) -> &[Mistake] {
        self.warnings
            .get_or_init(|| self.policy.rules.warnings(&self.policy.model))
    }

    /// Names of the values that a request has, in order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.policy
            .model
            .schema
            .fields
            .iter()
            .map(|field| &*field.name)
    }

    /// Names of the columns that a rule has, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.policy.model.policy.iter().map(|name| &**name)
    }

    /// Every rule, in the order of the files.
    pub fn rules(&self) -> impl Iterator<Item = RuleView<'_>> {
        (0..self.policy.rules.len()).filter_map(|row| self.policy.rules.view(row))
    }

    /// Number of rules.
    pub fn rule_count(&self) -> usize {
        self.policy.rules.len()
    }

    /// One rule.
    pub fn rule(&self, id: RuleId) -> Option<RuleView<'_>> {
        self.policy.rules.view(id.0 as usize)
    }

    /// Every row that gives a role or joins a group, in the order of the files.
    pub fn roles(&self) -> impl Iterator<Item = RoleView<'_>> {
        self.policy.rules.role_views(&self.policy.model)
    }

    /// Decides a request, its values in the order of `[request_definition]`.
    ///
    /// # Errors
    ///
    /// [`Unjudged`] if the values are not what the model declares; treat it as a refusal.
    pub fn decide(&self, request: &[Value<'_>]) -> Result<Decision, Unjudged> {
        let facts = self.policy.model.schema.bind(request)?;
        let mut hits = Hits::default();
        self.index.collect(&self.policy, &facts, &mut hits);
        Ok(self.settle(&mut hits))
    }

    /// Says why a request is decided as it is: the rows that apply, and those that nearly do. It reads
    /// every row and is meant for people, not for the path of requests.
    ///
    /// # Errors
    ///
    /// As [`Self::decide`].
    pub fn explain(&self, request: &[Value<'_>]) -> Result<Explanation<'_>, Unjudged> {
        let facts = self.policy.model.schema.bind(request)?;
        let (mut hits, near) = explain::read(&self.policy, &facts);
        let mut applied: Vec<Hit> = hits.allow.iter().chain(&hits.deny).copied().collect();
        applied.sort_unstable_by_key(|hit| hit.row);
        let decision = self.settle(&mut hits);
        Ok(explain::explain(
            &self.policy,
            &facts,
            decision,
            &applied,
            &near,
        ))
    }

    /// The least value above the present one, and at most `highest`, that an integer attribute (`ctx.aal`)
    /// needs for this request to be allowed; `None` if no such value is enough, or if it is allowed
    /// already. Meant for asking a caller to prove more.
    ///
    /// # Errors
    ///
    /// As [`Self::decide`].
    pub fn step_up(
        &self,
        request: &[Value<'_>],
        attribute: &str,
        highest: u8,
    ) -> Result<Option<u8>, Unjudged> {
        let schema = &self.policy.model.schema;
        let mut facts = schema.bind(request)?;
        let allowed = |facts: &Facts<'_>| {
            let mut hits = Hits::default();
            self.index.collect(&self.policy, facts, &mut hits);
            self.settle(&mut hits).effect == Effect::Allow
        };
        let named =
            |slot: &Slot| slot.kind == Kind::Int && slot.name.strip_prefix("r.") == Some(attribute);
        let Some(slot) = schema
            .slots
            .iter()
            .position(named)
            .filter(|_| !allowed(&facts))
        else {
            return Ok(None);
        };
        for level in 0..=highest {
            let Some(fact) = facts.get_mut(slot) else {
                break;
            };
            if matches!(*fact, Fact::Int(present) if present >= i64::from(level)) {
                continue;
            }
            *fact = Fact::Int(level.into());
            if allowed(&facts) {
                return Ok(Some(level));
            }
        }
        Ok(None)
    }

    fn settle(&self, hits: &mut Hits) -> Decision {
        let combination = self.policy.model.combination;
        if combination == Combination::FirstMatch {
            self.keep_first(hits);
        }
        let allowed = !hits.allow.is_empty();
        let denied = !hits.deny.is_empty();
        let (effect, grounds) = match combination {
            Combination::AllowOverride if allowed => (Effect::Allow, Grounds::Rules),
            Combination::AllowOverride => (Effect::Deny, Grounds::NoRuleMatched),
            Combination::DenyOverride | Combination::AllowAndDeny | Combination::FirstMatch
                if denied =>
            {
                (Effect::Deny, Grounds::ExplicitDeny)
            }
            Combination::DenyOverride if !allowed => (Effect::Allow, Grounds::NoRuleMatched),
            Combination::DenyOverride | Combination::AllowAndDeny | Combination::FirstMatch
                if allowed =>
            {
                (Effect::Allow, Grounds::Rules)
            }
            Combination::DenyOverride | Combination::AllowAndDeny | Combination::FirstMatch => {
                (Effect::Deny, Grounds::NoRuleMatched)
            }
        };
        let made: &mut [Hit] = match grounds {
            Grounds::Rules => &mut hits.allow,
            Grounds::ExplicitDeny => &mut hits.deny,
            Grounds::NoRuleMatched => &mut [],
        };
        made.sort_unstable_by_key(|hit| hit.row);
        Decision {
            effect,
            grounds,
            rules: made.iter().map(|hit| RuleId(hit.row)).collect(),
            obligations: self.combined(made),
            revision: self.revision,
            granted: effect,
        }
    }

    /// Leaves only the row that comes first.
    fn keep_first(&self, hits: &mut Hits) {
        let rank = |hit: &Hit| {
            self.policy
                .rules
                .head(hit.row as usize)
                .map_or(u64::MAX, |head| head.rank)
        };
        let first = |hits: &[Hit]| hits.iter().map(rank).min();
        let (allow, deny) = (first(&hits.allow), first(&hits.deny));
        let Some(least) = allow.into_iter().chain(deny).min() else {
            return;
        };
        hits.allow.retain(|hit| rank(hit) == least);
        hits.deny.retain(|hit| rank(hit) == least);
    }

    fn combined(&self, hits: &[Hit]) -> Obligations {
        let mut costs = hits.iter().map(|hit| hit.cost);
        let Some(first) = costs.next() else {
            return Obligations::default();
        };
        let mut all = self.policy.rules.cost(first).cloned().unwrap_or_default();
        for cost in costs.filter(|cost| *cost != first) {
            if let Some(other) = self.policy.rules.cost(cost) {
                all.combine(other);
            }
        }
        all
    }
}

fn named_slots(plan: &Plan) -> SmallVec<[usize; 8]> {
    let mut slots: SmallVec<[usize; 8]> = SmallVec::new();
    for guard in &plan.guards {
        match guard {
            Guard::Equal(pair) => slots.push(pair.slot),
            Guard::Role(pair, membership) => {
                slots.push(pair.slot);
                slots.extend(membership.domain);
            }
            Guard::Match(..) | Guard::Condition(_) | Guard::Other => {}
        }
    }
    slots.sort_unstable();
    slots.dedup();
    slots
}
