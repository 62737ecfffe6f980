//! The little of SQL's grammar that tells an expression from a sentence. Every rule looks ahead a bounded distance.

use std::cell::{Cell, OnceCell, RefCell};

use smallvec::SmallVec;

use super::lexer::{Kind, Lexer, Token};
use super::words::Word;
use crate::text::{at, rest, span, steps};

/// Tokens that an operand or a list may span before the reader gives up; chosen.
pub(super) const REACH: usize = 64;
/// Queries inside queries that are read; what lies deeper is taken for a query. Chosen.
const NESTED: u8 = 3;

/// Tokens with the value they came from.
pub(super) struct Reader<'a> {
    value: &'a [u8],
    lexed: RefCell<Lexed<'a>>,
    /// Queries inside queries that are being read; bounds the work for a value that is nothing but `select(`.
    depth: Cell<u8>,
    /// What every clause asks again.
    anchor: OnceCell<Option<usize>>,
    opening: OnceCell<usize>,
}

/// The tokens as far as anybody asked for one.
struct Lexed<'a> {
    tokens: SmallVec<[Token; 32]>,
    lexer: Lexer<'a>,
}

/// An expression between operators.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    pub(super) what: What,
    /// The index of its last token.
    pub(super) last: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Number,
    Text,
    Constant,
    Danger,
    Call,
    Query,
    Name,
}

impl Operand {
    pub(super) fn is_number(self) -> bool {
        self.what == What::Number
    }

    pub(super) fn is_text(self) -> bool {
        self.what == What::Text
    }

    pub(super) fn is_literal(self) -> bool {
        matches!(self.what, What::Number | What::Text | What::Constant)
    }

    pub(super) fn is_call(self) -> bool {
        matches!(self.what, What::Call | What::Danger)
    }

    pub(super) fn is_danger(self) -> bool {
        self.what == What::Danger
    }

    pub(super) fn is_query(self) -> bool {
        self.what == What::Query
    }
}

impl<'a> Reader<'a> {
    /// Reads the value from `start` on.
    pub(super) fn new(value: &'a [u8], start: usize) -> Self {
        Self {
            value,
            lexed: RefCell::new(Lexed {
                tokens: SmallVec::new(),
                lexer: Lexer::new(value, start),
            }),
            depth: Cell::new(0),
            anchor: OnceCell::new(),
            opening: OnceCell::new(),
        }
    }

    fn token(&self, i: usize) -> Option<Token> {
        steps::count(1);
        let mut lexed = self.lexed.borrow_mut();
        while lexed.tokens.len() <= i {
            let token = lexed.lexer.next()?;
            lexed.tokens.push(token);
        }
        lexed.tokens.get(i).copied()
    }

    /// Returns the number of tokens, which takes reading all of them.
    pub(super) fn len(&self) -> usize {
        let mut lexed = self.lexed.borrow_mut();
        let Lexed { tokens, lexer } = &mut *lexed;
        tokens.extend(lexer);
        tokens.len()
    }

    /// Returns the length of the value, in bytes.
    pub(super) fn length(&self) -> usize {
        self.value.len()
    }

    pub(super) fn kind(&self, i: usize) -> Option<Kind> {
        self.token(i).map(|t| t.kind)
    }

    pub(super) fn from(&self, i: usize) -> usize {
        self.token(i).map_or(self.value.len(), |t| t.from)
    }

    pub(super) fn end(&self, i: usize) -> usize {
        self.token(i).map_or(self.value.len(), |t| t.to)
    }

    pub(super) fn word(&self, i: usize) -> &'a [u8] {
        self.token(i)
            .map(|t| span(self.value, t.from, t.to))
            .unwrap_or_default()
    }

    pub(super) fn is_end(&self, i: usize) -> bool {
        self.token(i).is_none()
    }

    pub(super) fn has_more(&self, i: usize) -> bool {
        !self.is_end(i + 1)
    }

    pub(super) fn starts_value(&self) -> bool {
        self.from(0) <= 2
    }

    pub(super) fn is_constant(&self, i: usize) -> bool {
        matches!(self.kind(i), Some(Kind::Word(Word::Constant)))
    }

    pub(super) fn is_hash(&self, i: usize) -> bool {
        self.word(i).starts_with(b"#")
    }

    /// `#1` and `#tag`: a number or a tag in prose, not a comment.
    pub(super) fn is_hash_word(&self, i: usize) -> bool {
        let word = self.word(i);
        word.starts_with(b"#") && at(word, 1).is_ascii_alphanumeric()
    }

    pub(super) fn comment_body(&self, i: usize) -> &'a [u8] {
        let word = self.word(i);
        rest(word, if word.starts_with(b"#") { 1 } else { 2 })
    }

    /// `unexpected token '<'`: words, and one sign between quotes.
    pub(super) fn is_quoted_sign(&self, first: usize) -> bool {
        let quote = self.from(first).saturating_sub(1);
        let before = span(self.value, 0, quote);
        let words = before
            .split(|b| *b == b' ')
            .filter(|word| word.len() > 1 && word.iter().all(u8::is_ascii_alphabetic))
            .count();
        let sign = matches!(
            self.kind(first),
            Some(
                Kind::Compare
                    | Kind::Arithmetic
                    | Kind::Bars
                    | Kind::Ampersands
                    | Kind::Open
                    | Kind::Close
                    | Kind::Comma
                    | Kind::Semicolon
            )
        );
        sign && words >= 2
            && before.ends_with(b" ")
            && self.kind(first + 1) == Some(Kind::OpenText)
            && (self.word(first + 1).len() == 1
                || matches!(
                    at(self.word(first + 1), 1),
                    b' ' | b',' | b'.' | b'\n' | b')'
                ))
    }

    /// Skips closing parentheses and comments that separate.
    pub(super) fn closers(&self, mut i: usize) -> usize {
        while matches!(self.kind(i), Some(Kind::Close))
            || matches!(self.kind(i), Some(Kind::Comment))
                && self.word(i).starts_with(b"/*")
                && self.has_more(i)
        {
            i += 1;
        }
        i
    }

    pub(super) fn skip_prefix(&self, mut i: usize) -> usize {
        while matches!(
            self.kind(i),
            Some(Kind::Word(Word::Prefix | Word::Quantity))
        ) {
            i += 1;
        }
        i
    }

    pub(super) fn comments(&self, mut i: usize) -> usize {
        while matches!(self.kind(i), Some(Kind::Comment)) && self.has_more(i) {
            i += 1;
        }
        i
    }

    /// Returns the index from which clauses may follow, when the value begins with one operand.
    pub(super) fn anchor(&self) -> Option<usize> {
        *self.anchor.get_or_init(|| self.find_anchor())
    }

    /// Returns the index behind what closes brackets at the beginning.
    pub(super) fn opening(&self) -> usize {
        *self.opening.get_or_init(|| self.closers(0))
    }

    fn find_anchor(&self) -> Option<usize> {
        let first = self.comments(0);
        let mut i = match self.kind(first) {
            Some(
                Kind::Word(Word::Logic | Word::Union | Word::Sort | Word::Having)
                | Kind::Semicolon
                | Kind::Close
                | Kind::Bars
                | Kind::Ampersands,
            ) => first,
            _ => self.operand(first)?.last + 1,
        };
        // What a scanner puts between the value and its closing parenthesis: `1%')`.
        while matches!(
            self.kind(i),
            Some(Kind::Close | Kind::Text | Kind::Comment | Kind::Arithmetic)
        ) && i < REACH
        {
            if matches!(self.kind(i), Some(Kind::Arithmetic))
                && !matches!(self.kind(i + 1), Some(Kind::Close | Kind::Text))
            {
                break;
            }
            i += 1;
        }
        if self.kind(i) == Some(Kind::Word(Word::As)) {
            i += 2;
        }
        Some(i)
    }

    /// Reads one operand with the arithmetic that follows it.
    pub(super) fn operand(&self, i: usize) -> Option<Operand> {
        let mut operand = self.simple(i)?;
        for _ in 0..if self.depth.get() == 0 { 8 } else { 1 } {
            let next = self.comments(operand.last + 1);
            if !matches!(
                self.kind(next),
                Some(Kind::Arithmetic | Kind::Word(Word::Operator))
            ) {
                break;
            }
            let Some(more) = self.simple(next + 1) else {
                break;
            };
            let what = match (operand.what, more.what) {
                (What::Query, _) | (_, What::Query) => What::Query,
                (What::Danger, _) | (_, What::Danger) => What::Danger,
                (What::Call, _) | (_, What::Call) => What::Call,
                (What::Name, _) | (_, What::Name) => What::Name,
                (first, _) => first,
            };
            operand = Operand {
                what,
                last: more.last,
            };
        }
        Some(operand)
    }

    fn simple(&self, i: usize) -> Option<Operand> {
        let mut i = i;
        let limit = i + REACH;
        let mut opened = false;
        loop {
            match self.kind(i) {
                _ if i >= limit => break,
                Some(
                    Kind::Arithmetic | Kind::Comment | Kind::Word(Word::Prefix | Word::Quantity),
                ) => i += 1,
                Some(Kind::Open) => {
                    opened = true;
                    i += 1;
                }
                Some(Kind::Compare) if at(self.word(i), 0) == b'!' => i += 1,
                _ => break,
            }
        }
        let what = match self.kind(i) {
            Some(Kind::Number) => What::Number,
            Some(Kind::Text | Kind::OpenText) => What::Text,
            Some(Kind::Variable | Kind::Word(Word::Constant))
                if self.kind(i + 1) != Some(Kind::Open) =>
            {
                What::Constant
            }
            Some(Kind::Word(Word::Select | Word::Case))
                if opened || matches!(self.kind(i), Some(Kind::Word(Word::Case))) =>
            {
                let depth = self.depth.replace(self.depth.get() + 1);
                let strong = depth >= NESTED
                    || self.kind(i + 1) == Some(Kind::Word(Word::When))
                    || self.select(i).is_some();
                self.depth.set(depth);
                return strong.then_some(Operand {
                    what: What::Query,
                    last: self.matching(i, usize::from(opened)),
                });
            }
            Some(Kind::Word(word)) => {
                if self.kind(i + 1) != Some(Kind::Open) {
                    return matches!(
                        word,
                        Word::Name
                            | Word::Thing
                            | Word::Function
                            | Word::Danger
                            | Word::Schema
                            | Word::Compare
                    )
                    .then_some(Operand {
                        what: What::Name,
                        last: i,
                    });
                }
                // `house (red)` is prose; an unknown function stands right before its parenthesis.
                let unknown = word == Word::Name
                    && self.end(i) == self.from(i + 1)
                    && self.word(i).is_ascii()
                    // `platform.system()` is a call of a program.
                    && !self.word(i).contains(&b'.');
                let known = matches!(
                    word,
                    Word::Function
                        | Word::Schema
                        | Word::Thing
                        | Word::Constant
                        | Word::Statement
                        | Word::Values
                );
                let what = if word == Word::Danger {
                    What::Danger
                } else if known || unknown {
                    What::Call
                } else {
                    What::Name
                };
                return Some(Operand {
                    what,
                    last: self.matching(i + 2, 1),
                });
            }
            _ => return None,
        };
        Some(Operand { what, last: i })
    }

    /// Returns the token that closes `depth` parentheses, or the last one looked at.
    fn matching(&self, from: usize, depth: usize) -> usize {
        let mut depth = depth;
        let mut i = from;
        while i < from + REACH && !self.is_end(i) {
            match self.kind(i) {
                Some(Kind::Open) => depth += 1,
                Some(Kind::Close) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return i;
                    }
                }
                _ => {}
            }
            i += 1;
        }
        i.saturating_sub(1)
    }

    /// Reads a comparison at `i`: its operator, and the right side unless the value ends before it.
    pub(super) fn comparison(&self, i: usize) -> Option<(usize, Option<Operand>)> {
        let i = self.comments(i);
        let mut right = match self.kind(i) {
            Some(Kind::Compare | Kind::Word(Word::Compare)) => i + 1,
            Some(Kind::Word(Word::Prefix))
                if matches!(self.kind(i + 1), Some(Kind::Word(Word::Compare))) =>
            {
                i + 2
            }
            _ => return None,
        };
        while matches!(
            self.kind(right),
            Some(Kind::Compare | Kind::Word(Word::Compare))
        ) && right < i + 4
        {
            right += 1;
        }
        if self.is_end(right) {
            return Some((i, None));
        }
        Some((i, Some(self.operand(right)?)))
    }

    /// `iif(1=1,…)`, `ascii(substring(version(),1,1))`: a condition on literals, or functions inside functions down to
    /// one that reads the database.
    pub(super) fn is_condition(&self, i: usize) -> bool {
        let conditional = matches!(
            self.word(i),
            b"if" | b"iif" | b"ifnull" | b"nvl" | b"decode"
        );
        let literals = conditional
            && matches!(self.kind(i + 2), Some(Kind::Number | Kind::Text))
            && matches!(self.kind(i + 3), Some(Kind::Compare))
            && matches!(self.kind(i + 4), Some(Kind::Number | Kind::Text));
        let inner = self.word(i + 2);
        let reads = matches!(
            inner,
            b"version"
                | b"database"
                | b"user"
                | b"substring"
                | b"substr"
                | b"mid"
                | b"compress"
                | b"load_file"
                | b"db_name"
                | b"user_name"
        );
        let nested = self.kind(i) == Some(Kind::Word(Word::Function))
            && self.kind(i + 3) == Some(Kind::Open)
            && reads
            && self.kind(i + 4).is_some();
        literals || nested
    }

    /// Says whether a dangerous function is called as SQL calls it.
    /// `a' xor b - 'c`: an operator, an expression, and a string that the application closes. Prose has two names next
    /// to each other sooner or later, or a sentence after its last quote.
    pub(super) fn continues(&self, first: usize) -> bool {
        const TERMS: usize = 24;
        if !self.is_end(first + TERMS + 1) {
            return false;
        }
        let last = self.len().saturating_sub(1);
        if last <= first
            || last > first + TERMS
            || self.kind(last) != Some(Kind::OpenText)
            || self.word(last).len() > 12
        {
            return false;
        }
        let mut operand = true;
        for i in first..last {
            let kind = self.kind(i);
            let operator = matches!(
                kind,
                Some(
                    Kind::Arithmetic
                        | Kind::Compare
                        | Kind::Bars
                        | Kind::Ampersands
                        | Kind::Word(Word::Logic | Word::Compare | Word::Operator | Word::Prefix)
                )
            );
            let term = matches!(
                kind,
                Some(
                    Kind::Number
                        | Kind::Text
                        | Kind::Variable
                        | Kind::Word(Word::Name | Word::Constant | Word::Function | Word::Danger)
                )
            );
            let neutral = matches!(kind, Some(Kind::Open | Kind::Close));
            if i == first && !operator || !(operator || term || neutral) || term && !operand {
                return false;
            }
            operand = if term { false } else { operand || operator };
        }
        operand
    }

    /// `ascii(substring(version(),1,1))`: functions over what the server says of itself.
    pub(super) fn asks_the_server(&self, i: usize) -> bool {
        self.kind(i + 1) == Some(Kind::Open)
            && (i + 2..i + 8).any(|j| {
                matches!(
                    self.word(j),
                    b"version"
                        | b"user"
                        | b"database"
                        | b"current_user"
                        | b"system_user"
                        | b"session_user"
                        | b"db_name"
                        | b"schema"
                        | b"user_name"
                        | b"host_name"
                        | b"current_database"
                ) && self.kind(j + 1) == Some(Kind::Open)
                    && self.kind(j + 2) == Some(Kind::Close)
                    && (i + 1..j).all(|k| {
                        matches!(
                            self.kind(k),
                            Some(
                                Kind::Open
                                    | Kind::Comma
                                    | Kind::Number
                                    | Kind::Text
                                    | Kind::Word(Word::Function)
                            )
                        )
                    })
            })
    }

    /// `group by name having count(*) > 5`, part of a statement that somebody shows: injections have no grouping of
    /// their own in front.
    pub(super) fn is_aggregate(&self, i: usize) -> bool {
        self.kind(i) == Some(Kind::Word(Word::Having))
            && matches!(
                self.word(i + 1),
                b"count" | b"sum" | b"avg" | b"min" | b"max"
            )
            && (1..=8).any(|back| {
                i.checked_sub(back)
                    .is_some_and(|j| j > 1 && self.kind(j) == Some(Kind::Word(Word::Sort)))
            })
    }

    pub(super) fn danger_call(&self, i: usize) -> bool {
        let argument = self.kind(i + 2);
        // `sleep(5) in python`: a call at the begin with words behind is what somebody asks about.
        if i == 0
            && let Some(call) = self.operand(0)
            && matches!(
                self.kind(call.last + 1),
                Some(
                    Kind::Word(Word::Name | Word::Thing | Word::Function | Word::Danger)
                        | Kind::Other
                )
            )
        {
            return false;
        }
        match self.word(i) {
            b"sleep" | b"pg_sleep" | b"elt" | b"make_set" | b"generate_series" | b"polygon"
            | b"linestring" | b"multipoint" => {
                matches!(
                    argument,
                    Some(
                        Kind::Number
                            | Kind::Open
                            | Kind::Variable
                            | Kind::Text
                            | Kind::OpenText
                            | Kind::Arithmetic
                            | Kind::Word(_)
                    )
                )
            }
            _ => true,
        }
    }
}
