//! The configuration as written: one TOML file with `include`, every key named, no defaults applied.
//!
//! Nothing outside `config` sees these types; [`super::resolve`] turns them into what is meant.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use hangu_identity::certificate::CertificateRuleFile;
use hangu_identity::local::LockoutFile;
use hangu_identity::session::SessionLimitsFile;
use hangu_identity::token::IssuerFile;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::unit::{Pace, Size, Time};

/// The whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    /// Further files, relative to this one; their tables and lists are joined to it.
    #[serde(default)]
    pub include: Vec<String>,
    /// The process itself.
    #[serde(default)]
    pub gateway: Gateway,
    /// Trust domains with listeners of their own.
    #[serde(default)]
    pub zone: Vec<Zone>,
    /// What may cross from zone to zone; what is not declared is refused.
    #[serde(default)]
    pub crossing: Vec<Crossing>,
    /// Services behind the gateway.
    #[serde(default)]
    pub portal: Vec<Portal>,
    /// Who may do what.
    pub policy: Option<Policy>,
    /// Who is asking.
    #[serde(default)]
    pub identity: Identity,
    /// How often one may ask.
    #[serde(default)]
    pub limit: Limit,
    /// What the inspection of portals shares.
    #[serde(default)]
    pub inspect: super::inspection::Inspection,
    /// Redaction of bodies.
    #[serde(default)]
    pub redact: super::redaction::Redact,
    /// The audit log.
    #[serde(default)]
    pub audit: Audit,
    /// Detection over events, and what is done by itself.
    #[serde(default)]
    pub situational: hangu_situational::Settings,
    /// The console and the administration API.
    pub console: Option<Console>,
    /// Metrics and probes.
    pub operations: Option<Operations>,
}

/// The process itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Gateway {
    /// The folder for everything the gateway keeps. Default: `state`.
    pub state: Option<PathBuf>,
    /// Threads that carry traffic. Default: one for each processor.
    pub threads: Option<usize>,
    /// The time zone of conditions on the hour and the weekday. Default: `Asia/Shanghai`.
    pub time_zone: Option<At<String>>,
    /// How long open requests may go on after a stop. Default: `10s`.
    pub grace: Option<Time>,
    /// `text` or `json`. Default: `text`.
    pub log: Option<LogFormat>,
}

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A trust domain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Zone {
    /// `internet`, `extranet`, `intranet` or any name; policy sees it as `zone:NAME`.
    pub name: At<String>,
    /// Addresses to listen on. `[::]:443` takes IPv4 as well.
    pub listen: Vec<At<SocketAddr>>,
    /// TLS on these listeners. Left out, they speak cleartext HTTP/1.1.
    pub tls: Option<ZoneTls>,
    /// The highest clearance a caller can have when it comes from here, 0 to 4. Default: 4.
    pub clearance: Option<u8>,
    /// Peers that must send a PROXY protocol header; nobody else may.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub proxy_protocol_from: Vec<IpNet>,
    /// Bounds on connections and requests.
    #[serde(default)]
    pub bounds: Bounds,
}

/// TLS of a zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ZoneTls {
    /// Certificates, chosen by SNI; the first is served to clients that name no host.
    pub certificates: Vec<Certificate>,
    /// Protocol versions. Default: both.
    #[serde(default)]
    pub versions: Vec<TlsVersion>,
    /// Whether clients present a certificate. Default: `off`.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    /// PEM files of the roots that client certificates may chain to.
    #[serde(default)]
    pub client_anchors: Vec<At<PathBuf>>,
    /// PEM files of certificate revocation lists; with any, every authority in a chain needs one.
    #[serde(default)]
    pub client_crls: Vec<At<PathBuf>>,
}

/// A certificate chain and its key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Certificate {
    /// PEM file, leaf first.
    pub chain: At<PathBuf>,
    /// PEM file, PKCS#8.
    pub key: At<PathBuf>,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// RFC 5246, with forward-secret AEAD suites only.
    #[serde(rename = "1.2")]
    V12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V13,
}

/// Whether clients present a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// Not asked for.
    #[default]
    Off,
    /// Asked for; one that does not verify ends the handshake.
    Optional,
    /// No handshake without one.
    Required,
}

/// Bounds on connections and requests of a zone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bounds {
    /// Open connections. Default: 20,000.
    pub connections: Option<u32>,
    /// TLS handshakes in progress. Default: 512.
    pub handshakes: Option<u32>,
    /// From accept to the end of the handshake, PROXY header included. Default: `10s`.
    pub handshake_time: Option<Time>,
    /// From the first byte of a head to its last. Default: `10s`.
    pub head_time: Option<Time>,
    /// Between requests, and for a peer that takes no bytes. Default: `60s`.
    pub idle_time: Option<Time>,
    /// Head size. Default: `32KiB`.
    pub head_size: Option<Size>,
    /// Header fields. Default: 100.
    pub headers: Option<u16>,
    /// For a whole request body. Default: `10m`.
    pub body_time: Option<Time>,
    /// Least bytes a second of a request body, over each 10 s. Default: `256B`.
    pub body_rate: Option<Size>,
    /// Concurrent HTTP/2 streams of a connection. Default: 100.
    pub streams: Option<u32>,
}

/// What may cross, and how it is treated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Crossing {
    /// The zone of the listener.
    pub from: At<String>,
    /// The zone of the portal.
    pub to: At<String>,
    /// The least redaction on this crossing, whatever the policy says. Default: none.
    pub redact: Option<At<String>>,
    /// Redaction of what requests carry over this crossing: query, header fields, body and WebSocket messages. A body
    /// that cannot be read is refused or passed as the portal's `unreadable` says. Paths stay as they are. Default: none.
    pub redact_requests: Option<At<String>>,
    /// The least assurance of a caller, 0 to 4. Default: 0.
    pub assurance: Option<u8>,
}

/// A service behind the gateway.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Portal {
    /// Its name in events, metrics and the console; the audience of its assertions.
    pub name: At<String>,
    /// The zone it lives in.
    pub zone: At<String>,
    /// The department that owns it: the `dom` of policy.
    pub department: String,
    /// Host names; `*.example` stands for one label.
    pub hosts: Vec<At<String>>,
    /// Path prefixes on whole segments. Default: `/`.
    #[serde(default)]
    pub paths: Vec<At<String>>,
    /// Ways of identification that are accepted. Default: all.
    #[serde(default)]
    pub identify: Vec<Method>,
    /// Where requests go.
    pub upstream: Upstream,
    /// Inspection of requests.
    #[serde(default)]
    pub inspect: Inspect,
    /// Whether a response waits until its event is on disk. Default: `buffered`.
    #[serde(default)]
    pub record: Record,
    /// Whether WebSocket upgrades are forwarded. Where the decision asks for redaction or the portal inspects, every
    /// message is read, without compression: the portal's `inspect` and `unreadable` say what becomes of them. Default:
    /// false.
    #[serde(default)]
    pub websocket: bool,
    /// The largest WebSocket message that is read; a larger one closes the connection with 1009. Default: `1MiB`.
    pub message_size: Option<Size>,
    /// The largest request body. Default: `16MiB`.
    pub body_size: Option<Size>,
    /// Requests in progress of one caller. Default: 256.
    pub concurrency: Option<u32>,
    /// Bodies that redaction cannot read: refuse or pass. Default: `refuse`.
    #[serde(default)]
    pub unreadable: Unreadable,
    /// A level that is tried on answers beside the one in force, where it is stricter: nothing changes, and the event
    /// says what it would have masked. Default: none.
    pub redact_trial: Option<At<String>>,
    /// File of the key of `Hangu-Binding`; without it the header is not sent.
    pub binding_key: Option<At<PathBuf>>,
}

/// A way of identification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The TLS client certificate.
    Certificate,
    /// `Authorization: Bearer`.
    Token,
    /// `Authorization: ApiKey`.
    ApiKey,
    /// The session cookie.
    Session,
}

/// What to do with what cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    /// A refusal with a reason.
    #[default]
    Refuse,
    /// Passed unread; the event says so.
    Pass,
}

/// What is recorded of a portal's requests, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// Written soon after; a crash of the machine loses at most the last moments.
    #[default]
    Buffered,
    /// On disk before the response leaves.
    BeforeResponse,
    /// Reads (GET, HEAD, OPTIONS) that were allowed and ended as they should are only counted. Everything else is
    /// written soon after: other methods, refusals, findings, redacted answers, answers of 400 and above, what broke off,
    /// what was passed unread, callers or addresses at risk, and what a rule obliges to `log:full`. For files that
    /// everybody may read.
    Exceptions,
}

/// Inspection of a portal's requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Inspect {
    /// `off`, `observe` or `block`. Default: `block`.
    pub mode: Option<InspectMode>,
    /// The score from which a request is refused. Default: 5.
    pub threshold: Option<u32>,
    /// `default` or `strict`: how readily evidence counts. `strict` finds more and blocks some ordinary requests, too.
    pub sensitivity: Option<InspectSensitivity>,
    /// Bytes of a body that are inspected. Default: `128KiB`.
    pub body: Option<Size>,
    /// A body over that bound: refuse or pass. Default: `pass`, marked in the event.
    pub over_bound: Option<Unreadable>,
    /// A body that cannot be decoded: refuse or pass. Default: `refuse`.
    pub undecodable: Option<Unreadable>,
    /// Names of `[[inspect.rules]]` that judge as well, once a caller may do what is asked. Default: none.
    #[serde(default)]
    pub rules: Vec<At<String>>,
    /// What answers give away, such as traces of errors, listings of folders and source code: `off`; `errors`, recorded
    /// where an answer is one of 400 or above; `observe`, recorded wherever it is; `block`, withheld, or cut off where it
    /// shows late. The first mebibyte is read. The last two ask upstreams for answers without a content coding; one that
    /// comes with one all the same is noted, and refused by `block` unless the portal's `unreadable` is `pass`.
    /// Default: `errors`.
    pub responses: Option<InspectResponses>,
    /// An OpenAPI document (3.0 or 3.1, YAML or JSON): requests that it does not describe are findings. Default: none.
    pub openapi: Option<At<PathBuf>>,
    /// Properties of bodies that a schema does not list: refuse or pass. Default: `pass`, as JSON Schema says.
    pub unlisted_properties: Option<Unreadable>,
    /// What is no attack here, or only looks like one.
    #[serde(default)]
    pub except: Vec<super::inspection::Except>,
    /// Traps: whoever steps into one is an attacker.
    #[serde(default)]
    pub honeypot: super::inspection::Honeypot,
}

/// What findings do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InspectMode {
    /// Nothing is looked at.
    Off,
    /// Findings are recorded.
    Observe,
    /// Findings are recorded and refuse from the threshold on.
    Block,
}

/// What is done about what answers give away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InspectResponses {
    /// Nothing is looked at.
    Off,
    /// Recorded where the answer is an error.
    Errors,
    /// Recorded.
    Observe,
    /// Withheld.
    Block,
}

/// How readily evidence counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InspectSensitivity {
    /// Nothing ordinary is refused.
    Default,
    /// What might be an attack is taken for one.
    Strict,
}

/// Where a portal's requests go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Upstream {
    /// Socket addresses.
    pub addresses: Vec<At<SocketAddr>>,
    /// How one is chosen. Default: `round-robin`.
    #[serde(default)]
    pub balance: Balance,
    /// The protocol spoken. Default: `http1`, or by ALPN with TLS.
    pub protocol: Option<Protocol>,
    /// TLS to the upstream.
    pub tls: Option<UpstreamTls>,
    /// Active checks.
    pub health: Option<Health>,
    /// Passive ejection.
    #[serde(default)]
    pub eject: Eject,
    /// To connect, TLS included. Default: `3s`.
    pub connect_time: Option<Time>,
    /// To the head of the answer. Default: `60s`.
    pub answer_time: Option<Time>,
    /// Between two pieces of an answer's body. Default: `5m`.
    pub idle_time: Option<Time>,
    /// Idle connections kept for each address. Default: 128.
    pub idle_connections: Option<usize>,
}

/// How an upstream is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// In turn.
    #[default]
    RoundRobin,
    /// The one with the fewest requests in progress.
    LeastConnections,
    /// By a consistent hash of the caller, or of the address where nobody is identified.
    ConsistentHash,
}

/// The protocol to an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, in cleartext with prior knowledge.
    Http2,
}

/// TLS to an upstream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct UpstreamTls {
    /// The name that the upstream's certificate must carry, sent as SNI.
    pub name: At<String>,
    /// PEM files of the roots it may chain to.
    pub anchors: Vec<At<PathBuf>>,
    /// The gateway's own certificate, for mutual TLS.
    pub certificate: Option<Certificate>,
}

/// Active checks of an upstream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Health {
    /// The path that answers 2xx when all is well. Without it, a connection is enough.
    pub path: Option<String>,
    /// Time between checks. Default: `5s`.
    pub interval: Option<Time>,
    /// Failures in a row that take an upstream out. Default: 2.
    pub failures: Option<usize>,
    /// Successes in a row that bring it back. Default: 1.
    pub successes: Option<usize>,
}

/// Passive ejection of an upstream.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Eject {
    /// Failures in a row (no connection, no answer, 502 to 504). Default: 5.
    pub failures: Option<u32>,
    /// Answers slower than this count as failures. Default: never.
    pub slower_than: Option<Time>,
    /// How long it stays out. Default: `30s`.
    pub time: Option<Time>,
    /// The share of the addresses that can be out at once, in percent. Default: 50.
    pub share: Option<u8>,
}

/// The model and the rules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Policy {
    /// The Casbin model.
    pub model: At<PathBuf>,
    /// The rule files, in order. A folder stands for the files `*.csv` in it, in the order of their names; one that
    /// comes or goes is a change of the policy.
    pub rules: Vec<At<PathBuf>>,
    /// Files of tests beside the rules, `*.jsonl`, or folders of them: `{"r": request, "exp": true or false}` a line.
    /// Where one does not hold, `hangu check` says no and a running gateway warns.
    #[serde(default)]
    pub cases: Vec<At<PathBuf>>,
    /// Files of statements, or folders of `*.statements`, about zones, crossings, portals and rules (`nothing from internet reaches an intranet portal
    /// without a certificate and assurance 3`); one that is not proved over every request refuses the load.
    #[serde(default)]
    pub statements: Vec<At<PathBuf>>,
    /// Lets policy change by reviewed changes only. Model and rules of the files are then what the first start
    /// begins with; afterwards the policy store says what is in force, and editing the files changes nothing.
    pub review: Option<Review>,
}

/// How policy changes are reviewed and rolled out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Review {
    /// Approvals that every change needs besides its author. Default: 1.
    pub approvers: Option<NonZeroU32>,
    /// Approvals of a change that reaches far: many callers gain, a deny goes away, an obligation weakens, the model or
    /// what must hold of the policy differs. Default: 2.
    pub wide_approvers: Option<NonZeroU32>,
    /// Callers gaining above which a change reaches far. Default: 20.
    pub wide_above: Option<u64>,
    /// Approvals of a change that may allow something in a protected place. Default: 2.
    pub protected_approvers: Option<NonZeroU32>,
    /// Places that are guarded more closely.
    #[serde(default)]
    pub protected: Vec<Protected>,
    /// How long an emergency change may last. Default and most: `24h`.
    pub emergency_time: Option<At<Time>>,
    /// Callers who used to get in and that a candidate must have refused before it is taken back. Default: 5.
    pub rollback_callers: Option<u64>,
    /// And the share of such callers, in percent, that must be exceeded. Default: 2.
    pub rollback_share: Option<At<u8>>,
    /// The time over which they are counted. Default: `10m`.
    pub rollback_window: Option<Time>,
}

/// A department or a host whose access is guarded more closely.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Protected {
    /// The department (`dom` of policy); one of the two must be given.
    pub department: Option<String>,
    /// The portal's host; one of the two must be given.
    pub host: Option<At<String>>,
    /// The administrator who must agree (`u:NAME`). Default: none.
    pub owner: Option<String>,
}

/// Who is asking.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Identity {
    /// File of local identities.
    pub users: Option<At<PathBuf>>,
    /// File of API keys.
    pub api_keys: Option<At<PathBuf>>,
    /// File of the key under which API keys are hashed.
    pub api_key_pepper: Option<At<PathBuf>>,
    /// Issuers of bearer tokens.
    #[serde(default)]
    pub issuer: Vec<Issuer>,
    /// Certificates mapped to callers; the first that fits decides.
    #[serde(default)]
    pub certificate: Vec<CertificateRuleFile>,
    /// Sessions of signed-in people.
    #[serde(default)]
    pub session: SessionLimitsFile,
    /// When failed sign-ins lock.
    #[serde(default)]
    pub lockout: LockoutFile,
    /// File of the ES256 key (PKCS#8 PEM) that signs assertions. Default: made in the state folder.
    pub assertion_key: Option<At<PathBuf>>,
    /// The issuer named in assertions. Default: `https://hangu`.
    pub assertion_issuer: Option<String>,
}

/// An issuer of bearer tokens, and where its keys come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Issuer {
    /// Whose tokens are taken, and what they say about the caller.
    pub token: At<IssuerFile>,
    /// JWKS from a file.
    pub jwks: Option<At<PathBuf>>,
    /// JWKS from a URL: `https://`, or `http://` on loopback.
    pub jwks_url: Option<At<String>>,
    /// PEM files of the roots that the URL's certificate may chain to.
    #[serde(default)]
    pub jwks_anchors: Vec<At<PathBuf>>,
    /// Least time between two fetches from the URL, however many unknown keys tokens name. Default: `30s`.
    pub jwks_pause: Option<At<Time>>,
}

/// How often one may ask.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limit {
    /// Per client address, before identification. Default: `200/s`, burst 400.
    pub address: Option<Rate>,
    /// Per caller, for each rate class that a rule's `rate:` names.
    #[serde(default)]
    pub class: BTreeMap<String, Rate>,
    /// Sign-in attempts of an address. Default: `30/m`, burst 10.
    pub sign_in: Option<Rate>,
}

/// A rate.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rate {
    /// Sustained rate.
    pub rate: Pace,
    /// Requests accepted at once before the rate applies. Default: the rate's count.
    pub burst: Option<std::num::NonZeroU32>,
}

/// The audit log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Audit {
    /// Its folder. Default: `audit` in the state folder.
    pub folder: Option<PathBuf>,
    /// File of the Ed25519 key that signs checkpoints. Default: made in the state folder.
    pub key: Option<PathBuf>,
    /// The origin line of checkpoints. Default: `hangu`.
    pub origin: Option<String>,
    /// Bytes that may wait to be written; beyond, requests are refused. Default: `64MiB`.
    pub queue: Option<Size>,
    /// Time between checkpoints. Default: `1s`.
    pub checkpoint: Option<Time>,
}

/// The console and the administration API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Console {
    /// Where it listens.
    pub listen: At<SocketAddr>,
    /// Its host name: the `host` of its policy.
    pub host: String,
    /// Its certificate.
    pub certificate: Certificate,
    /// Roots of the administrators' certificates; with any, none is let in without one.
    #[serde(default)]
    pub client_anchors: Vec<At<PathBuf>>,
    /// The Casbin model of the console.
    pub model: At<PathBuf>,
    /// The rules of the console, `dom` being `console`.
    pub rules: Vec<At<PathBuf>>,
    /// Files of statements about the console's rules; one that is not proved refuses the load.
    #[serde(default)]
    pub statements: Vec<At<PathBuf>>,
    /// The file of administrators; each has one of the three roles.
    pub users: At<PathBuf>,
}

/// Metrics and probes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Operations {
    /// Where `/metrics`, `/healthz` and `/readyz` are served, in cleartext.
    pub listen: At<SocketAddr>,
}
