//! What rules know of each other: where they jump, whom they remove, what they share.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::amend::concerns;
use super::{Item, Loader};
use crate::seclang::action::{Control, Phase};
use crate::seclang::byteset::ByteSet;
use crate::seclang::operator::{Test, number};
use crate::seclang::prefilter::Prefilter;
use crate::seclang::required::Required;
use crate::seclang::ruleset::{Chain, Gate, Group, Link, List, Rule, RuleSet, Step};
use crate::seclang::source::{LoadError, Position};
use crate::seclang::store::Store;
use crate::seclang::target::{Selector, Targets};
use crate::seclang::transform::Transform;
use crate::seclang::values::Collections;

impl Loader {
    /// Puts everything in its place.
    ///
    /// # Errors
    /// Jumps to markers that do not follow.
    pub(super) fn finish(self) -> Result<RuleSet, LoadError> {
        let Self {
            names,
            items,
            options,
            ..
        } = self;
        let mut rules = Vec::new();
        // For each marker, how many rules stand before it.
        let mut markers: Vec<(String, usize)> = Vec::new();
        for item in items {
            match item {
                Item::Rule(rule) => rules.push(*rule),
                Item::Marker(label) => markers.push((label, rules.len())),
            }
        }
        let mut programs: [Vec<Step>; 5] = Default::default();
        for (n, rule) in rules.iter().enumerate() {
            if let Some(program) = programs.get_mut(rule.phase.index()) {
                program.push(Step {
                    rule: n,
                    gate: Gate::Open,
                });
            }
        }
        for n in 0..rules.len() {
            let jump = target_of_jump(&rules, n, &markers, &programs)?;
            if let Some(rule) = rules.get_mut(n) {
                rule.jump = jump;
            }
        }
        resolve_controls(&mut rules);
        let mut tables = Tables::default();
        tables.chains.push(Chain {
            parent: 0,
            last: None,
            touches: Some(ByteSet::default()),
            last_touches: None,
        });
        for target in rules
            .iter_mut()
            .flat_map(|rule| &mut rule.links)
            .flat_map(|link| &mut link.targets.wanted)
        {
            target.resolve(&names);
        }
        for rule in &mut rules {
            let side = usize::from(rule.phase > Phase::RequestBody);
            for link in &mut rule.links {
                tables.enter(link, side);
            }
        }
        for step in programs.iter_mut().flatten() {
            if let Some(link) = rules.get(step.rule).and_then(|rule| rule.links.first()) {
                step.gate = gate(link);
            }
        }
        let [request, response] = tables.required;
        let build = |required: &[Required]| {
            Prefilter::new(required).map_err(|error| LoadError::Refused {
                at: rules.first().map_or_else(nowhere, |rule| rule.at.clone()),
                message: format!("the rules ask for too many strings: {error}"),
            })
        };
        let prefilters = [build(&request)?, build(&response)?];
        let store = Store::new(options.collection_timeout);
        Ok(RuleSet {
            rules,
            programs,
            names,
            prefilters,
            chains: tables.chains,
            lists: tables.lists,
            groups: tables.groups,
            options,
            store,
        })
    }
}

/// Finds what can be said of a condition at a glance.
fn gate(link: &Link) -> Gate {
    if let ([target], [], [], Test::Number(order, bound)) = (
        link.targets.wanted.as_slice(),
        link.targets.excluded.as_slice(),
        link.transforms.as_slice(),
        &link.operator.test,
    ) && let (Selector::Slot(slot), false) = (&target.selector, target.count)
        && let Some(bound) = bound.fixed()
    {
        return Gate::Number {
            slot: *slot,
            order: *order,
            bound: number(bound),
            negated: link.operator.negated,
        };
    }
    match link.test {
        Some(test) if link.still && !link.multi_match && !link.targets.wanted.is_empty() => {
            Gate::Search {
                group: link.group,
                test,
            }
        }
        _ => Gate::Open,
    }
}

fn nowhere() -> Position {
    Position {
        file: Arc::from(Path::new("rules")),
        line: 1,
        column: 1,
    }
}

/// Finds where the program of a phase goes on after `skip` or `skipAfter`.
fn target_of_jump(
    rules: &[Rule],
    n: usize,
    markers: &[(String, usize)],
    programs: &[Vec<Step>; 5],
) -> Result<Option<usize>, LoadError> {
    let Some(rule) = rules.get(n) else {
        return Ok(None);
    };
    let program = programs
        .get(rule.phase.index())
        .map(Vec::as_slice)
        .unwrap_or_default();
    if let Some(label) = &rule.skip_after {
        let marker = markers
            .iter()
            .find(|(known, before)| known == label && *before > n)
            .map(|(_, before)| *before)
            // A rule may be a marker too, by its number.
            .or_else(|| {
                let id = label.parse::<u64>().ok()?;
                rules
                    .iter()
                    .position(|other| other.id == id)
                    .filter(|&m| m > n)
                    .map(|m| m + 1)
            })
            .ok_or_else(|| LoadError::Refused {
                at: rule.at.clone(),
                message: format!(
                    "no marker `{label}` follows; write `SecMarker \"{label}\"` further down"
                ),
            })?;
        return Ok(Some(program.partition_point(|step| step.rule < marker)));
    }
    if rule.skip == 0 {
        return Ok(None);
    }
    let here = program.partition_point(|step| step.rule < n);
    Ok(Some(here + 1 + rule.skip))
}

fn resolve_controls(rules: &mut [Rule]) {
    let mut resolved: Vec<Vec<usize>> = Vec::new();
    for control in rules
        .iter()
        .flat_map(|r| &r.links)
        .flat_map(|l| &l.controls)
    {
        let which = match &control.control {
            Control::RemoveRules(which) | Control::RemoveTargets(which, _) => Some(which),
            Control::Engine(_)
            | Control::ForceRequestBody
            | Control::Processor(_)
            | Control::RequestBody(_)
            | Control::ResponseBody(_)
            | Control::Nothing => None,
        };
        resolved.push(which.map_or_else(Vec::new, |which| {
            let concerned = rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| concerns(which, rule));
            concerned.map(|(n, _)| n).collect()
        }));
    }
    let controls = rules
        .iter_mut()
        .flat_map(|r| &mut r.links)
        .flat_map(|l| &mut l.controls);
    for (control, rules) in controls.zip(resolved) {
        control.rules = rules;
    }
}

/// What links share.
#[derive(Default)]
struct Tables {
    chains: Vec<Chain>,
    chain_of: HashMap<(usize, Transform), usize>,
    lists: Vec<List>,
    list_of: HashMap<String, usize>,
    groups: Vec<Group>,
    group_of: HashMap<Group, usize>,
    required: [Vec<Required>; 2],
}

impl Tables {
    fn enter(&mut self, link: &mut Link, side: usize) {
        link.list = self.list(&link.targets);
        link.chain = link
            .transforms
            .iter()
            .fold(0, |chain, &transform| self.chain(chain, transform));
        let group = Group {
            list: link.list,
            chain: link.chain,
            side,
        };
        link.group = *self.group_of.entry(group).or_insert_with(|| {
            self.groups.push(group);
            self.groups.len() - 1
        });
        let required = &link.operator.required;
        let known = !required.strings.is_empty() || !required.bytes.is_empty();
        if known
            && !link.operator.negated
            && let Some(all) = self.required.get_mut(side)
        {
            // Rules that ask the same share a test.
            let test = all
                .iter()
                .position(|other| other == required)
                .unwrap_or_else(|| {
                    all.push(required.clone());
                    all.len() - 1
                });
            link.test = Some(test);
        }
    }

    fn list(&mut self, targets: &Targets) -> usize {
        *self.list_of.entry(targets.key()).or_insert_with(|| {
            self.lists.push(List {
                targets: targets.clone(),
                collections: Collections::of(targets),
            });
            self.lists.len() - 1
        })
    }

    fn chain(&mut self, parent: usize, transform: Transform) -> usize {
        let before = self.chains.get(parent).and_then(|chain| chain.touches);
        *self.chain_of.entry((parent, transform)).or_insert_with(|| {
            let touches = match (before, transform.touches()) {
                (Some(before), Some(own)) => Some(before.union(&own)),
                _ => None,
            };
            self.chains.push(Chain {
                parent,
                last: Some(transform),
                touches,
                last_touches: transform.touches(),
            });
            self.chains.len() - 1
        })
    }
}
