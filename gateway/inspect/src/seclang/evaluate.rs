//! One condition of a rule, asked of every value it looks at.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::operator::{Order, Test, number, sql, validate};
use super::pattern::Groups;
use super::ruleset::{Link, Rule};
use super::state::{Matched, MatchedName, MatchedValue};
use super::target::{Collection, Selector, Target};
use super::texts::TextId;
use super::transaction::Transaction;
use super::values::{Ids, excludes};
use crate::text::steps;

/// Bytes of a text that is put together of variables. Chosen: variables could double each other otherwise.
pub(super) const FILLED: usize = 64 << 10;

/// What a test saw in a text.
#[derive(Debug)]
enum Hit {
    Plain,
    Groups(Groups),
    /// What stands for what was found.
    Said(Vec<u8>),
}

/// A value to be tested, with what it is called.
type Candidate = (Collection, MatchedName, TextId);

impl<'r> Transaction<'r, '_> {
    /// Says whether a condition is met, and does what it does when met, once for each value that meets it.
    pub(super) fn link(&mut self, n: usize, rule: &'r Rule, link: &'r Link) -> bool {
        if link.targets.wanted.is_empty() {
            self.matched.clear();
            self.act(rule, link);
            return true;
        }
        if let Some((matched, met)) = self.compared(link) {
            self.matched.clear();
            if met {
                self.meet(rule, link, matched, None, &Hit::Plain);
            }
            return met;
        }
        if link.still {
            return self.still(n, rule, link);
        }
        let candidates = self.live(link);
        self.matched.clear();
        let mut met = false;
        for (collection, name, text) in candidates {
            met |= self.value(rule, link, collection, &name, text);
        }
        met
    }

    /// Compares a count or a variable with a number, without making a text of either.
    fn compared(&self, link: &Link) -> Option<(Matched, bool)> {
        let ([target], [], []) = (
            link.targets.wanted.as_slice(),
            link.targets.excluded.as_slice(),
            link.transforms.as_slice(),
        ) else {
            return None;
        };
        let Test::Number(order, bound) = &link.operator.test else {
            return None;
        };
        let (value, name) = if target.count {
            let name = match &target.selector {
                Selector::Slot(slot) => MatchedName::Slot(*slot),
                Selector::Named(name) => MatchedName::Own(name.to_vec()),
                Selector::All
                | Selector::Matching(..)
                | Selector::XmlText
                | Selector::XmlAttributes => MatchedName::None,
            };
            (self.count(target), name)
        } else {
            let Selector::Slot(slot) = target.selector else {
                return None;
            };
            let Some(value) = self.tx.number(slot) else {
                let unset = Matched {
                    collection: target.collection,
                    name: MatchedName::None,
                    value: MatchedValue::Number(0),
                };
                return Some((unset, false));
            };
            (value, MatchedName::Slot(slot))
        };
        let order: Order = *order;
        let met = order.holds(value, self.number_of(bound)) != link.operator.negated;
        let matched = Matched {
            collection: target.collection,
            name,
            value: MatchedValue::Number(value),
        };
        Some((matched, met))
    }

    fn count(&self, target: &Target) -> i64 {
        let count = match (&target.selector, target.collection) {
            (Selector::Slot(slot), _) => usize::from(self.tx.get(*slot).is_set()),
            (_, collection) if collection.is_live() => self.live_values(target).len(),
            (Selector::All, Collection::Xml) => {
                usize::from(self.values.of(Collection::Xml).next().is_some())
            }
            _ => self.values.matching(target).len(),
        };
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    /// A condition on values that stay the same during the phase.
    fn still(&mut self, n: usize, rule: &'r Rule, link: &'r Link) -> bool {
        self.matched.clear();
        if let (Some(test), false) = (link.test, link.multi_match) {
            return self.possible(link.group, test) && self.candidates(n, rule, link, test);
        }
        let ids = self.take_list(link.list);
        let met = self.each(n, rule, link, &ids);
        self.give_list(link.list, ids);
        met
    }

    /// Asks those values of a group that could pass the test.
    fn candidates(&mut self, n: usize, rule: &'r Rule, link: &'r Link, test: usize) -> bool {
        let mut met = false;
        let mut place = 0;
        while let Some((candidate, next)) = self.next_candidate(link.group, test, place) {
            place = next;
            let Some(value) = self.values.get(candidate.id) else {
                continue;
            };
            if self.removed.targets(n).any(|t| excludes(t, value)) {
                continue;
            }
            let (collection, name) = (value.collection, MatchedName::Value(candidate.id));
            met |= self.text(rule, link, collection, &name, candidate.text);
        }
        met
    }

    fn each(&mut self, n: usize, rule: &'r Rule, link: &'r Link, ids: &Ids) -> bool {
        let removed: SmallVec<[&Target; 4]> = self.removed.targets(n).collect();
        let mut met = false;
        for &id in ids {
            let Some(value) = self.values.get(id) else {
                continue;
            };
            if removed.iter().any(|target| excludes(target, value)) {
                continue;
            }
            let (collection, text) = (value.collection, value.text);
            met |= self.value(rule, link, collection, &MatchedName::Value(id), text);
        }
        met
    }

    /// Tests one value, after its transformations or, with `multiMatch`, after each of them.
    fn value(
        &mut self,
        rule: &'r Rule,
        link: &'r Link,
        collection: Collection,
        name: &MatchedName,
        text: TextId,
    ) -> bool {
        let chains = &self.rules.chains;
        if !link.multi_match {
            let text = self.texts.transformed(text, link.chain, chains);
            return self.likely(link, text) && self.text(rule, link, collection, name, text);
        }
        let mut steps: SmallVec<[usize; 8]> = SmallVec::new();
        let mut step = link.chain;
        while let Some(chain) = chains.get(step).filter(|chain| chain.last.is_some()) {
            steps.push(step);
            step = chain.parent;
        }
        steps.push(0);
        let mut seen: SmallVec<[TextId; 8]> = SmallVec::new();
        let mut met = false;
        for step in steps.into_iter().rev() {
            let text = self.texts.transformed(text, step, &self.rules.chains);
            if !seen.contains(&text) {
                seen.push(text);
                met |= self.likely(link, text) && self.text(rule, link, collection, name, text);
            }
        }
        met
    }

    fn text(
        &mut self,
        rule: &'r Rule,
        link: &'r Link,
        collection: Collection,
        name: &MatchedName,
        text: TextId,
    ) -> bool {
        let hit = self.hit(rule, link, text);
        let hit = match (hit, link.operator.negated) {
            (Some(hit), false) => hit,
            (None, true) => Hit::Plain,
            _ => return false,
        };
        let matched = Matched {
            collection,
            name: name.clone(),
            value: MatchedValue::Text(text),
        };
        self.meet(rule, link, matched, Some(text), &hit);
        true
    }

    fn hit(&self, rule: &Rule, link: &Link, id: TextId) -> Option<Hit> {
        let text = self.texts.bytes(id);
        steps::count(text.len());
        let filled = |wanted| self.filled(wanted, rule, FILLED);
        let plain = |met: bool| met.then_some(Hit::Plain);
        match &link.operator.test {
            Test::Always => Some(Hit::Plain),
            Test::Never => None,
            Test::Rx(pattern) if link.capture && !link.operator.negated => {
                pattern.groups(text).map(Hit::Groups)
            }
            // What cannot be found out meets the condition, turned round or not.
            Test::Rx(pattern) => plain(pattern.is_match(text, !link.operator.negated)),
            Test::Filled(pattern) if link.operator.negated => {
                plain(pattern.is_match(&filled(&pattern.text), text, false))
            }
            Test::Filled(pattern) => pattern
                .groups(&filled(&pattern.text), text)
                .map(Hit::Groups),
            Test::Phrases(phrases) => phrases
                .find(text)
                .map(|span| Hit::Groups(Groups::from_iter([span]))),
            Test::Contains(wanted) => plain(memchr::memmem::find(text, &filled(wanted)).is_some()),
            Test::ContainsWord(wanted) => plain(validate::contains_word(text, &filled(wanted))),
            Test::BeginsWith(wanted) => plain(text.starts_with(&filled(wanted))),
            Test::EndsWith(wanted) => plain(text.ends_with(&filled(wanted))),
            Test::Equal(wanted) => plain(text == &*filled(wanted)),
            Test::Within(wanted) => plain(memchr::memmem::find(&filled(wanted), text).is_some()),
            Test::Number(order, bound) => plain(order.holds(number(text), self.number_of(bound))),
            Test::Address(nets) => {
                let address: std::net::IpAddr =
                    std::str::from_utf8(text).ok()?.trim().parse().ok()?;
                plain(nets.iter().any(|net| net.contains(&address)))
            }
            Test::Place => plain(self.is_client(text) && !self.connection.place.is_empty()),
            Test::Listed(list) => {
                let (_, says) = self
                    .connection
                    .listed
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(list))
                    .filter(|_| self.is_client(text))?;
                let client = self.connection.client;
                let said = format!("RBL lookup of {client}.{list} succeeded. {says}");
                Some(Hit::Said(said.into_bytes()))
            }
            Test::Sql => sql::detect(text).map(Hit::Said),
            Test::Script => plain(libinjectionrs::detect_xss(text).is_injection()),
            Test::Bytes(set) => plain(!self.texts.there(id).within(set)),
            Test::UrlEncoding => plain(validate::broken_percent(text)),
            Test::Utf8 => plain(validate::broken_utf8(text)),
            Test::Card(pattern) => plain(pattern.any(text, validate::luhn)),
            Test::Cpf(pattern) => plain(pattern.any(text, validate::cpf)),
            Test::Ssn(pattern) => plain(pattern.any(text, validate::ssn)),
            Test::Svnr(pattern) => plain(pattern.any(text, validate::svnr)),
        }
    }

    /// Says whether a text is the address of the client.
    fn is_client(&self, text: &[u8]) -> bool {
        let address = std::str::from_utf8(text).ok();
        let address = address.and_then(|text| text.trim().parse::<std::net::IpAddr>().ok());
        address == Some(self.connection.client)
    }

    /// Records a value that meets a condition, and does what is to be done then.
    fn meet(
        &mut self,
        rule: &'r Rule,
        link: &'r Link,
        matched: Matched,
        text: Option<TextId>,
        hit: &Hit,
    ) {
        if link.capture {
            self.capture(text, hit);
        }
        self.matched.push(matched);
        self.act(rule, link);
    }

    /// Fills `TX.0` to `TX.9`.
    fn capture(&mut self, text: Option<TextId>, hit: &Hit) {
        use super::names::GROUPS;
        use super::state::TxValue;
        if matches!(hit, Hit::Plain) {
            return;
        }
        for slot in 0..GROUPS {
            let group = match (hit, text) {
                (Hit::Groups(groups), Some(text)) => groups.get(slot).map(|&(from, to)| {
                    crate::text::span(self.texts.bytes(text), from, to).to_vec()
                }),
                (Hit::Said(said), _) if slot == 0 => Some(said.clone()),
                _ => None,
            };
            let value = group.map_or(TxValue::Unset, |group| TxValue::Text(Cow::Owned(group)));
            self.tx.set(slot, value);
        }
    }

    /// Collects the values of a list that changes while rules run.
    fn live(&mut self, link: &Link) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for target in &link.targets.wanted {
            if target.count {
                let count = self.count(target).to_string().into_bytes();
                let text = self.texts.add(Cow::Owned(count));
                candidates.push((target.collection, MatchedName::None, text));
            } else if target.collection.is_live() {
                for (name, bytes) in self.live_values(target) {
                    let excluded = link
                        .targets
                        .excluded
                        .iter()
                        .any(|t| t.collection == target.collection && self.selects(t, &name));
                    if !excluded {
                        let text = self.texts.add(Cow::Owned(bytes));
                        candidates.push((target.collection, MatchedName::Own(name), text));
                    }
                }
            } else {
                for id in self.values.matching(target) {
                    let Some(value) = self.values.get(id) else {
                        continue;
                    };
                    if !link.targets.excluded.iter().any(|t| excludes(t, value)) {
                        candidates.push((value.collection, MatchedName::Value(id), value.text));
                    }
                }
            }
        }
        candidates
    }

    /// Says whether a target means the variable of a name in lower case.
    fn selects(&self, target: &Target, name: &[u8]) -> bool {
        match target.selector {
            Selector::Slot(slot) => self.rules.names.name(slot).as_bytes() == name,
            Selector::All
            | Selector::Named(_)
            | Selector::Matching(..)
            | Selector::XmlText
            | Selector::XmlAttributes => target.selector.takes(name),
        }
    }

    /// Returns the text of what was matched.
    pub(super) fn seen(&self, matched: &Matched) -> Vec<u8> {
        match matched.value {
            MatchedValue::Number(n) => n.to_string().into_bytes(),
            MatchedValue::Text(text) => self.texts.bytes(text).to_vec(),
        }
    }

    /// Returns the name of what was matched, as `ARGS:name`.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a hundred collections, of which few are special"
    )]
    pub(super) fn place(&self, matched: &Matched) -> Vec<u8> {
        let collection = super::values::spoken(matched.collection).as_bytes();
        let name: &[u8] = match &matched.name {
            MatchedName::None => b"",
            MatchedName::Slot(slot) => self.rules.names.name(*slot).as_bytes(),
            MatchedName::Value(id) => self.values.get(*id).map_or(&b""[..], |value| &value.name),
            MatchedName::Own(name) => match matched.collection {
                // The name of what was matched before stands for it.
                Collection::MatchedVar | Collection::MatchedVars => return name.clone(),
                _ => name,
            },
        };
        if name.is_empty() {
            collection.to_vec()
        } else {
            [collection, b":", name].concat()
        }
    }
}
