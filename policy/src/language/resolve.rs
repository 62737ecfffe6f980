//! Resolves names, checks types, admits literal patterns.

use super::expression::{Expr, Place, Scope};
use super::path::Style;
use super::pattern::{Patterns, Way};
use super::syntax::{Comparison, Form, Syntax};
use crate::facts::{Kind, Shape};
use crate::source::{Mistake, Passage};
use crate::{Said, said};

/// Names on their way to what they stand for.
pub(super) struct Resolver<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) passage: &'a Passage,
    pub(super) patterns: &'a mut Patterns,
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

impl Resolver<'_> {
    fn wrong<T>(&mut self, at: &Syntax, message: Said, help: Said) -> Option<T> {
        self.mistakes
            .push(self.passage.mistake(at.span.start, message, help));
        None
    }

    pub(super) fn expect(&mut self, syntax: &Syntax, kind: Kind) -> Option<Expr> {
        let (expr, found) = self.resolve(syntax)?;
        if found == kind {
            return Some(expr);
        }
        self.wrong(
            syntax,
            said!(
                "expected {wanted}, found {found}",
                "此处应为{wanted}，实为{found}";
                wanted = kind.said(),
                found = found.said()
            ),
            Said::default(),
        )
    }

    fn resolve(&mut self, syntax: &Syntax) -> Option<(Expr, Kind)> {
        match &syntax.form {
            Form::Bool(known) => Some((Expr::Bool(*known), Kind::Bool)),
            Form::Int(number) => Some((Expr::Int(*number), Kind::Int)),
            Form::Text(text) => {
                if names_a_section(text) {
                    return self.wrong(
                        syntax,
                        said!(
                            "the references rewrite `r.` and `p.` inside quotes",
                            "参照引擎会改写引号内的 `r.` 和 `p.`"
                        ),
                        said!(
                            "put this text into a field of the rules",
                            "请把这段文本放到规则的字段中"
                        ),
                    );
                }
                Some((Expr::Text(text.as_str().into()), Kind::Text))
            }
            Form::Path(path) => self.name(syntax, path),
            Form::Call(name, arguments) => self
                .call(syntax, name, arguments)
                .map(|expr| (expr, Kind::Bool)),
            Form::Not(inner) => self
                .expect(inner, Kind::Bool)
                .map(|inner| (Expr::Not(Box::new(inner)), Kind::Bool)),
            Form::All(parts) => {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|part| self.expect(part, Kind::Bool))
                    .collect();
                Some((
                    Expr::All(parts.into_iter().collect::<Option<_>>()?),
                    Kind::Bool,
                ))
            }
            Form::Any(parts) => {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|part| self.expect(part, Kind::Bool))
                    .collect();
                Some((
                    Expr::Any(parts.into_iter().collect::<Option<_>>()?),
                    Kind::Bool,
                ))
            }
            Form::Compare(comparison, left, right) => {
                let (left, right) = (self.resolve(left), self.resolve(right));
                let ((left, kind), (right, other)) = (left?, right?);
                self.comparable(syntax, *comparison, kind, other)?;
                Some((
                    Expr::Compare(*comparison, Box::new(left), Box::new(right)),
                    Kind::Bool,
                ))
            }
            Form::Arithmetic(operator, left, right) => {
                let (left, right) = (self.expect(left, Kind::Int), self.expect(right, Kind::Int));
                Some((
                    Expr::Arithmetic(*operator, Box::new(left?), Box::new(right?)),
                    Kind::Int,
                ))
            }
            Form::In(value, members) => {
                let (value, kind) = self.resolve(value)?;
                let mut any = Vec::new();
                for member in members {
                    if !matches!(member.form, Form::Text(_) | Form::Int(_)) {
                        return self.wrong(
                            member,
                            said!(
                                "a list holds quoted texts or numbers",
                                "列表中只能是带引号的文本或数字"
                            ),
                            said!("write `in [\"a\", \"b\"]`", "写成 `in [\"a\", \"b\"]`"),
                        );
                    }
                    let member = self.expect(member, kind)?;
                    any.push(Expr::Compare(
                        Comparison::Equal,
                        Box::new(value.clone()),
                        Box::new(member),
                    ));
                }
                Some((Expr::Any(any), Kind::Bool))
            }
        }
    }

    fn comparable(
        &mut self,
        at: &Syntax,
        comparison: Comparison,
        left: Kind,
        right: Kind,
    ) -> Option<()> {
        if left != right {
            let message = said!(
                "{left} is never equal to {right}",
                "{left}与{right}永远不相等";
                left = left.said(),
                right = right.said()
            );
            return self.wrong(
                at,
                message,
                said!(
                    "compare values of one type; the fields of a row are text",
                    "只能比较同一类型的值；规则的字段都是文本"
                ),
            );
        }
        if left == Kind::Bool && !matches!(comparison, Comparison::Equal | Comparison::Unequal) {
            return self.wrong(
                at,
                said!("truth values have no order", "布尔值不能比较大小"),
                said!("use `==` or `!=`", "请用 `==` 或 `!=`"),
            );
        }
        Some(())
    }

    fn name(&mut self, at: &Syntax, path: &[String]) -> Option<(Expr, Kind)> {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["r", name] => self.fact(at, name, None),
            ["r", name, attribute] => self.fact(at, name, Some(attribute)),
            ["p", name] => match self.scope.policy.iter().position(|known| **known == **name) {
                Some(field) => Some((Expr::Policy(field), Kind::Text)),
                None if self.scope.place == Place::Condition => {
                    self.wrong(at, said!(
                        "`p.{name}` in a condition",
                        "条件中用到了 `p.{name}`",
                    ), said!(
                        "a condition asks about the request, `r.…`, only",
                        "条件只能问请求，即 `r.…`",
                    ))
                }
                None => {
                    let help = one_of("p", self.scope.policy.iter().map(|name| &**name), name);
                    self.wrong(at, said!(
                        "`p.{name}` is not defined in `[policy_definition]`",
                        "`p.{name}` 没有在 `[policy_definition]` 中定义",
                    ), help)
                }
            },
            [first, ..] if first.starts_with(['r', 'p']) && first.len() > 1 && is_numbered(first) => self.wrong(
                at,
                said!(
                    "`{first}` is a second request or policy definition, whose deny rows one reference takes for allow",
                    "`{first}` 是第二套请求或规则定义，有的参照引擎会把其中的拒绝规则当作放行",
                ),
                said!(
                    "use `r` and `p`; put other policies into files of their own",
                    "请用 `r` 和 `p`；其他策略请另用单独的文件",
                ),
            ),
            _ => {
                let name = path.join(".");
                self.wrong(at, said!(
                    "unknown name `{name}`",
                    "没有名为 `{name}` 的量",
                ), said!(
                    "write `r.field`, `r.field.attribute` or `p.field`",
                    "写成 `r.field`、`r.field.attribute` 或 `p.field`",
                ))
            }
        }
    }

    fn fact(&mut self, at: &Syntax, name: &str, attribute: Option<&str>) -> Option<(Expr, Kind)> {
        let scope = self.scope;
        let Some(field) = scope
            .schema
            .fields
            .iter()
            .find(|field| *field.name == *name)
        else {
            let help = one_of(
                "r",
                scope.schema.fields.iter().map(|field| &*field.name),
                name,
            );
            return self.wrong(
                at,
                said!(
                    "`r.{name}` is not defined in `[request_definition]`",
                    "`r.{name}` 没有在 `[request_definition]` 中定义"
                ),
                help,
            );
        };
        let slot = match (&field.shape, attribute) {
            (Shape::Scalar(slot), None) => *slot,
            (Shape::Map { first, names }, Some(attribute)) => {
                let Some(position) = names.iter().position(|known| **known == *attribute) else {
                    let help = one_of(
                        &format!("r.{name}"),
                        names.iter().map(|name| &**name),
                        attribute,
                    );
                    let message = said!(
                        "attribute `r.{name}.{attribute}` is not declared; when it is missing one reference fails and the other takes `!=` for true",
                        "属性 `r.{name}.{attribute}` 没有声明；请求缺少它时，一个参照引擎会报错，另一个会把 `!=` 当作成立"
                    );
                    return self.wrong(at, message, help);
                };
                first + position
            }
            (Shape::Scalar(_), Some(attribute)) => {
                return self.wrong(
                    at,
                    said!(
                        "attribute `{attribute}` of `r.{name}` is not declared",
                        "`r.{name}` 的属性 `{attribute}` 没有声明"
                    ),
                    said!(
                        "declare it: `[attribute_definition]` with `{name} = {attribute}: text`",
                        "请声明：在 `[attribute_definition]` 中写 `{name} = {attribute}: text`"
                    ),
                );
            }
            (Shape::Map { .. }, None) => {
                return self.wrong(
                    at,
                    said!("`r.{name}` is a map", "`r.{name}` 是一组属性，不是单个值"),
                    said!("write `r.{name}.attribute`", "写成 `r.{name}.attribute`"),
                );
            }
        };
        scope
            .schema
            .slots
            .get(slot)
            .map(|known| (Expr::Fact(slot), known.kind))
    }

    fn call(&mut self, at: &Syntax, name: &str, arguments: &[Syntax]) -> Option<Expr> {
        if let Some(graph) = self
            .scope
            .sections
            .iter()
            .position(|section| *section.name == *name)
        {
            return self.role(at, graph, arguments);
        }
        let way = match name {
            "keyMatch" => Way::Prefix,
            "keyMatch2" => Way::Path(Style::Colon),
            "keyMatch3" => Way::Path(Style::Brace),
            "regexMatch" => Way::Regex,
            "ipMatch" => Way::Address,
            "eval" => return self.condition(at, arguments),
            _ => {
                let (message, help) = unknown_function(name);
                return self.wrong(at, message, help);
            }
        };
        let [value, pattern] = arguments else {
            return self.wrong(
                at,
                said!("`{name}` takes two arguments", "`{name}` 须有两个参数"),
                said!(
                    "write `{name}(value, pattern)`",
                    "写成 `{name}(value, pattern)`"
                ),
            );
        };
        let (value, resolved) = (
            self.expect(value, Kind::Text),
            self.expect(pattern, Kind::Text),
        );
        let (value, resolved) = (value?, resolved?);
        match &resolved {
            Expr::Text(text) => {
                if let Err(fault) = self.patterns.admit(way, text) {
                    return self.wrong(pattern, fault.message, fault.help);
                }
            }
            Expr::Policy(_) => {}
            Expr::Fact(_)
            | Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Not(_)
            | Expr::All(_)
            | Expr::Any(_)
            | Expr::Compare(..)
            | Expr::Arithmetic(..)
            | Expr::Role { .. }
            | Expr::Match { .. }
            | Expr::Condition(_) => {
                return self.wrong(
                    pattern,
                    said!(
                        "the pattern comes from the request, so it cannot be checked at load",
                        "模式来自请求，加载时无法检查"
                    ),
                    said!(
                        "the second argument is a field of the rules or a quoted text",
                        "第二个参数应为规则的字段或带引号的文本"
                    ),
                );
            }
        }
        Some(Expr::Match {
            way,
            value: Box::new(value),
            pattern: Box::new(resolved),
        })
    }

    fn condition(&mut self, at: &Syntax, arguments: &[Syntax]) -> Option<Expr> {
        if self.scope.place == Place::Condition {
            return self.wrong(
                at,
                said!("`eval` inside a condition", "条件中不能用 `eval`"),
                said!("write the condition itself", "请直接写出条件"),
            );
        }
        let [argument] = arguments else {
            return self.wrong(
                at,
                said!("`eval` takes one argument", "`eval` 须有一个参数"),
                said!("write `eval(p.cond)`", "写成 `eval(p.cond)`"),
            );
        };
        if let Expr::Policy(field) = self.expect(argument, Kind::Text)? {
            return Some(Expr::Condition(field));
        }
        self.wrong(
            argument,
            said!(
                "`eval` of something else than a field of the rules",
                "`eval` 的参数不是规则的字段"
            ),
            said!("write `eval(p.cond)`", "写成 `eval(p.cond)`"),
        )
    }

    fn role(&mut self, at: &Syntax, graph: usize, arguments: &[Syntax]) -> Option<Expr> {
        let section = self.scope.sections.get(graph)?;
        let expected = if section.domains { 3 } else { 2 };
        if arguments.len() != expected {
            let name = &section.name;
            let help = if section.domains {
                said!(
                    "write `{name}(r.sub, p.sub, r.dom)`",
                    "写成 `{name}(r.sub, p.sub, r.dom)`"
                )
            } else {
                said!(
                    "write `{name}(r.sub, p.sub)`",
                    "写成 `{name}(r.sub, p.sub)`"
                )
            };
            return self.wrong(
                at,
                said!(
                    "`{name}` takes {expected} arguments",
                    "`{name}` 须有 {expected} 个参数"
                ),
                help,
            );
        }
        let resolved: Vec<Option<Expr>> = arguments
            .iter()
            .map(|argument| self.expect(argument, Kind::Text))
            .collect();
        let mut resolved = resolved.into_iter().flatten().map(Box::new);
        let (subject, role) = (resolved.next()?, resolved.next()?);
        let domain = resolved.next();
        if domain.is_some() != section.domains {
            return None;
        }
        Some(Expr::Role {
            graph,
            subject,
            role,
            domain,
        })
    }
}

fn unknown_function(name: &str) -> (Said, Said) {
    let known = said!(
        "known are keyMatch, keyMatch2, keyMatch3, regexMatch, ipMatch, eval and the role sections",
        "可用的有 keyMatch、keyMatch2、keyMatch3、regexMatch、ipMatch、eval 和各角色段"
    );
    let why = match name {
        "keyMatch4" => {
            said!(
                "the references read repeated names and invalid patterns of it differently; write `keyMatch2`",
                "各参照引擎对它的重名参数和无效模式理解不一；请改用 `keyMatch2`"
            )
        }
        "keyMatch5" => {
            said!(
                "the references read invalid patterns of it differently; the query is no part of a path; write `keyMatch2`",
                "各参照引擎对它的无效模式理解不一，查询串也不属于路径；请改用 `keyMatch2`"
            )
        }
        "globMatch" => said!(
            "the references match `**` differently; write `keyMatch2` with a final `/*`",
            "各参照引擎对 `**` 的匹配不一；请改用 `keyMatch2`，模式以 `/*` 结尾"
        ),
        "keyGet" | "keyGet2" | "keyGet3" => said!(
            "it has no truth value; write `keyMatch2`",
            "它的结果不是布尔值；请改用 `keyMatch2`"
        ),
        _ => {
            return (
                said!("unknown function `{name}`", "没有名为 `{name}` 的函数"),
                known,
            );
        }
    };
    (
        said!("function `{name}` is not supported", "不支持函数 `{name}`"),
        why,
    )
}

fn one_of<'n>(prefix: &str, known: impl Iterator<Item = &'n str>, wanted: &str) -> Said {
    let known: Vec<&str> = known.collect();
    let near = known.iter().find(|name| {
        name.eq_ignore_ascii_case(wanted)
            || (wanted.len() > 2 && (name.starts_with(wanted) || wanted.starts_with(**name)))
    });
    if let Some(near) = near {
        return said!(
            "did you mean `{prefix}.{near}`?",
            "是否应为 `{prefix}.{near}`？"
        );
    }
    let known: Vec<String> = known
        .iter()
        .map(|name| format!("`{prefix}.{name}`"))
        .collect();
    said!("defined are {known}", "已定义的有 {known}"; known = Said::list(&known))
}

fn is_numbered(name: &str) -> bool {
    name.chars().skip(1).all(|c| c.is_ascii_digit())
}

/// Whether a text holds `r.`, `p2.` or the like at the start of a word.
fn names_a_section(text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices('.').any(|(dot, _)| {
        let before = text.get(..dot).unwrap_or_default();
        let name = before.rsplit(|c: char| !word(c)).next().unwrap_or_default();
        name.starts_with(['r', 'p']) && is_numbered(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_the_references_rewrite_are_known() {
        for (text, rewritten) in [
            ("/p.html", true),
            ("a.p.p.l.e", true),
            ("r2.x", true),
            ("portal.gov", false),
            ("hr.gov", false),
            ("x_r.y", false),
            ("", false),
        ] {
            assert_eq!(names_a_section(text), rewritten, "{text}");
        }
    }
}
