//! Portals.

use std::net::IpAddr;
use std::path::PathBuf;

use hangu_inspect::openapi::Unlisted;
use hangu_policy::said;
use hangu_redact::Level;

use super::desk::{Desk, size};
use super::upstream::resolve_upstream;
use super::zone::zone_index;
use super::{Upstream, Zone};
use crate::config::file::{
    self, InspectMode, InspectResponses, InspectSensitivity, Method, Record, Unreadable,
};
use crate::config::inspection::{Excepted, RuleSource, resolve_excepted, resolve_honeypot};

/// A service behind the gateway.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Its name.
    pub name: String,
    /// Index of its zone.
    pub zone: usize,
    /// The department that owns it.
    pub department: String,
    /// Host names in lower case; a leading `*.` stands for one label.
    pub hosts: Vec<String>,
    /// Path prefixes on whole segments, canonical.
    pub paths: Vec<String>,
    /// Ways of identification; empty means all.
    pub identify: Vec<Method>,
    /// Where requests go.
    pub upstream: Upstream,
    /// Inspection.
    pub inspect: Inspect,
    /// Whether a response waits for its event.
    pub record: Record,
    /// Whether WebSocket upgrades are forwarded.
    pub websocket: bool,
    /// The largest WebSocket message that is read.
    pub message_size: usize,
    /// The largest request body.
    pub body_size: u64,
    /// Requests in progress of one caller.
    pub concurrency: u32,
    /// Bodies that redaction cannot read.
    pub unreadable: Unreadable,
    /// A level of redaction that is tried and changes nothing.
    pub redact_trial: Option<Level>,
    /// File of the key of `Hangu-Binding`.
    pub binding_key: Option<PathBuf>,
}

/// Inspection of a portal's requests.
#[derive(Debug, Clone)]
pub struct Inspect {
    /// What findings do.
    pub mode: InspectMode,
    /// The score from which a request is refused.
    pub threshold: u32,
    /// How readily evidence counts.
    pub sensitivity: hangu_inspect::Sensitivity,
    /// Bytes of a body that are inspected.
    pub body: usize,
    /// A body over that bound.
    pub over_bound: Unreadable,
    /// A body that cannot be decoded.
    pub undecodable: Unreadable,
    /// Names of the rules in SecLang that judge as well.
    pub rules: Vec<String>,
    /// What is done about what answers give away.
    pub responses: InspectResponses,
    /// The OpenAPI document that requests are held against, and whether it lists every property.
    pub openapi: Option<(PathBuf, Unlisted)>,
    /// What is no attack here.
    pub except: Vec<Excepted>,
    /// Traps.
    pub honeypots: hangu_inspect::Honeypots,
}

pub(super) fn resolve_portal(
    desk: &mut Desk<'_>,
    zones: &[Zone],
    rules: &[RuleSource],
    portal: &file::Portal,
) -> Option<Portal> {
    let zone = zone_index(desk, zones, &portal.zone);
    if portal.hosts.is_empty() {
        desk.wrong(
            &portal.name.span(),
            said!(
                "`hosts` is empty, so no request would reach this portal",
                "`hosts` 为空，没有请求能到达这个门户"
            ),
        );
    }
    for host in &portal.hosts {
        if !host_is_valid(host) {
            desk.wrong(
                &host.span(),
                said!(
                    "`{}` is no host name in lower case",
                    "`{}` 不是小写的主机名",
                    **host
                ),
            );
        }
    }
    for path in &portal.paths {
        let canonical = crate::canon::path(path.as_bytes());
        if canonical.as_deref().ok() != Some(path.as_str()) {
            desk.wrong(
                &path.span(),
                said!(
                    "`{}` is no canonical path that begins with `/`",
                    "`{}` 不是以 `/` 开头的规范路径",
                    **path
                ),
            );
        }
    }
    let upstream = resolve_upstream(desk, &portal.name, &portal.upstream);
    for name in &portal.inspect.rules {
        if !rules.iter().any(|rules| rules.name == **name) {
            desk.wrong(
                &name.span(),
                said!(
                    "no `[[inspect.rules]]` has the name `{}`",
                    "没有一个 `[[inspect.rules]]` 名为 `{}`",
                    **name
                ),
            );
        }
    }
    let except = portal.inspect.except.iter();
    let except = except.filter_map(|except| resolve_excepted(desk, zones, except));
    let except = except.collect();
    let openapi = portal.inspect.openapi.as_ref().map(|path| {
        let unlisted = match portal.inspect.unlisted_properties {
            Some(Unreadable::Refuse) => Unlisted::Refused,
            Some(Unreadable::Pass) | None => Unlisted::Allowed,
        };
        (desk.file(path), unlisted)
    });
    let inspect = Inspect {
        mode: portal.inspect.mode.unwrap_or(InspectMode::Block),
        threshold: portal.inspect.threshold.unwrap_or(5),
        sensitivity: match portal.inspect.sensitivity {
            None | Some(InspectSensitivity::Default) => hangu_inspect::Sensitivity::Default,
            Some(InspectSensitivity::Strict) => hangu_inspect::Sensitivity::Strict,
        },
        body: size(portal.inspect.body, 128 << 10),
        over_bound: portal.inspect.over_bound.unwrap_or(Unreadable::Pass),
        undecodable: portal.inspect.undecodable.unwrap_or(Unreadable::Refuse),
        rules: portal.inspect.rules.iter().map(|n| (**n).clone()).collect(),
        responses: portal.inspect.responses.unwrap_or(InspectResponses::Errors),
        openapi,
        except,
        honeypots: resolve_honeypot(desk, &portal.inspect.honeypot),
    };
    Some(Portal {
        name: (*portal.name).clone(),
        zone: zone?,
        department: portal.department.clone(),
        hosts: portal.hosts.iter().map(|h| (**h).clone()).collect(),
        paths: if portal.paths.is_empty() {
            vec!["/".to_owned()]
        } else {
            portal.paths.iter().map(|p| (**p).clone()).collect()
        },
        identify: portal.identify.clone(),
        upstream,
        inspect,
        record: portal.record,
        websocket: portal.websocket,
        message_size: size(portal.message_size, 1 << 20),
        body_size: portal.body_size.map_or(16 << 20, |s| s.0),
        concurrency: portal.concurrency.unwrap_or(256),
        unreadable: portal.unreadable,
        redact_trial: portal.redact_trial.as_ref().and_then(|l| desk.level(l)),
        binding_key: portal.binding_key.as_ref().map(|k| desk.file(k)),
    })
}

pub(super) fn host_is_valid(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.parse::<IpAddr>().is_ok() {
        return true;
    }
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}
