//! Why a request was decided as it was.
//!
//! What was decided comes from its event. What nearly applied comes from asking the policy in force the same question
//! again, as far as the event has it; what it does not have is said.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use hangu_audit::Timestamp;
use hangu_audit::event::{Owned, OwnedDecision};
use hangu_policy::{Effect, Explanation, Value as Fact};
use memchr::memmem;
use serde_json::{Map, Value, json};

use crate::admin::context::Context;
use crate::admin::events::{of, reading};
use crate::admin::policy::text;
use crate::admin::problem::Problem;
use crate::admin::strict::Named;
use crate::clock;
use crate::gateway::Gateway;
use crate::snapshot::Snapshot;
use crate::stage::decide::device_trust;

/// How far back a decision is looked for: the pages that are read, one after the other.
const PAGES: [usize; 6] = [2_000, 18_000, 45_000, 45_000, 45_000, 45_000];

/// Explains a decision.
pub async fn explain(
    State(context): State<Context>,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let id = id.to_ascii_lowercase();
    let unknown = || {
        Problem::new(
            axum::http::StatusCode::NOT_FOUND,
            "decision-unknown",
            "there is no such decision",
            "没有这个判定",
        )
        .detail(
            "it is not among the latest 200,000 events",
            "最近 20 万条事件中没有这个判定",
        )
    };
    if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let answer = reading(&context, move |gateway| match find(gateway, &id)? {
        Some((number, event)) => Ok(explanation(gateway, number, event)),
        None => Ok(None),
    });
    answer
        .await?
        .map(|answer| Json(answer).into_response())
        .ok_or_else(unknown)
}

/// The request with this id, looked for from the newest event backwards.
fn find(gateway: &Gateway, id: &str) -> Result<Option<(u64, Owned)>, Problem> {
    let needle = memmem::Finder::new(id.as_bytes());
    let mut before = None;
    for page in PAGES {
        let records = gateway
            .journal
            .read_back(before, page)
            .map_err(|error| Problem::failed(&error))?;
        before = records.last().map(|(number, _)| *number);
        let whole = records.len() == page;
        let mut named = records
            .iter()
            .filter(|(_, record)| needle.find(&record.event).is_some());
        let event = named.find_map(|(number, record)| {
            let event: Owned = serde_json::from_slice(&record.event).ok()?;
            let decides = event.decision_id() == Some(id);
            (decides && event.metadata.uid == id && event.http_request.is_some())
                .then_some((*number, event))
        });
        if event.is_some() || !whole {
            return Ok(event);
        }
    }
    Ok(None)
}

/// What the event has of the question that was asked.
struct Asked {
    sub: String,
    dom: String,
    src: String,
    host: String,
    path: String,
    act: String,
    /// Attributes; what is not known is left out.
    ctx: Vec<(&'static str, i64)>,
    cert: bool,
}

impl Asked {
    fn of(gateway: &Gateway, snapshot: &Snapshot, event: &Owned) -> Self {
        let request = event.http_request.clone().unwrap_or_default();
        let portal = event.unmapped.portal.as_deref();
        let portal =
            portal.and_then(|name| snapshot.portals.iter().find(|p| p.settings.name == name));
        let zone = event.src_endpoint.zone.as_deref().unwrap_or_default();
        let sub = event
            .actor
            .as_ref()
            .map_or_else(|| "anon".to_owned(), |actor| actor.user.uid.clone());
        let Timestamp(time) = event.time;
        let time = snapshot.calendar.at(u64::try_from(time).unwrap_or(0));
        let mut ctx = vec![
            ("aal", i64::from(event.unmapped.assurance.unwrap_or(0))),
            (
                "risk",
                event
                    .unmapped
                    .risk
                    .as_ref()
                    .map_or(0, |r| i64::from(r.caller)),
            ),
            ("min", time.minute),
            ("dow", time.weekday),
        ];
        // A device's trust is not recorded; somebody who is signed in still has it.
        let device = gateway
            .sessions
            .list(Some(&sub), clock::now())
            .first()
            .map(|s| device_trust(&s.caller));
        ctx.extend(device.map(|dev| ("dev", dev)));
        Self {
            dom: portal.map_or_else(String::new, |p| p.settings.department.clone()),
            src: format!("zone:{zone}"),
            host: request.url.hostname.unwrap_or_default(),
            path: request.url.path.unwrap_or_default(),
            act: request.http_method,
            cert: event
                .tls
                .as_ref()
                .is_some_and(|tls| tls.certificate.is_some()),
            sub,
            ctx,
        }
    }

    fn explain<'s>(&self, snapshot: &'s Snapshot) -> Option<Explanation<'s>> {
        let mut context: Vec<(&str, Fact<'_>)> = self
            .ctx
            .iter()
            .map(|(name, n)| (*name, Fact::Int(*n)))
            .collect();
        context.push(("cert", Fact::Bool(self.cert)));
        let texts = [
            &self.sub, &self.dom, &self.src, &self.host, &self.path, &self.act,
        ];
        let mut values: Vec<Fact<'_>> = texts.iter().map(|text| Fact::Str(text)).collect();
        values.push(Fact::Map(&context));
        snapshot.policy.compiled.explain(&values).ok()
    }

    fn json(&self) -> Value {
        let mut ctx: Map<String, Value> = self
            .ctx
            .iter()
            .map(|(name, n)| ((*name).to_owned(), json!(n)))
            .collect();
        ctx.insert("cert".to_owned(), json!(self.cert));
        json!({
            "sub": self.sub, "dom": self.dom, "src": self.src, "host": self.host, "path": self.path,
            "act": self.act, "ctx": ctx,
        })
    }
}

fn explanation(gateway: &Gateway, number: u64, event: Owned) -> Option<Value> {
    let snapshot = gateway.snapshot.load();
    let decision = event.unmapped.decision.clone()?;
    let asked = Asked::of(gateway, &snapshot, &event);
    let again = asked.explain(&snapshot);
    // Only a rule of the other effect could have changed the answer.
    let other = if decision.effect == "allow" {
        Effect::Deny
    } else {
        Effect::Allow
    };
    let nearest: Vec<Value> = again
        .iter()
        .flat_map(|explanation| &explanation.nearest)
        .filter(|miss| miss.rule.effect == other)
        .map(|miss| {
            let values: Vec<String> = miss.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            json!({ "rule": text(&miss.rule), "failed": format!("{} ({})", miss.failed, values.join(", ")) })
        })
        .collect();
    let same_revision = decision.revision == snapshot.policy.revision;
    let rules: Vec<Value> = decision
        .rules
        .iter()
        .map(|name| rule(&snapshot, name, same_revision))
        .collect();
    let obligations: Map<String, Value> = decision
        .obligations
        .iter()
        .filter_map(|text| text.split_once(':'))
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    Some(json!({
        "decision_id": event.decision_id(),
        "effect": decision.effect,
        "grounds": decision.grounds,
        "revision": decision.revision,
        "rules": rules,
        "obligations": obligations,
        "request": asked.json(),
        "nearest": nearest,
        "note": note(&asked, &decision, again.as_ref(), same_revision),
        "event": of(number, event),
    }))
}

/// A rule by the name that events give it, with its text where it is still the same.
fn rule(snapshot: &Snapshot, name: &str, same_revision: bool) -> Value {
    let known = same_revision
        .then(|| {
            snapshot
                .policy
                .compiled
                .rules()
                .find(|rule| snapshot.policy.rule_name(rule.ordinal) == name)
        })
        .flatten();
    match known {
        Some(rule) => text(&rule),
        None => {
            let (file, line) = name.rsplit_once(':').unwrap_or((name, "0"));
            json!({ "id": name, "file": file, "line": line.parse::<u32>().unwrap_or(0), "text": "" })
        }
    }
}

fn note(
    asked: &Asked,
    decision: &OwnedDecision,
    again: Option<&Explanation<'_>>,
    same_revision: bool,
) -> String {
    let mut notes = Vec::new();
    if !same_revision {
        notes.push(format!(
            "判定时的策略版本为 {}，已不再生效；最接近的规则来自当前策略。Decided under {}, which is no longer in force; the nearest rules are those of the present policy.",
            decision.revision, decision.revision
        ));
    }
    let device = asked.ctx.iter().any(|(name, _)| *name == "dev");
    if !device {
        notes.push(
            "设备信任度未记录，依赖它的规则未复核。The trust in the device is not recorded; rules that ask for it were not asked again."
                .to_owned(),
        );
    }
    let masked = asked.path.contains('*');
    if masked {
        notes.push("记录中的路径已脱敏。The path is recorded masked.".to_owned());
    }
    let whole = device && !masked;
    match again {
        None => notes.push("当前策略无法复核该请求。The present policy cannot judge this request.".to_owned()),
        // Where facts are missing, another answer says nothing.
        Some(again) if whole && (again.decision.effect == Effect::Allow) != (decision.effect == "allow") => notes.push(
            "按已记录的事实和当前策略复核，结果不同。Asked again with what is recorded, the present policy answers differently."
                .to_owned(),
        ),
        Some(_) => {}
    }
    notes.join(" ")
}
