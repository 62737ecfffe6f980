//! The strings that the sheets of a workbook share: what each is, and what the cells that show it say it is.

use crate::engine::Setting;
use crate::label::Rule;
use crate::part::PartError;
use crate::runs::{Token, Tokens, Unit, name};
use crate::sheet::Class;
use crate::spans::spans;
use crate::whole::Tally;

/// Strings of one workbook: chosen, so that what is kept of each stays below 32 MiB.
const STRINGS_MAX: usize = 8 << 20;

/// What is known of the shared strings.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Of every string its class, as a number: 0 plain, 1 a value, then labels.
    classes: Vec<u16>,
    /// Of every string what its cells say, as a number: 0 nothing.
    marks: Vec<u16>,
    rules: Vec<Rule>,
}

impl Shared {
    fn number(&mut self, rule: Rule) -> u16 {
        let at = self.rules.iter().position(|known| *known == rule);
        let at = at.unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        });
        u16::try_from(at).unwrap_or(0)
    }

    fn add(&mut self, class: Class) -> Result<(), PartError> {
        if self.classes.len() >= STRINGS_MAX {
            return Err(PartError::Held { limit: STRINGS_MAX });
        }
        let number = match class {
            Class::Plain => 0,
            Class::Value => 1,
            Class::Label(rule) => self.number(rule) + 2,
        };
        self.classes.push(number);
        Ok(())
    }

    /// What a string looks like.
    pub(crate) fn class(&self, index: usize) -> Class {
        match self.classes.get(index) {
            None | Some(0) => Class::Plain,
            Some(1) => Class::Value,
            Some(number) => self
                .rules
                .get(usize::from(number - 2))
                .map_or(Class::Plain, |rule| Class::Label(*rule)),
        }
    }

    /// Remembers what a cell that shows a string says of it.
    pub(crate) fn mark(&mut self, index: usize, rule: Rule) {
        let number = self.number(rule) + 1;
        if index >= self.classes.len() {
            return;
        }
        if self.marks.len() <= index {
            self.marks.resize(self.classes.len(), 0);
        }
        if let Some(slot) = self.marks.get_mut(index) {
            *slot = number;
        }
    }

    fn said(&self, index: usize) -> Option<Rule> {
        let number = self.marks.get(index)?.checked_sub(1)?;
        self.rules.get(usize::from(number)).copied()
    }
}

/// Reads the strings one by one, and writes them.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    tokens: Tokens,
    unit: Unit,
    in_text: bool,
    index: usize,
}

impl Strings {
    /// Learns what each string looks like.
    pub(crate) fn learn(
        &mut self,
        chunk: &[u8],
        last: bool,
        setting: &Setting,
        shared: &mut Shared,
    ) -> Result<(), PartError> {
        self.feed(chunk, last, &mut |unit, _| {
            if let Some(unit) = unit {
                shared.add(Class::of(setting, unit.text()))?;
            }
            Ok(())
        })
    }

    /// Writes the strings with what is masked in them.
    pub(crate) fn write(
        &mut self,
        chunk: &[u8],
        last: bool,
        setting: &Setting,
        shared: &Shared,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) -> Result<(), PartError> {
        let mut index = self.index;
        self.feed(chunk, last, &mut |unit, between| {
            if let Some(unit) = unit {
                let rule = shared.said(index);
                index += 1;
                let found = spans(&setting.rules, setting.level, rule, unit.text(), tally);
                unit.write(&found, out);
            } else {
                out.extend_from_slice(between);
            }
            Ok(())
        })?;
        self.index = index;
        Ok(())
    }

    /// Hands on strings, and what stands between them.
    fn feed(
        &mut self,
        chunk: &[u8],
        last: bool,
        take: &mut impl FnMut(Option<&mut Unit>, &[u8]) -> Result<(), PartError>,
    ) -> Result<(), PartError> {
        let Self {
            tokens,
            unit,
            in_text,
            ..
        } = self;
        tokens.feed(chunk, last, &mut |token| {
            let tag = match token {
                Token::Text(text) if *in_text => return unit.piece(text),
                Token::Text(text) if unit.is_empty() => return take(None, text),
                Token::Text(text) => return unit.markup(text),
                Token::Tag(tag) => *tag,
            };
            let (name, closes) = name(tag);
            let empty = tag.ends_with(b"/>");
            match name {
                b"t" => *in_text = !closes && !empty,
                b"si" => {
                    unit.markup(tag)?;
                    if closes || empty {
                        take(Some(unit), &[])?;
                        unit.clear();
                    }
                    return Ok(());
                }
                _ if unit.is_empty() => return take(None, tag),
                _ => {}
            }
            unit.markup(tag)
        })?;
        if last && !self.unit.is_empty() {
            take(None, self.unit.raw())?;
            self.unit.clear();
        }
        Ok(())
    }
}
