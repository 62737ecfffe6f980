//! The collections of an exchange, filled as it goes on.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::target::{Collection, Selector, Target, Targets};
use super::texts::{TextId, Texts};

/// A value of a collection.
#[derive(Debug)]
pub(super) struct Value<'q> {
    pub(super) collection: Collection,
    pub(super) name: Cow<'q, [u8]>,
    pub(super) text: TextId,
}

/// All values that stay as they are once they have been read.
#[derive(Debug)]
pub(super) struct Values<'q> {
    all: Vec<Value<'q>>,
    of: Vec<SmallVec<[u32; 4]>>,
    /// Collections that got a value since this was last asked.
    grown: Collections,
}

impl Default for Values<'_> {
    fn default() -> Self {
        Self {
            all: Vec::with_capacity(64),
            of: vec![SmallVec::new(); Collection::ALL.len()],
            grown: Collections::default(),
        }
    }
}

/// A set of collections.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Collections(u128);

impl Collections {
    /// Returns the collections that the values of a list are in.
    pub(super) fn of(targets: &Targets) -> Self {
        let mut all = Self::default();
        for target in &targets.wanted {
            let (first, second) = halves(target.collection);
            all.insert(first);
            second.into_iter().for_each(|half| all.insert(half));
        }
        all
    }

    fn insert(&mut self, collection: Collection) {
        // There are fewer than 128.
        self.0 |= 1u128.wrapping_shl(collection as u32);
    }

    /// Says whether the sets have a collection in common.
    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The numbers of values, in order.
pub(super) type Ids = SmallVec<[u32; 16]>;

impl<'q> Values<'q> {
    pub(super) fn add(&mut self, collection: Collection, name: Cow<'q, [u8]>, text: TextId) {
        let id = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Value {
            collection,
            name,
            text,
        });
        if let Some(ids) = self.of.get_mut(collection as usize) {
            ids.push(id);
        }
        self.grown.insert(collection);
    }

    /// Returns the collections that got a value since the last call.
    pub(super) fn take_grown(&mut self) -> Collections {
        std::mem::take(&mut self.grown)
    }

    /// Adds a value that has no name.
    pub(super) fn single(
        &mut self,
        texts: &mut Texts<'q>,
        collection: Collection,
        bytes: impl Into<Cow<'q, [u8]>>,
    ) {
        let text = texts.add(bytes.into());
        self.add(collection, Cow::Borrowed(b""), text);
    }

    /// Adds a named value to one collection and its name to another.
    pub(super) fn pair(
        &mut self,
        texts: &mut Texts<'q>,
        (values, names): (Collection, Collection),
        name: Cow<'q, [u8]>,
        value: Cow<'q, [u8]>,
    ) {
        let value = texts.add_once(value);
        let label = texts.add_once(name.clone());
        self.add(values, name.clone(), value);
        self.add(names, name, label);
    }

    pub(super) fn get(&self, id: u32) -> Option<&Value<'q>> {
        self.all.get(id as usize)
    }

    /// Returns the values of a collection.
    pub(super) fn of(&self, collection: Collection) -> impl Iterator<Item = u32> {
        let (first, second) = halves(collection);
        let ids = |c: Collection| self.of.get(c as usize).into_iter().flatten().copied();
        ids(first).chain(second.into_iter().flat_map(ids))
    }

    /// Adds the values of one target.
    pub(super) fn gather(&self, target: &Target, out: &mut Ids) {
        let (first, second) = halves(target.collection);
        for collection in [Some(first), second].into_iter().flatten() {
            let Some(ids) = self.of.get(collection as usize) else {
                continue;
            };
            if matches!(target.selector, Selector::All) {
                out.extend_from_slice(ids);
                continue;
            }
            for &id in ids {
                if self
                    .get(id)
                    .is_some_and(|value| target.selector.takes(&value.name))
                {
                    out.push(id);
                }
            }
        }
    }

    /// Returns the values of one target.
    pub(super) fn matching(&self, target: &Target) -> Ids {
        let mut ids = Ids::new();
        self.gather(target, &mut ids);
        ids
    }

    /// Returns the values of a list of targets.
    pub(super) fn listed(&self, targets: &Targets) -> Ids {
        let mut all = Ids::new();
        for target in &targets.wanted {
            self.gather(target, &mut all);
        }
        if !targets.excluded.is_empty() {
            all.retain(|id| {
                !self
                    .get(*id)
                    .is_some_and(|value| targets.excluded.iter().any(|t| excludes(t, value)))
            });
        }
        all
    }
}

/// Returns the collections whose values are those of a collection: itself, or the halves it is made of.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a hundred collections, of which few are special"
)]
fn halves(collection: Collection) -> (Collection, Option<Collection>) {
    match collection {
        Collection::Args => (Collection::ArgsGet, Some(Collection::ArgsPost)),
        Collection::ArgsNames => (Collection::ArgsGetNames, Some(Collection::ArgsPostNames)),
        other => (other, None),
    }
}

/// Says whether an exception concerns a value: `ARGS` is also where those of query and form come from.
pub(super) fn excludes(target: &Target, value: &Value<'_>) -> bool {
    covers(target.collection, value.collection) && target.selector.takes(&value.name)
}

/// Says whether values of one collection are also values of another.
pub(super) fn covers(wide: Collection, narrow: Collection) -> bool {
    wide == narrow
        || matches!(
            (wide, narrow),
            (Collection::Args, Collection::ArgsGet | Collection::ArgsPost)
                | (
                    Collection::ArgsNames,
                    Collection::ArgsGetNames | Collection::ArgsPostNames
                )
        )
}

/// Returns the name a rule gives a collection when it matched there.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a hundred collections, of which few are special"
)]
pub(super) fn spoken(collection: Collection) -> &'static str {
    match collection {
        Collection::ArgsGet | Collection::ArgsPost => "ARGS",
        Collection::ArgsGetNames | Collection::ArgsPostNames => "ARGS_NAMES",
        other => other.name(),
    }
}
