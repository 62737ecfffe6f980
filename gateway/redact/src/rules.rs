//! What is done to which kind at which level: the shipped table with the operator's changes.

use std::sync::{Arc, LazyLock};

use crate::action::{Action, Actions};
use crate::keyed::Keys;
use crate::kind::Kind;
use crate::label::{Labels, Rule, Strength};
use crate::level::Level;
use crate::mask::{self, Edits};
use crate::own::OwnKind;
use crate::people::PersonKey;

/// Rules for bodies; made once, shared by every body.
#[derive(Debug, Clone)]
pub struct Rules {
    actions: [Actions; 4],
    labels: Labels,
    keys: Option<Arc<Keys>>,
    person_key: Option<Arc<PersonKey>>,
    own: Vec<Arc<OwnKind>>,
}

static SHIPPED: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::default()));

impl Default for Rules {
    fn default() -> Self {
        Self {
            actions: Level::ALL.map(Actions::of),
            labels: Labels::shipped().clone(),
            keys: None,
            person_key: None,
            own: Vec::new(),
        }
    }
}

impl Rules {
    /// Returns the rules that apply where the operator says nothing.
    #[must_use]
    pub fn shipped() -> Arc<Self> {
        Arc::clone(&SHIPPED)
    }

    /// Changes what is done to a kind at a level.
    pub fn set_action(&mut self, level: Level, kind: Kind, action: Action) {
        if let Some(actions) = self.actions.get_mut(level as usize) {
            actions.set(kind, action);
        }
    }

    /// Returns what is done to a kind at a level.
    #[must_use]
    pub fn action(&self, level: Level, kind: Kind) -> Action {
        self.actions(level).get(kind)
    }

    /// Adds a field name or label: values behind it are of the kind.
    pub fn add_label(&mut self, word: &str, kind: Kind) {
        self.labels.add(
            word,
            Rule {
                kind,
                strength: Strength::Strong,
            },
        );
    }

    pub(crate) fn actions(&self, level: Level) -> Actions {
        self.actions
            .get(level as usize)
            .copied()
            .unwrap_or_else(|| Actions::of(Level::L4))
    }

    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Applies an action that needs a key; `None` where it needs none, or there is none.
    pub(crate) fn keyed(&self, action: Action, kind: Kind, text: &[char]) -> Option<Edits> {
        let keys = self.keys.as_ref().filter(|_| action.needs_key())?;
        if action == Action::Token {
            return Some(mask::whole(text, &keys.token(kind, text)));
        }
        if action == Action::Seal {
            return Some(mask::whole(text, &keys.seal(kind, text)?));
        }
        let put = if action == Action::Encrypt {
            keys.encrypt(kind, text)?
        } else {
            keys.shift(text)?
        };
        Some(mask::turned(text, &put))
    }

    /// Gives the keys of tokens, encryption and shifted dates. Without them those actions drop the value.
    pub fn set_keys(&mut self, keys: Arc<Keys>) {
        self.keys = Some(keys);
    }

    /// Returns the keys of tokens, encryption and shifted dates.
    #[must_use]
    pub fn keys(&self) -> Option<&Arc<Keys>> {
        self.keys.as_ref()
    }

    /// Gives the key under which people are told apart. Without it bodies tell of nobody.
    pub fn set_person_key(&mut self, key: PersonKey) {
        self.person_key = Some(Arc::new(key));
    }

    /// Returns the key under which people are told apart.
    #[must_use]
    pub fn person_key(&self) -> Option<&Arc<PersonKey>> {
        self.person_key.as_ref()
    }

    /// Adds a kind of the operator's own.
    pub fn add_own(&mut self, own: OwnKind) {
        for field in own.fields() {
            self.add_label(field, own.kind());
        }
        self.own.push(Arc::new(own));
    }

    pub(crate) fn own(&self) -> &[Arc<OwnKind>] {
        &self.own
    }
}
