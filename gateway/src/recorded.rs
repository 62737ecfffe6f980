//! A decision that was recorded, asked again: what its event has of the question.

use hangu_audit::event::HTTP_ACTIVITY;
use hangu_policy::analysis::replay::Recorded;
use serde_json::{Value, json};

use crate::clock::Calendar;
use crate::config::Configuration;

/// The decision of an event, with the facts that it rested on as far as the event and the configuration have them.
/// What an event does not have stays unknown, such as the trust in a device before events told it; a rule that hangs on it
/// does not apply if it allows.
pub fn recorded(
    configuration: &Configuration,
    calendar: &Calendar,
    event: &Value,
) -> Option<Recorded> {
    let at = |pointer: &str| event.pointer(pointer);
    let text = |pointer: &str| {
        at(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    // Acts of administrators are decided by the console's own policy.
    if at("/class_uid").and_then(Value::as_u64) != Some(u64::from(HTTP_ACTIVITY)) {
        return None;
    }
    let effect = at("/unmapped/decision/effect").and_then(Value::as_str)?;
    let portal = text("/unmapped/portal");
    let known = configuration
        .portals
        .iter()
        .find(|known| known.name == portal);
    let zone = text("/src_endpoint/zone");
    let zone = configuration
        .zones
        .iter()
        .find(|known| known.name == zone)
        .map_or_else(|| format!("zone:{zone}"), |known| known.policy_name.clone());
    let caller = match text("/actor/user/uid") {
        nobody if nobody.is_empty() => "anon".to_owned(),
        caller => caller,
    };
    let time = calendar.at(at("/time").and_then(Value::as_u64).unwrap_or(0));
    let mut request = json!({
        "sub": caller,
        "dom": known.map_or("", |portal| portal.department.as_str()),
        "src": zone,
        "host": text("/http_request/url/hostname"),
        "path": text("/http_request/url/path"),
        "act": text("/http_request/http_method"),
        "ctx": {
            "aal": at("/unmapped/assurance").and_then(Value::as_i64).unwrap_or(0),
            "risk": at("/unmapped/risk/caller").and_then(Value::as_i64).unwrap_or(0),
            "min": time.minute,
            "dow": time.weekday,
            "cert": at("/tls/certificate").is_some_and(|certificate| !certificate.is_null()),
        },
    });
    // Nobody has no device.
    let trust = at("/unmapped/device_trust").and_then(Value::as_i64);
    let trust = trust.or((caller == "anon").then_some(0));
    if let (Some(trust), Some(Value::Object(facts))) = (trust, request.get_mut("ctx")) {
        facts.insert("dev".to_owned(), trust.into());
    }
    let rules = at("/unmapped/decision/rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Some(Recorded {
        id: text("/unmapped/decision/id"),
        request,
        allowed: effect == "allow",
        rules: rules.filter_map(Value::as_str).map(str::to_owned).collect(),
        caller,
        portal,
    })
}
