//! What the gateway lets through before the policy is asked: zones, crossings and portals.

use crate::obligation::RedactLevel;

/// Whether clients of a zone present a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// Never.
    Off,
    /// Some do.
    Optional,
    /// Always.
    Required,
}

/// A trust domain from which requests come.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name; policy sees it as `zone:NAME`.
    pub name: String,
    /// Whether its clients present a certificate.
    pub certificates: Certificates,
}

/// A declared crossing.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// The zone of the client.
    pub from: String,
    /// The zone of the portal.
    pub to: String,
    /// The least assurance of a caller, 0 to 4.
    pub assurance: u8,
    /// The least redaction of a response.
    pub redact: Option<RedactLevel>,
}

/// A service behind the gateway.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Its name.
    pub name: String,
    /// The zone it lives in.
    pub zone: String,
    /// The department that owns it: the `dom` of policy.
    pub department: String,
    /// Host names in lower case; a leading `*.` stands for one label.
    pub hosts: Vec<String>,
    /// Path prefixes on whole segments; `/` for every path.
    pub paths: Vec<String>,
}

/// Everything a request passes before the policy is asked.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Zones.
    pub zones: Vec<Zone>,
    /// Crossings; what is not declared is refused, except within a zone.
    pub crossings: Vec<Crossing>,
    /// Portals.
    pub portals: Vec<Portal>,
}

impl World {
    /// The least assurance and redaction from one zone to another; `None` where nothing may cross.
    pub(super) fn crossing(&self, from: &str, to: &str) -> Option<(u8, Option<RedactLevel>)> {
        let declared = self
            .crossings
            .iter()
            .find(|crossing| crossing.from == from && crossing.to == to);
        match declared {
            Some(crossing) => Some((crossing.assurance, crossing.redact)),
            None => (from == to).then_some((0, None)),
        }
    }
}
