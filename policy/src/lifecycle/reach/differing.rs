//! Rows that differ between two policies, and whether what they ask for became less.

use super::overlap::{Overlap, weaker};
use crate::analysis::change::Kind;
use crate::analysis::cover::covers;
use crate::decision::Effect;
use crate::engine::snapshot::Snapshot;
use crate::language::model::Combination;
use crate::lifecycle::bundle::Text;
use crate::obligation::Obligations;
use crate::rules::view::RuleView;
use crate::source::{Dialect, Source};

/// Pairs of rows that are compared at most; beyond, obligations are taken to be weakened. Chosen.
const PAIRS: usize = 20_000_000;

/// A row that differs.
pub(super) struct Differing<'a> {
    pub(super) view: RuleView<'a>,
    pub(super) callers: Option<usize>,
    pub(super) kind: Kind,
}

/// The rows that differ, in one policy, where one can be compared with another.
pub(super) struct Standing(Option<Snapshot>);

impl Standing {
    pub(super) fn new(after: &Snapshot, model: &Text, rows: &[Differing<'_>]) -> Self {
        // Where the first row decides, a row that lies within another may yet stand before a denying one.
        if after.policy().model.combination == Combination::FirstMatch || rows.is_empty() {
            return Self(None);
        }
        let mut text = String::new();
        for row in rows {
            text.push('p');
            for field in &row.view.fields {
                text.push_str(", \"");
                text.push_str(&field.replace('"', "\"\""));
                text.push('"');
            }
            text.push('\n');
        }
        let rules = Source {
            name: "rows that differ",
            text: &text,
        };
        let model = Source {
            name: &model.name,
            text: &model.text,
        };
        // What cannot be compared is covered by nothing, and then counts in full.
        let loaded = Snapshot::load(model, &[rules], Dialect::Strict).ok();
        Self(loaded.filter(|loaded| loaded.policy().rules.len() == rows.len()))
    }

    pub(super) fn covers(&self, wide: usize, narrow: usize) -> bool {
        self.0
            .as_ref()
            .is_some_and(|rows| covers(rows.policy(), wide, narrow))
    }
}

/// A row that allows, with what it costs.
struct Allow<'r, 'a> {
    view: &'r RuleView<'a>,
    cost: Obligations,
}

/// Whether something that stays allowed may come to cost less.
pub(super) fn weakens(
    before: &Snapshot,
    after: &Snapshot,
    overlap: &Overlap<'_>,
    rows: &[Differing<'_>],
    stands: &Standing,
) -> bool {
    let allows = |row: &Differing<'_>| row.view.effect == Effect::Allow;
    if rows.len().saturating_mul(after.policy().rules.len()) > PAIRS {
        return true;
    }
    if rows
        .iter()
        .any(|row| row.kind == Kind::RowMoved && allows(row))
    {
        return true;
    }
    // Where the first row decides, its obligations stand alone.
    let combines = after.policy().model.combination != Combination::FirstMatch;
    let both = |one: &Obligations, other: &Obligations| {
        let mut all = one.clone();
        if combines {
            all.combine(other);
        }
        all
    };
    let known = |kind: Kind| {
        let wanted = move |(_, row): &(usize, &Differing<'_>)| row.kind == kind && allows(row);
        rows.iter().enumerate().filter(wanted)
    };
    let of = |view| Allow {
        view,
        cost: overlap.cost(view),
    };
    let is_removed = |rule: &RuleView<'_>| {
        known(Kind::RowRemoved).any(|(_, row)| row.view.ordinal == rule.ordinal)
    };
    let old: Vec<RuleView<'_>> = before
        .rules()
        .filter(|rule| rule.effect == Effect::Allow)
        .collect();
    let old: Vec<(Allow<'_, '_>, bool)> = old
        .iter()
        .map(|view| (of(view), !is_removed(view)))
        .collect();
    // What comes in place of what goes: the one that lies within the other, either way.
    let counterpart = |at: usize, kind: Kind| {
        known(kind).find(|(other, _)| stands.covers(*other, at) || stands.covers(at, *other))
    };
    let comes = known(Kind::RowAdded).any(|(at, added)| {
        let new = of(&added.view);
        let replaced = counterpart(at, Kind::RowRemoved);
        let covered = replaced.is_some_and(|(other, _)| stands.covers(other, at));
        let gone = replaced.map(|(_, row)| of(&row.view));
        let edited = gone.as_ref().is_some_and(|gone| {
            weaker(&gone.cost, &new.cost)
                || old.iter().any(|(kept, stays)| {
                    let (had, has) = (both(&kept.cost, &gone.cost), both(&kept.cost, &new.cost));
                    *stays && weaker(&had, &has) && overlap.meet(kept.view, new.view)
                })
        });
        // Where it applies and nothing that it replaces did, it stands beside whatever else applied.
        edited
            || !covered
                && old.iter().any(|(kept, stays)| {
                    let has = if *stays {
                        both(&new.cost, &kept.cost)
                    } else {
                        new.cost.clone()
                    };
                    let itself = gone
                        .as_ref()
                        .is_some_and(|gone| gone.view.ordinal == kept.view.ordinal);
                    !itself && weaker(&kept.cost, &has) && overlap.meet(kept.view, new.view)
                })
    });
    comes
        || known(Kind::RowRemoved).any(|(at, removed)| {
            let gone = of(&removed.view);
            let mut added = known(Kind::RowAdded);
            let instead = added.find(|(other, _)| stands.covers(*other, at));
            let instead = instead.map(|(_, row)| overlap.cost(&row.view));
            let lost = instead.as_ref().is_some_and(|new| weaker(&gone.cost, new));
            lost || old.iter().any(|(kept, stays)| {
                let had = both(&kept.cost, &gone.cost);
                let has = match &instead {
                    Some(new) => both(&kept.cost, new),
                    None => kept.cost.clone(),
                };
                *stays && weaker(&had, &has) && overlap.meet(gone.view, kept.view)
            })
        })
}
