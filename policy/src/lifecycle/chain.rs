//! Reads a store back and believes nothing of it.

use std::collections::BTreeSet;

use super::bundle::{Bundle, BundleId};
use super::digest::Digest;
use super::failed::Failed;
use super::key::PublicKey;
use super::ledger::Ledger;
use super::record::Anchor;
use super::store::{Loaded, Store, StoreError};

/// Reads a store and judges every record of it.
pub(super) fn read(
    store: &mut impl Store,
    trusted: &[PublicKey],
    anchor: Option<Anchor>,
) -> Result<(Ledger, Anchor), Failed> {
    let Loaded { records, bundles } = store.load()?;
    let mut ledger = Ledger::default();
    let mut head = Anchor::start();
    let mut named = BTreeSet::new();
    let mut noted = anchor.is_none_or(|anchor| anchor == head);
    for sealed in &records {
        let number = head.records.saturating_add(1);
        let record = sealed
            .open(trusted, &head)
            .map_err(|source| Failed::Broken { number, source })?;
        ledger
            .apply(&record)
            .map_err(|source| Failed::Illegal { number, source })?;
        if let Some(id) = record.step.bundle()
            && named.insert(*id)
            && bundle(store, id)?.is_none()
        {
            return Err(Failed::Lost { number, id: *id });
        }
        head = Anchor {
            records: number,
            hash: sealed.hash(),
        };
        noted |= anchor == Some(head);
    }
    if !noted {
        let records = anchor.map_or(0, |anchor| anchor.records);
        return Err(Failed::SetBack { records });
    }
    // Record and bundle are written together; one that no record names was put there by an edit.
    match bundles.iter().find(|id| !named.contains(id)) {
        Some(id) => Err(StoreError::Bundle(*id).into()),
        None => Ok((ledger, head)),
    }
}

/// Reads a bundle; `None` if it is not kept or its content has another name.
pub(super) fn bundle(store: &mut impl Store, id: &BundleId) -> Result<Option<Bundle>, Failed> {
    let body = store.bundle(id)?;
    let intact = body.filter(|body| Digest::of(body) == *id);
    Ok(intact.and_then(|body| Bundle::decode(&body).ok()))
}
