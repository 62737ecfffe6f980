//! Zones, and what may cross between them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hangu_policy::said;
use hangu_redact::Level;
use ipnet::IpNet;

use super::desk::{Desk, SECOND, size, time};
use crate::config::at::At;
use crate::config::file::{self, ClientCertificates, TlsVersion};
use crate::config::mistake::nearest;

/// A trust domain.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Its name in policy, `zone:NAME`.
    pub policy_name: String,
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// TLS, or cleartext.
    pub tls: Option<ZoneTls>,
    /// The highest clearance of callers from here.
    pub clearance: u8,
    /// Peers that send a PROXY header.
    pub proxy_protocol_from: Vec<IpNet>,
    /// Bounds.
    pub bounds: Bounds,
}

/// TLS of a zone.
#[derive(Debug, Clone)]
pub struct ZoneTls {
    /// Certificates by SNI, the default first.
    pub certificates: Vec<KeyPair>,
    /// Versions, never empty.
    pub versions: Vec<TlsVersion>,
    /// Whether clients present a certificate.
    pub client_certificates: ClientCertificates,
    /// Roots of client certificates.
    pub client_anchors: Vec<PathBuf>,
    /// Revocation lists.
    pub client_crls: Vec<PathBuf>,
}

/// PEM files of a chain and its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPair {
    /// Leaf first.
    pub chain: PathBuf,
    /// PKCS#8.
    pub key: PathBuf,
}

/// Bounds of a zone; see the file type for each default.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "each field is documented where it is written, in `file::Bounds`"
)]
pub struct Bounds {
    pub connections: usize,
    pub handshakes: usize,
    pub handshake_time: Duration,
    pub head_time: Duration,
    pub idle_time: Duration,
    pub head_size: usize,
    pub headers: usize,
    pub body_time: Duration,
    pub body_rate: u64,
    pub streams: u32,
}

/// A declared crossing.
#[derive(Debug)]
pub struct Crossing {
    /// Index of the zone of the listener.
    pub from: usize,
    /// Index of the zone of the portal.
    pub to: usize,
    /// The least redaction of answers.
    pub redact: Option<Level>,
    /// The redaction of requests.
    pub redact_requests: Option<Level>,
    /// The least assurance.
    pub assurance: u8,
}

pub(super) fn resolve_zone(desk: &mut Desk<'_>, zone: &file::Zone) -> Zone {
    if zone.name.is_empty()
        || !zone
            .name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        desk.wrong(
            &zone.name.span(),
            said!(
                "a zone's name is letters, digits, `-` and `_`",
                "区域的名称由字母、数字、`-` 和 `_` 组成"
            ),
        );
    }
    let tls = zone.tls.as_ref().map(|tls| {
        if tls.certificates.is_empty() {
            desk.wrong(
                &zone.name.span(),
                said!(
                    "`tls.certificates` is empty; name a chain and a key",
                    "`tls.certificates` 为空；请写明证书链和私钥"
                ),
            );
        }
        if tls.client_certificates != ClientCertificates::Off && tls.client_anchors.is_empty() {
            desk.wrong(
                &zone.name.span(),
                said!(
                    "client certificates need `tls.client-anchors` to chain to",
                    "要求客户端证书时，须用 `tls.client-anchors` 写明其根证书"
                ),
            );
        }
        ZoneTls {
            certificates: tls.certificates.iter().map(|c| desk.pair(c)).collect(),
            versions: if tls.versions.is_empty() {
                vec![TlsVersion::V13, TlsVersion::V12]
            } else {
                tls.versions.clone()
            },
            client_certificates: tls.client_certificates,
            client_anchors: desk.files(&tls.client_anchors),
            client_crls: desk.files(&tls.client_crls),
        }
    });
    let b = &zone.bounds;
    Zone {
        name: (*zone.name).clone(),
        policy_name: format!("zone:{}", *zone.name),
        listen: zone.listen.iter().map(|a| **a).collect(),
        tls,
        clearance: zone.clearance.unwrap_or(4).min(4),
        proxy_protocol_from: zone.proxy_protocol_from.clone(),
        bounds: Bounds {
            connections: b.connections.unwrap_or(20_000) as usize,
            handshakes: b.handshakes.unwrap_or(512) as usize,
            handshake_time: time(b.handshake_time, 10 * SECOND),
            head_time: time(b.head_time, 10 * SECOND),
            idle_time: time(b.idle_time, 60 * SECOND),
            head_size: size(b.head_size, 32 << 10).max(8 << 10),
            headers: usize::from(b.headers.unwrap_or(100)),
            body_time: time(b.body_time, 600 * SECOND),
            body_rate: b.body_rate.map_or(256, |s| s.0),
            streams: b.streams.unwrap_or(100),
        },
    }
}

pub(in crate::config) fn zone_index(
    desk: &mut Desk<'_>,
    zones: &[Zone],
    name: &At<String>,
) -> Option<usize> {
    let index = zones.iter().position(|z| z.name == **name);
    if index.is_none() {
        let near = nearest(name, zones.iter().map(|z| z.name.as_str()));
        let remedy = near.map_or_else(
            || said!("declare it with `[[zone]]`", "请用 `[[zone]]` 声明"),
            |n| said!("did you mean `{n}`?", "是否应为 `{n}`？"),
        );
        desk.wrong(
            &name.span(),
            said!("there is no zone `{}`", "没有区域 `{}`", **name).then(&remedy),
        );
    }
    index
}

pub(super) fn resolve_crossing(
    desk: &mut Desk<'_>,
    zones: &[Zone],
    known: &[Crossing],
    crossing: &file::Crossing,
) -> Option<Crossing> {
    let from = zone_index(desk, zones, &crossing.from);
    let to = zone_index(desk, zones, &crossing.to);
    let redact = crossing.redact.as_ref().and_then(|level| desk.level(level));
    let requests = crossing.redact_requests.as_ref();
    let redact_requests = requests.and_then(|level| desk.level(level));
    let (from, to) = (from?, to?);
    if known.iter().any(|c| c.from == from && c.to == to) {
        desk.wrong(
            &crossing.from.span(),
            said!(
                "the crossing to `{}` is declared twice",
                "到 `{}` 的跨区声明了两次",
                *crossing.to
            ),
        );
    }
    Some(Crossing {
        from,
        to,
        redact,
        redact_requests,
        assurance: crossing.assurance.unwrap_or(0),
    })
}
