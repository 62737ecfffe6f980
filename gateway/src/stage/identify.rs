//! Who is asking: bearer token, API key, session or client certificate, each a proof that is verified.
//!
//! Two credentials in one request must not be left to guesswork: a token beside an API key is refused, and either of
//! them goes before the session and the certificate. What is not accepted by the portal is not looked at, and passes to
//! the upstream as it came. A credential that does not hold is a refusal, never nobody.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use hangu_identity::Caller;
use hangu_identity::api_key::ApiKeyRefusal;
use hangu_identity::certificate::CertificateFacts;
use hangu_identity::session::{SessionRefusal, cookie};
use hangu_identity::token::TokenRefusal;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;

use crate::config::Method;
use crate::connection::{Mapped, Proven};
use crate::exchange::Exchange;
use crate::refusal::Refusal;

/// Which part of the request was the credential, so that it goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization`.
    Authorization,
}

/// What `Authorization` holds.
enum Presented<'a> {
    Token(&'a str),
    ApiKey(&'a str),
}

/// Identifies the caller; nobody where nothing was presented.
///
/// # Errors
/// `bad-credentials`, and `header-not-allowed` for several `Authorization` fields.
pub async fn caller(exchange: &mut Exchange, parts: &Parts) -> Result<Arc<Caller>, Refusal> {
    let caller = find(exchange, parts).await?;
    let zone = exchange
        .snapshot
        .zone(exchange.connection.zone)
        .ok_or(Refusal::Undecided)?;
    let caller = if caller.clearance > zone.settings.clearance {
        // What a caller may see depends on where it stands as well.
        Arc::new(Caller {
            clearance: zone.settings.clearance,
            ..(*caller).clone()
        })
    } else {
        caller
    };
    exchange.caller = Some(Arc::clone(&caller));
    Ok(caller)
}

async fn find(exchange: &mut Exchange, parts: &Parts) -> Result<Arc<Caller>, Refusal> {
    let portal = Arc::clone(exchange.portal()?);
    let accepted = &portal.settings.identify;
    let accepts = |method: Method| accepted.is_empty() || accepted.contains(&method);
    let presented = presented(parts)?;
    match presented {
        Some(Presented::Token(token)) if accepts(Method::Token) => {
            let caller = token_caller(exchange, token).await?;
            exchange.credential = Some(Credential::Authorization);
            return Ok(caller);
        }
        Some(Presented::ApiKey(key)) if accepts(Method::ApiKey) => {
            let caller = key_caller(exchange, key)?;
            exchange.credential = Some(Credential::Authorization);
            return Ok(caller);
        }
        Some(Presented::Token(_) | Presented::ApiKey(_)) | None => {}
    }
    if accepts(Method::Session)
        && let Some(caller) = session_caller(exchange, parts)?
    {
        return Ok(caller);
    }
    if accepts(Method::Certificate)
        && let Some(caller) = certificate_caller(exchange)
    {
        return Ok(caller);
    }
    Ok(Caller::nobody())
}

fn presented(parts: &Parts) -> Result<Option<Presented<'_>>, Refusal> {
    let mut fields = parts.headers.get_all(AUTHORIZATION).iter();
    let field = match (fields.next(), fields.next()) {
        (None, _) => return Ok(None),
        (Some(only), None) => only
            .to_str()
            .map_err(|_| Refusal::Header("authorization"))?,
        (Some(_), Some(_)) => return Err(Refusal::Header("authorization")),
    };
    let Some((scheme, value)) = field.split_once(' ') else {
        return Ok(None);
    };
    let value = value.trim_matches(' ');
    Ok(if scheme.eq_ignore_ascii_case("bearer") {
        Some(Presented::Token(value))
    } else if scheme.eq_ignore_ascii_case("apikey") {
        Some(Presented::ApiKey(value))
    } else {
        None
    })
}

/// The SHA-256 of the connection's client certificate.
fn certificate_digest(exchange: &Exchange) -> Option<[u8; 32]> {
    exchange.connection.peer().map(|p| p.digest)
}

async fn token_caller(exchange: &Exchange, token: &str) -> Result<Arc<Caller>, Refusal> {
    let gateway = &exchange.gateway;
    let snapshot = &exchange.snapshot;
    let now = exchange.now();
    let generation = snapshot.tokens.load().generation();
    let known = &exchange.connection.proven;
    let again = known.load().as_ref().and_then(|last| {
        let same = last.generation == generation
            && verify_slices_are_equal(last.token.as_bytes(), token.as_bytes()).is_ok();
        (same && last.verified.is_good_at(now)).then(|| Arc::clone(&last.verified))
    });
    let mut verified = match again {
        Some(verified) => Ok(verified),
        None => gateway.tokens.verify(&snapshot.tokens.load(), token, now),
    };
    if let Err(TokenRefusal::UnknownKey { issuer, .. }) = &verified {
        let issuer = issuer.clone();
        // Boxed: it is rare, and every request would keep room for it.
        if Box::pin(gateway.jwks.refresh(gateway, &issuer)).await {
            verified = gateway.tokens.verify(&snapshot.tokens.load(), token, now);
        }
    }
    let refused = |refusal: TokenRefusal| {
        tracing::debug!(%refusal, "token refused");
        Refusal::BadCredentials(refusal.code())
    };
    let verified = verified.map_err(refused)?;
    let kept = known.load();
    if kept
        .as_ref()
        .is_none_or(|last| !Arc::ptr_eq(&last.verified, &verified))
    {
        known.store(Some(Arc::new(Proven {
            token: token.into(),
            generation,
            verified: Arc::clone(&verified),
        })));
    }
    let certificate = if verified.is_bound() {
        certificate_digest(exchange)
    } else {
        None
    };
    verified
        .presented_by(certificate.as_ref())
        .map(Arc::clone)
        .map_err(refused)
}

fn key_caller(exchange: &Exchange, key: &str) -> Result<Arc<Caller>, Refusal> {
    let Some(keys) = &exchange.snapshot.identities.api_keys else {
        return Err(Refusal::BadCredentials(ApiKeyRefusal::Unknown.code()));
    };
    keys.verify(key, exchange.now())
        .map_err(|refusal| Refusal::BadCredentials(refusal.code()))
}

fn session_caller(exchange: &mut Exchange, parts: &Parts) -> Result<Option<Arc<Caller>>, Refusal> {
    let fields = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let Some(id) = cookie::find(fields) else {
        return Ok(None);
    };
    let certificate = certificate_digest(exchange);
    match exchange
        .gateway
        .sessions
        .find(id, certificate.as_ref(), exchange.now())
    {
        Ok(session) => {
            let caller = Arc::clone(session.caller());
            exchange.session = Some(session);
            Ok(Some(caller))
        }
        // A browser keeps the cookie of a session that has ended; it is asked to sign in again like anybody.
        Err(SessionRefusal::Ended | SessionRefusal::Idle | SessionRefusal::TooOld) => Ok(None),
        Err(refusal @ (SessionRefusal::Malformed | SessionRefusal::OtherCertificate)) => {
            Err(Refusal::BadCredentials(refusal.code()))
        }
    }
}

/// The caller that the connection's certificate stands for; looked up once for each connection and configuration.
fn certificate_caller(exchange: &Exchange) -> Option<Arc<Caller>> {
    let connection = &exchange.connection;
    let peer = connection.peer()?;
    let serial = exchange.snapshot.serial;
    if let Some(mapped) = &*connection.mapped.load()
        && mapped.serial == serial
    {
        return mapped.caller.clone();
    }
    let facts = peer
        .chain
        .first()
        .and_then(|leaf| CertificateFacts::from_der(leaf).ok());
    let rules = &exchange.snapshot.configuration.identity.certificates;
    let caller = facts.and_then(|facts| rules.caller(&facts));
    connection.mapped.store(Some(Arc::new(Mapped {
        serial,
        caller: caller.clone(),
    })));
    caller
}
