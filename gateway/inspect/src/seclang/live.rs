//! Collections whose values change while rules run: `TX`, `MATCHED_VARS`, `IP`.

use super::target::{Collection, Selector, Target};
use super::transaction::Transaction;

impl Transaction<'_, '_> {
    /// Returns names and values of a collection that changes while rules run.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a hundred collections, of which few are special"
    )]
    pub(super) fn live_values(&self, target: &Target) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let unnamed = |bytes: Vec<u8>| vec![(Vec::new(), bytes)];
        match target.collection {
            Collection::Tx => {
                if let Selector::Slot(slot) = target.selector {
                    let value = self.tx.get(slot);
                    if value.is_set() {
                        let name = self.rules.names.name(slot).as_bytes().to_vec();
                        all.push((name, value.bytes().into_owned()));
                    }
                } else {
                    all.extend(
                        self.tx
                            .chosen(&self.rules.names, &target.selector)
                            .map(|(name, value)| (name.to_vec(), value.bytes().into_owned())),
                    );
                }
                return all;
            }
            Collection::MatchedVar => {
                all.extend(self.matched.last().map(|m| (self.place(m), self.seen(m))));
            }
            Collection::MatchedVars => {
                all.extend(self.matched.iter().map(|m| (self.place(m), self.seen(m))));
            }
            Collection::MatchedVarName => {
                all.extend(self.matched.last().map(|m| (self.place(m), self.place(m))));
            }
            Collection::MatchedVarsNames => {
                all.extend(self.matched.iter().map(|m| (self.place(m), self.place(m))));
            }
            Collection::HighestSeverity => return unnamed(self.highest.to_string().into_bytes()),
            Collection::ReqbodyProcessor => {
                let name = self.processor.map_or("", |processor| processor.name());
                return unnamed(name.as_bytes().to_vec());
            }
            Collection::Duration => return unnamed(b"0".to_vec()),
            Collection::Env => {
                all.extend(self.environment.iter().cloned());
            }
            stored => {
                if let Some((_, _, record)) = self.stored.get(stored) {
                    all.extend(
                        record
                            .iter()
                            .map(|(name, (value, _))| (name.clone(), value.clone())),
                    );
                }
            }
        }
        all.retain(|(name, _)| target.selector.takes(name));
        all
    }
}
