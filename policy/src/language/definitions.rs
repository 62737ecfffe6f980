//! Turns the definitions of a model file into what they mean.

use super::expression::Section;
use super::model::Combination;
use super::sections::Definition;
use crate::facts::{Field, Kind, Schema, Shape, Slot};
use crate::said;
use crate::source::{Mistake, Passage, Source};

/// Attributes of a request field named `ctx` where the model does not declare its own.
const CONTEXT: [(&str, Kind); 6] = [
    ("aal", Kind::Int),
    ("dev", Kind::Int),
    ("risk", Kind::Int),
    ("min", Kind::Int),
    ("dow", Kind::Int),
    ("cert", Kind::Bool),
];

/// Definitions on their way to a model.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    pub(super) written: &'a [Definition],
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn refuse_strangers(&mut self) {
        for (at, definition) in self.written.iter().enumerate() {
            let Definition {
                section, key, name, ..
            } = definition;
            let known = match section.as_str() {
                "request_definition" => key == "r",
                "policy_definition" => key == "p",
                "policy_effect" => key == "e",
                "matchers" => key == "m",
                "role_definition" => key
                    .strip_prefix('g')
                    .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())),
                "attribute_definition" => true,
                "options" => key == "allow_unmatched",
                _ => {
                    self.mistakes.push(name.mistake(
                        0,
                        said!("unknown section `[{section}]`", "没有名为 `[{section}]` 的段"),
                        said!(
                            "known are request_definition, policy_definition, role_definition, policy_effect, matchers, attribute_definition and options",
                            "可用的段有 request_definition、policy_definition、role_definition、policy_effect、matchers、attribute_definition 和 options",
                        ),
                    ));
                    continue;
                }
            };
            if !known {
                let help = match section.as_str() {
                    "options" => said!("known is allow_unmatched", "可用的键是 allow_unmatched"),
                    "role_definition" => said!(
                        "role sections are named g, g2, g3 …",
                        "角色段依次命名为 g、g2、g3……"
                    ),
                    _ => {
                        said!(
                            "one of each: a second set counts its deny rows as allow in one reference; use files of their own",
                            "每种只能有一个：写第二套定义时，有的参照引擎会把其中的拒绝规则当作放行；请另用单独的文件"
                        )
                    }
                };
                self.mistakes.push(name.mistake(
                    0,
                    said!(
                        "unknown key `{key}` in `[{section}]`",
                        "`[{section}]` 中没有名为 `{key}` 的键"
                    ),
                    help,
                ));
            }
            let first = self
                .written
                .iter()
                .take(at)
                .find(|other| other.section == *section && other.key == *key);
            if let Some(first) = first {
                let line = first.name.place(0).0;
                self.mistakes.push(name.mistake(
                    0,
                    said!(
                        "`{key}` is already defined on line {line}",
                        "`{key}` 已在第 {line} 行定义"
                    ),
                    said!("define it once", "只定义一次"),
                ));
            }
        }
    }

    pub(super) fn one(&mut self, section: &str, key: &str) -> Option<&'a Definition> {
        let found = self
            .written
            .iter()
            .find(|definition| definition.section == section && definition.key == key);
        if found.is_none() {
            let whole = Passage::new(self.source.name, "", 1, 1);
            self.mistakes.push(whole.mistake(
                0,
                said!(
                    "the model has no `{key}` in `[{section}]`",
                    "模型缺少 `[{section}]` 中的 `{key}`"
                ),
                said!(
                    "a model has request_definition, policy_definition, policy_effect and matchers",
                    "模型须有 request_definition、policy_definition、policy_effect 和 matchers"
                ),
            ));
        }
        found
    }

    /// Names joined by commas, with their offsets.
    pub(super) fn names(&mut self, definition: &Definition) -> Vec<(String, usize)> {
        let mut names: Vec<(String, usize)> = Vec::new();
        let mut offset = 0;
        for part in definition.value.text.split(',') {
            let start = offset + (part.len() - part.trim_start().len());
            offset += part.len() + 1;
            let name = part.trim();
            if !is_name(name) {
                self.mistakes.push(definition.value.mistake(
                    start,
                    said!("`{name}` is no name", "`{name}` 不是有效的名称"),
                    said!(
                        "names are letters, digits and `_`, joined by commas",
                        "名称由字母、数字和 `_` 组成，之间用逗号分隔"
                    ),
                ));
            } else if names.iter().any(|(known, _)| known == name) {
                self.mistakes.push(definition.value.mistake(
                    start,
                    said!("`{name}` stands twice", "`{name}` 写了两次"),
                    said!("name each field once", "每个字段只写一次"),
                ));
            }
            names.push((name.to_owned(), start));
        }
        names
    }

    pub(super) fn schema(&mut self, request: &Definition) -> Schema {
        let mut schema = Schema::default();
        let names = self.names(request);
        let declared: Vec<&Definition> = self
            .written
            .iter()
            .filter(|definition| definition.section == "attribute_definition")
            .collect();
        for definition in &declared {
            if !names.iter().any(|(name, _)| *name == definition.key) {
                self.mistakes.push(definition.name.mistake(
                    0,
                    said!(
                        "`{}` is not defined in `[request_definition]`",
                        "`{}` 没有在 `[request_definition]` 中定义",
                        definition.key
                    ),
                    said!(
                        "declare attributes of request fields",
                        "只能为请求的字段声明属性"
                    ),
                ));
            }
        }
        for (name, _) in &names {
            let declaration = declared.iter().find(|definition| definition.key == *name);
            let attributes: Vec<(String, Kind)> = match declaration {
                Some(definition) if !definition.value.text.contains(':') => {
                    let kind = self.kind(definition, 0, definition.value.text.trim());
                    let shape = Shape::Scalar(schema.slots.len());
                    schema.slots.push(Slot {
                        name: format!("r.{name}").into(),
                        kind,
                    });
                    schema.fields.push(Field {
                        name: name.as_str().into(),
                        shape,
                    });
                    continue;
                }
                Some(definition) => self.attributes(definition),
                None if name == "ctx" => CONTEXT
                    .iter()
                    .map(|(name, kind)| ((*name).to_owned(), *kind))
                    .collect(),
                None => Vec::new(),
            };
            let first = schema.slots.len();
            let shape = if attributes.is_empty() {
                schema.slots.push(Slot {
                    name: format!("r.{name}").into(),
                    kind: Kind::Text,
                });
                Shape::Scalar(first)
            } else {
                for (attribute, kind) in &attributes {
                    schema.slots.push(Slot {
                        name: format!("r.{name}.{attribute}").into(),
                        kind: *kind,
                    });
                }
                Shape::Map {
                    first,
                    names: attributes
                        .into_iter()
                        .map(|(attribute, _)| attribute.into())
                        .collect(),
                }
            };
            schema.fields.push(Field {
                name: name.as_str().into(),
                shape,
            });
        }
        if schema.slots.len() > usize::from(u8::MAX) {
            self.mistakes.push(request.value.mistake(
                0,
                said!(
                    "more than 255 fields and attributes",
                    "字段和属性合计超过 255 个"
                ),
                said!("declare fewer", "请减少声明"),
            ));
        }
        schema
    }

    /// `aal: int, cert: bool`.
    fn attributes(&mut self, definition: &Definition) -> Vec<(String, Kind)> {
        let mut attributes: Vec<(String, Kind)> = Vec::new();
        let mut offset = 0;
        for part in definition.value.text.split(',') {
            let start = offset + (part.len() - part.trim_start().len());
            offset += part.len() + 1;
            let (name, kind) = part.split_once(':').unwrap_or((part, ""));
            let name = name.trim();
            if !is_name(name) || attributes.iter().any(|(known, _)| known == name) {
                self.mistakes.push(definition.value.mistake(
                    start,
                    said!(
                        "`{name}` is no name or stands twice",
                        "`{name}` 不是有效的名称，或写了两次"
                    ),
                    said!("write `name: type`", "写成 `name: type`"),
                ));
            }
            let kind = self.kind(definition, start, kind.trim());
            attributes.push((name.to_owned(), kind));
        }
        attributes
    }

    fn kind(&mut self, definition: &Definition, offset: usize, name: &str) -> Kind {
        match name {
            "int" => Kind::Int,
            "bool" => Kind::Bool,
            "text" => Kind::Text,
            _ => {
                self.mistakes.push(definition.value.mistake(
                    offset,
                    said!("`{name}` is no type", "没有名为 `{name}` 的类型"),
                    said!("types are int, bool and text", "类型有 int、bool 和 text"),
                ));
                Kind::Text
            }
        }
    }

    pub(super) fn roles(&mut self) -> Vec<Section> {
        let mut sections = Vec::new();
        for definition in self
            .written
            .iter()
            .filter(|definition| definition.section == "role_definition")
        {
            let shape: String = definition.value.text.split_whitespace().collect();
            let domains = match shape.as_str() {
                "_,_" => false,
                "_,_,_" => true,
                _ => {
                    self.mistakes.push(definition.value.mistake(
                        0,
                        said!(
                            "role definition `{}` is not supported",
                            "不支持角色定义 `{}`",
                            definition.value.text
                        ),
                        said!(
                            "write `_, _` or, with a domain, `_, _, _`",
                            "写成 `_, _`，带域时写成 `_, _, _`"
                        ),
                    ));
                    continue;
                }
            };
            sections.push(Section {
                name: definition.key.as_str().into(),
                domains,
            });
        }
        sections
    }

    pub(super) fn effect(&mut self, definition: &Definition) -> Option<Combination> {
        let text: String = definition
            .value
            .text
            .split_whitespace()
            .collect::<String>()
            .replace("p_eft", "p.eft");
        let combination = match text.as_str() {
            "some(where(p.eft==allow))" => Combination::AllowOverride,
            "!some(where(p.eft==deny))" => Combination::DenyOverride,
            "some(where(p.eft==allow))&&!some(where(p.eft==deny))" => Combination::AllowAndDeny,
            "priority(p.eft)||deny" => Combination::FirstMatch,
            _ => {
                self.mistakes.push(definition.value.mistake(
                    0,
                    said!(
                        "unsupported effect; the references panic or fail on it at the first request",
                        "不支持这种效果；参照引擎会在处理第一个请求时崩溃或报错",
                    ),
                    said!(
                        "write `some(where (p.eft == allow)) && !some(where (p.eft == deny))`, one of its halves, or `priority(p.eft) || deny`",
                        "写成 `some(where (p.eft == allow)) && !some(where (p.eft == deny))`、它的前半或后半，或 `priority(p.eft) || deny`",
                    ),
                ));
                return None;
            }
        };
        let option = self.written.iter().find(|definition| {
            definition.section == "options" && definition.key == "allow_unmatched"
        });
        let open = match option.map(|option| (option, option.value.text.as_str())) {
            None | Some((_, "false")) => false,
            Some((_, "true")) => true,
            Some((option, other)) => {
                self.mistakes.push(option.value.mistake(
                    0,
                    said!("`{other}` is no truth value", "`{other}` 不是布尔值"),
                    said!("write `true` or `false`", "应为 `true` 或 `false`"),
                ));
                false
            }
        };
        if let Some(option) = option.filter(|_| combination != Combination::DenyOverride) {
            self.mistakes.push(option.name.mistake(
                0,
                said!(
                    "`allow_unmatched` means nothing with this effect",
                    "`allow_unmatched` 在这种效果下不起作用"
                ),
                said!("remove it", "请删除"),
            ));
        }
        if combination == Combination::DenyOverride && !open {
            self.mistakes.push(definition.value.mistake(
                0,
                said!(
                    "this effect allows whatever no row denies",
                    "按这种效果，凡没有规则拒绝的请求都会放行",
                ),
                said!(
                    "add `some(where (p.eft == allow)) && `, or, if that is meant, `[options]` with `allow_unmatched = true`",
                    "请加上 `some(where (p.eft == allow)) && `；如果确实要这样，请写 `[options]` 段和 `allow_unmatched = true`",
                ),
            ));
        }
        Some(combination)
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
