//! Syntax of matchers and conditions: what both reference languages share.

use std::ops::Range;

use super::token::{Token, Word, tokens};
use crate::source::{Mistake, Passage};
use crate::{Said, said};

/// An expression as written.
#[derive(Debug, Clone)]
pub(crate) struct Syntax {
    pub(crate) form: Form,
    pub(crate) span: Range<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Form {
    Bool(bool),
    Int(i64),
    Text(String),
    /// `r.sub`, `p.dom`, `r.ctx.aal`: names joined by dots.
    Path(Vec<String>),
    Call(String, Vec<Syntax>),
    Not(Box<Syntax>),
    All(Vec<Syntax>),
    Any(Vec<Syntax>),
    Compare(Comparison, Box<Syntax>, Box<Syntax>),
    Arithmetic(Arithmetic, Box<Syntax>, Box<Syntax>),
    In(Box<Syntax>, Vec<Syntax>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison with its sides exchanged.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::Unequal => Self::Unequal,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Remainder,
}

/// Deepest nesting that is read; chosen so that no recursion comes near a stack's end.
const DEEPEST: usize = 48;

/// Reads an expression whole.
pub(crate) fn parse(passage: &Passage) -> Result<Syntax, Mistake> {
    let words = tokens(passage)?;
    let mut parser = Parser {
        passage,
        words: &words,
        at: 0,
        depth: 0,
        operators: 0,
    };
    let syntax = parser.any()?;
    match parser.word() {
        Word::End => Ok(syntax),
        Word::Name(_) | Word::Int(_) | Word::Text(_) | Word::Sign(_) => Err(parser.wrong(
            said!("unexpected word", "此处不应再有内容"),
            said!(
                "join conditions with `&&` or `||`",
                "条件之间请用 `&&` 或 `||` 连接"
            ),
        )),
    }
}

/// How two sides are compared.
enum Relation {
    Compare(Comparison),
    Member,
}

struct Parser<'a> {
    passage: &'a Passage,
    words: &'a [Token],
    at: usize,
    depth: usize,
    /// Arithmetic operators so far; each makes the tree one deeper.
    operators: usize,
}

impl Parser<'_> {
    fn word(&self) -> &Word {
        self.words
            .get(self.at)
            .map_or(&Word::End, |token| &token.word)
    }

    fn start(&self) -> usize {
        self.words
            .get(self.at)
            .map_or(self.passage.text.len(), |token| token.start)
    }

    /// Offset behind the word read last.
    fn end(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|last| self.words.get(last))
            .map_or(0, |token| token.end)
    }

    fn wrong(&self, message: Said, help: Said) -> Mistake {
        self.passage.mistake(self.start(), message, help)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.word(), Word::Sign(here) if *here == sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.wrong(
                said!("expected `{sign}`", "此处应为 `{sign}`"),
                Said::default(),
            ))
        }
    }

    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Mistake>,
    ) -> Result<T, Mistake> {
        if self.depth >= DEEPEST {
            return Err(self.wrong(
                said!("nested too deeply", "嵌套过深"),
                said!("at most 48 levels", "最多 48 层"),
            ));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn any(&mut self) -> Result<Syntax, Mistake> {
        self.list("||", Form::Any, Self::all)
    }

    fn all(&mut self) -> Result<Syntax, Mistake> {
        self.list("&&", Form::All, Self::comparison)
    }

    fn list(
        &mut self,
        sign: &str,
        form: fn(Vec<Syntax>) -> Form,
        part: fn(&mut Self) -> Result<Syntax, Mistake>,
    ) -> Result<Syntax, Mistake> {
        let start = self.start();
        let first = part(self)?;
        if !matches!(self.word(), Word::Sign(here) if *here == sign) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(sign) {
            parts.push(part(self)?);
        }
        Ok(Syntax {
            form: form(parts),
            span: start..self.end(),
        })
    }

    fn comparison(&mut self) -> Result<Syntax, Mistake> {
        let start = self.start();
        let left = self.sum()?;
        let Some(relation) = self.relation()? else {
            return Ok(left);
        };
        self.at += 1;
        let form = match relation {
            Relation::Compare(comparison) => {
                Form::Compare(comparison, Box::new(left), Box::new(self.sum()?))
            }
            Relation::Member => Form::In(Box::new(left), self.members()?),
        };
        let span = start..self.end();
        if self.relation()?.is_some() {
            return Err(self.wrong(
                said!(
                    "the references group chained comparisons differently",
                    "各参照引擎对连续比较的结合方式不一"
                ),
                said!("use parentheses", "请加括号"),
            ));
        }
        Ok(Syntax { form, span })
    }

    /// What the next word compares, if it does.
    fn relation(&self) -> Result<Option<Relation>, Mistake> {
        let comparison = match self.word() {
            Word::Sign("==") => Comparison::Equal,
            Word::Sign("!=") => Comparison::Unequal,
            Word::Sign("<") => Comparison::Less,
            Word::Sign("<=") => Comparison::LessOrEqual,
            Word::Sign(">") => Comparison::Greater,
            Word::Sign(">=") => Comparison::GreaterOrEqual,
            Word::Sign("=~" | "!~") => {
                return Err(self.wrong(
                    said!(
                        "only one reference knows this operator",
                        "只有一个参照引擎支持这个运算符"
                    ),
                    said!(
                        "write `regexMatch(value, pattern)`",
                        "写成 `regexMatch(value, pattern)`"
                    ),
                ));
            }
            Word::Name(name) if name == "in" => return Ok(Some(Relation::Member)),
            Word::Sign(_) | Word::Name(_) | Word::Int(_) | Word::Text(_) | Word::End => {
                return Ok(None);
            }
        };
        Ok(Some(Relation::Compare(comparison)))
    }

    fn members(&mut self) -> Result<Vec<Syntax>, Mistake> {
        let close = if self.take("[") {
            "]"
        } else if self.take("(") {
            ")"
        } else {
            return Err(self.wrong(
                said!("expected a list behind `in`", "`in` 之后应为列表"),
                said!("write `in [\"a\", \"b\"]`", "写成 `in [\"a\", \"b\"]`"),
            ));
        };
        let mut members = vec![self.single()?];
        while self.take(",") {
            members.push(self.single()?);
        }
        self.expect(close)?;
        Ok(members)
    }

    fn sum(&mut self) -> Result<Syntax, Mistake> {
        self.chain(
            &[("+", Arithmetic::Plus), ("-", Arithmetic::Minus)],
            Self::product,
        )
    }

    fn product(&mut self) -> Result<Syntax, Mistake> {
        let value = self.chain(
            &[("*", Arithmetic::Times), ("%", Arithmetic::Remainder)],
            Self::unary,
        )?;
        if matches!(self.word(), Word::Sign("/")) {
            return Err(self.wrong(
                said!(
                    "the references divide differently",
                    "各参照引擎的除法结果不一"
                ),
                said!("multiply the other side instead", "请改为在另一边相乘"),
            ));
        }
        Ok(value)
    }

    fn chain(
        &mut self,
        signs: &[(&str, Arithmetic)],
        part: fn(&mut Self) -> Result<Syntax, Mistake>,
    ) -> Result<Syntax, Mistake> {
        let start = self.start();
        let mut left = part(self)?;
        while let Some((_, operator)) = signs.iter().find(|(sign, _)| self.take(sign)) {
            self.operators += 1;
            if self.operators > DEEPEST {
                return Err(self.wrong(
                    said!("too many arithmetic operators", "算术运算符过多"),
                    said!("at most 48 in an expression", "一个表达式最多 48 个"),
                ));
            }
            let right = part(self)?;
            left = Syntax {
                form: Form::Arithmetic(*operator, Box::new(left), Box::new(right)),
                span: start..self.end(),
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Syntax, Mistake> {
        let start = self.start();
        if self.take("!") {
            let inner = self.deeper(Self::unary)?;
            return Ok(Syntax {
                form: Form::Not(Box::new(inner)),
                span: start..self.end(),
            });
        }
        if self.take("-") {
            let Word::Int(number) = *self.word() else {
                return Err(self.wrong(
                    said!("`-` stands before a number only", "`-` 只能写在数字之前"),
                    said!("subtract from 0", "请用 0 去减"),
                ));
            };
            self.at += 1;
            return Ok(Syntax {
                form: Form::Int(-number),
                span: start..self.end(),
            });
        }
        self.single()
    }

    fn single(&mut self) -> Result<Syntax, Mistake> {
        let start = self.start();
        let form = match self.word().clone() {
            Word::Int(number) => {
                self.at += 1;
                Form::Int(number)
            }
            Word::Text(text) => {
                self.at += 1;
                Form::Text(text)
            }
            Word::Name(name) => {
                self.at += 1;
                self.named(name)?
            }
            Word::Sign("-") => return self.deeper(Self::unary),
            Word::Sign("(") => {
                self.at += 1;
                let inner = self.deeper(Self::any)?;
                self.expect(")")?;
                return Ok(Syntax {
                    form: inner.form,
                    span: start..self.end(),
                });
            }
            Word::Sign(sign) => {
                return Err(self.wrong(
                    said!("unexpected `{sign}`", "此处不应有 `{sign}`"),
                    said!("expected a value", "此处应为一个值"),
                ));
            }
            Word::End => {
                return Err(self.wrong(
                    said!("the expression ends too early", "表达式没有写完"),
                    said!("expected a value", "此处应为一个值"),
                ));
            }
        };
        Ok(Syntax {
            form,
            span: start..self.end(),
        })
    }

    fn named(&mut self, name: String) -> Result<Form, Mistake> {
        if self.take("(") {
            let mut arguments = Vec::new();
            if !self.take(")") {
                arguments.push(self.deeper(Self::any)?);
                while self.take(",") {
                    arguments.push(self.deeper(Self::any)?);
                }
                self.expect(")")?;
            }
            return Ok(Form::Call(name, arguments));
        }
        match name.as_str() {
            "true" => return Ok(Form::Bool(true)),
            "false" => return Ok(Form::Bool(false)),
            _ => {}
        }
        let mut path = vec![name];
        while self.take(".") {
            let Word::Name(next) = self.word().clone() else {
                return Err(self.wrong(
                    said!("expected a name behind `.`", "`.` 之后应为名称"),
                    Said::default(),
                ));
            };
            self.at += 1;
            path.push(next);
        }
        Ok(Form::Path(path))
    }
}
