//! Models as the references read them: several definitions of each kind, names rewritten in the text.

use super::effect::Merge;
use super::extras::Extras;
use super::grammar::{Names, Node, parse};
use super::names::rewritten;
use crate::language::sections::{self, Definition};
use crate::revision::Fingerprint;
use crate::said;
use crate::source::{Dialect, Mistake, Passage, Source};

/// A model with all its definitions.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) requests: Vec<(Box<str>, Vec<Box<str>>)>,
    pub(crate) policies: Vec<(Box<str>, Vec<Box<str>>)>,
    pub(crate) role_keys: Vec<Box<str>>,
    /// What each role definition asks of a row, in the order of the keys.
    pub(crate) roles: Vec<Shape>,
    pub(crate) effects: Vec<(Box<str>, Merge)>,
    pub(crate) matchers: Vec<Matcher>,
    written: Vec<(String, String, String)>,
}

/// The columns of a role section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) domains: bool,
    /// Columns that hold the parameters of a link's condition.
    pub(crate) parameters: usize,
}

impl Shape {
    pub(crate) fn columns(self) -> usize {
        2 + usize::from(self.domains) + self.parameters
    }
}

#[derive(Debug)]
pub(crate) struct Matcher {
    pub(crate) key: Box<str>,
    pub(crate) node: Node,
    /// The text with its names rewritten, in which Go looks for the names of policies.
    pub(crate) text: Box<str>,
    pub(crate) evaluates: bool,
}

const SECTIONS: [(&str, char); 5] = [
    ("request_definition", 'r'),
    ("policy_definition", 'p'),
    ("role_definition", 'g'),
    ("policy_effect", 'e'),
    ("matchers", 'm'),
];

impl Model {
    /// Reads a model whole; `None` if it has mistakes.
    pub(crate) fn read(
        source: Source<'_>,
        dialect: Dialect,
        extras: &Extras,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Self> {
        let before = mistakes.len();
        let written = sections::read(source, mistakes);
        refuse_strangers(&written, mistakes);
        let of =
            |section: &'static str| written.iter().filter(move |known| known.section == section);
        let requests: Vec<_> = of("request_definition")
            .map(|known| fields(known, mistakes))
            .collect();
        let policies: Vec<_> = of("policy_definition")
            .map(|known| fields(known, mistakes))
            .collect();
        let role_keys: Vec<Box<str>> = of("role_definition")
            .map(|known| known.key.as_str().into())
            .collect();
        let roles: Vec<_> = of("role_definition")
            .map(|known| shape(known, dialect, mistakes))
            .collect();
        let effects: Vec<_> = of("policy_effect")
            .map(|known| effect(known, dialect, mistakes))
            .collect();
        let custom: Vec<&str> = extras
            .functions
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let names = Names {
            dialect,
            requests: &requests,
            policies: &policies,
            roles: &role_keys,
            custom: &custom,
        };
        let matchers: Vec<_> = of("matchers")
            .map(|known| matcher(known, names, mistakes))
            .collect();
        for (section, key) in SECTIONS {
            let missing = !of(section).any(|known| known.key.len() == 1);
            if missing && key != 'g' {
                let message = said!(
                    "the model has no `{key}` in `[{section}]`",
                    "模型缺少 `[{section}]` 中的 `{key}`"
                );
                let help = said!(
                    "a model has request_definition, policy_definition, policy_effect and matchers",
                    "模型须有 request_definition、policy_definition、policy_effect 和 matchers"
                );
                mistakes.push(Passage::new(source.name, "", 1, 1).mistake(0, message, help));
            }
        }
        if mistakes.len() > before {
            return None;
        }
        let text = |known: &Definition| {
            (
                known.section.clone(),
                known.key.clone(),
                known.value.text.clone(),
            )
        };
        let mut normal: Vec<_> = written.iter().map(text).collect();
        normal.sort();
        Some(Self {
            requests,
            policies,
            role_keys,
            roles: roles.into_iter().flatten().collect(),
            effects: effects.into_iter().flatten().collect(),
            matchers: matchers.into_iter().flatten().collect(),
            written: normal,
        })
    }

    pub(crate) fn fingerprint(&self, into: &mut Fingerprint) {
        into.count(self.written.len());
        for (section, key, value) in &self.written {
            into.text(section);
            into.text(key);
            into.text(value);
        }
    }
}

fn refuse_strangers(written: &[Definition], mistakes: &mut Vec<Mistake>) {
    for (at, definition) in written.iter().enumerate() {
        let Definition {
            section, key, name, ..
        } = definition;
        let letter = SECTIONS
            .iter()
            .find(|(known, _)| known == section)
            .map(|(_, letter)| *letter);
        let Some(letter) = letter else {
            let help = said!(
                "known are request_definition, policy_definition, role_definition, policy_effect and matchers",
                "可用的段有 request_definition、policy_definition、role_definition、policy_effect 和 matchers"
            );
            mistakes.push(name.mistake(
                0,
                said!(
                    "section `[{section}]` is not supported",
                    "不支持名为 `[{section}]` 的段"
                ),
                help,
            ));
            continue;
        };
        let number = key.strip_prefix(letter);
        if !number.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())) {
            let message = said!(
                "unknown key `{key}` in `[{section}]`",
                "`[{section}]` 中没有名为 `{key}` 的键"
            );
            mistakes.push(name.mistake(
                0,
                message,
                said!(
                    "keys are `{letter}`, `{letter}2`, …",
                    "键名依次为 `{letter}`、`{letter}2`……"
                ),
            ));
        }
        let earlier = written.iter().take(at);
        if earlier
            .into_iter()
            .any(|other| other.section == *section && other.key == *key)
        {
            mistakes.push(name.mistake(
                0,
                said!("`{key}` is already defined", "`{key}` 已经定义"),
                said!("define it once", "只定义一次"),
            ));
        }
    }
}

fn fields(definition: &Definition, mistakes: &mut Vec<Mistake>) -> (Box<str>, Vec<Box<str>>) {
    let mut fields: Vec<Box<str>> = Vec::new();
    let mut offset = 0;
    for part in definition.value.text.split(',') {
        let name = part.trim();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(word) || fields.iter().any(|known| **known == *name)
        {
            let message = said!(
                "`{name}` is no name or stands twice",
                "`{name}` 不是有效的名称，或写了两次"
            );
            let help = said!(
                "names are letters, digits and `_`, joined by commas",
                "名称由字母、数字和 `_` 组成，之间用逗号分隔"
            );
            mistakes.push(definition.value.mistake(offset, message, help));
        }
        offset += part.len() + 1;
        fields.push(name.into());
    }
    (definition.key.as_str().into(), fields)
}

fn shape(definition: &Definition, dialect: Dialect, mistakes: &mut Vec<Mistake>) -> Option<Shape> {
    let text: String = definition.value.text.split_whitespace().collect();
    let (columns, parameters) = match text.split_once(",(") {
        Some((columns, rest)) => (columns.to_owned(), rest.strip_suffix(')')),
        None => (text, Some("")),
    };
    let domains = match columns.as_str() {
        "_,_" => Some(false),
        "_,_,_" => Some(true),
        _ => None,
    };
    let parameters = match parameters {
        Some("") => Some(0),
        Some("_,_") if dialect == Dialect::CasbinGo => Some(2),
        Some(_) | None => None,
    };
    if let (Some(domains), Some(parameters)) = (domains, parameters) {
        return Some(Shape {
            domains,
            parameters,
        });
    }
    let message = said!(
        "role definition `{}` is not supported",
        "不支持角色定义 `{}`",
        definition.value.text
    );
    let help = said!(
        "write `_, _`, with a domain `_, _, _`, and in `casbin-go` with a window of time `_, _, (_, _)`",
        "写成 `_, _`，带域时写成 `_, _, _`，在 `casbin-go` 中带时间段时写成 `_, _, (_, _)`"
    );
    mistakes.push(definition.value.mistake(0, message, help));
    None
}

fn effect(
    definition: &Definition,
    dialect: Dialect,
    mistakes: &mut Vec<Mistake>,
) -> Option<(Box<str>, Merge)> {
    let text = rewritten(&definition.value.text, dialect);
    if let Some(merge) = Merge::named(&text, dialect) {
        return Some((definition.key.as_str().into(), merge));
    }
    let help = said!(
        "write `some(where (p.eft == allow)) && !some(where (p.eft == deny))`, one of its halves, `priority(p.eft) || deny`, or in `casbin-go` `subjectPriority(p.eft) || deny`; blanks count",
        "写成 `some(where (p.eft == allow)) && !some(where (p.eft == deny))`、它的前半或后半、`priority(p.eft) || deny`，在 `casbin-go` 中还可写 `subjectPriority(p.eft) || deny`；空格也须一致"
    );
    mistakes.push(definition.value.mistake(
        0,
        said!(
            "the references do not know this effect",
            "参照引擎不支持这种效果"
        ),
        help,
    ));
    None
}

fn matcher(
    definition: &Definition,
    names: Names<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Matcher> {
    let node = match parse(&definition.value, names) {
        Ok(node) => node,
        Err(mistake) => {
            mistakes.push(mistake);
            return None;
        }
    };
    let mut evaluates = false;
    node.visit(&mut |part| evaluates |= matches!(part, Node::Eval(_)));
    Some(Matcher {
        key: definition.key.as_str().into(),
        node,
        text: rewritten(&definition.value.text, names.dialect).into(),
        evaluates,
    })
}
