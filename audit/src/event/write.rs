//! From an [`Event`] to the JSON of a record.

use super::json::{Cut, Json};
use super::{
    Actor, Administration, Alert, Authentication, CallerKind, Decision, Effect, Endpoint, Event,
    Remedy, Request, Response, Status, Tls, What,
};
use crate::frame::MAX_RECORD;

/// What the metadata of every event says.
const METADATA: &str = r#""version":"1.8.0","profiles":["security_control"]"#;
const PRODUCT: &str = r#""name":"Hangu","vendor_name":"Hangu""#;

/// Nothing is cut.
const WHOLE: Cut = Cut {
    text: usize::MAX,
    list: usize::MAX,
};
/// What is kept of an event that would not fit a record, from more to less (chosen; the last always fits, by test).
const SHORTENED: [Cut; 2] = [
    Cut {
        text: 1024,
        list: 16,
    },
    Cut { text: 160, list: 8 },
];

/// The TLS part of events as it is to stand in them: a connection writes it once for all its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsWritten(String);

impl From<&Tls<'_>> for TlsWritten {
    fn from(tls: &Tls<'_>) -> Self {
        let mut out = Vec::with_capacity(512);
        Json::new(&mut out, WHOLE).braced(|json| connection(json, tls));
        Self(String::from_utf8_lossy(&out).into_owned())
    }
}

impl Event<'_> {
    /// The event as JSON that fits a record.
    ///
    /// An event that is too large loses the ends of its strings and lists and says `"shortened":true`.
    #[must_use]
    pub fn to_record(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1536);
        self.record_into(&mut out);
        out
    }

    /// The same in place of what `out` held, so that its room can serve one event after the other.
    pub fn record_into(&self, out: &mut Vec<u8>) {
        out.clear();
        self.write(&mut Json::new(out, WHOLE), false);
        for cut in SHORTENED {
            if out.len() <= MAX_RECORD {
                break;
            }
            out.clear();
            self.write(&mut Json::new(out, cut), true);
        }
    }

    fn write(&self, json: &mut Json<'_>, shortened: bool) {
        json.braced(|json| {
            json.number("time", self.time.0);
            self.class(json);
            json.number("severity_id", self.severity as u8);
            json.number("status_id", self.status as u8);
            json.text(
                "status",
                if self.status == Status::Success {
                    "Success"
                } else {
                    "Failure"
                },
            );
            json.text_if("status_code", self.reason);
            json.text_if("status_detail", self.detail);
            self.control(json);
            json.number_if("duration", self.duration_us.map(|us| us / 1000));
            self.metadata(json);
            json.object("src_endpoint", |json| endpoint(json, &self.source));
            json.object("dst_endpoint", |json| endpoint(json, &self.target));
            match (self.tls_written, &self.tls) {
                (Some(tls), _) if !shortened => json.written("tls", &tls.0),
                (_, Some(tls)) => json.object("tls", |json| connection(json, tls)),
                (_, None) => {}
            }
            if let Some(request) = &self.request {
                json.object("http_request", |json| head(json, request));
            }
            if let Some(response) = &self.response {
                json.object("http_response", |json| reply(json, response));
            }
            if let Some(traffic) = &self.traffic {
                json.object("traffic", |json| {
                    json.number("bytes_in", traffic.bytes_in);
                    json.number("bytes_out", traffic.bytes_out);
                });
            }
            if let Some(actor) = &self.actor {
                json.object("actor", |json| who(json, actor, self.decision.as_ref()));
            }
            match &self.what {
                What::Http => {}
                What::Authentication(authentication) => logon(json, authentication, self.portal),
                What::Administration(act) => administration(json, act),
                What::Alert(raised) => alert(json, raised),
                What::Remedy(remedy) => json.text("command_uid", remedy.id),
            }
            if let Some(risk) = self.risk {
                json.number("risk_score", risk.caller.max(risk.address));
            }
            json.object("unmapped", |json| self.unmapped(json, shortened));
        });
    }

    fn class(&self, json: &mut Json<'_>) {
        let class = self.what.class();
        let activity = match &self.what {
            What::Http => self
                .request
                .as_ref()
                .map_or(0, |request| method_activity(request.method)),
            What::Authentication(a) => a.activity as u32,
            What::Administration(a) => a.activity as u32,
            What::Alert(_) => 1,
            What::Remedy(r) => r.activity as u32,
        };
        json.number("activity_id", activity);
        json.number("category_uid", class / 1000);
        json.number("class_uid", class);
        json.number("type_uid", class * 100 + activity);
    }

    /// What the gateway did as a control (the profile `security_control`).
    fn control(&self, json: &mut Json<'_>) {
        match (&self.what, self.status) {
            (What::Http | What::Authentication(_) | What::Administration(_), Status::Success) => {
                json.number("action_id", 1);
                json.number("disposition_id", 1);
            }
            (What::Http | What::Authentication(_) | What::Administration(_), Status::Failure) => {
                json.number("action_id", 2);
                json.number("disposition_id", 2);
            }
            (What::Alert(_), _) => json.flag("is_alert", true),
            (What::Remedy(_), _) => {}
        }
    }

    fn metadata(&self, json: &mut Json<'_>) {
        json.object("metadata", |json| {
            json.constant(METADATA);
            json.object("product", |json| {
                json.constant(PRODUCT);
                json.text("version", self.version);
            });
            json.text("uid", self.id);
            json.text_if(
                "correlation_uid",
                self.trace.filter(|trace| *trace != self.id),
            );
            json.text_if("log_provider", self.gateway);
        });
    }

    fn unmapped(&self, json: &mut Json<'_>, shortened: bool) {
        json.text_if("portal", self.portal);
        if let Some(actor) = &self.actor {
            json.text_if("identified_by", actor.method);
            json.number_if("assurance", actor.assurance);
            json.number_if("device_trust", actor.device_trust);
            json.text_if("clearance", actor.clearance);
        }
        if let Some(decision) = &self.decision {
            json.object("decision", |json| {
                if decision.id != self.id {
                    json.text("id", decision.id);
                }
                json.text("effect", effect(decision.effect));
                json.texts("rules", decision.rules);
                json.text("revision", decision.revision);
                json.text_if("grounds", decision.grounds);
                json.texts("obligations", decision.obligations);
            });
        }
        if !self.findings.is_empty() {
            json.objects("findings", self.findings, |json, finding| {
                json.text("rule", finding.rule);
                json.number("score", finding.score);
                json.text("category", finding.category);
                json.text_if("technique", finding.technique);
                json.text("place", finding.place);
                json.text_if("evidence", finding.evidence);
            });
        }
        if !self.redactions.is_empty() {
            json.object("redactions", |json| {
                for (kind, count) in json.kept(self.redactions) {
                    json.entry(kind, *count);
                }
            });
        }
        if let Some(people) = &self.people {
            json.object("people", |json| {
                json.number("count", people.count);
                json.texts("told", people.told);
            });
        }
        if let Some(limit) = &self.limit {
            json.object("limit", |json| {
                json.text("name", limit.name);
                json.number("remaining", limit.remaining);
                json.number_if("retry_after_ms", limit.retry_after_ms);
            });
        }
        if let Some(risk) = &self.risk {
            json.object("risk", |json| {
                json.number("caller", risk.caller);
                json.number("address", risk.address);
            });
        }
        if let Some(upstream) = &self.upstream {
            json.object("upstream", |json| {
                json.text("address", upstream.address);
                json.number("attempts", upstream.attempts);
                json.number_if("code", upstream.code);
            });
        }
        if let Some(latency) = self.response.and_then(|response| response.latency_us) {
            json.number("latency_us", latency);
        }
        json.number_if("duration_us", self.duration_us);
        match &self.what {
            What::Administration(act) => json.text_if("change", act.change),
            What::Alert(raised) => subject(json, raised),
            What::Remedy(done) => json.object("remedy", |json| remedy(json, done)),
            What::Http | What::Authentication(_) => {}
        }
        if !self.notes.is_empty() {
            json.texts("notes", self.notes);
        }
        if shortened {
            json.flag("shortened", true);
        }
    }
}

fn endpoint(json: &mut Json<'_>, endpoint: &Endpoint<'_>) {
    if let Some(ip) = endpoint.ip {
        json.address("ip", ip);
    }
    json.number_if("port", endpoint.port);
    json.text_if("zone", endpoint.zone);
    json.text_if("hostname", endpoint.hostname);
}

fn connection(json: &mut Json<'_>, tls: &Tls<'_>) {
    json.text("version", tls.version);
    json.text_if("cipher", tls.cipher);
    json.text_if("sni", tls.sni);
    if let Some(ja4) = tls.ja4 {
        json.objects("ja4_fingerprint_list", &[ja4], |json, ja4| {
            json.number("type_id", 1);
            json.text("value", ja4);
        });
    }
    if let Some(certificate) = &tls.certificate {
        json.object("certificate", |json| {
            json.text("subject", certificate.subject);
            json.text("issuer", certificate.issuer);
            json.text("serial_number", certificate.serial);
            json.objects("fingerprints", &[certificate.fingerprint], |json, value| {
                json.number("algorithm_id", 3);
                json.text("value", value);
            });
        });
    }
}

fn head(json: &mut Json<'_>, request: &Request<'_>) {
    json.text("http_method", request.method);
    json.text_if("version", request.version);
    json.text_if("user_agent", request.user_agent);
    json.number_if("length", request.length);
    json.object("url", |json| {
        json.text_if("hostname", request.host);
        json.text_if("path", request.path);
        json.text_if("query_string", request.query);
    });
}

fn reply(json: &mut Json<'_>, response: &Response) {
    json.number("code", response.code);
    json.number_if("length", response.length);
    json.number_if("latency", response.latency_us.map(|us| us / 1000));
}

fn who(json: &mut Json<'_>, actor: &Actor<'_>, decision: Option<&Decision<'_>>) {
    json.object("user", |json| {
        json.text("uid", actor.id);
        json.text_if("name", actor.name);
        let (id, kind) = match actor.kind {
            CallerKind::Nobody => (0, "nobody"),
            CallerKind::Person => (1, "person"),
            CallerKind::Administrator => (2, "administrator"),
            CallerKind::Device => (3, "device"),
            CallerKind::Service => (4, "service"),
        };
        json.number("type_id", id);
        json.text("type", kind);
        if let Some(department) = actor.department {
            json.object("org", |json| json.text("ou_name", department));
        }
    });
    if let Some(session) = actor.session {
        json.object("session", |json| json.text("uid", session));
    }
    if let Some(decision) = decision {
        json.objects("authorizations", decision.rules, |json, rule| {
            json.text("decision", effect(decision.effect));
            json.object("policy", |json| {
                json.text("uid", rule);
                json.text("version", decision.revision);
            });
        });
    }
}

fn logon(json: &mut Json<'_>, authentication: &Authentication<'_>, portal: Option<&str>) {
    json.object("user", |json| json.text("uid", authentication.user));
    json.text("auth_protocol", authentication.protocol);
    json.flag("is_mfa", authentication.factors > 1);
    json.object("service", |json| {
        json.text("name", portal.unwrap_or("hangu"))
    });
}

fn administration(json: &mut Json<'_>, act: &Administration<'_>) {
    json.object("api", |json| {
        json.text("operation", act.operation);
        json.object("service", |json| json.text("name", "hangu"));
    });
    json.objects("resources", &[act], |json, act| {
        json.text("type", act.resource_kind);
        json.text("uid", act.resource);
    });
}

fn alert(json: &mut Json<'_>, alert: &Alert<'_>) {
    json.object("finding_info", |json| {
        json.text("uid", alert.id);
        json.text("title", alert.title);
        json.object("analytic", |json| {
            json.number("type_id", 1);
            json.text("uid", alert.detection);
        });
        if let Some(technique) = alert.technique {
            json.objects("attacks", &[technique], |json, technique| {
                json.object("technique", |json| json.text("uid", technique));
            });
        }
        json.objects("related_events", alert.events, |json, id| {
            json.text("uid", id)
        });
    });
    json.number("count", alert.count);
}

fn subject(json: &mut Json<'_>, alert: &Alert<'_>) {
    json.text("subject", alert.subject);
}

fn remedy(json: &mut Json<'_>, remedy: &Remedy<'_>) {
    json.text("kind", remedy.kind);
    json.text("subject", remedy.subject);
    json.number_if("until", remedy.until.map(|until| until.0));
    json.text_if("because", remedy.because);
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

/// The activity of HTTP Activity for a method; 99 is "other".
fn method_activity(method: &str) -> u32 {
    match method {
        "CONNECT" => 1,
        "DELETE" => 2,
        "GET" => 3,
        "HEAD" => 4,
        "OPTIONS" => 5,
        "POST" => 6,
        "PUT" => 7,
        "TRACE" => 8,
        "PATCH" => 9,
        "" => 0,
        _ => 99,
    }
}
