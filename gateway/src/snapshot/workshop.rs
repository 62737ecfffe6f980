//! Reads the files that a configuration names, and collects what of them cannot be used.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hangu_identity::assertion::AssertionSigner;
use hangu_identity::token::{Jwks, Verifier};
use hangu_inspect::openapi::{Document, Unlisted};
use hangu_limit::Rate;
use hangu_policy::lifecycle::{Bundle, Text};
use hangu_policy::{Said, said};
use hangu_redact::PersonKey;

use super::{Rates, Snapshot};
use crate::admin::authority::Authority;
use crate::admin::users::Administrators;
use crate::config::{self, JwksSource, Mistake, unreadable, unusable};
use crate::keys;
use crate::policy::Policy;
use crate::policy::office::Office;

/// Collects what cannot be used.
pub(super) struct Workshop<'a> {
    pub(super) path: &'a Path,
    pub(super) mistakes: Vec<Mistake>,
}

impl Workshop<'_> {
    pub(super) fn wrong(&mut self, file: &Path, message: Said) {
        self.mistakes.push(Mistake::of_file(file, message));
    }

    pub(super) fn wrong_here(&mut self, message: Said) {
        let path = self.path.to_owned();
        self.wrong(&path, message);
    }

    pub(super) fn text(&mut self, file: &Path) -> Option<Text> {
        fs::read_to_string(file)
            .map(|text| Text::new(file.display().to_string(), text))
            .map_err(|e| self.wrong(file, unreadable(&e)))
            .ok()
    }

    pub(super) fn texts(&mut self, files: &[PathBuf]) -> Option<Vec<Text>> {
        files.iter().map(|file| self.text(file)).collect()
    }

    pub(super) fn policy(
        &mut self,
        files: &config::Policy,
        before: Option<&Policy>,
    ) -> Option<Policy> {
        let bundle = Bundle {
            model: self.text(&files.model)?,
            rules: self.texts(&files.rules)?,
            statements: self.texts(&files.statements)?,
            cases: self.texts(&files.cases)?,
        };
        self.compiled(bundle, before)
    }

    /// The policy that was live last where changes are reviewed, or the one in the files.
    pub(super) fn live(
        &mut self,
        state: &Path,
        files: &config::Policy,
        before: Option<&Policy>,
    ) -> Option<Policy> {
        let Some(review) = &files.review else {
            return self.policy(files, before);
        };
        match Office::live(state, review) {
            Ok(Some(bundle)) => self.compiled(bundle, before),
            Ok(None) => self.policy(files, before),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }

    pub(super) fn compiled(&mut self, bundle: Bundle, before: Option<&Policy>) -> Option<Policy> {
        Policy::compile(bundle, before)
            .map_err(|mistakes| self.mistakes.extend(mistakes))
            .ok()
    }

    /// An OpenAPI document.
    pub(super) fn openapi(&mut self, path: &Path, unlisted: Unlisted) -> Option<Document> {
        let text = self.text(path)?;
        let document = Document::load(&text.text, unlisted);
        document
            .map_err(|errors| {
                errors
                    .iter()
                    .for_each(|error| self.wrong(path, unusable(error)))
            })
            .ok()
    }

    /// The key under which people are told apart in answers; made where there is none yet.
    pub(super) fn person_key(&mut self, state: &Path) -> Option<PersonKey> {
        let path = state.join("keys").join("person.key");
        let key = keys::load_or_make(&path, || keys::random(16));
        let key = key.map_err(|e| self.wrong(&path, unusable(&e))).ok()?;
        <[u8; 16]>::try_from(key.as_slice())
            .map(PersonKey::new)
            .map_err(|_| self.wrong(&path, said!("it should have 16 bytes", "应为 16 字节")))
            .ok()
    }

    pub(super) fn authority(
        &mut self,
        console: &config::Console,
        before: Option<&Snapshot>,
    ) -> Option<Arc<Authority>> {
        let policy = self.policy(&console.policy, None);
        if let Some(policy) = &policy {
            // The console has no portals: its statements are about its rules alone.
            self.mistakes.extend(policy.unproved(None));
        }
        let before = before
            .and_then(|b| b.authority.as_ref())
            .map(|a| &a.administrators);
        let administrators = Administrators::read(&console.users, before)
            .map_err(|errors| self.mistakes.extend(errors))
            .ok();
        let (policy, administrators) = (policy?, administrators?);
        Authority::new(
            administrators,
            Arc::clone(&policy.compiled),
            &console.host,
            &console.policy.model,
        )
        .map(Arc::new)
        .map_err(|mistake| self.mistakes.push(mistake))
        .ok()
    }

    pub(super) fn rate(&mut self, name: &str, rate: &config::Rate) -> Option<Rate> {
        Rate::new(rate.count, rate.period, rate.burst)
            .map_err(|e| self.wrong_here(said!("rate `{name}`: {e}", "速率 `{name}` 不可用：{e}")))
            .ok()
    }

    pub(super) fn rates(&mut self, limit: &config::Limit) -> Option<Rates> {
        const KNOWN: [&str; 3] = ["bronze", "silver", "gold"];
        for name in limit.class.keys().filter(|n| !KNOWN.contains(&n.as_str())) {
            self.wrong_here(said!(
                "`limit.class.{name}`: rate classes are `bronze`, `silver` and `gold`",
                "没有速率等级 `limit.class.{name}`；可用的有 `bronze`、`silver` 和 `gold`"
            ));
        }
        let mut class = |name: &str| limit.class.get(name).and_then(|rate| self.rate(name, rate));
        let (bronze, silver, gold) = (class("bronze"), class("silver"), class("gold"));
        let address = self.rate("address", &limit.address);
        let sign_in = self.rate("sign-in", &limit.sign_in);
        let throttle = Rate::new(
            NonZeroU32::MIN,
            Duration::from_secs(1),
            NonZeroU32::MIN.saturating_add(4),
        )
        .map_err(|e| self.wrong_here(unusable(&e)))
        .ok()?;
        Some(Rates {
            address: address?,
            sign_in: sign_in?,
            throttle,
            bronze,
            silver,
            gold,
        })
    }

    /// The signer of assertions; its key is made where there is none yet.
    pub(super) fn signer(
        &mut self,
        identity: &config::Identity,
        before: Option<&Snapshot>,
    ) -> Option<Arc<AssertionSigner>> {
        const LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
        let path = &identity.assertion_key;
        let key = keys::load_or_make(path, || {
            hangu_identity::assertion::generate_key()
                .map(|key| key.to_vec())
                .map_err(|e| e.to_string())
        });
        let key = key.map_err(|e| self.wrong(path, unusable(&e))).ok()?;
        let signer = AssertionSigner::new(&key, &identity.assertion_issuer, LIFETIME, 65_536)
            .map_err(|e| self.wrong(path, unusable(&e)))
            .ok()?;
        // The same key under the same issuer keeps its assertions, which are still fresh.
        let kept = before.filter(|b| {
            b.signer.kid() == signer.kid()
                && b.configuration.identity.assertion_issuer == identity.assertion_issuer
        });
        Some(kept.map_or_else(|| Arc::new(signer), |b| Arc::clone(&b.signer)))
    }

    pub(super) fn tokens(
        &mut self,
        identity: &config::Identity,
        before: Option<&Snapshot>,
    ) -> Option<Verifier> {
        let mut issuers = Vec::new();
        for issuer in &identity.issuers {
            let keys = match &issuer.keys {
                JwksSource::File(path) => {
                    let text = self.text(path)?;
                    Some(
                        Jwks::parse(text.text.as_bytes())
                            .map_err(|e| self.wrong(path, unusable(&e)))
                            .ok()?,
                    )
                }
                // Keys that were fetched before stay until they are fetched again.
                JwksSource::Url { .. } => {
                    before.and_then(|b| b.tokens.load().keys_of(issuer.token.name()).cloned())
                }
            };
            issuers.push((issuer.token.clone(), keys));
        }
        Verifier::new(issuers)
            .map_err(|e| self.wrong_here(unusable(&e)))
            .ok()
    }
}
