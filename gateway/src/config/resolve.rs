//! The configuration as meant: defaults applied, names checked against each other, paths made whole.

mod desk;
mod identity;
mod limit;
mod policy;
mod portal;
mod upstream;
mod zone;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hangu_identity::certificate::CertificateRules;
use hangu_identity::local::LockoutFile;
use hangu_identity::session::SessionLimitsFile;
use hangu_policy::said;

pub(super) use self::desk::Desk;
use self::desk::{SECOND, size, time};
use self::identity::resolve_identity;
pub use self::identity::{Identity, Issuer, JwksSource};
pub use self::limit::{Limit, Rate};
use self::limit::{rate_of, resolve_limit};
use self::policy::resolve_policy;
pub use self::policy::{Policy, Review};
use self::portal::resolve_portal;
pub use self::portal::{Inspect, Portal};
pub use self::upstream::{Eject, Health, Upstream, UpstreamTls};
pub(super) use self::zone::zone_index;
pub use self::zone::{Bounds, Crossing, KeyPair, Zone, ZoneTls};
use self::zone::{resolve_crossing, resolve_zone};
use super::file::LogFormat;
use super::inspection::{RuleSource, resolve_rules};
use super::load::Source;
use super::mistake::Mistake;
use super::redaction::Redaction;

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
    /// Rules in SecLang that portals name.
    pub rules: Vec<RuleSource>,
    /// Redaction.
    pub redact: Redaction,
    /// The audit log.
    pub audit: Audit,
    /// Detection.
    pub situational: hangu_situational::Settings,
    /// The console, where there is one.
    pub console: Option<Console>,
    /// Where metrics and probes are served.
    pub operations: Option<SocketAddr>,
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
    /// Its model, its rules and what must hold of them.
    pub policy: Policy,
    /// Its administrators.
    pub users: PathBuf,
}

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
                    said!(
                        "zone `{}` is declared twice",
                        "区域 `{}` 声明了两次",
                        *zone.name
                    ),
                );
            }
            let zone = resolve_zone(&mut desk, zone);
            zones.push(zone);
        }
    }
    let mut crossings: Vec<Crossing> = Vec::new();
    let mut portals: Vec<Portal> = Vec::new();
    let mut rules: Vec<RuleSource> = Vec::new();
    for source in sources {
        let mut desk = Desk { source, mistakes };
        resolve_rules(&mut desk, &mut rules, &source.file.inspect);
    }
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
                    said!(
                        "portal `{}` is declared twice",
                        "门户 `{}` 声明了两次",
                        *portal.name
                    ),
                );
            }
            let portal = resolve_portal(&mut desk, &zones, &rules, portal);
            portals.extend(portal);
        }
        if let Some(p) = &source.file.policy {
            if policy.is_some() {
                desk.wrong_file(said!(
                    "`[policy]` is given in two files; keep one",
                    "`[policy]` 在两个文件中出现；只保留一处"
                ));
            }
            policy = Some(resolve_policy(&mut desk, p));
        }
        if let Some(c) = &source.file.console {
            let mut folders = Vec::new();
            console = Some(Console {
                listen: *c.listen,
                host: c.host.clone(),
                certificate: desk.pair(&c.certificate),
                client_anchors: desk.files(&c.client_anchors),
                policy: Policy {
                    model: desk.file(&c.model),
                    rules: desk.files_or_folders(&c.rules, "csv", &mut folders),
                    statements: desk.files_or_folders(&c.statements, "statements", &mut folders),
                    folders,
                    ..Policy::default()
                },
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
        desk.wrong_file(said!(
            "there is no `[[zone]]`, so nothing would be served",
            "没有 `[[zone]]`，网关不会提供任何服务"
        ));
    }
    let policy = policy.unwrap_or_else(|| {
        desk.wrong_file(said!(
            "there is no `[policy]`; without rules every request would be refused",
            "没有 `[policy]`；没有规则就会拒绝所有请求"
        ));
        Policy::default()
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
                    said!(
                        "`{}` is no IANA time zone; write for example `Asia/Shanghai`",
                        "`{}` 不是 IANA 时区；写成 `Asia/Shanghai` 这样",
                        **z
                    ),
                );
            }
            (**z).clone()
        });
    let identity = resolve_identity(&mut desk, &f.identity, &state);
    let limit = resolve_limit(sources, mistakes);
    let mut redact = Redaction::default();
    for source in sources {
        redact.apply(&mut Desk { source, mistakes }, &source.file.redact);
    }
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
        rules,
        redact,
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
        files.extend(portal.inspect.openapi.iter().map(|(path, _)| path.clone()));
        if let Some(tls) = &portal.upstream.tls {
            files.extend(tls.anchors.iter().cloned());
            files.extend(
                tls.certificate
                    .iter()
                    .flat_map(|p| [p.chain.clone(), p.key.clone()]),
            );
        }
    }
    files.extend(c.policy.files().cloned());
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
    files.extend(c.redact.key.clone());
    files.extend(
        c.redact
            .watermark
            .iter()
            .map(|marking| marking.file.clone()),
    );
    if let Some(console) = &c.console {
        files.push(console.users.clone());
        files.extend(console.policy.files().cloned());
    }
    files
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
        policy: Policy::default(),
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
        rules: Vec::new(),
        redact: Redaction::default(),
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
