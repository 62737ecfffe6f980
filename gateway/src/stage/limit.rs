//! Who is shut out, how often one may ask, and how much at once.

use std::hash::BuildHasher as _;
use std::num::NonZeroU32;

use hangu_identity::Caller;
use hangu_limit::{AddressKey, Guard, Outcome};
use hangu_policy::{Permit, RateClass};

use crate::exchange::Exchange;
use crate::refusal::Refusal;

/// Stands for the throttle among the rate classes.
const THROTTLE: u8 = u8::MAX;

/// What a request holds while it is in progress.
#[derive(Debug)]
pub struct Held {
    /// Its place among its caller's requests.
    pub place: Guard<u64>,
    /// How much of the caller's rate is left, for the RateLimit fields.
    pub rate: Option<(RateClass, Outcome)>,
}

/// Bans of the address and the certificate, and the address's rate: before anything is spent on the request.
///
/// # Errors
/// `banned` and `rate-limited`.
pub fn address(exchange: &mut Exchange) -> Result<(), Refusal> {
    let gateway = &exchange.gateway;
    let address = exchange.address();
    if gateway.bans.address(address, exchange.begun_ms).is_some() {
        return Err(Refusal::Banned("address"));
    }
    if let Some(peer) = exchange.connection.peer()
        && gateway
            .bans
            .certificate(&peer.digest, exchange.begun_ms)
            .is_some()
    {
        return Err(Refusal::Banned("certificate"));
    }
    let rate = &exchange.snapshot.rates.address;
    let outcome = gateway
        .addresses
        .check(&AddressKey::from(address), rate, exchange.begun, 1);
    limited("address", &outcome)
}

/// A fingerprint as bytes.
pub fn fingerprint(hex: &str) -> Option<[u8; 32]> {
    let mut out = [0u8; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Refuses what a limit did not let through.
///
/// # Errors
/// `rate-limited`.
pub fn limited(limit: &'static str, outcome: &Outcome) -> Result<(), Refusal> {
    if outcome.is_allowed() {
        return Ok(());
    }
    Err(Refusal::RateLimited {
        limit,
        outcome: *outcome,
    })
}

/// The ban of a caller.
///
/// # Errors
/// `banned`.
pub fn ban(exchange: &Exchange, caller: &Caller) -> Result<(), Refusal> {
    if !caller.is_nobody()
        && exchange
            .gateway
            .bans
            .caller(&caller.id, exchange.begun_ms)
            .is_some()
    {
        return Err(Refusal::Banned("caller"));
    }
    Ok(())
}

/// The rate of a caller in its class, and its requests in progress. Nobody is told apart by address.
///
/// # Errors
/// `rate-limited`, `too-many-at-once`, and `obligation-not-fulfilled` for a class without a rate.
pub fn caller(exchange: &Exchange, caller: &Caller, permit: &Permit) -> Result<Held, Refusal> {
    let gateway = &exchange.gateway;
    let portal = exchange.portal()?;
    let who = if caller.is_nobody() {
        gateway
            .hasher
            .hash_one(AddressKey::from(exchange.address()))
    } else {
        gateway.hasher.hash_one(&caller.id)
    };
    let mut rate = None;
    if exchange.throttled {
        let outcome = gateway.callers.check(
            &(who, THROTTLE),
            &exchange.snapshot.rates.throttle,
            exchange.begun,
            1,
        );
        limited("throttle", &outcome)?;
    }
    if let Some(class) = permit.obligations().rate {
        let limit = exchange
            .snapshot
            .rates
            .class(class)
            .ok_or(Refusal::Obligation)?;
        let outcome = gateway
            .callers
            .check(&(who, class as u8), limit, exchange.begun, 1);
        limited(class.name(), &outcome)?;
        rate = Some((class, outcome));
    }
    let key = gateway.hasher.hash_one((who, exchange.portal));
    let most = NonZeroU32::new(portal.settings.concurrency).unwrap_or(NonZeroU32::MIN);
    let place = gateway
        .concurrency
        .enter(key, most)
        .map_err(|_| Refusal::TooManyAtOnce(most))?;
    Ok(Held { place, rate })
}
