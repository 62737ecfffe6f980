//! Upstreams of a portal.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hangu_policy::said;

use super::KeyPair;
use super::desk::{Desk, SECOND, time};
use super::portal::host_is_valid;
use crate::config::at::At;
use crate::config::file::{self, Balance, Protocol};

/// Where a portal's requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Socket addresses, never empty.
    pub addresses: Vec<SocketAddr>,
    /// How one is chosen.
    pub balance: Balance,
    /// The protocol; with TLS and none given, by ALPN.
    pub protocol: Option<Protocol>,
    /// TLS.
    pub tls: Option<UpstreamTls>,
    /// Active checks.
    pub health: Option<Health>,
    /// Passive ejection.
    pub eject: Eject,
    /// To connect.
    pub connect_time: Duration,
    /// To the head of the answer.
    pub answer_time: Duration,
    /// Between two pieces of an answer's body.
    pub idle_time: Duration,
    /// Idle connections kept for each address.
    pub idle_connections: usize,
}

/// TLS to an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamTls {
    /// The name its certificate must carry; never empty.
    pub name: String,
    /// Roots.
    pub anchors: Vec<PathBuf>,
    /// The gateway's own certificate.
    pub certificate: Option<KeyPair>,
}

/// Active checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The path asked for; none means that a connection is enough.
    pub path: Option<String>,
    /// Time between checks.
    pub interval: Duration,
    /// Failures in a row that take an upstream out.
    pub failures: usize,
    /// Successes in a row that bring it back.
    pub successes: usize,
}

/// Passive ejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eject {
    /// Failures in a row.
    pub failures: u32,
    /// Answers slower than this count as failures.
    pub slower_than: Option<Duration>,
    /// How long an address stays out.
    pub time: Duration,
    /// Share of the addresses that can be out, in percent.
    pub share: u8,
}

pub(super) fn resolve_upstream(
    desk: &mut Desk<'_>,
    portal: &At<String>,
    upstream: &file::Upstream,
) -> Upstream {
    if upstream.addresses.is_empty() {
        desk.wrong(
            &portal.span(),
            said!(
                "`upstream.addresses` is empty; name at least one",
                "`upstream.addresses` 为空；至少写一个地址"
            ),
        );
    }
    let mut seen = HashSet::new();
    for address in &upstream.addresses {
        if !seen.insert(**address) {
            desk.wrong(
                &address.span(),
                said!("`{}` is listed twice", "`{}` 写了两次", **address),
            );
        }
    }
    let tls = upstream.tls.as_ref().map(|tls| {
        if !host_is_valid(&tls.name) || tls.name.starts_with('*') {
            desk.wrong(
                &tls.name.span(),
                said!(
                    "`{}` is no host name; an upstream's certificate is verified against it",
                    "`{}` 不是主机名；上游的证书要与它核对",
                    *tls.name
                ),
            );
        }
        if tls.anchors.is_empty() {
            desk.wrong(
                &tls.name.span(),
                said!(
                    "`tls.anchors` is empty, so no upstream certificate could be verified",
                    "`tls.anchors` 为空，无法验证上游的证书"
                ),
            );
        }
        UpstreamTls {
            name: (*tls.name).clone(),
            anchors: desk.files(&tls.anchors),
            certificate: tls.certificate.as_ref().map(|c| desk.pair(c)),
        }
    });
    let e = &upstream.eject;
    Upstream {
        addresses: upstream.addresses.iter().map(|a| **a).collect(),
        balance: upstream.balance,
        protocol: upstream.protocol,
        tls,
        health: upstream.health.as_ref().map(|h| Health {
            path: h.path.clone(),
            interval: time(h.interval, 5 * SECOND),
            failures: h.failures.unwrap_or(2).max(1),
            successes: h.successes.unwrap_or(1).max(1),
        }),
        eject: Eject {
            failures: e.failures.unwrap_or(5).max(1),
            slower_than: e.slower_than.map(|t| t.0),
            time: time(e.time, 30 * SECOND),
            share: e.share.unwrap_or(50).min(100),
        },
        connect_time: time(upstream.connect_time, 3 * SECOND),
        answer_time: time(upstream.answer_time, 60 * SECOND),
        idle_time: time(upstream.idle_time, 300 * SECOND),
        idle_connections: upstream.idle_connections.unwrap_or(128),
    }
}
