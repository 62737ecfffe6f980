//! Expressions of the dialects: what the references' expression languages share, and some of what each has alone.

use super::functions::Function;
use super::words::{Placed, Word, words};
use crate::language::syntax::Comparison;
use crate::source::{Dialect, Mistake, Passage};
use crate::{Said, said};

/// An expression whose names are resolved and whose types are not.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Bool(bool),
    Int(i32),
    Number(f64),
    Text(Box<str>),
    /// A value of the request: definition and place in it.
    Request(usize, usize),
    /// A field of a row: definition and place in it.
    Policy(usize, usize),
    Attribute(Box<Self>, Box<str>),
    Call(Function, Vec<Self>),
    Role(usize, Vec<Self>),
    Eval(Box<Self>),
    Not(Box<Self>),
    Negate(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    /// `=~`, or `!~` if negated.
    Like(bool, Box<Self>, Box<Self>),
    Arithmetic(Operator, Box<Self>, Box<Self>),
    In(Box<Self>, Box<Self>),
    List(Vec<Self>),
    /// `condition ? one : other`
    Choice(Box<Self>, Box<Self>, Box<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
    Remainder,
}

/// What names an expression may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) dialect: Dialect,
    /// Key (`r`, `r2`) and fields of each request definition.
    pub(crate) requests: &'a [(Box<str>, Vec<Box<str>>)],
    /// Key (`p`, `p2`) and columns of each policy definition.
    pub(crate) policies: &'a [(Box<str>, Vec<Box<str>>)],
    /// Keys of the role definitions.
    pub(crate) roles: &'a [Box<str>],
    /// Functions that were registered by the caller.
    pub(crate) custom: &'a [&'a str],
}

/// Deepest nesting that is read; chosen so that no recursion comes near a stack's end.
const DEEPEST: usize = 48;

/// Most operators in a row; each makes the tree one deeper.
const LONGEST_CHAIN: usize = 200;

/// Reads an expression whole.
///
/// # Errors
///
/// The first place that the dialect does not have, or whose reading is not known to be the reference's.
pub(crate) fn parse(passage: &Passage, names: Names<'_>) -> Result<Node, Mistake> {
    let text = super::names::rewritten(&passage.text, names.dialect);
    let words = words(passage, &text, names.dialect)?;
    let mut parser = Parser {
        passage,
        words: &words,
        at: 0,
        depth: 0,
        chained: 0,
        names,
    };
    let node = parser.choice()?;
    if *parser.word() == Word::End {
        return Ok(node);
    }
    Err(parser.wrong(
        said!("unexpected word", "此处不应再有内容"),
        said!(
            "join conditions with `&&` or `||`",
            "条件之间请用 `&&` 或 `||` 连接"
        ),
    ))
}

struct Parser<'a> {
    passage: &'a Passage,
    words: &'a [Placed],
    at: usize,
    depth: usize,
    chained: usize,
    names: Names<'a>,
}

impl Parser<'_> {
    fn word(&self) -> &Word {
        self.words
            .get(self.at)
            .map_or(&Word::End, |placed| &placed.word)
    }

    fn start(&self) -> usize {
        self.words
            .get(self.at)
            .map_or(self.passage.text.len(), |placed| placed.start)
    }

    fn wrong(&self, message: Said, help: Said) -> Mistake {
        self.passage.mistake(self.start(), message, help)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.word(), Word::Sign(here) if *here == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.wrong(
            said!("expected `{sign}`", "此处应为 `{sign}`"),
            Said::default(),
        ))
    }

    fn deeper(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Node, Mistake>,
    ) -> Result<Node, Mistake> {
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

    fn chain(&mut self) -> Result<(), Mistake> {
        self.chained += 1;
        if self.chained > LONGEST_CHAIN {
            return Err(self.wrong(
                said!("too many operators", "运算符过多"),
                said!("at most 200 in an expression", "一个表达式最多 200 个"),
            ));
        }
        Ok(())
    }

    fn choice(&mut self) -> Result<Node, Mistake> {
        let condition = self.either()?;
        if self.is("??") || (self.is("?") && self.names.dialect == Dialect::CasbinRs) {
            return Err(self.wrong(
                said!("this operator is not supported", "不支持这个运算符"),
                said!("write two rules", "请写成两条规则"),
            ));
        }
        if !self.take("?") {
            return Ok(condition);
        }
        let one = self.deeper(Self::choice)?;
        self.expect(":")?;
        let other = self.deeper(Self::choice)?;
        Ok(Node::Choice(
            Box::new(condition),
            Box::new(one),
            Box::new(other),
        ))
    }

    fn either(&mut self) -> Result<Node, Mistake> {
        let mut left = self.both()?;
        while self.take("||") {
            self.chain()?;
            left = Node::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Node, Mistake> {
        let mut left = self.comparison()?;
        while self.take("&&") {
            self.chain()?;
            left = Node::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Node, Mistake> {
        let left = self.sum()?;
        let Some(relation) = self.relation()? else {
            return Ok(left);
        };
        self.at += 1;
        let node = match relation {
            Relation::Compare(comparison) => {
                Node::Compare(comparison, Box::new(left), Box::new(self.sum()?))
            }
            Relation::Like(negated) => Node::Like(negated, Box::new(left), Box::new(self.sum()?)),
            Relation::In => Node::In(Box::new(left), Box::new(self.members()?)),
        };
        if self.relation()?.is_some() {
            let message = said!(
                "the references group chained comparisons differently",
                "各参照引擎对连续比较的结合方式不一"
            );
            return Err(self.wrong(message, said!("use parentheses", "请加括号")));
        }
        Ok(node)
    }

    fn relation(&self) -> Result<Option<Relation>, Mistake> {
        let sign = match self.word() {
            Word::Sign(sign) => *sign,
            Word::Name(name) if name == "in" => return Ok(Some(Relation::In)),
            Word::Name(_) | Word::Int(_) | Word::Number(_) | Word::Text(_) | Word::End => {
                return Ok(None);
            }
        };
        Ok(Some(match sign {
            "==" => Relation::Compare(Comparison::Equal),
            "!=" => Relation::Compare(Comparison::Unequal),
            "<" => Relation::Compare(Comparison::Less),
            "<=" => Relation::Compare(Comparison::LessOrEqual),
            ">" => Relation::Compare(Comparison::Greater),
            ">=" => Relation::Compare(Comparison::GreaterOrEqual),
            "=~" | "!~" if self.names.dialect == Dialect::CasbinRs => {
                let help = said!(
                    "write `regexMatch(value, pattern)`",
                    "写成 `regexMatch(value, pattern)`"
                );
                return Err(self.wrong(
                    said!(
                        "`casbin-rs` does not have this operator",
                        "`casbin-rs` 没有这个运算符"
                    ),
                    help,
                ));
            }
            "=~" => Relation::Like(false),
            "!~" => Relation::Like(true),
            _ => return Ok(None),
        }))
    }

    /// A list in either bracket, or a value that is a list.
    fn members(&mut self) -> Result<Node, Mistake> {
        let round = self.names.dialect == Dialect::CasbinGo && self.is("(");
        if !round && !self.is("[") {
            return self.unary();
        }
        let close = if round { ")" } else { "]" };
        self.at += 1;
        let mut members = vec![self.deeper(Self::choice)?];
        while self.take(",") {
            members.push(self.deeper(Self::choice)?);
        }
        self.expect(close)?;
        if round && members.len() == 1 {
            return Err(self.wrong(
                said!(
                    "Go reads one value in parentheses as the value and not as a list",
                    "Go 会把括号中的单个值当作这个值本身，而不是列表"
                ),
                said!("write `==`", "写成 `==`"),
            ));
        }
        Ok(Node::List(members))
    }

    fn sum(&mut self) -> Result<Node, Mistake> {
        let mut left = self.product()?;
        loop {
            let operator = if self.take("+") {
                Operator::Plus
            } else if self.take("-") {
                Operator::Minus
            } else {
                return Ok(left);
            };
            self.chain()?;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Node, Mistake> {
        let mut left = self.unary()?;
        loop {
            let operator = if self.take("*") {
                Operator::Times
            } else if self.take("/") {
                Operator::Over
            } else if self.take("%") {
                Operator::Remainder
            } else if self.is("**") {
                return Err(self.wrong(
                    said!("powers are not supported", "不支持乘方"),
                    said!("multiply", "请用乘法"),
                ));
            } else {
                return Ok(left);
            };
            self.chain()?;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Result<Node, Mistake> {
        if self.take("!") {
            return Ok(Node::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.take("-") {
            return Ok(Node::Negate(Box::new(self.deeper(Self::unary)?)));
        }
        let mut node = self.single()?;
        while self.take(".") {
            let Word::Name(name) = self.word().clone() else {
                return Err(self.wrong(
                    said!("expected a name behind `.`", "`.` 之后应为名称"),
                    Said::default(),
                ));
            };
            self.at += 1;
            self.chain()?;
            if self.is("(") {
                return Err(self.wrong(
                    said!("methods are not supported", "不支持方法调用"),
                    said!("use an attribute", "请用属性"),
                ));
            }
            node = Node::Attribute(Box::new(node), name.into());
        }
        Ok(node)
    }

    fn single(&mut self) -> Result<Node, Mistake> {
        let node = match self.word().clone() {
            Word::Int(number) => Node::Int(number),
            Word::Number(number) => Node::Number(number),
            Word::Text(text) => Node::Text(text.into()),
            Word::Name(name) => return self.named(&name),
            Word::Sign("(") => {
                self.at += 1;
                let inner = self.deeper(Self::choice)?;
                self.expect(")")?;
                return Ok(inner);
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
        self.at += 1;
        Ok(node)
    }

    fn named(&mut self, name: &str) -> Result<Node, Mistake> {
        let called =
            self.words.get(self.at + 1).map(|placed| &placed.word) == Some(&Word::Sign("("));
        if called {
            return self.call(name);
        }
        let node = match name {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            _ => self.variable(name)?,
        };
        self.at += 1;
        Ok(node)
    }

    fn variable(&self, name: &str) -> Result<Node, Mistake> {
        let find = |sections: &[(Box<str>, Vec<Box<str>>)]| {
            let (key, field) = name.split_once('_')?;
            let section = sections.iter().position(|(known, _)| **known == *key)?;
            let (_, fields) = sections.get(section)?;
            Some((section, fields.iter().position(|known| **known == *field)?))
        };
        if let Some((section, field)) = find(self.names.requests) {
            return Ok(Node::Request(section, field));
        }
        if let Some((section, field)) = find(self.names.policies) {
            return Ok(Node::Policy(section, field));
        }
        let shown = name.replacen('_', ".", 1);
        let help = said!(
            "define it in `[request_definition]` or `[policy_definition]`",
            "请在 `[request_definition]` 或 `[policy_definition]` 中定义"
        );
        Err(self.wrong(
            said!("unknown name `{shown}`", "没有名为 `{shown}` 的量"),
            help,
        ))
    }

    fn call(&mut self, name: &str) -> Result<Node, Mistake> {
        let start = self.start();
        self.at += 2;
        let mut arguments = Vec::new();
        if !self.take(")") {
            arguments.push(self.deeper(Self::choice)?);
            while self.take(",") {
                arguments.push(self.deeper(Self::choice)?);
            }
            self.expect(")")?;
        }
        let wrong = |message: Said, help: Said| Err(self.passage.mistake(start, message, help));
        let custom = self.names.custom.iter().position(|known| *known == name);
        if let Some(section) = self.names.roles.iter().position(|known| **known == *name) {
            if !matches!(arguments.len(), 2 | 3) {
                return wrong(
                    said!(
                        "`{name}` takes two or three arguments",
                        "`{name}` 须有两个或三个参数"
                    ),
                    said!("write `g(r.sub, p.sub)`", "写成 `g(r.sub, p.sub)`"),
                );
            }
            return Ok(Node::Role(section, arguments));
        }
        if name == "eval" {
            let mut arguments = arguments.into_iter();
            return match (arguments.next(), arguments.next()) {
                (Some(argument @ Node::Policy(..)), None) => Ok(Node::Eval(Box::new(argument))),
                _ => wrong(
                    said!(
                        "`eval` takes a field of the rules",
                        "`eval` 的参数应为规则的字段"
                    ),
                    said!("write `eval(p.cond)`", "写成 `eval(p.cond)`"),
                ),
            };
        }
        let function = match custom
            .map(Function::Custom)
            .or_else(|| Function::named(name))
        {
            Some(Function::GlobMatch) if self.names.dialect == Dialect::CasbinRs => {
                return wrong(
                    said!(
                        "`globMatch` is not built into the crate by default",
                        "参照的 crate 默认不带 `globMatch`"
                    ),
                    said!(
                        "use `keyMatch2`, or the dialect `casbin-go`",
                        "请用 `keyMatch2`，或改用方言 `casbin-go`"
                    ),
                );
            }
            Some(function) => function,
            None => {
                return wrong(
                    said!("unknown function `{name}`", "没有名为 `{name}` 的函数"),
                    Function::known(),
                );
            }
        };
        if arguments.len() != function.arity() {
            let message = said!(
                "`{name}` takes {} arguments",
                "`{name}` 须有 {} 个参数",
                function.arity()
            );
            return wrong(
                message,
                said!("the pattern is the second", "第二个参数是模式"),
            );
        }
        Ok(Node::Call(function, arguments))
    }
}

enum Relation {
    Compare(Comparison),
    Like(bool),
    In,
}

impl Node {
    /// Calls `see` for this expression and everything in it.
    pub(crate) fn visit(&self, see: &mut dyn FnMut(&Self)) {
        see(self);
        match self {
            Self::Bool(_)
            | Self::Int(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Request(..)
            | Self::Policy(..) => {}
            Self::Attribute(inner, _)
            | Self::Eval(inner)
            | Self::Not(inner)
            | Self::Negate(inner) => {
                inner.visit(see);
            }
            Self::Call(_, parts) | Self::Role(_, parts) | Self::List(parts) => {
                parts.iter().for_each(|part| part.visit(see));
            }
            Self::And(left, right)
            | Self::Or(left, right)
            | Self::Compare(_, left, right)
            | Self::Like(_, left, right)
            | Self::Arithmetic(_, left, right)
            | Self::In(left, right) => {
                left.visit(see);
                right.visit(see);
            }
            Self::Choice(condition, one, other) => {
                condition.visit(see);
                one.visit(see);
                other.visit(see);
            }
        }
    }

    /// The function and the pattern of a comparison with one.
    pub(crate) fn pattern(&self) -> Option<(Function, &Self)> {
        if let Self::Call(function, arguments) = self {
            return Some((*function, arguments.get(1)?));
        }
        if let Self::Like(_, _, pattern) = self {
            return Some((Function::RegexMatch, pattern));
        }
        None
    }
}
