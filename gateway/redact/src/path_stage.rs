//! The pass for places in JSON that an operator names, ahead of the main one.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::action::Action;
use crate::kind::{Counts, Kind};
use crate::level::Level;
use crate::mask::{self, Put};
use crate::path::{Child, Path};
use crate::rules::Rules;
use crate::unit::Escapes;
use crate::value::{Charset, Letter, letters};

/// Levels of a document that are followed; below, what stands there is as what it stands in.
const DEPTH_MAX: usize = 64;

/// The longest value that is looked at whole, in bytes; of a longer one nothing stays.
const VALUE_MAX: usize = 4096;

/// The longest name that is compared, in bytes.
const NAME_MAX: usize = 256;

/// States of every path.
type States = SmallVec<[u64; 4]>;

/// Follows a document and masks the values that are at the end of a path.
#[derive(Debug)]
pub(crate) struct PathStage {
    rules: Arc<Rules>,
    level: Level,
    /// Paths with the place of their kind among the operator's.
    paths: Vec<(Path, usize)>,
    /// One document a line.
    lines: bool,
    stack: Vec<Frame>,
    /// Objects and arrays that are open below those.
    deeper: usize,
    /// What the value that is next is.
    next: Node,
    token: Token,
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
}

#[derive(Debug, Clone)]
struct Node {
    states: States,
    /// The operator's kind that it is, or stands in.
    own: Option<usize>,
}

#[derive(Debug)]
struct Frame {
    node: Node,
    object: bool,
    /// In an object, a name is next.
    named: bool,
    index: usize,
}

#[derive(Debug)]
enum Token {
    None,
    /// A name so far.
    Name {
        bytes: Vec<u8>,
        escaped: bool,
    },
    /// A string that passes.
    Passed {
        escaped: bool,
    },
    /// A string of a kind so far.
    Value {
        bytes: Vec<u8>,
        escaped: bool,
        own: usize,
    },
    /// The rest of one that was longer.
    Skipped {
        escaped: bool,
    },
    Number {
        bytes: Vec<u8>,
        own: usize,
    },
}

impl PathStage {
    /// `None` where no path is named.
    pub(crate) fn new(rules: &Arc<Rules>, level: Level, lines: bool) -> Option<Self> {
        let paths: Vec<(Path, usize)> = rules
            .own()
            .iter()
            .enumerate()
            .flat_map(|(at, own)| own.paths().iter().map(move |path| (path.clone(), at)))
            .collect();
        if paths.is_empty() {
            return None;
        }
        let next = Node {
            states: smallvec![1; paths.len()],
            own: None,
        };
        Some(Self {
            rules: Arc::clone(rules),
            level,
            paths,
            lines,
            stack: Vec::new(),
            deeper: 0,
            next,
            token: Token::None,
            found: Counts::default(),
            masked: Counts::default(),
        })
    }

    pub(crate) fn held(&self) -> usize {
        match &self.token {
            Token::Value { bytes, .. } | Token::Number { bytes, .. } => bytes.len(),
            Token::None | Token::Name { .. } | Token::Passed { .. } | Token::Skipped { .. } => 0,
        }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) {
        for &byte in chunk {
            self.byte(byte, out);
        }
        if !last {
            return;
        }
        match std::mem::replace(&mut self.token, Token::None) {
            Token::Number { bytes, own } => self.number(&bytes, own, out),
            // Cut off within: fail closed.
            Token::Value { own, .. } => {
                self.add(own);
                out.extend_from_slice(b"***");
            }
            Token::None | Token::Name { .. } | Token::Passed { .. } | Token::Skipped { .. } => {}
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.lines && byte == b'\n' {
            if let Token::Number { bytes, own } = std::mem::replace(&mut self.token, Token::None) {
                self.number(&bytes, own, out);
            }
            self.stack.clear();
            self.deeper = 0;
            self.next = self.root();
            out.push(byte);
            return;
        }
        match &mut self.token {
            Token::None => {}
            Token::Name { bytes, escaped } => {
                let ends = byte == b'"' && !*escaped;
                *escaped = byte == b'\\' && !*escaped;
                out.push(byte);
                if ends {
                    let name = std::mem::take(bytes);
                    self.token = Token::None;
                    self.named(&name);
                } else if bytes.len() <= NAME_MAX {
                    bytes.push(byte);
                }
                return;
            }
            Token::Passed { escaped } | Token::Skipped { escaped } => {
                let ends = byte == b'"' && !*escaped;
                *escaped = byte == b'\\' && !*escaped;
                if ends || matches!(self.token, Token::Passed { .. }) {
                    out.push(byte);
                }
                if ends {
                    self.token = Token::None;
                }
                return;
            }
            Token::Value {
                bytes,
                escaped,
                own,
            } => {
                let ends = byte == b'"' && !*escaped;
                *escaped = byte == b'\\' && !*escaped;
                if ends {
                    let (bytes, own) = (std::mem::take(bytes), *own);
                    self.token = Token::None;
                    self.value(&bytes, own, out);
                    return;
                }
                bytes.push(byte);
                if bytes.len() > VALUE_MAX {
                    let (escaped, own) = (*escaped, *own);
                    self.add(own);
                    out.extend_from_slice(b"\"***");
                    self.token = Token::Skipped { escaped };
                }
                return;
            }
            Token::Number { bytes, own } => {
                if is_number(byte) && bytes.len() < VALUE_MAX {
                    bytes.push(byte);
                    return;
                }
                let (bytes, own) = (std::mem::take(bytes), *own);
                self.token = Token::None;
                self.number(&bytes, own, out);
            }
        }
        self.structure(byte, out);
    }

    /// A byte outside of strings and of numbers of a kind.
    fn structure(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'{' | b'[' => {
                self.element();
                if self.stack.len() < DEPTH_MAX {
                    let node = self.next.clone();
                    let object = byte == b'{';
                    self.stack.push(Frame {
                        node,
                        object,
                        named: object,
                        index: 0,
                    });
                } else {
                    self.deeper += 1;
                }
            }
            b'}' | b']' => match self.deeper.checked_sub(1) {
                Some(left) => self.deeper = left,
                None => {
                    self.stack.pop();
                    if self.stack.is_empty() {
                        self.next = self.root();
                    }
                }
            },
            b',' if self.deeper == 0 => {
                if let Some(frame) = self.stack.last_mut() {
                    frame.named = frame.object;
                    frame.index += 1;
                }
            }
            b'"' => {
                let escaped = false;
                let bytes = Vec::new();
                if self.deeper == 0 && self.stack.last().is_some_and(|frame| frame.named) {
                    self.token = Token::Name { bytes, escaped };
                } else {
                    self.element();
                    if let Some(own) = self.next.own {
                        self.token = Token::Value {
                            bytes,
                            escaped,
                            own,
                        };
                        return;
                    }
                    self.token = Token::Passed { escaped };
                }
            }
            _ if is_number(byte) && (byte == b'-' || byte.is_ascii_digit()) => {
                self.element();
                if let Some(own) = self.next.own {
                    let bytes = vec![byte];
                    self.token = Token::Number { bytes, own };
                    return;
                }
            }
            _ => {}
        }
        out.push(byte);
    }

    fn root(&self) -> Node {
        Node {
            states: smallvec![1; self.paths.len()],
            own: None,
        }
    }

    /// A value begins; in an array it is the next element.
    fn element(&mut self) {
        if self.deeper > 0 {
            return;
        }
        if let Some(frame) = self.stack.last().filter(|frame| !frame.object) {
            self.next = self.child(&frame.node, Child::Element(frame.index));
        }
    }

    /// A name has been read; its value is next.
    fn named(&mut self, written: &[u8]) {
        let mut read: Vec<Letter> = Vec::new();
        let end = written.len();
        letters(
            written,
            0,
            end,
            Escapes::Backslash,
            Charset::Utf8,
            &mut read,
        );
        let name: String = read.iter().map(|letter| letter.ch).collect();
        if let Some(frame) = self.stack.last_mut() {
            frame.named = false;
        }
        if let Some(frame) = self.stack.last() {
            self.next = self.child(&frame.node, Child::Member(name.as_bytes()));
        }
    }

    fn child(&self, parent: &Node, child: Child<'_>) -> Node {
        let mut own = parent.own;
        let follow = |((path, kind), states): (&(Path, usize), &u64)| {
            let next = path.follow(*states, child);
            if path.is_end(next) {
                own = own.or(Some(*kind));
            }
            next
        };
        let states = self.paths.iter().zip(&parent.states).map(follow).collect();
        Node { states, own }
    }

    /// Counts a value and returns what is done to it.
    fn add(&mut self, own: usize) -> (Kind, Action) {
        let Some(own) = self.rules.own().get(own) else {
            return (Kind::Custom, Action::Drop);
        };
        let (kind, action) = (own.kind(), own.action_of(&self.rules, self.level));
        self.found.add(kind);
        if action != Action::Pass {
            self.masked.add(kind);
        }
        (kind, action)
    }

    fn value(&mut self, written: &[u8], own: usize, out: &mut Vec<u8>) {
        let mut all: Vec<Letter> = Vec::new();
        let end = written.len();
        letters(written, 0, end, Escapes::Backslash, Charset::Utf8, &mut all);
        let chars: Vec<char> = all.iter().map(|letter| letter.ch).collect();
        out.push(b'"');
        // What is empty or masked already is no value.
        if chars.iter().all(|&ch| ch == '*') {
            out.extend_from_slice(written);
            out.push(b'"');
            return;
        }
        let (kind, action) = self.add(own);
        if action == Action::Null {
            out.pop();
            out.extend_from_slice(b"null");
            return;
        }
        let edits = self
            .rules
            .keyed(action, kind, &chars)
            .unwrap_or_else(|| mask::apply(action, &chars));
        let mut done = 0;
        let place = |at: usize| all.get(at).map_or(end, |letter| letter.from);
        for edit in edits {
            let (from, to) = (place(edit.at), place(edit.at + edit.over));
            out.extend_from_slice(written.get(done..from).unwrap_or_default());
            match edit.put {
                Put::Stars(count) => out.resize(out.len() + count, b'*'),
                Put::Text(text) => out.extend_from_slice(text.as_bytes()),
            }
            done = to;
        }
        out.extend_from_slice(written.get(done..).unwrap_or_default());
        out.push(b'"');
    }

    fn number(&mut self, written: &[u8], own: usize, out: &mut Vec<u8>) {
        let action = self.add(own).1;
        if action == Action::Pass {
            out.extend_from_slice(written);
        } else if action == Action::Null {
            out.extend_from_slice(b"null");
        } else {
            out.push(b'0');
        }
    }
}

fn is_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}
