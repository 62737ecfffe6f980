//! Whether two rows can apply to one request, and which obligations are the weaker ones.

use std::collections::{HashMap, HashSet};

use crate::analysis::reach::caller_slot;
use crate::analysis::survey::Survey;
use crate::engine::plan::Guard;
use crate::engine::snapshot::{Policy, Snapshot};
use crate::language::path::{Segment, Style, segments};
use crate::language::pattern::Way;
use crate::obligation::Obligations;
use crate::rules::view::RuleView;

/// Two policies of one model, as far as rows of either are compared.
pub(super) struct Overlap<'a> {
    policy: &'a Policy,
    /// The slot of the caller.
    caller: Option<usize>,
    /// Members of a name by section, as either policy has them, in any domain.
    members: HashMap<(&'a str, &'a str), Vec<&'a str>>,
}

impl<'a> Overlap<'a> {
    pub(super) fn new(before: &'a Snapshot, after: &'a Snapshot) -> Self {
        let mut members: HashMap<_, Vec<&str>> = HashMap::new();
        for role in before.roles().chain(after.roles()) {
            if let [member, name, ..] = role.fields.as_slice() {
                members
                    .entry((role.section, *name))
                    .or_default()
                    .push(member);
            }
        }
        Self {
            policy: after.policy(),
            caller: caller_slot(after.policy(), &Survey::new(after.policy())),
            members,
        }
    }

    /// How many callers that the policies name a row may concern; `None` for everybody.
    pub(super) fn callers(&self, rule: &RuleView<'_>) -> Option<usize> {
        let caller = self.caller?;
        let counts = self.policy.plan.guards.iter().filter_map(|guard| {
            let (Guard::Equal(pair) | Guard::Role(pair, _)) = guard else {
                return None;
            };
            let text = *rule.fields.get(pair.field)?;
            if pair.slot != caller || pair.any.as_deref() == Some(text) {
                return None;
            }
            let Guard::Role(_, membership) = guard else {
                return Some(1);
            };
            let section = self.policy.model.sections.get(membership.graph)?;
            let above = |name: &&str| self.members.contains_key(&(&*section.name, *name));
            let holders = self.holders(&section.name, text);
            Some(holders.iter().filter(|name| !above(name)).count())
        });
        counts.min()
    }

    /// What an allow by this row costs.
    pub(super) fn cost(&self, rule: &RuleView<'_>) -> Obligations {
        let column = self.policy.model.obligation_field;
        let text = column.and_then(|column| rule.fields.get(column));
        // The row was loaded, so that its obligations can be read.
        text.and_then(|text| Obligations::parse(text).ok())
            .unwrap_or_default()
    }

    /// Whether two rows may apply to one request; in doubt they may.
    pub(super) fn meet(&self, one: &RuleView<'_>, other: &RuleView<'_>) -> bool {
        self.policy.plan.guards.iter().all(|guard| {
            let (Guard::Equal(pair) | Guard::Role(pair, _) | Guard::Match(pair, _)) = guard else {
                return true;
            };
            let (Some(one), Some(other)) =
                (one.fields.get(pair.field), other.fields.get(pair.field))
            else {
                return true;
            };
            let any = |text: &str| pair.any.as_deref() == Some(text);
            if one == other || any(one) || any(other) {
                return true;
            }
            match guard {
                Guard::Equal(_) | Guard::Condition(_) | Guard::Other => false,
                Guard::Role(_, membership) => {
                    let section = self.policy.model.sections.get(membership.graph);
                    section.is_none_or(|section| self.shared(&section.name, one, other))
                }
                Guard::Match(_, Way::Path(style)) => !apart(one, other, *style),
                Guard::Match(_, Way::Prefix | Way::Regex | Way::Address) => true,
            }
        })
    }

    /// Whether somebody may have both names.
    fn shared(&self, section: &str, one: &str, other: &str) -> bool {
        let holders = self.holders(section, one);
        self.holders(section, other)
            .iter()
            .any(|name| holders.contains(name))
    }

    fn holders<'n>(&'n self, section: &'n str, name: &'n str) -> HashSet<&'n str> {
        let mut found = HashSet::from([name]);
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            for member in self.members.get(&(section, name)).into_iter().flatten() {
                if found.insert(member) {
                    open.push(member);
                }
            }
        }
        found
    }
}

/// Whether no path matches both patterns.
fn apart(one: &str, other: &str, style: Style) -> bool {
    let (mut one, mut other) = (segments(one, style), segments(other, style));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return false,
            (None, Some(_)) | (Some(_), None) => return true,
            (Some(Segment::Tail), Some(_)) | (Some(_), Some(Segment::Tail)) => return false,
            (Some(Segment::Literal(one)), Some(Segment::Literal(other))) if one != other => {
                return true;
            }
            (Some(_), Some(_)) => {}
        }
    }
}

/// Whether the second asks for less somewhere.
pub(super) fn weaker(had: &Obligations, has: &Obligations) -> bool {
    let less_redacted = had.redact > has.redact;
    let looser = had
        .quota
        .is_some_and(|had| has.quota.is_none_or(|has| has > had));
    let more_fields = !had.fields.is_empty()
        && (has.fields.is_empty() || has.fields.iter().any(|name| !had.fields.contains(name)));
    let fewer = |had: &crate::obligation::Names, has: &crate::obligation::Names| {
        had.iter().any(|name| !has.contains(name))
    };
    less_redacted
        || looser
        || more_fields
        || (had.log_full && !has.log_full)
        || (had.watermark && !has.watermark)
        || had.stepup > has.stepup
        || fewer(&had.foureyes, &has.foureyes)
        || fewer(&had.alert, &has.alert)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_apart_only_if_no_path_matches_both() {
        let table = [
            ("/a", "/a", false),
            ("/a", "/b", true),
            ("/a/*", "/a/b", false),
            ("/a/*", "/a", true),
            ("/*", "/x/y", false),
            ("/:id/b", "/a/:x", false),
            ("/:id/b", "/a/c", true),
            ("/:id", "/a/c", true),
        ];
        for (one, other, expected) in table {
            assert_eq!(apart(one, other, Style::Colon), expected, "{one} {other}");
            assert_eq!(apart(other, one, Style::Colon), expected, "{other} {one}");
        }
    }

    #[test]
    fn obligations_are_weaker_if_any_of_them_is() {
        let parsed = |text| Obligations::parse(text).unwrap();
        let table = [
            ("redact:L3", "redact:L2", true),
            ("redact:L2", "redact:L3", false),
            ("redact:L1", "", true),
            ("", "redact:L1", false),
            ("log:full", "", true),
            ("watermark:on", "log:full", true),
            ("quota:5", "quota:6", true),
            ("quota:5", "quota:5", false),
            ("quota:5", "", true),
            ("fields:a", "fields:a|b", true),
            ("fields:a|b", "fields:a", false),
            ("fields:a", "", true),
            ("stepup:2", "stepup:1", true),
            ("foureyes:x|y", "foureyes:x", true),
            ("alert:soc", "", true),
            ("rate:bronze", "rate:gold", false),
        ];
        for (had, has, expected) in table {
            assert_eq!(weaker(&parsed(had), &parsed(has)), expected, "{had} {has}");
        }
    }
}
