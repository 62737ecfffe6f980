//! One exchange as the rules see it, from the head of the request to the end of the response.

use std::borrow::Cow;

use super::action::{Allowed, Disruptive, Engine, Phase, Processor};
use super::exchange::{Connection, Interruption, Match, Outcome, RequestHead, ResponseHead, shown};
use super::prefilter::Lane;
use super::read;
use super::ruleset::{Gate, Rule, RuleSet, Step};
use super::search::{Searched, SearchedGroup};
use super::state::{Matched, Removed, Stored, Tx};
use super::target::Collection;
use super::texts::Texts;
use super::values::{Ids, Values};

/// An exchange that is being judged. Parts come in order; those that never come are left out.
#[derive(Debug)]
pub struct Transaction<'r, 'q> {
    pub(super) rules: &'r RuleSet,
    pub(super) texts: Texts<'q>,
    pub(super) values: Values<'q>,
    pub(super) tx: Tx<'r>,
    pub(super) stored: Stored,
    pub(super) environment: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) matched: Vec<Matched>,
    pub(super) removed: Removed<'r>,
    /// Values of each list of targets, once asked for.
    pub(super) listed: Vec<Option<Ids>>,
    /// What each group could pass, once asked for.
    pub(super) groups: Vec<Option<SearchedGroup>>,
    /// The values of groups that were searched.
    pub(super) searched: Vec<Searched>,
    pub(super) group_bits: Vec<Lane>,
    pub(super) engine: Engine,
    pub(super) processor: Option<Processor>,
    pub(super) force_body: bool,
    pub(super) read_request_body: bool,
    pub(super) read_response_body: bool,
    pub(super) highest: u8,
    pub(super) connection: Connection<'q>,
    allowed: [bool; 5],
    outcome: Outcome,
    content_type: &'q [u8],
    head: Option<RequestHead<'q>>,
}

impl RuleSet {
    /// Begins an exchange.
    pub fn begin<'r, 'q>(&'r self, connection: &Connection<'q>) -> Transaction<'r, 'q> {
        let mut transaction = Transaction {
            rules: self,
            texts: Texts::default(),
            values: Values::default(),
            tx: Tx::new(self.names.len()),
            stored: Stored::default(),
            environment: Vec::new(),
            matched: Vec::new(),
            removed: Removed::default(),
            listed: vec![None; self.lists.len()],
            groups: vec![None; self.groups.len()],
            searched: Vec::with_capacity(512),
            group_bits: Vec::with_capacity(64),
            engine: self.options.engine,
            processor: None,
            force_body: false,
            read_request_body: self.options.request_body,
            read_response_body: self.options.response_body,
            highest: 255,
            connection: *connection,
            allowed: [false; 5],
            outcome: Outcome::default(),
            content_type: b"",
            head: None,
        };
        read::head::connection(
            &mut transaction.values,
            &mut transaction.texts,
            connection,
            self,
        );
        transaction
    }
}

impl<'r, 'q> Transaction<'r, 'q> {
    /// Reads the head of the request, and runs the rules of phase 1.
    pub fn request_head(&mut self, head: &RequestHead<'q>) {
        let separator = self.rules.options.separator;
        read::head::request(&mut self.values, &mut self.texts, head, separator);
        self.head = Some(*head);
        self.content_type = head
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map_or(&b""[..], |(_, value)| value);
        self.processor = read::body::processor(self.content_type);
        self.run(Phase::RequestHead);
    }

    /// Reads the body of the request, whole, its content coding removed, and runs the rules of phase 2. A request
    /// without a body has an empty one.
    pub fn request_body(&mut self, body: &'q [u8]) {
        use Collection as C;
        if self.read_request_body && !body.is_empty() {
            let content_type = self.content_type;
            let read = read::body::read(
                &mut self.values,
                &mut self.texts,
                self.processor,
                content_type,
                body,
                &self.rules.options,
            );
            if let Err(reason) = read {
                self.outcome.unreadable = Some(reason);
                for flag in [C::ReqbodyError, C::ReqbodyProcessorError] {
                    self.single(flag, &b"1"[..]);
                }
                for text in [C::ReqbodyErrorMsg, C::ReqbodyProcessorErrorMsg] {
                    self.single(text, reason.as_bytes());
                }
            }
            let plain = matches!(self.processor, Some(Processor::UrlEncoded));
            if plain || self.force_body {
                self.single(C::RequestBody, body);
            }
        }
        if self.outcome.unreadable.is_none() {
            self.single(C::ReqbodyError, &b"0"[..]);
        }
        self.single(C::RequestBodyLength, body.len().to_string().into_bytes());
        let size = |collection| {
            let length = |id| {
                self.values
                    .get(id)
                    .map_or(0, |v| self.texts.bytes(v.text).len())
            };
            self.values.of(collection).map(length).sum::<usize>()
        };
        let combined = size(C::Args) + size(C::ArgsNames);
        self.single(C::ArgsCombinedSize, combined.to_string().into_bytes());
        self.full_request(body);
        self.run(Phase::RequestBody);
    }

    /// Joins head and body again, only where a rule asks for it.
    fn full_request(&mut self, body: &[u8]) {
        let asked = |collection| self.rules.names.mentions(collection);
        if !asked(Collection::FullRequest) && !asked(Collection::FullRequestLength) {
            return;
        }
        let Some(head) = self.head else { return };
        let mut full = [head.method, b" ", head.target, b" ", head.protocol, b"\r\n"].concat();
        for (name, value) in head.headers {
            full.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        full.extend_from_slice(b"\r\n");
        full.extend_from_slice(body);
        let length = full.len().to_string().into_bytes();
        self.single(Collection::FullRequest, full);
        self.single(Collection::FullRequestLength, length);
    }

    /// Reads the head of the response, and runs the rules of phase 3.
    pub fn response_head(&mut self, head: &ResponseHead<'q>) {
        read::head::response(&mut self.values, &mut self.texts, head);
        let types = &self.rules.options.response_types;
        if !types.is_empty() {
            let media = self
                .first(Collection::ResponseContentType)
                .to_ascii_lowercase();
            self.read_response_body &= types.iter().any(|known| known.as_bytes() == media);
        }
        self.run(Phase::ResponseHead);
    }

    /// Reads the body of the response, its content coding removed, and runs the rules of phase 4.
    pub fn response_body(&mut self, body: &'q [u8]) {
        if self.read_response_body {
            self.single(Collection::ResponseBody, body);
        }
        self.run(Phase::ResponseBody);
    }

    /// Says which rule ends the exchange, if one has spoken up so far.
    pub fn interruption(&self) -> Option<&Interruption> {
        self.outcome.interruption.as_ref()
    }

    /// Says which rules have matched so far.
    pub fn matches(&self) -> &[Match] {
        &self.outcome.matches
    }

    /// Runs the rules of phase 5, and says what came of it all.
    pub fn finish(mut self) -> Outcome {
        self.run(Phase::Logging);
        let score = |name| {
            self.rules
                .names
                .known(name)
                .and_then(|slot| self.tx.number(slot))
        };
        self.outcome.inbound_score =
            score("blocking_inbound_anomaly_score").or(score("anomaly_score"));
        self.outcome.outbound_score =
            score("blocking_outbound_anomaly_score").or(score("outbound_anomaly_score"));
        self.outcome
    }

    fn single(&mut self, collection: Collection, bytes: impl Into<Cow<'q, [u8]>>) {
        self.values.single(&mut self.texts, collection, bytes);
    }

    /// Returns the first value of a collection.
    fn first(&self, collection: Collection) -> &[u8] {
        let id = self.values.of(collection).next();
        id.and_then(|id| self.values.get(id))
            .map_or(&b""[..], |value| self.texts.bytes(value.text))
    }

    fn run(&mut self, phase: Phase) {
        let stopped = self.outcome.interruption.is_some() && phase != Phase::Logging;
        let allowed = self.allowed.get(phase.index()).copied().unwrap_or_default();
        if self.engine == Engine::Off || stopped || allowed {
            return;
        }
        let rules = self.rules;
        self.forget_grown();
        let program = rules
            .programs
            .get(phase.index())
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut at = 0;
        while let Some(&Step { rule: n, gate }) = program.get(at) {
            at += 1;
            if self.removed.rule(n) {
                continue;
            }
            if !self.passes(gate) {
                self.matched.clear();
                continue;
            }
            let Some(rule) = rules.rules.get(n) else {
                continue;
            };
            if !self.meets(n, rule) {
                continue;
            }
            if let Some(jump) = rule.jump {
                at = jump;
            }
            if self.conclude(rule) {
                return;
            }
        }
    }

    /// Forgets what is known of lists that got values.
    fn forget_grown(&mut self) {
        let grown = self.values.take_grown();
        let stale = |list: usize| {
            let list = self.rules.lists.get(list);
            list.is_none_or(|list| list.collections.meets(grown))
        };
        for (n, ids) in self.listed.iter_mut().enumerate() {
            if ids.is_some() && stale(n) {
                *ids = None;
            }
        }
        for (known, group) in self.groups.iter_mut().zip(&self.rules.groups) {
            if known.is_some() && stale(group.list) {
                *known = None;
            }
        }
    }

    /// Says whether a rule could match, as far as that can be told at a glance.
    #[inline]
    fn passes(&mut self, gate: Gate) -> bool {
        match gate {
            Gate::Open => true,
            Gate::Number {
                slot,
                order,
                bound,
                negated,
            } => {
                let value = self.tx.number(slot);
                value.is_some_and(|value| order.holds(value, bound) != negated)
            }
            Gate::Search { group, test } => self.possible(group, test),
        }
    }

    /// Says whether every condition of a rule is met; what each does when met is done.
    fn meets(&mut self, n: usize, rule: &'r Rule) -> bool {
        rule.links.iter().all(|link| self.link(n, rule, link))
    }

    /// Records that a rule matched; says whether the phase is over.
    fn conclude(&mut self, rule: &Rule) -> bool {
        if let Some(severity) = rule.severity {
            self.highest = self.highest.min(severity.number());
        }
        if rule.log {
            let message = rule.message.as_ref().map(|text| self.expanded(text, rule));
            let data = rule.data.as_ref().map(|text| self.expanded(text, rule));
            let place = self.matched.last().map(|matched| self.place(matched));
            self.outcome.matches.push(Match {
                rule: rule.id,
                message: shown(&message.unwrap_or_default()),
                severity: rule.severity,
                tags: std::sync::Arc::clone(&rule.tags),
                place: shown(&place.unwrap_or_default()),
                data: shown(&data.unwrap_or_default()),
            });
        }
        let redirect = match &rule.disruptive {
            Disruptive::Pass | Disruptive::Block => return self.engine == Engine::Off,
            Disruptive::Allow(reach) => {
                let upto = match reach {
                    Allowed::Phase => return true,
                    Allowed::Request => 2,
                    Allowed::All => 4,
                };
                for allowed in self.allowed.iter_mut().take(upto) {
                    *allowed = true;
                }
                return true;
            }
            Disruptive::Deny | Disruptive::Drop => None,
            Disruptive::Redirect(place) => Some(place.clone()),
        };
        if self.engine != Engine::On || rule.phase == Phase::Logging {
            return self.engine == Engine::Off;
        }
        let status = match (&redirect, rule.status) {
            (Some(_), 301 | 302 | 303 | 307 | 308) => rule.status,
            (Some(_), _) => 302,
            (None, status) => status,
        };
        self.outcome.interruption = Some(Interruption {
            rule: rule.id,
            status,
            redirect,
        });
        true
    }
}
