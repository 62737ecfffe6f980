//! Resolves names, checks types, admits literal patterns.

use super::expression::{Expr, Place, Scope};
use super::path::Style;
use super::pattern::{Patterns, Way};
use super::syntax::{Comparison, Form, Syntax};
use crate::facts::{Kind, Shape};
use crate::source::{Mistake, Passage};

/// Names on their way to what they stand for.
pub(super) struct Resolver<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) passage: &'a Passage,
    pub(super) patterns: &'a mut Patterns,
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

impl Resolver<'_> {
    fn wrong<T>(
        &mut self,
        at: &Syntax,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
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
            format!("expected {}, found {}", kind.name(), found.name()),
            "",
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
                        "the references rewrite `r.` and `p.` inside quotes",
                        "put this text into a field of the rules",
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
                            "a list holds quoted texts or numbers",
                            "write `in [\"a\", \"b\"]`",
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
            let message = format!("{} is never equal to {}", left.name(), right.name());
            return self.wrong(
                at,
                message,
                "compare values of one type; the fields of a row are text",
            );
        }
        if left == Kind::Bool && !matches!(comparison, Comparison::Equal | Comparison::Unequal) {
            return self.wrong(at, "truth values have no order", "use `==` or `!=`");
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
                    self.wrong(at, format!("`p.{name}` in a condition"), "a condition asks about the request, `r.…`, only")
                }
                None => {
                    let help = one_of("p", self.scope.policy.iter().map(|name| &**name), name);
                    self.wrong(at, format!("`p.{name}` is not defined in `[policy_definition]`"), help)
                }
            },
            [first, ..] if first.starts_with(['r', 'p']) && first.len() > 1 && is_numbered(first) => self.wrong(
                at,
                format!("`{first}` is a second request or policy definition, whose deny rows one reference takes for allow"),
                "use `r` and `p`; put other policies into files of their own",
            ),
            _ => {
                let name = path.join(".");
                self.wrong(at, format!("unknown name `{name}`"), "write `r.field`, `r.field.attribute` or `p.field`")
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
                format!("`r.{name}` is not defined in `[request_definition]`"),
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
                    let message = format!(
                        "attribute `r.{name}.{attribute}` is not declared; when it is missing one reference fails and the other takes `!=` for true"
                    );
                    return self.wrong(at, message, help);
                };
                first + position
            }
            (Shape::Scalar(_), Some(attribute)) => {
                return self.wrong(
                    at,
                    format!("attribute `{attribute}` of `r.{name}` is not declared"),
                    format!(
                        "declare it: `[attribute_definition]` with `{name} = {attribute}: text`"
                    ),
                );
            }
            (Shape::Map { .. }, None) => {
                return self.wrong(
                    at,
                    format!("`r.{name}` is a map"),
                    format!("write `r.{name}.attribute`"),
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
                format!("`{name}` takes two arguments"),
                format!("write `{name}(value, pattern)`"),
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
                    "the pattern comes from the request, so it cannot be checked at load",
                    "the second argument is a field of the rules or a quoted text",
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
                "`eval` inside a condition",
                "write the condition itself",
            );
        }
        let [argument] = arguments else {
            return self.wrong(at, "`eval` takes one argument", "write `eval(p.cond)`");
        };
        if let Expr::Policy(field) = self.expect(argument, Kind::Text)? {
            return Some(Expr::Condition(field));
        }
        self.wrong(
            argument,
            "`eval` of something else than a field of the rules",
            "write `eval(p.cond)`",
        )
    }

    fn role(&mut self, at: &Syntax, graph: usize, arguments: &[Syntax]) -> Option<Expr> {
        let section = self.scope.sections.get(graph)?;
        let expected = if section.domains { 3 } else { 2 };
        if arguments.len() != expected {
            let name = &section.name;
            let help = if section.domains {
                format!("write `{name}(r.sub, p.sub, r.dom)`")
            } else {
                format!("write `{name}(r.sub, p.sub)`")
            };
            return self.wrong(at, format!("`{name}` takes {expected} arguments"), help);
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

fn unknown_function(name: &str) -> (String, String) {
    let known =
        "known are keyMatch, keyMatch2, keyMatch3, regexMatch, ipMatch, eval and the role sections";
    let why = match name {
        "keyMatch4" => {
            "the references read repeated names and invalid patterns of it differently; write `keyMatch2`"
        }
        "keyMatch5" => {
            "the references read invalid patterns of it differently; the query is no part of a path; write `keyMatch2`"
        }
        "globMatch" => "the references match `**` differently; write `keyMatch2` with a final `/*`",
        "keyGet" | "keyGet2" | "keyGet3" => "it has no truth value; write `keyMatch2`",
        _ => return (format!("unknown function `{name}`"), known.to_owned()),
    };
    (
        format!("function `{name}` is not supported"),
        why.to_owned(),
    )
}

fn one_of<'n>(prefix: &str, known: impl Iterator<Item = &'n str>, wanted: &str) -> String {
    let known: Vec<&str> = known.collect();
    let near = known.iter().find(|name| {
        name.eq_ignore_ascii_case(wanted)
            || (wanted.len() > 2 && (name.starts_with(wanted) || wanted.starts_with(**name)))
    });
    if let Some(near) = near {
        return format!("did you mean `{prefix}.{near}`?");
    }
    let known: Vec<String> = known
        .iter()
        .map(|name| format!("`{prefix}.{name}`"))
        .collect();
    format!("defined are {}", known.join(", "))
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
