//! Evaluates a matcher over one request and one row, with the types of the dialect.

use std::cmp::Ordering;

use super::datum::{Datum, Fault};
use super::functions::Function;
use super::grammar::{Node, Operator};
use super::policy::Policy;
use crate::language::syntax::Comparison;
use crate::source::Dialect;

/// Which definitions a request is judged by, as places in the model.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chosen {
    pub(crate) request: usize,
    pub(crate) policy: usize,
}

/// One request and one row.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) chosen: Chosen,
    pub(crate) request: &'a [Datum<'a>],
    /// `None` where the matcher is evaluated once, without a row; its fields are empty then.
    pub(crate) row: Option<&'a [Box<str>]>,
    pub(crate) now: i64,
}

impl<'a> Case<'a> {
    fn dialect(&self) -> Dialect {
        self.policy.dialect
    }

    fn crate_(&self) -> bool {
        self.dialect() == Dialect::CasbinRs
    }

    pub(crate) fn value(&self, node: &'a Node) -> Result<Datum<'a>, Fault> {
        Ok(match node {
            Node::Bool(known) => Datum::Bool(*known),
            Node::Int(number) => Datum::Int(*number),
            Node::Number(number) => Datum::Number(*number),
            Node::Text(text) => Datum::Text((&**text).into()),
            Node::Request(section, field) if *section == self.chosen.request => {
                self.request.get(*field).cloned().unwrap_or(Datum::Null)
            }
            Node::Policy(section, field) if *section == self.chosen.policy => {
                let text = self
                    .row
                    .and_then(|row| row.get(*field))
                    .map_or("", |text| &**text);
                Datum::Text(text.into())
            }
            Node::Request(..) | Node::Policy(..) => {
                return Err("the matcher names a definition that was not chosen".to_owned());
            }
            Node::Attribute(inner, name) => return self.attribute(&self.value(inner)?, name),
            Node::Call(function, arguments) => return self.call(*function, arguments),
            Node::Role(section, arguments) => Datum::Bool(self.role(*section, arguments)?),
            Node::Eval(field) => {
                let text = self.value(field)?;
                let condition = self.policy.condition(text.text()?)?;
                return self.value(condition);
            }
            Node::Not(inner) => Datum::Bool(!self.value(inner)?.truth()?),
            Node::Negate(inner) => return negated(&self.value(inner)?),
            Node::And(left, right) => {
                Datum::Bool(self.value(left)?.truth()? && self.value(right)?.truth()?)
            }
            Node::Or(left, right) => {
                Datum::Bool(self.value(left)?.truth()? || self.value(right)?.truth()?)
            }
            Node::Compare(comparison, left, right) => {
                Datum::Bool(self.compare(*comparison, &self.value(left)?, &self.value(right)?)?)
            }
            Node::Like(negated, value, pattern) => {
                let (value, pattern) = (self.value(value)?, self.value(pattern)?);
                let found = self.policy.compiled.call(
                    self.dialect(),
                    Function::RegexMatch,
                    value.text()?,
                    pattern.text()?,
                    "",
                )?;
                Datum::Bool(found.truth()? != *negated)
            }
            Node::Arithmetic(operator, left, right) => {
                return calculate(*operator, self.value(left)?, self.value(right)?);
            }
            Node::In(value, list) => Datum::Bool(self.is_in(&self.value(value)?, list)?),
            Node::List(_) => return Err("a list stands behind `in` only".to_owned()),
            Node::Choice(condition, one, other) => {
                return if self.value(condition)?.truth()? {
                    self.value(one)
                } else {
                    self.value(other)
                };
            }
        })
    }

    fn attribute(&self, from: &Datum<'a>, name: &str) -> Result<Datum<'a>, Fault> {
        let Datum::Map(map) = from else {
            return Err(format!(
                "`{name}` of {}, which has no attributes",
                from.kind()
            ));
        };
        match map.get(name) {
            Some(value) if self.crate_() => Datum::whole(value),
            Some(value) => Ok(Datum::floating(value)),
            None if self.crate_() => Ok(Datum::Null),
            None => Err(format!("the object has no attribute `{name}`")),
        }
    }

    fn call(&self, function: Function, arguments: &'a [Node]) -> Result<Datum<'a>, Fault> {
        let values: Result<Vec<Datum<'a>>, Fault> = arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect();
        let values = values?;
        let text = |at: usize| -> Result<_, Fault> {
            let value = values.get(at).ok_or("an argument is missing")?;
            if self.crate_() {
                value.shown()
            } else {
                value.text().map(Into::into)
            }
        };
        let (value, pattern) = (text(0)?, text(1)?);
        if let Function::Custom(place) = function {
            let custom = self.policy.functions.get(place);
            let (_, custom) = custom.ok_or("the function is not registered")?;
            return Ok(Datum::Bool(custom(&value, &pattern)));
        }
        let name = if function.arity() == 3 {
            text(2)?
        } else {
            "".into()
        };
        self.policy
            .compiled
            .call(self.dialect(), function, &value, &pattern, &name)
    }

    fn role(&self, section: usize, arguments: &'a [Node]) -> Result<bool, Fault> {
        let values: Result<Vec<Datum<'a>>, Fault> = arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect();
        let values = values?;
        let text = |at: usize| values.get(at).map(Datum::text).transpose();
        let (Some(member), Some(role), domain) = (text(0)?, text(1)?, text(2)?) else {
            return Err("a role question has two or three arguments".to_owned());
        };
        self.policy
            .has_role(section, member, role, domain, self.now)
    }

    fn compare(
        &self,
        comparison: Comparison,
        left: &Datum<'_>,
        right: &Datum<'_>,
    ) -> Result<bool, Fault> {
        match comparison {
            Comparison::Equal => return Ok(left.same(right)),
            Comparison::Unequal => return Ok(!left.same(right)),
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual => {}
        }
        let order = match (left, right) {
            (Datum::Text(left), Datum::Text(right)) => Some(left.cmp(right)),
            (Datum::Int(left), Datum::Int(right)) => Some(left.cmp(right)),
            (Datum::Number(left), Datum::Number(right)) => left.partial_cmp(right),
            // In the crate, values of two types are in no order, and the comparison is false.
            _ if self.crate_() => None,
            _ => {
                return Err(format!(
                    "{} and {} have no order",
                    left.kind(),
                    right.kind()
                ));
            }
        };
        Ok(match comparison {
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => {
                matches!(order, Some(Ordering::Greater | Ordering::Equal))
            }
            Comparison::Equal | Comparison::Unequal => false,
        })
    }

    fn is_in(&self, value: &Datum<'a>, list: &'a Node) -> Result<bool, Fault> {
        if let Node::List(members) = list {
            for member in members {
                if self.value(member)?.same(value) {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let list = self.value(list)?;
        match &list {
            Datum::List(list) => Ok(list.iter().any(|member| value.is(member))),
            Datum::Text(whole) if self.crate_() => Ok(whole.contains(value.text()?)),
            Datum::Map(map) if self.crate_() => Ok(map.contains_key(value.text()?)),
            Datum::Null
            | Datum::Bool(_)
            | Datum::Int(_)
            | Datum::Number(_)
            | Datum::Text(_)
            | Datum::Map(_) => Err(format!("`in` needs a list, found {}", list.kind())),
        }
    }
}

fn negated<'a>(value: &Datum<'_>) -> Result<Datum<'a>, Fault> {
    if let Datum::Int(number) = value {
        return Ok(Datum::Int(number.wrapping_neg()));
    }
    if let Datum::Number(number) = value {
        return Ok(Datum::Number(-number));
    }
    Err(format!("expected a number, found {}", value.kind()))
}

fn calculate<'a>(
    operator: Operator,
    left: Datum<'a>,
    right: Datum<'a>,
) -> Result<Datum<'a>, Fault> {
    match (left, right) {
        (Datum::Number(left), Datum::Number(right)) => Ok(Datum::Number(match operator {
            Operator::Plus => left + right,
            Operator::Minus => left - right,
            Operator::Times => left * right,
            Operator::Over => left / right,
            Operator::Remainder => left % right,
        })),
        (Datum::Int(left), Datum::Int(right)) => {
            let result = match operator {
                Operator::Plus => Some(left.wrapping_add(right)),
                Operator::Minus => Some(left.wrapping_sub(right)),
                Operator::Times => Some(left.wrapping_mul(right)),
                Operator::Over => left.checked_div(right),
                Operator::Remainder => left.checked_rem(right),
            };
            result
                .map(Datum::Int)
                .ok_or_else(|| "a division by zero".to_owned())
        }
        (Datum::Text(left), Datum::Text(right)) if operator == Operator::Plus => {
            Ok(Datum::Text((left.into_owned() + &right).into()))
        }
        (left, right) => Err(format!(
            "{} and {} do not add up",
            left.kind(),
            right.kind()
        )),
    }
}
