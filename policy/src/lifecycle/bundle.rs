//! Everything that one policy consists of, named by its content.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use crate::analysis::cases;
use crate::engine::snapshot::Snapshot;
use crate::source::{Dialect, Mistake, Source, size};
use crate::{Said, said};

/// A text with the name under which it is reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// File name for diagnostics.
    pub name: String,
    /// The whole content.
    pub text: String,
}

/// A model, its rules, and what is kept beside them. The order of the texts counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The model.
    pub model: Text,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<Text>,
    /// Statements that must hold.
    #[serde(default)]
    pub statements: Vec<Text>,
    /// Tests beside the rules.
    #[serde(default)]
    pub cases: Vec<Text>,
}

/// The name of a bundle: SHA-256 over [`Bundle::encode`].
pub type BundleId = Digest;

/// Bytes that are no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoBundle {
    /// Another encoding, or none.
    #[error("the bytes do not begin with `hangu policy bundle v1`; expected an encoded bundle")]
    Version,
    /// A length that the bytes do not have, text that is not UTF-8, or bytes after the end.
    #[error("the encoded bundle is damaged at byte {at}; expected length-prefixed UTF-8 texts")]
    Damaged {
        /// Offset.
        at: usize,
    },
}

const VERSION: &[u8] = b"hangu policy bundle v1\n";

impl Text {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// The text as the loader takes it.
    pub fn source(&self) -> Source<'_> {
        Source {
            name: &self.name,
            text: &self.text,
        }
    }
}

impl Bundle {
    /// Compiles it in the strict dialect.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::load`].
    pub fn snapshot(&self) -> Result<Snapshot, Vec<Mistake>> {
        let rules: Vec<Source<'_>> = self.rules.iter().map(Text::source).collect();
        Snapshot::load(self.model.source(), &rules, Dialect::Strict)
    }

    /// As [`Self::snapshot`], where the snapshot of another bundle is at hand: rows that differ are changed
    /// in it instead of compiling all of them again ([`Snapshot::follow`]).
    ///
    /// # Errors
    ///
    /// As [`Self::snapshot`].
    pub fn snapshot_near(
        &self,
        other: &Self,
        compiled: &Snapshot,
    ) -> Result<Snapshot, Vec<Mistake>> {
        if self.model != other.model {
            return self.snapshot();
        }
        let old: Vec<Source<'_>> = other.rules.iter().map(Text::source).collect();
        let new: Vec<Source<'_>> = self.rules.iter().map(Text::source).collect();
        match compiled.follow(&old, &new) {
            Some(snapshot) => Ok(snapshot),
            None => self.snapshot(),
        }
    }

    /// Runs its tests; what comes back are those that do not hold, and lines that are none.
    pub fn failing_cases(&self, snapshot: &Snapshot) -> Vec<Mistake> {
        let failing = |text: &Text| match cases::read_all(text.source()) {
            Err(unreadable) => unreadable,
            Ok(known) => cases::failures(snapshot, &known)
                .into_iter()
                .map(|failure| {
                    let (why, at) = (failure.said(), (size(failure.line), 1));
                    let message = match failure.name.as_str() {
                        "" => said!("the test fails: {why}", "用例未通过：{why}"; why = why),
                        name => said!(
                            "the test `{name}` fails: {why}",
                            "用例 `{name}` 未通过：{why}";
                            why = why
                        ),
                    };
                    Mistake::new(&*text.name, at, message, Said::default())
                })
                .collect(),
        };
        self.cases.iter().flat_map(failing).collect()
    }

    /// The name that its content has.
    pub fn id(&self) -> BundleId {
        Digest::of(&self.encode())
    }

    /// The one byte sequence for this content: a version, then each list as its count and each text as
    /// name and content, all lengths as 64 bits, little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_vec();
        let length = |bytes: &mut Vec<u8>, length: usize| {
            bytes.extend_from_slice(&(length as u64).to_le_bytes());
        };
        for list in [
            std::slice::from_ref(&self.model),
            &self.rules,
            &self.statements,
            &self.cases,
        ] {
            length(&mut bytes, list.len());
            for part in list.iter().flat_map(|text| [&text.name, &text.text]) {
                length(&mut bytes, part.len());
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    ///
    /// Anything that it would not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoBundle> {
        let rest = bytes.strip_prefix(VERSION).ok_or(NoBundle::Version)?;
        let mut reader = Reader {
            rest,
            whole: bytes.len(),
        };
        let mut model = reader.list()?;
        let bundle = Self {
            rules: reader.list()?,
            statements: reader.list()?,
            cases: reader.list()?,
            model: model.pop().ok_or_else(|| reader.damaged())?,
        };
        if !model.is_empty() || !reader.rest.is_empty() {
            return Err(reader.damaged());
        }
        Ok(bundle)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    whole: usize,
}

impl Reader<'_> {
    fn damaged(&self) -> NoBundle {
        NoBundle::Damaged {
            at: self.whole.saturating_sub(self.rest.len()),
        }
    }

    fn length(&mut self) -> Result<usize, NoBundle> {
        let (length, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.damaged())?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| self.damaged())?;
        self.rest = rest;
        Ok(length)
    }

    fn text(&mut self) -> Result<String, NoBundle> {
        let length = self.length()?;
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.damaged())?;
        let text = std::str::from_utf8(text).map_err(|_| self.damaged())?;
        self.rest = rest;
        Ok(text.to_owned())
    }

    fn list(&mut self) -> Result<Vec<Text>, NoBundle> {
        let count = self.length()?;
        // Each text takes 16 bytes at least, so that a count cannot ask for more memory than there is text.
        if count > self.rest.len() / 16 {
            return Err(self.damaged());
        }
        (0..count)
            .map(|_| {
                let name = self.text()?;
                Ok(Text {
                    name,
                    text: self.text()?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = Vec<Text>> {
        prop::collection::vec(
            (any::<String>(), any::<String>()).prop_map(|(name, text)| Text { name, text }),
            0..4,
        )
    }

    fn bundles() -> impl Strategy<Value = Bundle> {
        (any::<String>(), texts(), texts(), texts()).prop_map(
            |(model, rules, statements, cases)| Bundle {
                model: Text::new("m", model),
                rules,
                statements,
                cases,
            },
        )
    }

    proptest! {
        #[test]
        fn a_bundle_is_read_as_it_was_written(bundle in bundles()) {
            prop_assert_eq!(Bundle::decode(&bundle.encode()), Ok(bundle));
        }

        #[test]
        fn no_bytes_panic_and_what_is_read_is_written_alike(
            bundle in bundles(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = bundle.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
                if let Ok(read) = Bundle::decode(bytes) {
                    prop_assert_eq!(read.encode(), bytes);
                }
            }
        }
    }

    #[test]
    fn a_text_moved_from_one_list_to_the_next_is_another_bundle() {
        let text = || vec![Text::new("a", "b")];
        let bundle = |rules, statements, cases| Bundle {
            model: Text::new("m", ""),
            rules,
            statements,
            cases,
        };
        let ids = [
            bundle(text(), vec![], vec![]).id(),
            bundle(vec![], text(), vec![]).id(),
            bundle(vec![], vec![], text()).id(),
            bundle(vec![Text::new("ab", "")], vec![], vec![]).id(),
        ];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id));
        }
    }

    #[test]
    fn a_count_beyond_the_bytes_is_refused_before_memory_is_taken() {
        let mut bytes = VERSION.to_vec();
        bytes.extend_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(
            Bundle::decode(&bytes),
            Err(NoBundle::Damaged {
                at: VERSION.len() + 8
            })
        );
    }
}
