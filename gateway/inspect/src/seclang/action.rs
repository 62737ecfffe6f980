//! What a rule does: `id:1,phase:2,deny,t:none,setvar:tx.score=+5`.

use super::expand::Text;
use super::target::{Collection, Target};
use super::transform::Transform;

mod parse;

/// The actions of one rule, as written.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the language that is there or is not"
)]
#[derive(Debug, Clone, Default)]
pub(super) struct Actions {
    pub(super) id: Option<u64>,
    pub(super) phase: Option<Phase>,
    pub(super) transforms: Vec<Transform>,
    /// `t:none` stands among the transformations: those of the defaults do not apply.
    pub(super) cleared: bool,
    pub(super) capture: bool,
    pub(super) multi_match: bool,
    pub(super) chain: bool,
    pub(super) log: Option<bool>,
    pub(super) disruptive: Option<Disruptive>,
    pub(super) status: Option<u16>,
    pub(super) skip: usize,
    pub(super) skip_after: Option<String>,
    pub(super) changes: Vec<Change>,
    pub(super) controls: Vec<Control>,
    pub(super) message: Option<Text>,
    pub(super) data: Option<Text>,
    pub(super) tags: Vec<String>,
    pub(super) severity: Option<Severity>,
    pub(super) version: Option<String>,
}

/// When a rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Phase {
    RequestHead,
    RequestBody,
    ResponseHead,
    ResponseBody,
    Logging,
}

impl Phase {
    /// Returns its place among all phases, from zero.
    pub(super) fn index(self) -> usize {
        match self {
            Self::RequestHead => 0,
            Self::RequestBody => 1,
            Self::ResponseHead => 2,
            Self::ResponseBody => 3,
            Self::Logging => 4,
        }
    }
}

/// What becomes of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Disruptive {
    /// It goes on.
    Pass,
    /// What the defaults of the phase say.
    Block,
    Deny,
    Drop,
    Redirect(String),
    /// No more rules: of this phase, of the request, or at all.
    Allow(Allowed),
}

/// How far `allow` reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Phase,
    Request,
    All,
}

/// How bad a match is, as syslog counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 0.
    Emergency,
    /// 1.
    Alert,
    /// 2.
    Critical,
    /// 3.
    Error,
    /// 4.
    Warning,
    /// 5.
    Notice,
    /// 6.
    Info,
    /// 7.
    Debug,
}

impl Severity {
    const NAMES: [(&'static str, Self); 8] = [
        ("EMERGENCY", Self::Emergency),
        ("ALERT", Self::Alert),
        ("CRITICAL", Self::Critical),
        ("ERROR", Self::Error),
        ("WARNING", Self::Warning),
        ("NOTICE", Self::Notice),
        ("INFO", Self::Info),
        ("DEBUG", Self::Debug),
    ];

    fn named(text: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .enumerate()
            .find(|(n, (name, _))| name.eq_ignore_ascii_case(text) || n.to_string() == text)
            .map(|(_, (_, severity))| *severity)
    }

    /// Returns its number, as `HIGHEST_SEVERITY` gives it.
    pub(super) fn number(self) -> u8 {
        Self::NAMES
            .iter()
            .zip(0u8..)
            .find(|((_, severity), _)| *severity == self)
            .map_or(255, |(_, n)| n)
    }
}

/// A change of a variable.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Set {
        place: Variable,
        how: Assignment,
        value: Text,
    },
    Unset(Variable),
    /// Ends after some seconds.
    Expire {
        place: Variable,
        seconds: Text,
    },
    /// Opens a collection that outlives the exchange, under a key.
    Open {
        collection: Collection,
        key: Text,
    },
}

/// A variable that can be changed.
#[derive(Debug, Clone)]
pub(super) enum Variable {
    /// One of TX whose name is known when rules are loaded.
    Slot(usize),
    /// Any other.
    Named { collection: Collection, name: Text },
}

/// How a variable changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assignment {
    To,
    Plus,
    Minus,
}

/// A change of how the rest of the exchange is read.
#[derive(Debug, Clone)]
pub(super) enum Control {
    Engine(Engine),
    RemoveRules(Which),
    RemoveTargets(Which, Box<Target>),
    ForceRequestBody,
    Processor(Processor),
    RequestBody(bool),
    ResponseBody(bool),
    /// Concerns logs that are not written here.
    Nothing,
}

/// Whether rules run, and whether they may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    On,
    Off,
    DetectionOnly,
}

impl Engine {
    pub(super) fn named(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "on" => Some(Self::On),
            "off" => Some(Self::Off),
            "detectiononly" => Some(Self::DetectionOnly),
            _ => None,
        }
    }
}

/// Who reads the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Processor {
    UrlEncoded,
    Multipart,
    Json,
    Xml,
}

impl Processor {
    pub(super) fn named(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "URLENCODED" => Some(Self::UrlEncoded),
            "MULTIPART" => Some(Self::Multipart),
            "JSON" => Some(Self::Json),
            "XML" => Some(Self::Xml),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::UrlEncoded => "URLENCODED",
            Self::Multipart => "MULTIPART",
            Self::Json => "JSON",
            Self::Xml => "XML",
        }
    }
}

/// Which rules.
#[derive(Debug, Clone)]
pub(super) enum Which {
    Ids(Vec<(u64, u64)>),
    Tag(regex::bytes::Regex),
    Message(regex::bytes::Regex),
}

impl Which {
    /// Reads `920100 920200-920299`, also with commas.
    pub(super) fn ids<'t>(items: impl IntoIterator<Item = &'t str>) -> Option<Self> {
        items
            .into_iter()
            .filter(|item| !item.is_empty())
            .map(|item| {
                let (from, to) = item.split_once('-').unwrap_or((item, item));
                Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
            })
            .collect::<Option<Vec<_>>>()
            .filter(|ids| !ids.is_empty())
            .map(Self::Ids)
    }
}
