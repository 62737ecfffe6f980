//! Whether this caller may do this here: the facts for the policy, and what its answer means.

use hangu_identity::Caller;
use hangu_policy::lifecycle::rollout::By;
use hangu_policy::{Decision, Grounds, Permit, Snapshot, Unjudged, Value};
use http::request::Parts;

use crate::clock::LocalTime;
use crate::exchange::{Decided, Exchange};
use crate::refusal::{Denial, Refusal};

/// The facts that a decision rests on.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The caller's id.
    pub sub: &'a str,
    /// The department that owns the portal.
    pub dom: &'a str,
    /// The zone the request came from.
    pub src: &'a str,
    /// The canonical host.
    pub host: &'a str,
    /// The canonical path.
    pub path: &'a str,
    /// The method.
    pub act: &'a str,
    /// The caller's assurance.
    pub aal: i64,
    /// Trust in the device, 0 to 100.
    pub dev: i64,
    /// Risk of caller and address, 0 to 100.
    pub risk: i64,
    /// The local time.
    pub time: LocalTime,
    /// Whether a verified client certificate is bound to the channel.
    pub cert: bool,
}

impl Question<'_> {
    /// Asks a policy.
    ///
    /// # Errors
    /// `not-decided` when the model wants something else than the gateway knows.
    pub fn ask(&self, policy: &Snapshot) -> Result<Decision, Refusal> {
        self.with(|values| policy.decide(values)).map_err(undecided)
    }

    /// Hands the question over in the order of the model.
    pub fn with<R>(&self, ask: impl FnOnce(&[Value<'_>]) -> R) -> R {
        let context = [
            ("aal", Value::Int(self.aal)),
            ("dev", Value::Int(self.dev)),
            ("risk", Value::Int(self.risk)),
            ("min", Value::Int(self.time.minute)),
            ("dow", Value::Int(self.time.weekday)),
            ("cert", Value::Bool(self.cert)),
        ];
        ask(&[
            Value::Str(self.sub),
            Value::Str(self.dom),
            Value::Str(self.src),
            Value::Str(self.host),
            Value::Str(self.path),
            Value::Str(self.act),
            Value::Map(&context),
        ])
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that `map_err` asks for"
)]
fn undecided(error: Unjudged) -> Refusal {
    tracing::error!(%error, "the policy could not be asked");
    Refusal::Undecided
}

/// The trust in a caller's device: an attribute that a certificate rule, an issuer or an identity file states.
pub fn device_trust(caller: &Caller) -> i64 {
    caller
        .attributes
        .get("device-trust")
        .and_then(|v| v.parse::<i64>().ok())
        .unwrap_or(0)
        .clamp(0, 100)
}

/// Decides. Only the permit that comes out lets a request be forwarded.
///
/// # Errors
/// `unidentified`, `step-up`, `denied-by-rule`, `no-rule-allows`, `obligation-not-fulfilled`, `not-decided`.
pub fn permit(exchange: &mut Exchange, caller: &Caller, parts: &Parts) -> Result<Permit, Refusal> {
    let snapshot = std::sync::Arc::clone(&exchange.snapshot);
    let portal = std::sync::Arc::clone(exchange.portal()?);
    let crossing = snapshot
        .crossing(exchange.connection.zone, portal.settings.zone)
        .ok_or(Refusal::NoCrossing)?;
    let zone = snapshot
        .zone(exchange.connection.zone)
        .ok_or(Refusal::Undecided)?;
    let known = if caller.is_nobody() {
        ""
    } else {
        caller.id.as_str()
    };
    let standing = exchange
        .gateway
        .tower
        .standing(known, exchange.address(), exchange.begun_ms);
    exchange.risk = standing.risk;
    exchange.throttled = standing.throttled;
    if caller.assurance.level() < crossing.assurance {
        return Err(if caller.is_nobody() {
            Refusal::Unidentified
        } else {
            Refusal::StepUp(crossing.assurance)
        });
    }
    let question = Question {
        sub: &caller.id,
        dom: &portal.settings.department,
        src: &zone.settings.policy_name,
        host: &exchange.host,
        path: &exchange.path,
        act: parts.method.as_str(),
        aal: i64::from(caller.assurance.level()),
        dev: device_trust(caller),
        risk: i64::from(exchange.risk),
        time: snapshot.calendar.at(exchange.begun_ms),
        cert: exchange.connection.peer().is_some(),
    };
    let (decision, by) = match &snapshot.trial {
        None => (question.ask(&snapshot.policy.compiled)?, By::Live),
        Some(trial) => {
            let (address, now) = (exchange.address(), exchange.begun_ms);
            question
                .with(|values| trial.decide(values, caller, address, now))
                .map_err(undecided)?
        }
    };
    let refusal = refusal_of(
        &decision,
        caller,
        &question,
        &snapshot.policy_of(by).compiled,
    );
    exchange.decision = Some(Decided::new(&decision, by));
    match (refusal, decision.into_permit()) {
        (None, Ok(permit)) => {
            let marks = snapshot.configuration.redact.watermark.is_some();
            fulfillable(&permit, caller, marks)?;
            Ok(permit)
        }
        (Some(refusal), _) => Err(refusal),
        (None, Err(_)) => Err(Refusal::Denied(Denial::Default)),
    }
}

/// What a denial means to the caller: sign in, sign in better, or no.
fn refusal_of(
    decision: &Decision,
    caller: &Caller,
    question: &Question<'_>,
    policy: &Snapshot,
) -> Option<Refusal> {
    match decision.grounds {
        Grounds::Rules => None,
        Grounds::ExplicitDeny => Some(Refusal::Denied(Denial::Explicit)),
        Grounds::NoRuleMatched if caller.is_nobody() => Some(Refusal::Unidentified),
        Grounds::NoRuleMatched => {
            // The counterfactual: the lowest assurance at which the same request would be allowed.
            let better = (question.aal + 1..=4).find(|aal| {
                Question {
                    aal: *aal,
                    ..question.clone()
                }
                .ask(policy)
                .is_ok_and(|d| d.into_permit().is_ok())
            });
            Some(match better.and_then(|aal| u8::try_from(aal).ok()) {
                Some(aal) => Refusal::StepUp(aal),
                None => Refusal::Denied(Denial::Default),
            })
        }
    }
}

/// An obligation that cannot be fulfilled makes an allow a refusal.
fn fulfillable(permit: &Permit, caller: &Caller, marks: bool) -> Result<(), Refusal> {
    let o = permit.obligations();
    if let Some(level) = o.stepup
        && caller.assurance.level() < level
    {
        return Err(Refusal::StepUp(level));
    }
    let beyond = o.watermark && !marks
        || o.quota.is_some()
        || !o.fields.is_empty()
        || !o.foureyes.is_empty();
    if beyond {
        Err(Refusal::Obligation)
    } else {
        Ok(())
    }
}
