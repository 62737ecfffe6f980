//! The facts of a request as dimensions, each with the values that it can have.

use super::names::compared;
use super::ranges::Ranges;
use super::world::World;
use crate::engine::snapshot::Policy;
use crate::facts::{Kind, Shape};
use crate::language::expression::Expr;
use crate::language::pattern::Way;
use crate::{Said, said};

/// Which dimension a slot of the request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dim {
    /// One value at each place.
    Place,
    Path,
    Method,
    Text(usize),
    Int(usize),
    Flag(usize),
    /// The gateway never gives it.
    Missing,
}

/// An integer fact, whether or not the model lets rules ask for it.
#[derive(Debug)]
pub(super) struct IntFact {
    pub(super) name: Box<str>,
    pub(super) slot: Option<usize>,
    pub(super) low: i64,
    pub(super) high: i64,
}

/// A truth value of the request.
#[derive(Debug)]
pub(super) struct FlagFact {
    pub(super) name: Box<str>,
    pub(super) slot: Option<usize>,
}

/// The dimensions of a policy's requests.
pub(super) struct Space {
    pub(super) dims: Vec<Dim>,
    pub(super) ints: Vec<IntFact>,
    pub(super) flags: Vec<FlagFact>,
    /// Slots of texts that are open everywhere, the caller among them.
    pub(super) texts: Vec<usize>,
    /// Methods, a bit for each.
    pub(super) methods: Vec<String>,
    pub(super) sub: Option<usize>,
    pub(super) dom: Option<usize>,
    pub(super) src: Option<usize>,
    pub(super) host: Option<usize>,
    pub(super) path: Option<usize>,
    pub(super) act: Option<usize>,
}

/// The facts of `r.ctx` as the gateway gives them, with their ranges.
const RANGES: [(&str, i64, i64); 5] = [
    ("aal", 0, 4),
    ("dev", 0, 100),
    ("risk", 0, 100),
    ("min", 0, 1439),
    ("dow", 1, 7),
];

/// What the gateway forwards.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Fields of the requests that the gateway makes, in order.
const FIELDS: [&str; 7] = ["sub", "dom", "src", "host", "path", "act", "ctx"];

/// Sets of methods and of truth values are kept in 64 bits.
const WIDEST: usize = 64;

impl Space {
    /// # Errors
    ///
    /// What is wrong and what would be right.
    pub(super) fn new(policy: &Policy, world: Option<&World>) -> Result<Self, (Said, Said)> {
        let schema = &policy.model.schema;
        let fields: Vec<&str> = schema.fields.iter().map(|field| &*field.name).collect();
        if world.is_some() && fields != FIELDS {
            return Err((
                said!(
                    "the model's requests are `{}`",
                    "模型的请求字段是 `{}`",
                    fields.join(", ")
                ),
                said!(
                    "statements over portals need what the gateway asks with: `sub, dom, src, host, path, act, ctx`",
                    "关于门户的断言须使用网关提问所用的字段：`sub, dom, src, host, path, act, ctx`"
                ),
            ));
        }
        let slot = |name: &str| {
            let field = schema.fields.iter().find(|field| *field.name == *name)?;
            match field.shape {
                Shape::Scalar(slot) if schema.slots.get(slot)?.kind == Kind::Text => Some(slot),
                Shape::Scalar(_) | Shape::Map { .. } => None,
            }
        };
        let mut space = Self {
            dims: vec![Dim::Missing; schema.slots.len()],
            ints: Vec::new(),
            flags: Vec::new(),
            texts: Vec::new(),
            methods: METHODS.map(str::to_owned).to_vec(),
            sub: slot("sub"),
            dom: slot("dom"),
            src: slot("src"),
            host: slot("host"),
            path: slot("path"),
            act: slot("act"),
        };
        if let (Some(act), None) = (space.act, world) {
            space.add_methods(policy, act);
        }
        for (name, low, high) in RANGES {
            let name = format!("r.ctx.{name}");
            let slot = schema
                .slots
                .iter()
                .position(|slot| *slot.name == *name && slot.kind == Kind::Int);
            if slot.is_some() || world.is_some() {
                space.ints.push(IntFact {
                    name: name.into(),
                    slot,
                    low,
                    high,
                });
            }
        }
        let cert = schema
            .slots
            .iter()
            .position(|slot| *slot.name == *"r.ctx.cert" && slot.kind == Kind::Bool);
        if cert.is_some() || world.is_some() {
            space.flags.push(FlagFact {
                name: "r.ctx.cert".into(),
                slot: cert,
            });
        }
        for at in 0..schema.slots.len() {
            space.place(policy, at, world.is_some());
        }
        if space.methods.len() > WIDEST || space.flags.len() > WIDEST {
            return Err((
                said!(
                    "the policy names more than 64 methods or truth values",
                    "策略用到的方法或布尔值超过 64 个"
                ),
                said!("split the policy", "请拆分策略"),
            ));
        }
        Ok(space)
    }

    /// Says which dimension a slot is.
    fn place(&mut self, policy: &Policy, slot: usize, gateway: bool) {
        let Some(declared) = policy.model.schema.slots.get(slot) else {
            return;
        };
        let here = Some(slot);
        let dim = if [self.dom, self.src, self.host].contains(&here) {
            Dim::Place
        } else if here == self.path {
            Dim::Path
        } else if here == self.act {
            Dim::Method
        } else if let Some(known) = self.ints.iter().position(|fact| fact.slot == here) {
            Dim::Int(known)
        } else if let Some(known) = self.flags.iter().position(|fact| fact.slot == here) {
            Dim::Flag(known)
        } else if gateway && here != self.sub {
            Dim::Missing
        } else {
            let name = declared.name.clone();
            match declared.kind {
                Kind::Text => {
                    self.texts.push(slot);
                    Dim::Text(self.texts.len() - 1)
                }
                Kind::Int => {
                    self.ints.push(IntFact {
                        name,
                        slot: here,
                        low: i64::MIN,
                        high: i64::MAX,
                    });
                    Dim::Int(self.ints.len() - 1)
                }
                Kind::Bool => {
                    self.flags.push(FlagFact { name, slot: here });
                    Dim::Flag(self.flags.len() - 1)
                }
            }
        };
        if let Some(known) = self.dims.get_mut(slot) {
            *known = dim;
        }
    }

    /// Adds the words that the policy itself uses for methods.
    fn add_methods(&mut self, policy: &Policy, act: usize) {
        let mut add = |word: &str| {
            if !self.methods.iter().any(|known| known == word) {
                self.methods.push(word.to_owned());
            }
        };
        for word in compared(policy, act) {
            add(word);
        }
        let mut see = |row: usize, part: &Expr| {
            if let Expr::Match {
                way: Way::Regex,
                value,
                pattern,
            } = part
                && matches!(**value, Expr::Fact(slot) if slot == act)
            {
                let text = if let Expr::Policy(field) = **pattern {
                    policy.rules.field(row, field)
                } else if let Expr::Text(text) = &**pattern {
                    text
                } else {
                    return;
                };
                let words = policy
                    .patterns
                    .expression(text)
                    .and_then(|known| known.words.as_ref());
                words.into_iter().flatten().for_each(|word| add(word));
            }
        };
        for row in 0..policy.rules.len() {
            for conjunct in &policy.model.conjuncts {
                conjunct.expr.visit(&mut |part| see(row, part));
            }
        }
    }

    pub(super) fn dim(&self, slot: usize) -> Dim {
        self.dims.get(slot).copied().unwrap_or(Dim::Missing)
    }

    /// An integer fact of `r.ctx` by its name.
    pub(super) fn int(&self, name: &str) -> Option<usize> {
        self.ints
            .iter()
            .position(|fact| fact.name.strip_prefix("r.ctx.") == Some(name))
    }

    /// The certificate's truth value.
    pub(super) fn certificate(&self) -> Option<usize> {
        self.flags
            .iter()
            .position(|fact| *fact.name == *"r.ctx.cert")
    }

    /// The values of every integer fact.
    pub(super) fn universe(&self) -> impl Iterator<Item = Ranges> + '_ {
        self.ints
            .iter()
            .map(|fact| Ranges::between(fact.low, fact.high))
    }

    /// The methods of this list that exist, as bits.
    pub(super) fn methods_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> u64 {
        names.into_iter().fold(0, |bits, name| {
            let at = self.methods.iter().position(|known| known == name);
            bits | at.map_or(0, |at| 1 << at)
        })
    }

    pub(super) fn all_methods(&self) -> u64 {
        self.methods_of(self.methods.iter().map(String::as_str))
    }
}
