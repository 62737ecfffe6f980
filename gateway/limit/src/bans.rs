//! All bans: the question on the path, and the list that people work with.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use foldhash::quality::RandomState;
use ipnet::IpNet;

use crate::address::canonical;
use crate::ban::{Ban, BanError, BanId, BanTarget, Fingerprint, NewBan, check_text, cut};
use crate::journal::{Entry, Journal, JournalError};

/// The most bans in force at once. Chosen: at some 500 bytes each, 25 MB.
const MOST: usize = 50_000;

/// The bans in force.
///
/// Questions read a snapshot without waiting for anyone. Changes are made one at a time, kept on disk if there is a
/// journal, and are seen by the next question.
#[derive(Debug)]
pub struct Bans {
    snapshot: ArcSwap<Snapshot>,
    /// Guards the list and its journal, so that both always tell the same story.
    ledger: Mutex<Ledger>,
    most: usize,
}

#[derive(Debug)]
struct Ledger {
    bans: BTreeMap<BanId, Arc<Ban>>,
    next: u64,
    exempt: Arc<[IpNet]>,
    journal: Option<Journal>,
}

/// The bans as questions need them; where several have the same target, the one that ends last.
#[derive(Debug, Default)]
struct Snapshot {
    networks: HashMap<(IpAddr, u8), Arc<Ban>, RandomState>,
    /// Prefix lengths that occur among IPv4 and IPv6 networks.
    lengths: [Vec<u8>; 2],
    callers: HashMap<String, Arc<Ban>, RandomState>,
    certificates: HashMap<Fingerprint, Arc<Ban>, RandomState>,
    exempt: Arc<[IpNet]>,
}

impl Default for Bans {
    fn default() -> Self {
        Self::new()
    }
}

impl Bans {
    /// No bans, and none kept over a restart.
    pub fn new() -> Self {
        let ledger = Ledger {
            bans: BTreeMap::new(),
            next: 1,
            exempt: Arc::default(),
            journal: None,
        };
        Self {
            snapshot: ArcSwap::default(),
            ledger: Mutex::new(ledger),
            most: MOST,
        }
    }

    /// The bans kept in the journal at `path` that are still in force at `now` (Unix milliseconds); a missing
    /// journal is begun. One process writes a journal at a time.
    ///
    /// # Errors
    /// If the journal cannot be read, has an unreadable line other than a torn last one, or cannot be written.
    pub fn open(path: &Path, now: u64) -> Result<Self, JournalError> {
        let (journal, kept) = Journal::open(path, now)?;
        let ledger = Ledger {
            bans: kept.bans,
            next: kept.next,
            exempt: Arc::default(),
            journal: Some(journal),
        };
        let snapshot = ArcSwap::from_pointee(Snapshot::of(&ledger));
        Ok(Self {
            snapshot,
            ledger: Mutex::new(ledger),
            most: MOST,
        })
    }

    /// The ban on this address at `now`, if there is one and the address is not exempt.
    pub fn address(&self, address: IpAddr, now: u64) -> Option<Arc<Ban>> {
        let snapshot = self.snapshot.load();
        if snapshot.networks.is_empty() {
            return None;
        }
        let address = canonical(address);
        let [v4, v6] = &snapshot.lengths;
        let lengths = if address.is_ipv4() { v4 } else { v6 };
        let ban = lengths
            .iter()
            .filter_map(|length| snapshot.networks.get(&(cut(address, *length), *length)))
            .find(|ban| ban.in_force(now))?;
        let exempt = snapshot.exempt.iter().any(|net| net.contains(&address));
        (!exempt).then(|| Arc::clone(ban))
    }

    /// The ban on this caller at `now`.
    pub fn caller(&self, id: &str, now: u64) -> Option<Arc<Ban>> {
        self.snapshot
            .load()
            .callers
            .get(id)
            .filter(|ban| ban.in_force(now))
            .cloned()
    }

    /// The ban on this client certificate at `now`, by the SHA-256 of its DER.
    pub fn certificate(&self, fingerprint: &[u8; 32], now: u64) -> Option<Arc<Ban>> {
        let snapshot = self.snapshot.load();
        snapshot
            .certificates
            .get(&Fingerprint(*fingerprint))
            .filter(|ban| ban.in_force(now))
            .cloned()
    }

    /// Makes a ban. It is in force when this returns, and on disk if there is a journal.
    ///
    /// # Errors
    /// If the terms are not a ban's, or as many as may be are in force; then nothing changes. With
    /// [`BanError::NotKept`] the ban is in force but would not outlive a restart.
    pub fn add(&self, terms: NewBan, now: u64) -> Result<Arc<Ban>, BanError> {
        let terms = terms.checked(now)?;
        self.change(|ledger| {
            ledger.bans.retain(|_, ban| ban.in_force(now));
            if ledger.bans.len() >= self.most {
                return Err(BanError::Full { most: self.most });
            }
            let ban = Arc::new(Ban {
                id: BanId(ledger.next),
                created: now,
                terms,
            });
            ledger.next = ledger.next.saturating_add(1);
            ledger.bans.insert(ban.id, Arc::clone(&ban));
            let kept = ledger.keep(&Entry::Ban(Ban::clone(&ban)));
            Ok(kept.map(|()| ban))
        })?
        .map_err(BanError::NotKept)
    }

    /// Ends a ban before its time and returns what it was.
    ///
    /// # Errors
    /// If a text is too long, there is no such ban in force, or the lifting cannot be kept on disk; then the ban stays.
    pub fn lift(&self, id: BanId, by: &str, reason: &str, now: u64) -> Result<Arc<Ban>, BanError> {
        check_text("name", by)?;
        check_text("reason", reason)?;
        self.change(|ledger| {
            let ban = ledger
                .bans
                .remove(&id)
                .filter(|ban| ban.in_force(now))
                .ok_or(BanError::Unknown { id })?;
            let entry = Entry::Lift {
                id,
                at: now,
                by: by.into(),
                reason: reason.into(),
            };
            if let Err(error) = ledger.keep(&entry) {
                ledger.bans.insert(id, ban);
                return Err(BanError::NotKept(error));
            }
            Ok(ban)
        })
    }

    /// Removes the bans that have ended and returns them; for a timer. Their effect ends without this.
    pub fn expire(&self, now: u64) -> Vec<Arc<Ban>> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if ledger.bans.values().all(|ban| ban.in_force(now)) {
            return Vec::new();
        }
        let (live, over): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut ledger.bans)
            .into_iter()
            .partition(|(_, ban)| ban.in_force(now));
        ledger.bans = live;
        self.snapshot.store(Arc::new(Snapshot::of(&ledger)));
        over.into_values().collect()
    }

    /// The bans in force at `now`, newest first.
    pub fn list(&self, now: u64) -> Vec<Arc<Ban>> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger
            .bans
            .values()
            .rev()
            .filter(|ban| ban.in_force(now))
            .cloned()
            .collect()
    }

    /// The bans in force at `now` that shut this address out, exempt or not, newest first.
    pub fn covering(&self, address: IpAddr, now: u64) -> Vec<Arc<Ban>> {
        let address = canonical(address);
        self.list(now)
            .into_iter()
            .filter(|ban| ban.covers(address))
            .collect()
    }

    /// Sets the networks that no ban on a network shuts out: operators, health checks, the gateway's own peers.
    pub fn exempt(&self, networks: &[IpNet]) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.exempt = networks.into();
        self.snapshot.store(Arc::new(Snapshot::of(&ledger)));
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Ledger) -> Result<T, BanError>,
    ) -> Result<T, BanError> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = change(&mut ledger)?;
        self.snapshot.store(Arc::new(Snapshot::of(&ledger)));
        Ok(outcome)
    }
}

impl Ledger {
    fn keep(&mut self, entry: &Entry) -> Result<(), JournalError> {
        match &mut self.journal {
            Some(journal) => journal.append(entry, &self.bans, self.next),
            None => Ok(()),
        }
    }
}

impl Snapshot {
    fn of(ledger: &Ledger) -> Self {
        let mut snapshot = Self {
            exempt: Arc::clone(&ledger.exempt),
            ..Self::default()
        };
        for ban in ledger.bans.values() {
            match &ban.terms.target {
                BanTarget::Network(net) => {
                    let [v4, v6] = &mut snapshot.lengths;
                    let lengths = if net.addr().is_ipv4() { v4 } else { v6 };
                    if !lengths.contains(&net.prefix_len()) {
                        lengths.push(net.prefix_len());
                    }
                    later(
                        &mut snapshot.networks,
                        (net.network(), net.prefix_len()),
                        ban,
                    );
                }
                BanTarget::Caller(id) => later(&mut snapshot.callers, id.clone(), ban),
                BanTarget::Certificate(fingerprint) => {
                    later(&mut snapshot.certificates, *fingerprint, ban)
                }
            }
        }
        snapshot
    }
}

fn later<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, Arc<Ban>, RandomState>,
    key: K,
    ban: &Arc<Ban>,
) {
    let place = map.entry(key).or_insert_with(|| Arc::clone(ban));
    if place.terms.until < ban.terms.until {
        *place = Arc::clone(ban);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    #[test]
    fn a_ban_holds_to_the_last_millisecond_before_its_end() {
        let bans = Bans::new();
        bans.add(network("192.0.2.7/32", NOW + 1_000), NOW).unwrap();
        assert!(bans.address(ip("192.0.2.7"), NOW + 999).is_some());
        assert!(bans.address(ip("192.0.2.7"), NOW + 1_000).is_none());
        assert!(bans.address(ip("192.0.2.8"), NOW).is_none());
    }

    #[test]
    fn a_ban_needs_an_end_in_the_future_and_within_a_year() {
        let bans = Bans::new();
        assert!(matches!(
            bans.add(network("192.0.2.7/32", NOW), NOW),
            Err(BanError::EndsInThePast)
        ));
        assert!(matches!(
            bans.add(network("192.0.2.7/32", u64::MAX), NOW),
            Err(BanError::TooLong)
        ));
        assert!(bans.list(NOW).is_empty());
    }

    #[test]
    fn a_banned_address_cannot_come_back_as_a_mapped_one_or_from_the_same_slash_64() {
        let bans = Bans::new();
        bans.add(network("192.0.2.7/32", NOW + 1), NOW).unwrap();
        bans.add(
            terms(BanTarget::address(ip("2001:db8:1:2::7")), NOW + 1),
            NOW,
        )
        .unwrap();
        assert!(bans.address(ip("::ffff:192.0.2.7"), NOW).is_some());
        assert!(bans.address(ip("2001:db8:1:2:3:4:5:6"), NOW).is_some());
        assert!(bans.address(ip("2001:db8:1:3::7"), NOW).is_none());
        bans.add(network("::ffff:198.51.100.0/120", NOW + 1), NOW)
            .unwrap();
        assert!(bans.address(ip("198.51.100.200"), NOW).is_some());
    }

    #[test]
    fn callers_and_certificates_are_banned_by_their_exact_name() {
        let bans = Bans::new();
        bans.add(terms(BanTarget::Caller("zhang".into()), NOW + 9), NOW)
            .unwrap();
        bans.add(
            terms(BanTarget::Certificate(Fingerprint([7; 32])), NOW + 9),
            NOW,
        )
        .unwrap();
        assert!(bans.caller("zhang", NOW).is_some());
        assert!(bans.caller("Zhang", NOW).is_none() && bans.caller("", NOW).is_none());
        assert!(bans.certificate(&[7; 32], NOW).is_some());
        assert!(bans.certificate(&[8; 32], NOW).is_none());
        assert!(matches!(
            bans.add(terms(BanTarget::Caller(String::new()), NOW + 9), NOW),
            Err(BanError::NoCaller)
        ));
    }

    #[test]
    fn lifting_one_of_two_bans_on_a_target_leaves_the_other() {
        let bans = Bans::new();
        let long = bans.add(network("192.0.2.7/32", NOW + 100), NOW).unwrap();
        let short = bans.add(network("192.0.2.7/32", NOW + 50), NOW).unwrap();
        assert_eq!(bans.address(ip("192.0.2.7"), NOW).unwrap().id, long.id);
        bans.lift(long.id, "wang", "false alarm", NOW).unwrap();
        assert_eq!(bans.address(ip("192.0.2.7"), NOW).unwrap().id, short.id);
        bans.lift(short.id, "wang", "false alarm", NOW).unwrap();
        assert!(bans.address(ip("192.0.2.7"), NOW).is_none());
        assert!(matches!(
            bans.lift(short.id, "wang", "again", NOW),
            Err(BanError::Unknown { .. })
        ));
    }

    #[test]
    fn an_ended_wide_ban_does_not_hide_a_narrow_one_in_force() {
        let bans = Bans::new();
        bans.add(network("192.0.0.0/16", NOW + 10), NOW).unwrap();
        bans.add(network("192.0.2.0/24", NOW + 20), NOW).unwrap();
        assert!(bans.address(ip("192.0.2.7"), NOW + 15).is_some());
    }

    #[test]
    fn an_exempt_network_is_never_shut_out_by_a_ban_around_it() {
        let bans = Bans::new();
        bans.exempt(&["192.0.2.0/28".parse().unwrap()]);
        bans.add(network("192.0.2.0/24", NOW + 10), NOW).unwrap();
        assert!(bans.address(ip("192.0.2.7"), NOW).is_none());
        assert!(bans.address(ip("192.0.2.70"), NOW).is_some());
        assert_eq!(bans.covering(ip("192.0.2.7"), NOW).len(), 1);
        bans.exempt(&[]);
        assert!(bans.address(ip("192.0.2.7"), NOW).is_some());
    }

    #[test]
    fn the_list_is_bounded_and_says_so() {
        let bans = Bans {
            most: 3,
            ..Bans::new()
        };
        for last in 1..=3 {
            bans.add(network(&format!("192.0.2.{last}/32"), NOW + last), NOW)
                .unwrap();
        }
        let error = bans.add(network("192.0.2.4/32", NOW + 9), NOW).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`3` bans are in force, which is the most; lift some, or ban a network in their place"
        );
        assert!(bans.add(network("192.0.2.4/32", NOW + 9), NOW + 1).is_ok());
    }

    #[test]
    fn ended_bans_are_handed_out_once() {
        let bans = Bans::new();
        bans.add(network("192.0.2.1/32", NOW + 5), NOW).unwrap();
        bans.add(network("192.0.2.2/32", NOW + 6), NOW).unwrap();
        assert_eq!(bans.expire(NOW + 4).len(), 0);
        assert_eq!(bans.expire(NOW + 5).len(), 1);
        assert_eq!(bans.expire(NOW + 5).len(), 0);
        assert_eq!(bans.list(NOW + 5).len(), 1);
    }

    #[test]
    fn a_restart_keeps_bans_and_liftings_and_never_gives_a_number_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.jsonl");
        let bans = Bans::open(&path, NOW).unwrap();
        let first = bans.add(network("192.0.2.1/32", NOW + 1_000), NOW).unwrap();
        let second = bans
            .add(terms(BanTarget::Caller("张三".into()), NOW + 1_000), NOW)
            .unwrap();
        let third = bans
            .add(
                terms(BanTarget::Certificate(Fingerprint([9; 32])), NOW + 10),
                NOW,
            )
            .unwrap();
        bans.lift(first.id, "wang", "mistake", NOW).unwrap();
        drop(bans);
        let bans = Bans::open(&path, NOW + 5).unwrap();
        assert_eq!(bans.list(NOW + 5), [third, Arc::clone(&second)]);
        assert!(bans.caller("张三", NOW + 5).is_some());
        drop(bans);
        let bans = Bans::open(&path, NOW + 10).unwrap();
        assert_eq!(bans.list(NOW + 10), [second]);
        assert_eq!(
            bans.add(network("192.0.2.9/32", NOW + 50), NOW + 10)
                .unwrap()
                .id,
            BanId(4)
        );
    }

    #[test]
    fn a_torn_tail_loses_only_the_line_that_was_never_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.jsonl");
        let bans = Bans::open(&path, NOW).unwrap();
        for last in 1..=3 {
            bans.add(network(&format!("192.0.2.{last}/32"), NOW + 1_000), NOW)
                .unwrap();
        }
        drop(bans);
        let whole = fs::read(&path).unwrap();
        let last_line = whole[..whole.len() - 1]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .unwrap()
            + 1;
        for cut in last_line..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let bans = Bans::open(&path, NOW).unwrap();
            assert_eq!(bans.list(NOW).len(), 2, "cut at {cut}");
            bans.add(network("198.51.100.1/32", NOW + 1_000), NOW)
                .unwrap();
            drop(bans);
            assert_eq!(
                Bans::open(&path, NOW).unwrap().list(NOW).len(),
                3,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_damaged_line_stops_the_opening_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.jsonl");
        let bans = Bans::open(&path, NOW).unwrap();
        bans.add(network("192.0.2.1/32", NOW + 1_000), NOW).unwrap();
        drop(bans);
        let mut text = fs::read(&path).unwrap();
        text.extend(b"{\"lift\":{\"id\":\n");
        fs::write(&path, &text).unwrap();
        let error = Bans::open(&path, NOW).unwrap_err();
        assert!(
            matches!(error, JournalError::Corrupt { line: 3, .. }),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), text);
    }

    #[test]
    fn a_journal_of_many_changes_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.jsonl");
        let bans = Bans::open(&path, NOW).unwrap();
        for _ in 0..400 {
            let ban = bans.add(network("192.0.2.1/32", NOW + 1_000), NOW).unwrap();
            bans.lift(ban.id, "wang", "test", NOW).unwrap();
        }
        let lines = fs::read(&path)
            .unwrap()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        assert!(lines < 300, "{lines}");
    }

    #[test]
    fn a_ban_that_cannot_be_kept_is_in_force_and_kept_by_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("state");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("bans.jsonl");
        let bans = Bans::open(&path, NOW).unwrap();
        let ban = bans.add(network("192.0.2.1/32", NOW + 1_000), NOW).unwrap();
        // As after a failed write; with its folder gone the journal cannot be begun anew either.
        bans.ledger
            .lock()
            .unwrap()
            .journal
            .as_mut()
            .unwrap()
            .forget_file();
        fs::remove_dir_all(&inner).unwrap();
        let error = bans
            .add(network("192.0.2.2/32", NOW + 1_000), NOW)
            .unwrap_err();
        assert!(matches!(error, BanError::NotKept(_)));
        assert!(bans.address(ip("192.0.2.2"), NOW).is_some());
        assert!(matches!(
            bans.lift(ban.id, "wang", "mistake", NOW),
            Err(BanError::NotKept(_))
        ));
        assert!(bans.address(ip("192.0.2.1"), NOW).is_some());
        fs::create_dir(&inner).unwrap();
        bans.add(network("192.0.2.3/32", NOW + 1_000), NOW).unwrap();
        drop(bans);
        assert_eq!(Bans::open(&path, NOW).unwrap().list(NOW).len(), 3);
    }

    proptest! {
        #[test]
        fn an_address_is_shut_out_exactly_if_some_network_in_force_contains_it(
            nets in prop::collection::vec((any::<u32>(), 8u8..=32, 1u64..100), 0..20),
            probes in prop::collection::vec((any::<u32>(), prop::option::of(any::<prop::sample::Index>())), 1..30),
            at in 0u64..100,
        ) {
            let bans = Bans::new();
            let nets: Vec<(IpNet, u64)> = nets
                .into_iter()
                .map(|(bits, len, until)| (IpNet::new(std::net::Ipv4Addr::from_bits(bits).into(), len).unwrap().trunc(), until))
                .collect();
            for (net, until) in &nets {
                bans.add(terms(BanTarget::Network(*net), *until), 0).unwrap();
            }
            for (bits, near) in probes {
                let address: IpAddr = match near {
                    Some(index) if !nets.is_empty() => index.get(&nets).0.broadcast(),
                    _ => std::net::Ipv4Addr::from_bits(bits).into(),
                };
                let model = nets.iter().any(|(net, until)| at < *until && net.contains(&address));
                prop_assert_eq!(bans.address(address, at).is_some(), model);
            }
        }
    }

    proptest! {
        // Each case waits for the disk many times.
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Beside a plain list: whatever is added, lifted, torn off and opened again, the same bans are in force.
        #[test]
        fn a_journal_tells_the_same_story_after_any_restarts(
            steps in prop::collection::vec((0u8..6, 0u8..6, 1u64..200), 1..60),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("bans.jsonl");
            let mut bans = Bans::open(&path, NOW).unwrap();
            let mut model: BTreeMap<BanId, u64> = BTreeMap::new();
            let mut highest = BanId(0);
            let mut now = NOW;
            for (action, which, span) in steps {
                match action {
                    0..=2 => {
                        let ban = bans.add(network(&format!("192.0.2.{which}/32"), now + span), now).unwrap();
                        prop_assert!(ban.id > highest);
                        highest = ban.id;
                        model.insert(ban.id, now + span);
                    }
                    3 => {
                        let id = model.keys().nth(usize::from(which)).copied().unwrap_or(BanId(9_999));
                        let there = model.remove(&id).is_some_and(|until| now < until);
                        prop_assert_eq!(bans.lift(id, "wang", "test", now).is_ok(), there);
                    }
                    4 => now += span / 4,
                    _ => {
                        drop(bans);
                        let mut text = fs::read(&path).unwrap();
                        text.extend(&br#"{"ban":{"id":77,"cre"#[..usize::from(which) * 3]);
                        fs::write(&path, text).unwrap();
                        bans = Bans::open(&path, now).unwrap();
                    }
                }
                model.retain(|_, until| now < *until);
                let kept: BTreeMap<BanId, u64> =
                    bans.list(now).iter().map(|ban| (ban.id, ban.terms.until)).collect();
                prop_assert_eq!(&kept, &model);
            }
        }

        #[test]
        fn no_bytes_in_a_journal_panic(text in prop::collection::vec(any::<u8>(), 0..400), lines in any::<bool>()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("bans.jsonl");
            let mut text = text;
            if lines {
                text.push(b'\n');
            }
            fs::write(&path, &text).unwrap();
            let opened = Bans::open(&path, NOW);
            prop_assert_eq!(opened.is_ok(), !text.contains(&b'\n'));
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(net: &str, until: u64) -> NewBan {
        terms(BanTarget::Network(net.parse().unwrap()), until)
    }

    fn terms(target: BanTarget, until: u64) -> NewBan {
        NewBan {
            target,
            reason: "扫描 scanning".into(),
            until,
            by: "rule".into(),
            evidence: Some("alert-1".into()),
        }
    }
}
