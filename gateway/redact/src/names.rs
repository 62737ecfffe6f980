//! Names of members that were read before: records repeat them, so each is looked up once a body.

use wide::u8x16;

use crate::context::{Tags, bare, label_before, label_of_text, strip};
use crate::label::{Labels, Rule};
use crate::unit::Escapes;
use crate::value::{Charset, letters};

/// A name of 1 to 31 bytes as it is written between its quotes, in a form that compares at once: the 32 bytes that end
/// with it, of which those before its opening quote are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Name([u64; 4]);

/// For every length of a name, the bits that are its own and its opening quote's.
static OWN: [[u64; 4]; 32] = own();

const fn own() -> [[u64; 4]; 32] {
    let mut all = [[0; 4]; 32];
    let mut rest: &mut [[u64; 4]] = &mut all;
    let mut bytes = 1;
    while let Some((words, after)) = rest.split_first_mut() {
        *words = [top(bytes, 3), top(bytes, 2), top(bytes, 1), top(bytes, 0)];
        rest = after;
        bytes += 1;
    }
    all
}

/// The bits of a word that `bytes` bytes reach, of which the words behind it take eight each.
const fn top(bytes: u32, behind: u32) -> u64 {
    let reach = bytes.saturating_sub(8 * behind);
    if reach >= 8 {
        u64::MAX
    } else {
        !(u64::MAX >> (8 * reach))
    }
}

impl Name {
    /// Reads the name that ends where 32 bytes do; `None` where it is empty or longer than 31.
    #[inline(always)]
    fn of(bytes: &[u8; 32]) -> Option<(Self, &'static [u64; 4])> {
        let length = Self::length(bytes);
        if length == 0 {
            return None;
        }
        let own = OWN.get(length as usize)?;
        Some((Self(Self::words(bytes, own)), own))
    }

    /// The bits of the bytes that are `own`.
    #[inline(always)]
    fn words(bytes: &[u8; 32], own: &[u64; 4]) -> [u64; 4] {
        let (words, _) = bytes.as_chunks::<8>();
        let mut name = [0; 4];
        for ((to, from), own) in name.iter_mut().zip(words).zip(own) {
            *to = u64::from_le_bytes(*from) & own;
        }
        name
    }

    /// Bytes behind the last quote, 32 where there is none.
    #[inline(always)]
    fn length(bytes: &[u8; 32]) -> u32 {
        let (lanes, _) = bytes.as_chunks::<16>();
        let mut quotes = 0;
        for (lane, shift) in lanes.iter().zip([0, 16]) {
            let lane = u8x16::new(*lane).simd_eq(u8x16::splat(b'"'));
            quotes |= lane.to_bitmask() << shift;
        }
        quotes.leading_zeros()
    }

    /// Which of [`SLOTS`] it stands in.
    #[inline(always)]
    fn slot(&self) -> u8 {
        let [one, two, three, four] = self.0;
        let folded = one ^ two.rotate_left(11) ^ three.rotate_left(23) ^ four.rotate_left(37);
        // The golden ratio, as in Fibonacci hashing.
        let slot = folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2());
        u8::try_from(slot).unwrap_or(0)
    }
}

/// Names that are remembered at once: chosen, more than most records have.
const SLOTS: usize = 128;

/// What a name says about what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Said {
    /// As a field's whole name.
    pub(crate) rule: Option<Rule>,
    /// As the label before a value, if that can be told from the name alone.
    pub(crate) label: Option<Option<Rule>>,
    /// As the label before a colon in running text, where that can be told from the name alone.
    pub(crate) text: Option<Option<Rule>>,
}

impl Said {
    /// Reads a name and the quote before it.
    pub(crate) fn by(quoted: &[u8], labels: &Labels, charset: Charset) -> Self {
        let name = quoted.strip_prefix(b"\"").unwrap_or(quoted);
        let rule = if memchr::memchr(b'\\', name).is_some() {
            let mut out = Vec::new();
            letters(name, 0, name.len(), Escapes::Backslash, charset, &mut out);
            let text: String = out.iter().map(|letter| letter.ch).collect();
            labels.rule(text.as_bytes())
        } else {
            labels.rule(strip(name))
        };
        // Of a name that is punctuation alone, what stands before it is the label.
        Self {
            rule,
            label: (!strip(name).is_empty()).then(|| label_before(quoted, labels, Tags::Text)),
            text: (!bare(name).is_empty()).then(|| label_of_text(quoted, labels)),
        }
    }
}

/// A name that is remembered.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: Name,
    /// The bits that are the name's.
    own: [u64; 4],
    said: Said,
    /// Where the name stands that came after it the last time.
    next: u8,
}

impl Known {
    /// No name: no bits are its own, and they are not what it is.
    const NONE: Self = Self {
        name: Name([u64::MAX; 4]),
        own: [0; 4],
        said: Said {
            rule: None,
            label: None,
            text: None,
        },
        next: 0,
    };
}

/// What was read of the names that came last.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: Vec<Known>,
    /// Where the name stands that came last.
    last: u8,
}

impl Names {
    /// Returns what the name says that ends before the quote at `quote`; `None` where the buffer does not have 32 bytes
    /// before that, or the name is empty or longer than 31.
    ///
    /// Records have the same names in the same order, so the one that followed the last time is compared first: where its
    /// bytes stand there from its opening quote on, no other name can.
    #[inline(always)]
    pub(crate) fn said(
        &mut self,
        buffer: &[u8],
        quote: usize,
        labels: &Labels,
        charset: Charset,
    ) -> Option<Said> {
        let bytes = buffer.get(..quote)?.last_chunk::<32>()?;
        if let Some(last) = self.known.get(usize::from(self.last))
            && let next = last.next
            && let Some(known) = self.known.get(usize::from(next))
            && Name::words(bytes, &known.own) == known.name.0
        {
            self.last = next;
            return Some(known.said);
        }
        let (name, own) = Name::of(bytes)?;
        let slot = name.slot();
        let said = match self.known.get(usize::from(slot)) {
            Some(known) if known.name == name => known.said,
            _ => self.learn((name, own), slot, buffer, quote, labels, charset),
        };
        if let Some(last) = self.known.get_mut(usize::from(self.last)) {
            last.next = slot;
        }
        self.last = slot;
        Some(said)
    }

    #[cold]
    fn learn(
        &mut self,
        (name, own): (Name, &[u64; 4]),
        slot: u8,
        buffer: &[u8],
        quote: usize,
        labels: &Labels,
        charset: Charset,
    ) -> Said {
        if self.known.is_empty() {
            self.known.resize(SLOTS, Known::NONE);
        }
        let before = buffer.get(..quote).unwrap_or_default();
        let opening = memchr::memrchr(b'"', before).unwrap_or(0);
        let text = before.get(opening..).unwrap_or_default();
        let said = Said::by(text, labels, charset);
        if let Some(known) = self.known.get_mut(usize::from(slot)) {
            *known = Known {
                name,
                own: *own,
                said,
                next: known.next,
            };
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A body with one name, and where its closing quote is.
    fn body(before: &str, name: &str) -> (Vec<u8>, usize) {
        let text = format!("{}{before}\"{name}\":", " ".repeat(32));
        let quote = text.len() - 2;
        (text.into_bytes(), quote)
    }

    #[test]
    fn two_names_are_the_same_only_if_every_byte_is() {
        let names = [
            "a",
            "a\0",
            "\0a",
            "名",
            "name",
            "Name",
            "names",
            &"n".repeat(16),
            &"n".repeat(17),
            &"n".repeat(31),
        ];
        for one in names {
            for two in names {
                let read = |name| {
                    let (bytes, quote) = body("x", name);
                    Name::of(bytes[..quote].last_chunk().unwrap()).unwrap().0
                };
                assert_eq!(read(one) == read(two), one == two, "{one:?} {two:?}");
            }
        }
        let said = |bytes: &[u8], quote| {
            Names::default().said(bytes, quote, Labels::shipped(), Charset::Utf8)
        };
        for none in ["", &"n".repeat(32)] {
            let (bytes, quote) = body("", none);
            assert_eq!(said(&bytes, quote), None, "{none}");
        }
        assert_eq!(said(b"\"name\":", 5), None);
        assert_eq!(said(&[0; 40], 39), None);
        assert_eq!(said(&[0xFF; 40], 39), None);
    }

    proptest! {
        #[test]
        fn a_name_that_is_remembered_says_what_it_says_when_it_is_read(
            picks in proptest::collection::vec(("[^\"]{0,3}", "(姓名|手机|名|号码?|name|passport( no)?|ip|_|\\.| |：|x|[0-9a-z]{1,4}|.){1,8}"), 1..300),
        ) {
            let labels = Labels::shipped();
            let mut names = Names::default();
            for (before, name) in picks {
                let (bytes, quote) = body(&before, &name);
                let Some(said) = names.said(&bytes, quote, labels, Charset::Utf8) else { continue };
                let opening = bytes[..quote].iter().rposition(|&byte| byte == b'"').unwrap();
                let written = &bytes[opening..quote];
                prop_assert_eq!(said, Said::by(written, labels, Charset::Utf8));
                // The labels are what would be read from everything that stands before the value.
                if let Some(label) = said.label {
                    prop_assert_eq!(label, label_before(&[&bytes[..], b"\""].concat(), labels, Tags::Text));
                }
                if let Some(text) = said.text {
                    prop_assert_eq!(text, label_of_text(&bytes[..=quote], labels));
                }
            }
        }
    }
}
