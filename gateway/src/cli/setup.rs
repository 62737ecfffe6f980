//! `hangu setup`: the state folder of a trial pass, with an authority, certificates and identities of every kind.
//!
//! Passwords are drawn at random for each pass; there is no default one. What exists is kept, so that a second start
//! finds the same pass; only what expires soon is made again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hangu_identity::api_key::{ApiKeyRecord, Pepper, generate};
use hangu_identity::caller::CallerFile;
use hangu_identity::local::{LocalIdentityFile, hash_password};
use hangu_identity::{Assurance, CallerKind};
use hangu_pki::authority::{Authority, Key, Names, Request};
use hangu_pki::name::AltName;
use hangu_pki::verify::Usage;
use serde_json::json;

use super::check::say;
use super::{Answer, complain};
use crate::clock;
use crate::identities::{ApiKeysFile, UsersFile};
use crate::keys::{load_or_make, write_private};

const DAY: Duration = Duration::from_secs(86_400);

/// People of the trial pass: login, name, id, assurance, clearance, department, device trust.
const PEOPLE: [(&str, &str, &str, u8, u8, &str, &str); 4] = [
    ("wang", "王伟", "u:wang", 2, 1, "portal", "50"),
    ("li", "李娜", "u:li", 2, 2, "hr", "80"),
    ("zhao", "赵敏", "u:zhao", 3, 3, "hr", "80"),
    ("bad", "已停用的职员", "u:bad", 2, 2, "hr", "80"),
];

/// Administrators: login, name, role.
const ADMINISTRATORS: [(&str, &str, &str); 4] = [
    ("sun", "孙系统", "sysadmin"),
    ("chen", "陈安全", "secadmin"),
    ("zhou", "周复核", "secadmin"),
    ("qian", "钱审计", "auditor"),
];

/// Makes what is missing.
pub(super) fn setup(state: &Path) -> Answer {
    let made = Setup {
        state: state.to_owned(),
    }
    .all();
    match made {
        Ok(samples) => say(&samples.to_string()),
        Err(error) => {
            complain(&error);
            Answer::CouldNot
        }
    }
}

struct Setup {
    state: PathBuf,
}

impl Setup {
    fn all(&self) -> Result<serde_json::Value, String> {
        self.certificates()?;
        let random = || random_bytes::<32>().map(|b| URL_SAFE_NO_PAD.encode(b).into_bytes());
        load_or_make(&self.state.join("keys/pepper.key"), random)?;
        load_or_make(&self.state.join("keys/exchange-binding.key"), random)?;
        let samples = load_or_make(&self.state.join("samples.json"), || {
            self.identities()
                .and_then(|s| serde_json::to_vec_pretty(&s).map_err(|e| e.to_string()))
        })?;
        let mut samples: serde_json::Value =
            serde_json::from_slice(&samples).map_err(|e| e.to_string())?;
        let token = self.token()?;
        if let Some(samples) = samples.as_object_mut() {
            samples.insert(
                "token".to_owned(),
                json!({ "caller": "u:zhao", "file": token }),
            );
            samples.insert(
                "root".to_owned(),
                json!(self.state.join("pki/authority/root.pem")),
            );
        }
        Ok(samples)
    }

    fn certificates(&self) -> Result<(), String> {
        let folder = self.state.join("pki/authority");
        let now = clock::now();
        let mut authority = if folder.join("authority.json").exists() {
            Authority::open(&folder)
        } else {
            Authority::init(&folder, Names::of("函谷演示 Hangu trial"), now)
        }
        .map_err(|e| e.to_string())?;
        if authority.is_crl_stale(now).map_err(|e| e.to_string())? {
            authority.crl(now).map_err(|e| e.to_string())?;
        }
        let portals = [
            "dns:portal.gov.example",
            "dns:exchange.gov.example",
            "dns:hr.gov.example",
            "dns:localhost",
            "ip:127.0.0.1",
            "ip:::1",
        ];
        self.issue(
            &mut authority,
            "portals",
            Usage::Server,
            "portal.gov.example",
            &portals,
        )?;
        let console = ["dns:console.gw", "dns:localhost", "ip:127.0.0.1", "ip:::1"];
        self.issue(
            &mut authority,
            "console",
            Usage::Server,
            "console.gw",
            &console,
        )?;
        let client = |name: &str| format!("uri:spiffe://gov.example/{name}");
        self.issue(
            &mut authority,
            "tax-etl",
            Usage::Client,
            "tax-etl",
            &[&client("svc/tax-etl")],
        )?;
        self.issue(
            &mut authority,
            "zhao",
            Usage::Client,
            "zhao",
            &[&client("staff/zhao")],
        )?;
        self.issue(
            &mut authority,
            "li",
            Usage::Client,
            "li",
            &[&client("staff/li")],
        )
    }

    /// Issues a certificate that is not there yet, or ends within a week.
    fn issue(
        &self,
        authority: &mut Authority,
        stem: &str,
        usage: Usage,
        common_name: &str,
        names: &[&str],
    ) -> Result<(), String> {
        let (chain, key) = (
            self.state.join(format!("pki/{stem}.pem")),
            self.state.join(format!("pki/{stem}.key")),
        );
        let now = clock::now();
        let fresh = fs::read(&chain)
            .ok()
            .zip(fs::read(&key).ok())
            .is_some_and(|(chain, key)| {
                let week = jiff::SignedDuration::from_hours(7 * 24);
                let later = now.checked_add(week).unwrap_or(now);
                hangu_pki::trust::Material::client(&chain, &key, later).is_ok()
            });
        if fresh {
            return Ok(());
        }
        let sans = names
            .iter()
            .map(|name| name.parse::<AltName>().map_err(|e| e.to_string()))
            .collect::<Result<Vec<_>, _>>()?;
        let request = Request {
            usage,
            common_name: Some(common_name.to_owned()),
            organizational_unit: None,
            sans,
            validity: 90 * DAY,
            key: Key::Generate,
        };
        let issued = authority.issue(&request, now).map_err(|e| e.to_string())?;
        let secret = issued.key_pem.as_ref().ok_or("no key was made")?;
        write_private(&key, secret.as_bytes()).map_err(|e| e.to_string())?;
        fs::write(&chain, issued.chain_pem).map_err(|e| e.to_string())
    }

    fn identities(&self) -> Result<serde_json::Value, String> {
        let mut passwords = BTreeMap::new();
        let mut people = UsersFile::default();
        for (login, name, id, assurance, clearance, department, device) in PEOPLE {
            let caller = CallerFile {
                attributes: BTreeMap::from([("device-trust".to_owned(), device.to_owned())]),
                ..caller(
                    id,
                    name,
                    CallerKind::Person,
                    assurance,
                    clearance,
                    department,
                    &[],
                )
            };
            people
                .identity
                .push(identity(login, caller, &mut passwords)?);
        }
        let mut administrators = UsersFile::default();
        for (login, name, role) in ADMINISTRATORS {
            let id = format!("u:{login}");
            let caller = caller(&id, name, CallerKind::Person, 3, 0, "console", &[role]);
            administrators
                .identity
                .push(identity(login, caller, &mut passwords)?);
        }
        self.write_toml("identities.toml", &people)?;
        self.write_toml("administrators.toml", &administrators)?;
        let pepper = fs::read(self.state.join("keys/pepper.key")).map_err(|e| e.to_string())?;
        let pepper = Pepper::new(pepper.trim_ascii()).map_err(|e| e.to_string())?;
        let who = caller(
            "svc:report",
            "统计报表",
            CallerKind::Service,
            2,
            1,
            "statistics",
            &[],
        );
        let (key, record): (_, ApiKeyRecord) = generate("report", who, None, &pepper, clock::now())
            .map_err(|_| "no random numbers".to_owned())?;
        self.write_toml("api-keys.toml", &ApiKeysFile { key: vec![record] })?;
        Ok(
            json!({ "passwords": passwords, "api-key": { "caller": "svc:report", "key": key.as_str() } }),
        )
    }

    fn write_toml(&self, name: &str, value: &impl serde::Serialize) -> Result<(), String> {
        let text = toml::to_string_pretty(value).map_err(|e| e.to_string())?;
        write_private(&self.state.join(name), text.as_bytes()).map_err(|e| e.to_string())
    }

    /// The sample identity provider's key set, and a token of it that is valid for twelve hours.
    fn token(&self) -> Result<PathBuf, String> {
        let pkcs8 = load_or_make(&self.state.join("idp/key.pk8"), || {
            hangu_identity::assertion::generate_key()
                .map(|k| k.to_vec())
                .map_err(|e| e.to_string())
        })?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
            .map_err(|e| e.to_string())?;
        let (x, y) = key
            .public_key()
            .as_ref()
            .get(1..)
            .and_then(|p| p.split_at_checked(32))
            .ok_or("no P-256 key")?;
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "sample",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        fs::write(
            self.state.join("idp/jwks.json"),
            json!({ "keys": [jwk] }).to_string(),
        )
        .map_err(|e| e.to_string())?;
        let now = clock::now().as_second();
        let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "sample" });
        let claims = json!({
            "iss": "https://idp.gov.example", "aud": "https://hangu.gov.example", "sub": "zhao",
            "client_id": "trial", "iat": now, "exp": now + 12 * 3600, "acr": "urn:gov:cn:aal:3",
            "department": "hr", "clearance": 2, "device_trust": "80",
            "jti": URL_SAFE_NO_PAD.encode(random_bytes::<16>()?),
        });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|e| e.to_string())?;
        let path = self.state.join("zhao.token");
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
        write_private(&path, token.as_bytes()).map_err(|e| e.to_string())?;
        Ok(path)
    }
}

fn random_bytes<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0u8; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no random numbers".to_owned())?;
    Ok(bytes)
}

fn caller(
    id: &str,
    name: &str,
    kind: CallerKind,
    assurance: u8,
    clearance: u8,
    department: &str,
    roles: &[&str],
) -> CallerFile {
    CallerFile {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        kind,
        assurance: Assurance::new(assurance).unwrap_or(Assurance::NONE),
        clearance,
        department: Some(department.to_owned()),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        attributes: BTreeMap::new(),
    }
}

fn identity(
    login: &str,
    caller: CallerFile,
    passwords: &mut BTreeMap<String, String>,
) -> Result<LocalIdentityFile, String> {
    let password = URL_SAFE_NO_PAD.encode(random_bytes::<12>()?);
    let hash = hash_password(&password).map_err(|e| e.to_string())?;
    passwords.insert(login.to_owned(), password);
    Ok(LocalIdentityFile {
        login: login.to_owned(),
        password: hash,
        caller,
        disabled: false,
    })
}
