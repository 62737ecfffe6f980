//! Rules, compiled: in order, by phase, with the search that says which of them a value could concern.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::action::{Change, Control, Disruptive, Engine, Phase, Severity};
use super::byteset::ByteSet;
use super::expand::Text;
use super::load;
use super::names::Names;
use super::operator::{Operator, Order, Test};
use super::prefilter::Prefilter;
use super::source::{LoadError, Position};
use super::store::Store;
use super::target::{Target, Targets};
use super::transform::Transform;
use super::values::Collections;

/// Where rules come from, in the order in which they are read.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file; a folder, of which `crs-setup.conf`, `*.conf` and `rules/*.conf` are read; or a path that ends in
    /// `*.conf`.
    Path(PathBuf),
    /// Rules as text, under the name that errors give.
    Text {
        /// The name.
        name: PathBuf,
        /// The rules.
        text: String,
    },
}

/// All rules that are in force. Immutable but for the collections that outlive an exchange; shared by every worker.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    /// The rules of each phase, in order.
    pub(super) programs: [Vec<Step>; 5],
    pub(super) names: Names,
    /// One search for the tests of requests, one for those of responses.
    pub(super) prefilters: [Prefilter; 2],
    pub(super) chains: Vec<Chain>,
    pub(super) lists: Vec<List>,
    pub(super) groups: Vec<Group>,
    pub(super) options: Options,
    pub(super) store: Store,
}

impl RuleSet {
    /// Reads and compiles rules: some hundred milliseconds for the Core Rule Set, once.
    ///
    /// # Errors
    /// The first thing that is wrong or not supported, by file, line and column. Nothing is left out in silence.
    pub fn load(sources: &[Source]) -> Result<Self, LoadError> {
        load::load(sources)
    }

    /// Returns how many rules there are; a chain is one.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Says whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Says whether a rule asks where the client is: without [`Connection::place`](super::Connection::place) it never
    /// matches.
    pub fn wants_place(&self) -> bool {
        self.tests().any(|test| matches!(test, Test::Place))
    }

    /// Returns the lists of addresses that rules ask for: without [`Connection::listed`](super::Connection::listed)
    /// these rules never match.
    pub fn wants_lists(&self) -> BTreeSet<&str> {
        self.tests()
            .filter_map(|test| {
                if let Test::Listed(list) = test {
                    Some(list.as_str())
                } else {
                    None
                }
            })
            .collect()
    }

    fn tests(&self) -> impl Iterator<Item = &Test> {
        let links = self.rules.iter().flat_map(|rule| &rule.links);
        links.map(|link| &link.operator.test)
    }

    /// Returns the number of every rule, in order.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.rules.iter().map(|rule| rule.id)
    }
}

/// What directives say about the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) engine: Engine,
    pub(super) request_body: bool,
    pub(super) response_body: bool,
    /// Types of responses whose body is read; empty: all.
    pub(super) response_types: Vec<String>,
    pub(super) separator: u8,
    /// How long stored collections are kept without use, in seconds.
    pub(super) collection_timeout: u64,
    /// Name and value pairs in one request, before it counts as unreadable.
    pub(super) arguments: usize,
    pub(super) json_depth: usize,
    pub(super) web_app: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            engine: Engine::On,
            request_body: true,
            response_body: true,
            response_types: Vec::new(),
            separator: b'&',
            collection_timeout: 3600,
            arguments: 20_000,
            json_depth: 512,
            web_app: "default".to_owned(),
        }
    }
}

/// A rule in the program of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Its number.
    pub(super) rule: usize,
    pub(super) gate: Gate,
}

/// What can be said of a rule at a glance: most do not match, and these are passed over here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing: it is asked.
    Open,
    /// It compares a variable with a number that never changes.
    Number {
        slot: usize,
        order: Order,
        bound: i64,
        negated: bool,
    },
    /// Its first condition is a test that the search knows.
    Search { group: usize, test: usize },
}

/// A rule with everything chained to it.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: u64,
    pub(super) phase: Phase,
    pub(super) links: Vec<Link>,
    pub(super) disruptive: Disruptive,
    pub(super) status: u16,
    pub(super) log: bool,
    pub(super) message: Option<Text>,
    pub(super) data: Option<Text>,
    pub(super) tags: Arc<[String]>,
    pub(super) severity: Option<Severity>,
    /// How many rules of the phase a match passes over.
    pub(super) skip: usize,
    pub(super) skip_after: Option<String>,
    /// Where in the program of its phase a match goes on.
    pub(super) jump: Option<usize>,
    pub(super) at: Position,
}

/// One condition of a rule, and what it does when met.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) targets: Targets,
    pub(super) operator: Operator,
    pub(super) transforms: Vec<Transform>,
    pub(super) capture: bool,
    pub(super) multi_match: bool,
    pub(super) changes: Vec<Change>,
    pub(super) controls: Vec<Compiled>,
    /// Which list of targets it is, among all.
    pub(super) list: usize,
    /// Says whether the values of the list stay the same during a phase.
    pub(super) still: bool,
    pub(super) chain: usize,
    pub(super) group: usize,
    /// Its test in the search, if the search knows something about it.
    pub(super) test: Option<usize>,
}

/// A control whose rules are known.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) control: Control,
    /// The rules it removes, or removes targets from.
    pub(super) rules: Vec<usize>,
}

impl Compiled {
    /// Returns the target that is removed, if one is.
    pub(super) fn target(&self) -> Option<&Target> {
        match &self.control {
            Control::RemoveTargets(_, target) => Some(target),
            Control::Engine(_)
            | Control::RemoveRules(_)
            | Control::ForceRequestBody
            | Control::Processor(_)
            | Control::RequestBody(_)
            | Control::ResponseBody(_)
            | Control::Nothing => None,
        }
    }
}

/// A list of targets that rules share.
#[derive(Debug)]
pub(super) struct List {
    pub(super) targets: Targets,
    pub(super) collections: Collections,
}

/// Transformations one after the other; each chain is another with one more.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) parent: usize,
    pub(super) last: Option<Transform>,
    /// Bytes of which a text must hold one to be changed; `None`: any text may be.
    pub(super) touches: Option<ByteSet>,
    /// The same for the last transformation alone.
    pub(super) last_touches: Option<ByteSet>,
}

impl Chain {
    /// Says whether a text of these bytes could be changed.
    #[inline]
    pub(super) fn could_change(&self, there: &ByteSet) -> bool {
        self.touches.is_none_or(|touched| touched.meets(there))
    }
}

/// A list of targets together with transformations: rules of one group read the same texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub(super) list: usize,
    pub(super) chain: usize,
    /// Which search: 0 for requests, 1 for responses.
    pub(super) side: usize,
}
