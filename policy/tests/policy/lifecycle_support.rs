//! Words that the tests of the life cycle share.

use hangu_policy::Revision;
use hangu_policy::lifecycle::store::memory::MemoryStore;
use hangu_policy::lifecycle::{
    Actor, Bundle, ChangeId, Failed, PublicKey, Refused, Registry, Role, Settings, SigningKey,
    Store, Text,
};

use crate::support::{GATEWAY_MODEL, GATEWAY_RULES};

pub(crate) const HOUR: u64 = 60 * 60 * 1000;

/// A moment well after 1970.
pub(crate) const NOON: u64 = 1_700_000_000_000;

pub(crate) fn ann() -> Actor {
    security("ann")
}

pub(crate) fn bo() -> Actor {
    security("bo")
}

pub(crate) fn cy() -> Actor {
    security("cy")
}

pub(crate) fn security(id: &str) -> Actor {
    Actor::new(id, Role::SecurityAdministrator)
}

/// The gateway's policy with these rows in place of its own.
pub(crate) fn of_rules(rules: &str) -> Bundle {
    Bundle {
        model: Text::new("model.conf", GATEWAY_MODEL),
        rules: vec![Text::new("rules.csv", rules)],
        ..Bundle::default()
    }
}

/// The gateway's policy with more rows.
pub(crate) fn with_rows(rows: &str) -> Bundle {
    of_rules(&format!("{}\n{rows}", GATEWAY_RULES.trim_end()))
}

/// The gateway's policy without the rows that contain a text.
pub(crate) fn without(text: &str) -> Bundle {
    let kept = |line: &&str| !line.contains(text);
    let rules: Vec<&str> = GATEWAY_RULES.lines().filter(kept).collect();
    assert!(rules.len() < GATEWAY_RULES.lines().count(), "{text}");
    of_rules(&rules.join("\n"))
}

pub(crate) fn founding() -> Bundle {
    of_rules(GATEWAY_RULES)
}

/// A small policy that differs from every other number's.
pub(crate) fn numbered(number: usize) -> Bundle {
    of_rules(&format!(
        "p, u:p{number}, web, *, *, /*, ^GET$, true, allow, rate:bronze\n"
    ))
}

pub(crate) fn revision(bundle: &Bundle) -> Revision {
    *bundle.snapshot().unwrap().revision()
}

pub(crate) fn key() -> Vec<u8> {
    SigningKey::generate_pkcs8().unwrap()
}

pub(crate) fn signing(der: &[u8]) -> SigningKey {
    SigningKey::from_pkcs8(der).unwrap()
}

pub(crate) fn public(der: &[u8]) -> PublicKey {
    signing(der).public().unwrap()
}

pub(crate) fn open<S: Store>(store: S, der: &[u8]) -> Result<Registry<S>, Failed> {
    Registry::open(store, signing(der), &[], Settings::default(), None)
}

/// A registry in memory in which the gateway's policy is live.
pub(crate) fn founded() -> Registry<MemoryStore> {
    founded_in(MemoryStore::new(), &key(), Settings::default())
}

pub(crate) fn founded_in<S: Store>(store: S, der: &[u8], settings: Settings) -> Registry<S> {
    let mut registry = Registry::open(store, signing(der), &[], settings, None).unwrap();
    registry
        .found(&founding(), &Actor::gateway(), "first start", NOON)
        .unwrap();
    registry
}

/// Drafts and submits by Ann.
pub(crate) fn in_review<S: Store>(registry: &mut Registry<S>, bundle: &Bundle) -> ChangeId {
    let id = registry.draft(bundle, &ann(), "wanted", NOON + 1).unwrap();
    registry.submit(id, &ann(), "ready", NOON + 2).unwrap();
    id
}

/// Approved by as many as it takes.
pub(crate) fn approved<S: Store>(registry: &mut Registry<S>, bundle: &Bundle) -> ChangeId {
    let id = in_review(registry, bundle);
    for by in [bo(), cy(), security("di")] {
        if !registry.change(id).unwrap().is_approved() {
            let named = bundle.id();
            registry
                .approve(id, &named, &by, "read it", NOON + 3)
                .unwrap();
        }
    }
    id
}

/// Live for everybody.
pub(crate) fn live<S: Store>(registry: &mut Registry<S>, bundle: &Bundle) -> ChangeId {
    let id = approved(registry, bundle);
    registry.promote(id, &bo(), "go", NOON + 4).unwrap();
    id
}

pub(crate) fn stage<S: Store>(registry: &Registry<S>, id: ChangeId) -> &'static str {
    registry.change(id).unwrap().stage.name()
}

/// The reason of a refusal; every other failure is a fault of the test.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Failed>) -> Refused {
    match result {
        Err(Failed::Refused(refused)) => refused,
        other => panic!("not refused: {other:?}"),
    }
}
