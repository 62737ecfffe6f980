//! The configuration as meant: defaults applied, names checked against each other, paths made whole.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hangu_identity::certificate::CertificateRules;
use hangu_identity::local::LockoutFile;
use hangu_identity::session::SessionLimitsFile;
use hangu_redact::Level;
use ipnet::IpNet;

use super::file::{
    self, Balance, ClientCertificates, InspectMode, InspectSensitivity, LogFormat, Method,
    Protocol, Record, TlsVersion, Unreadable,
};
use super::load::Source;
use super::mistake::{Mistake, nearest};
use super::unit::{Size, Time};

/// The whole configuration.
#[derive(Debug)]
pub struct Configuration {
    /// The file it was read from.
    pub path: PathBuf,
    /// Every file it consists of or names; a change of any is a reason to read again.
    pub files: Vec<PathBuf>,
    /// The folder for everything the gateway keeps.
    pub state: PathBuf,
    /// Threads that carry traffic; 0 for one each processor.
    pub threads: usize,
    /// IANA name of the time zone of conditions.
    pub time_zone: String,
    /// How long open requests may go on after a stop.
    pub grace: Duration,
    /// The shape of log lines.
    pub log: LogFormat,
    /// Zones in the order of the file; crossings and portals name them by index.
    pub zones: Vec<Zone>,
    /// Declared crossings.
    pub crossings: Vec<Crossing>,
    /// Portals.
    pub portals: Vec<Portal>,
    /// Model and rules.
    pub policy: Policy,
    /// Identities.
    pub identity: Identity,
    /// Rates.
    pub limit: Limit,
    /// The audit log.
    pub audit: Audit,
    /// Detection.
    pub situational: hangu_situational::Settings,
    /// The console, where there is one.
    pub console: Option<Console>,
    /// Where metrics and probes are served.
    pub operations: Option<SocketAddr>,
}

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
    /// The least redaction.
    pub redact: Option<Level>,
    /// The least assurance.
    pub assurance: u8,
}

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
    /// The largest request body.
    pub body_size: u64,
    /// Requests in progress of one caller.
    pub concurrency: u32,
    /// Bodies that redaction cannot read.
    pub unreadable: Unreadable,
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
}

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

/// Model and rules.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The Casbin model.
    pub model: PathBuf,
    /// Rule files.
    pub rules: Vec<PathBuf>,
}

/// Identities.
#[derive(Debug)]
#[expect(
    missing_docs,
    reason = "each field is documented where it is written, in `file::Identity`"
)]
pub struct Identity {
    pub users: Option<PathBuf>,
    pub api_keys: Option<PathBuf>,
    pub api_key_pepper: Option<PathBuf>,
    pub issuers: Vec<Issuer>,
    pub certificates: CertificateRules,
    pub session: SessionLimitsFile,
    pub lockout: LockoutFile,
    pub assertion_key: PathBuf,
    pub assertion_issuer: String,
}

/// An issuer of bearer tokens.
#[derive(Debug)]
pub struct Issuer {
    /// Whose tokens are taken.
    pub token: hangu_identity::token::Issuer,
    /// Where its keys come from.
    pub keys: JwksSource,
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// A URL, and the roots its certificate may chain to.
    Url {
        /// `https://…`, or `http://` on loopback.
        url: String,
        /// PEM files.
        anchors: Vec<PathBuf>,
    },
}

/// Rates.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Per client address.
    pub address: Rate,
    /// Per caller and class.
    pub class: BTreeMap<String, Rate>,
    /// Sign-in attempts of an address.
    pub sign_in: Rate,
}

/// A rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub count: NonZeroU32,
    /// In this time.
    pub period: Duration,
    /// Accepted at once before the rate applies.
    pub burst: NonZeroU32,
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Its folder.
    pub folder: PathBuf,
    /// Its signing key.
    pub key: PathBuf,
    /// The origin line.
    pub origin: String,
    /// Bytes that may wait.
    pub queue: usize,
    /// Time between checkpoints.
    pub checkpoint: Duration,
}

/// The console.
#[derive(Debug, Clone)]
pub struct Console {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its host name.
    pub host: String,
    /// Its certificate.
    pub certificate: KeyPair,
    /// Roots of the administrators' certificates.
    pub client_anchors: Vec<PathBuf>,
    /// Its model.
    pub model: PathBuf,
    /// Its rules.
    pub rules: Vec<PathBuf>,
    /// Its administrators.
    pub users: PathBuf,
}

/// Collects mistakes with the file they are in.
struct Desk<'a> {
    source: &'a Source,
    mistakes: &'a mut Vec<Mistake>,
}

impl Desk<'_> {
    fn wrong(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.mistakes.push(Mistake::at(
            &self.source.path,
            &self.source.text,
            span,
            message,
        ));
    }

    fn wrong_file(&mut self, message: impl Into<String>) {
        self.mistakes
            .push(Mistake::of_file(&self.source.path, message));
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.source
            .path
            .parent()
            .unwrap_or(Path::new("."))
            .join(path)
    }

    fn file(&mut self, path: &super::at::At<PathBuf>) -> PathBuf {
        let whole = self.path(path);
        if !whole.is_file() {
            self.wrong(
                &path.span(),
                format!("`{}` is not a file that can be read", whole.display()),
            );
        }
        whole
    }

    fn files(&mut self, paths: &[super::at::At<PathBuf>]) -> Vec<PathBuf> {
        paths.iter().map(|path| self.file(path)).collect()
    }

    fn pair(&mut self, pair: &file::Certificate) -> KeyPair {
        KeyPair {
            chain: self.file(&pair.chain),
            key: self.file(&pair.key),
        }
    }

    fn level(&mut self, text: &super::at::At<String>) -> Option<Level> {
        let level = text.parse().ok();
        if level.is_none() {
            self.wrong(
                &text.span(),
                format!(
                    "`{}` is no redaction level; write `L1`, `L2`, `L3` or `L4`",
                    **text
                ),
            );
        }
        level
    }
}

fn time(value: Option<Time>, default: Duration) -> Duration {
    value.map_or(default, |t| t.0)
}

fn size(value: Option<Size>, default: usize) -> usize {
    value.map_or(default, |s| usize::try_from(s.0).unwrap_or(usize::MAX))
}

const SECOND: Duration = Duration::from_secs(1);

/// Applies defaults and checks every reference.
pub(super) fn resolve(
    path: &Path,
    sources: &[Source],
    mistakes: &mut Vec<Mistake>,
) -> Configuration {
    let mut zones: Vec<Zone> = Vec::new();
    for source in sources {
        let mut desk = Desk { source, mistakes };
        for zone in &source.file.zone {
            if zones.iter().any(|z| z.name == *zone.name) {
                desk.wrong(
                    &zone.name.span(),
                    format!("zone `{}` is declared twice", *zone.name),
                );
            }
            let zone = resolve_zone(&mut desk, zone);
            zones.push(zone);
        }
    }
    let mut crossings: Vec<Crossing> = Vec::new();
    let mut portals: Vec<Portal> = Vec::new();
    let mut policy = None;
    let mut console = None;
    let mut operations = None;
    for source in sources {
        let mut desk = Desk { source, mistakes };
        for crossing in &source.file.crossing {
            let crossing = resolve_crossing(&mut desk, &zones, &crossings, crossing);
            crossings.extend(crossing);
        }
        for portal in &source.file.portal {
            if portals.iter().any(|p| p.name == *portal.name) {
                desk.wrong(
                    &portal.name.span(),
                    format!("portal `{}` is declared twice", *portal.name),
                );
            }
            let portal = resolve_portal(&mut desk, &zones, portal);
            portals.extend(portal);
        }
        if let Some(p) = &source.file.policy {
            if policy.is_some() {
                desk.wrong_file("`[policy]` is given in two files; keep one");
            }
            policy = Some(Policy {
                model: desk.file(&p.model),
                rules: desk.files(&p.rules),
            });
        }
        if let Some(c) = &source.file.console {
            console = Some(Console {
                listen: *c.listen,
                host: c.host.clone(),
                certificate: desk.pair(&c.certificate),
                client_anchors: desk.files(&c.client_anchors),
                model: desk.file(&c.model),
                rules: desk.files(&c.rules),
                users: desk.file(&c.users),
            });
        }
        if let Some(o) = &source.file.operations {
            operations = Some(*o.listen);
        }
    }
    let Some(first) = sources.first() else {
        return empty(path);
    };
    let mut desk = Desk {
        source: first,
        mistakes,
    };
    if zones.is_empty() {
        desk.wrong_file("there is no `[[zone]]`, so nothing would be served");
    }
    let policy = policy.unwrap_or_else(|| {
        desk.wrong_file("there is no `[policy]`; without rules every request would be refused");
        Policy {
            model: PathBuf::new(),
            rules: Vec::new(),
        }
    });
    let f = &first.file;
    let state = desk.path(f.gateway.state.as_deref().unwrap_or(Path::new("state")));
    let time_zone = f
        .gateway
        .time_zone
        .as_ref()
        .map_or("Asia/Shanghai".to_owned(), |z| {
            if jiff::tz::TimeZone::get(z).is_err() {
                desk.wrong(
                    &z.span(),
                    format!(
                        "`{}` is no IANA time zone; write for example `Asia/Shanghai`",
                        **z
                    ),
                );
            }
            (**z).clone()
        });
    let identity = resolve_identity(&mut desk, &f.identity, &state);
    let limit = resolve_limit(sources, mistakes);
    let audit = Audit {
        folder: f
            .audit
            .folder
            .as_ref()
            .map_or_else(|| state.join("audit"), |p| join(first, p)),
        key: f
            .audit
            .key
            .as_ref()
            .map_or_else(|| state.join("keys/audit.pem"), |p| join(first, p)),
        origin: f.audit.origin.clone().unwrap_or_else(|| "hangu".to_owned()),
        queue: size(f.audit.queue, 64 << 20),
        checkpoint: time(f.audit.checkpoint, SECOND),
    };
    let situational = f.situational.clone();
    let mut configuration = Configuration {
        path: path.to_owned(),
        files: sources.iter().map(|s| s.path.clone()).collect(),
        state,
        threads: f.gateway.threads.unwrap_or(0),
        time_zone,
        grace: time(f.gateway.grace, 10 * SECOND),
        log: f.gateway.log.unwrap_or(LogFormat::Text),
        zones,
        crossings,
        portals,
        policy,
        identity,
        limit,
        audit,
        situational,
        console,
        operations,
    };
    let named = named_files(&configuration);
    configuration.files.extend(named);
    configuration
}

fn join(source: &Source, path: &Path) -> PathBuf {
    source.path.parent().unwrap_or(Path::new(".")).join(path)
}

fn empty(path: &Path) -> Configuration {
    Configuration {
        path: path.to_owned(),
        files: Vec::new(),
        state: PathBuf::new(),
        threads: 0,
        time_zone: String::new(),
        grace: SECOND,
        log: LogFormat::Text,
        zones: Vec::new(),
        crossings: Vec::new(),
        portals: Vec::new(),
        policy: Policy {
            model: PathBuf::new(),
            rules: Vec::new(),
        },
        identity: Identity {
            users: None,
            api_keys: None,
            api_key_pepper: None,
            issuers: Vec::new(),
            certificates: CertificateRules::default(),
            session: SessionLimitsFile::default(),
            lockout: LockoutFile::default(),
            assertion_key: PathBuf::new(),
            assertion_issuer: String::new(),
        },
        limit: Limit {
            address: rate_of(200, SECOND, 400),
            class: BTreeMap::new(),
            sign_in: rate_of(30, 60 * SECOND, 10),
        },
        audit: Audit {
            folder: PathBuf::new(),
            key: PathBuf::new(),
            origin: String::new(),
            queue: 0,
            checkpoint: SECOND,
        },
        situational: hangu_situational::Settings::default(),
        console: None,
        operations: None,
    }
}

/// The files that a running gateway reads besides its configuration.
fn named_files(c: &Configuration) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for tls in c.zones.iter().filter_map(|z| z.tls.as_ref()) {
        files.extend(
            tls.certificates
                .iter()
                .flat_map(|p| [p.chain.clone(), p.key.clone()]),
        );
        files.extend(tls.client_anchors.iter().chain(&tls.client_crls).cloned());
    }
    for portal in &c.portals {
        files.extend(portal.binding_key.clone());
        if let Some(tls) = &portal.upstream.tls {
            files.extend(tls.anchors.iter().cloned());
            files.extend(
                tls.certificate
                    .iter()
                    .flat_map(|p| [p.chain.clone(), p.key.clone()]),
            );
        }
    }
    files.push(c.policy.model.clone());
    files.extend(c.policy.rules.iter().cloned());
    files.extend(
        [
            &c.identity.users,
            &c.identity.api_keys,
            &c.identity.api_key_pepper,
        ]
        .into_iter()
        .flatten()
        .cloned(),
    );
    files.extend(c.identity.issuers.iter().filter_map(|i| match &i.keys {
        JwksSource::File(path) => Some(path.clone()),
        JwksSource::Url { .. } => None,
    }));
    if let Some(console) = &c.console {
        files.extend([console.model.clone(), console.users.clone()]);
        files.extend(console.rules.iter().cloned());
    }
    files
}

fn resolve_zone(desk: &mut Desk<'_>, zone: &file::Zone) -> Zone {
    if zone.name.is_empty()
        || !zone
            .name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        desk.wrong(
            &zone.name.span(),
            "a zone's name is letters, digits, `-` and `_`",
        );
    }
    let tls = zone.tls.as_ref().map(|tls| {
        if tls.certificates.is_empty() {
            desk.wrong(
                &zone.name.span(),
                "`tls.certificates` is empty; name a chain and a key",
            );
        }
        if tls.client_certificates != ClientCertificates::Off && tls.client_anchors.is_empty() {
            desk.wrong(
                &zone.name.span(),
                "client certificates need `tls.client-anchors` to chain to",
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

fn zone_index(desk: &mut Desk<'_>, zones: &[Zone], name: &super::at::At<String>) -> Option<usize> {
    let index = zones.iter().position(|z| z.name == **name);
    if index.is_none() {
        let near = nearest(name, zones.iter().map(|z| z.name.as_str()));
        let remedy = near.map_or_else(
            || "declare it with `[[zone]]`".to_owned(),
            |n| format!("did you mean `{n}`?"),
        );
        desk.wrong(
            &name.span(),
            format!("there is no zone `{}`; {remedy}", **name),
        );
    }
    index
}

fn resolve_crossing(
    desk: &mut Desk<'_>,
    zones: &[Zone],
    known: &[Crossing],
    crossing: &file::Crossing,
) -> Option<Crossing> {
    let from = zone_index(desk, zones, &crossing.from);
    let to = zone_index(desk, zones, &crossing.to);
    let redact = crossing.redact.as_ref().and_then(|level| desk.level(level));
    let (from, to) = (from?, to?);
    if known.iter().any(|c| c.from == from && c.to == to) {
        desk.wrong(
            &crossing.from.span(),
            format!("the crossing to `{}` is declared twice", *crossing.to),
        );
    }
    Some(Crossing {
        from,
        to,
        redact,
        assurance: crossing.assurance.unwrap_or(0),
    })
}

fn host_is_valid(host: &str) -> bool {
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

fn resolve_portal(desk: &mut Desk<'_>, zones: &[Zone], portal: &file::Portal) -> Option<Portal> {
    let zone = zone_index(desk, zones, &portal.zone);
    if portal.hosts.is_empty() {
        desk.wrong(
            &portal.name.span(),
            "`hosts` is empty, so no request would reach this portal",
        );
    }
    for host in &portal.hosts {
        if !host_is_valid(host) {
            desk.wrong(
                &host.span(),
                format!("`{}` is no host name in lower case", **host),
            );
        }
    }
    for path in &portal.paths {
        let canonical = crate::canon::path(path.as_bytes());
        if canonical.as_deref().ok() != Some(path.as_str()) {
            desk.wrong(
                &path.span(),
                format!("`{}` is no canonical path that begins with `/`", **path),
            );
        }
    }
    let upstream = resolve_upstream(desk, &portal.name, &portal.upstream);
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
        body_size: portal.body_size.map_or(16 << 20, |s| s.0),
        concurrency: portal.concurrency.unwrap_or(256),
        unreadable: portal.unreadable,
        binding_key: portal.binding_key.as_ref().map(|k| desk.file(k)),
    })
}

fn resolve_upstream(
    desk: &mut Desk<'_>,
    portal: &super::at::At<String>,
    upstream: &file::Upstream,
) -> Upstream {
    if upstream.addresses.is_empty() {
        desk.wrong(
            &portal.span(),
            "`upstream.addresses` is empty; name at least one",
        );
    }
    let mut seen = HashSet::new();
    for address in &upstream.addresses {
        if !seen.insert(**address) {
            desk.wrong(&address.span(), format!("`{}` is listed twice", **address));
        }
    }
    let tls = upstream.tls.as_ref().map(|tls| {
        if !host_is_valid(&tls.name) || tls.name.starts_with('*') {
            desk.wrong(
                &tls.name.span(),
                format!(
                    "`{}` is no host name; an upstream's certificate is verified against it",
                    *tls.name
                ),
            );
        }
        if tls.anchors.is_empty() {
            desk.wrong(
                &tls.name.span(),
                "`tls.anchors` is empty, so no upstream certificate could be verified",
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

fn resolve_identity(desk: &mut Desk<'_>, identity: &file::Identity, state: &Path) -> Identity {
    if identity.api_keys.is_some() && identity.api_key_pepper.is_none() {
        desk.wrong_file(
            "`identity.api-keys` needs `identity.api-key-pepper`, the key they are hashed under",
        );
    }
    let certificates =
        CertificateRules::new(identity.certificate.clone()).unwrap_or_else(|errors| {
            for error in errors {
                desk.wrong_file(format!("`identity.certificate`: {error}"));
            }
            CertificateRules::default()
        });
    let issuers = identity
        .issuer
        .iter()
        .filter_map(|i| resolve_issuer(desk, i))
        .collect();
    Identity {
        users: identity.users.as_ref().map(|p| desk.file(p)),
        api_keys: identity.api_keys.as_ref().map(|p| desk.file(p)),
        api_key_pepper: identity.api_key_pepper.as_ref().map(|p| desk.file(p)),
        issuers,
        certificates,
        session: identity.session.clone(),
        lockout: identity.lockout.clone(),
        assertion_key: identity
            .assertion_key
            .as_ref()
            .map_or_else(|| state.join("keys/assertion.pem"), |p| desk.file(p)),
        assertion_issuer: identity
            .assertion_issuer
            .clone()
            .unwrap_or_else(|| "https://hangu".to_owned()),
    }
}

fn resolve_issuer(desk: &mut Desk<'_>, issuer: &file::Issuer) -> Option<Issuer> {
    let keys = match (&issuer.jwks, &issuer.jwks_url) {
        (Some(path), None) => JwksSource::File(desk.file(path)),
        (None, Some(url)) => {
            if !url.starts_with("https://") && !is_loopback_http(url) {
                desk.wrong(
                    &url.span(),
                    format!(
                        "`{}` is not `https://…`; keys must not be fetched in the clear",
                        **url
                    ),
                );
            }
            if url.starts_with("https://") && issuer.jwks_anchors.is_empty() {
                desk.wrong(
                    &url.span(),
                    "`jwks-anchors` is empty, so the certificate of the URL could not be verified",
                );
            }
            JwksSource::Url {
                url: (**url).clone(),
                anchors: desk.files(&issuer.jwks_anchors),
            }
        }
        (Some(_), Some(_)) | (None, None) => {
            desk.wrong(&issuer.token.span(), "give either `jwks` or `jwks-url`");
            return None;
        }
    };
    match hangu_identity::token::Issuer::new((*issuer.token).clone()) {
        Ok(token) => Some(Issuer { token, keys }),
        Err(errors) => {
            for error in errors {
                desk.wrong(&issuer.token.span(), error.to_string());
            }
            None
        }
    }
}

fn is_loopback_http(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(|rest| {
        let authority = rest.split('/').next().unwrap_or_default();
        authority
            .parse::<SocketAddr>()
            .is_ok_and(|a| a.ip().is_loopback())
    })
}

fn rate_of(count: u32, period: Duration, burst: u32) -> Rate {
    Rate {
        count: NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN),
        period,
        burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
    }
}

fn resolve_limit(sources: &[Source], mistakes: &mut Vec<Mistake>) -> Limit {
    let meant = |rate: &file::Rate| Rate {
        count: rate.rate.count,
        period: rate.rate.period,
        burst: rate.burst.unwrap_or(rate.rate.count),
    };
    let mut limit = Limit {
        address: rate_of(200, SECOND, 400),
        class: BTreeMap::new(),
        sign_in: rate_of(30, 60 * SECOND, 10),
    };
    for source in sources {
        let file = &source.file.limit;
        if let Some(rate) = &file.address {
            limit.address = meant(rate);
        }
        if let Some(rate) = &file.sign_in {
            limit.sign_in = meant(rate);
        }
        for (name, rate) in &file.class {
            if limit.class.insert(name.clone(), meant(rate)).is_some() {
                let mut desk = Desk { source, mistakes };
                desk.wrong_file(format!("rate class `{name}` is declared in two files"));
            }
        }
    }
    limit
}
