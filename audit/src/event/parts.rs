//! The parts that events of every class share.

use std::net::IpAddr;

/// One end of a crossing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Endpoint<'a> {
    /// Address.
    pub ip: Option<IpAddr>,
    /// Port.
    pub port: Option<u16>,
    /// Zone.
    pub zone: Option<&'a str>,
    /// Host name.
    pub hostname: Option<&'a str>,
}

/// A TLS connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tls<'a> {
    /// Protocol version, like `1.3`.
    pub version: &'a str,
    /// Cipher suite.
    pub cipher: Option<&'a str>,
    /// Server name the client asked for.
    pub sni: Option<&'a str>,
    /// JA4 fingerprint of the client's hello.
    pub ja4: Option<&'a str>,
    /// The client's certificate.
    pub certificate: Option<Certificate<'a>>,
}

/// A client's certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Certificate<'a> {
    /// SHA-256 over its DER, in hexadecimal.
    pub fingerprint: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Who issued it.
    pub issuer: &'a str,
    /// Its serial number, in hexadecimal.
    pub serial: &'a str,
}

/// The head of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// Method.
    pub method: &'a str,
    /// Host, normalised.
    pub host: Option<&'a str>,
    /// Path, normalised; personal data in it already masked.
    pub path: Option<&'a str>,
    /// Query with its values already masked.
    pub query: Option<&'a str>,
    /// HTTP version, like `2`.
    pub version: Option<&'a str>,
    /// User agent.
    pub user_agent: Option<&'a str>,
    /// Length of the body as declared.
    pub length: Option<u64>,
}

/// The head of a response.
#[derive(Clone, Copy, Debug, Default)]
pub struct Response {
    /// Status code that the client got.
    pub code: u16,
    /// Length of the body as declared.
    pub length: Option<u64>,
    /// Until the upstream's head arrived, in microseconds.
    pub latency_us: Option<u64>,
}

/// Who did it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actor<'a> {
    /// The caller's id.
    pub id: &'a str,
    /// The caller's name, where it may be kept.
    pub name: Option<&'a str>,
    /// What the caller is.
    pub kind: CallerKind,
    /// Department.
    pub department: Option<&'a str>,
    /// Session, as a keyed digest.
    pub session: Option<&'a str>,
    /// How the caller proved it: `certificate`, `token`, `key`, `session`.
    pub method: Option<&'a str>,
    /// How sure that is, 0 to 4.
    pub assurance: Option<u8>,
    /// Trust in the device, 0 to 100, as the decision took it.
    pub device_trust: Option<u8>,
    /// Clearance.
    pub clearance: Option<&'a str>,
}

/// What a caller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallerKind {
    /// Not known.
    #[default]
    Nobody,
    /// A person.
    Person,
    /// An administrator of the gateway.
    Administrator,
    /// A program.
    Service,
    /// A device.
    Device,
}

/// What was decided, and why.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decision<'a> {
    /// The decision's id, the same that the caller is told.
    pub id: &'a str,
    /// What it was.
    pub effect: Effect,
    /// The rules that made it.
    pub rules: &'a [&'a str],
    /// The policy's revision.
    pub revision: &'a str,
    /// Why, in a word: `rule`, `default-deny`, `no-crossing`.
    pub grounds: Option<&'a str>,
    /// What the allow costs.
    pub obligations: &'a [&'a str],
}

/// What a decision says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// The request may pass.
    Allow,
    /// The request may not pass.
    #[default]
    Deny,
}

/// What inspection saw in a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finding<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Its score.
    pub score: u32,
    /// Its category, like `sql-injection`.
    pub category: &'a str,
    /// ATT&CK technique, like `T1190`.
    pub technique: Option<&'a str>,
    /// Where in the request.
    pub place: &'a str,
    /// What was matched, already masked.
    pub evidence: Option<&'a str>,
}

/// Whom a response told of.
#[derive(Clone, Copy, Debug, Default)]
pub struct People<'a> {
    /// How many there were that could be told apart.
    pub count: u64,
    /// Some of them, each by a keyed hash.
    pub told: &'a [&'a str],
}

/// A limit and how much of it was left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit<'a> {
    /// The limit.
    pub name: &'a str,
    /// Requests that were left.
    pub remaining: u64,
    /// When to try again, in milliseconds, if it was exceeded.
    pub retry_after_ms: Option<u64>,
}

/// Risk, from 0 to 100.
#[derive(Clone, Copy, Debug, Default)]
pub struct Risk {
    /// Of the caller.
    pub caller: u8,
    /// Of the address.
    pub address: u8,
}

/// Bytes carried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// From the client.
    pub bytes_in: u64,
    /// To the client.
    pub bytes_out: u64,
}

/// The upstream that answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upstream<'a> {
    /// Its address.
    pub address: &'a str,
    /// How many upstreams were tried.
    pub attempts: u32,
    /// The status it answered.
    pub code: Option<u16>,
}
