//! A gateway in a folder of its own, with three administrators, and what it takes to ask it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use hangu_audit::event::Owned;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower_service::Service as _;

use crate::admin::{Admin, router};
use crate::gateway::Gateway;
use crate::start;

/// The password of every administrator here.
pub(super) const PASSWORD: &str = "correct horse battery staple";
/// Where calls come from.
pub(super) const PEER: &str = "198.51.100.7:40000";

static HASH: LazyLock<String> =
    LazyLock::new(|| hangu_identity::local::hash_password(PASSWORD).unwrap());

/// A gateway and its administration.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) gateway: Arc<Gateway>,
    pub(super) admin: Arc<Admin>,
}

/// What a browser keeps of a session.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) cookie: String,
    pub(super) csrf: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(super) fn reason(&self) -> String {
        self.json()["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

fn policy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../configs/policy")
        .join(name)
}

/// The file of administrators with these logins and roles.
pub(super) fn administrators(list: &[(&str, &str)]) -> String {
    let one = |(login, role): &(&str, &str)| {
        format!(
            "[[identity]]\nlogin = \"{login}\"\npassword = \"{}\"\ncaller = {{ id = \"u:{login}\", kind = \"person\", assurance = 3, roles = [\"{role}\"] }}\n",
            *HASH
        )
    };
    list.iter().map(one).collect()
}

pub(super) const THREE: [(&str, &str); 3] = [
    ("sun", "sysadmin"),
    ("chen", "secadmin"),
    ("qian", "auditor"),
];

/// Administrators of whom three write and approve policy.
const FIVE: [(&str, &str); 5] = [
    ("sun", "sysadmin"),
    ("chen", "secadmin"),
    ("zhou", "secadmin"),
    ("wu", "secadmin"),
    ("qian", "auditor"),
];

impl World {
    pub(super) fn new() -> Self {
        Self::with(CONFIGURATION, &THREE)
    }

    /// Where policy changes are reviewed.
    pub(super) fn reviewed() -> Self {
        Self::with(&format!("{CONFIGURATION}\n[policy.review]\n"), &FIVE)
    }

    fn with(configuration: &str, people: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        let made = rcgen::generate_simple_self_signed(["console.gw".to_owned()]).unwrap();
        fs::write(at("console.pem"), made.cert.pem()).unwrap();
        fs::write(at("console.key"), made.signing_key.serialize_pem()).unwrap();
        fs::write(at("administrators.toml"), administrators(people)).unwrap();
        for name in [
            "model.conf",
            "rules.csv",
            "roles.csv",
            "cases.jsonl",
            "console.csv",
        ] {
            fs::copy(policy(name), at(name)).unwrap();
        }
        fs::write(at("hangu.toml"), configuration).unwrap();
        Self::at(folder)
    }

    /// A gateway over what another one kept.
    pub(super) fn at(folder: TempDir) -> Self {
        let gateway = start::gateway(&folder.path().join("hangu.toml"))
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let admin = Arc::new(Admin::new(Arc::clone(&gateway)).unwrap());
        Self {
            folder,
            gateway,
            admin,
        }
    }

    /// Ends the gateway; what it kept stays.
    pub(super) fn close(self) -> TempDir {
        self.gateway.journal.close();
        self.folder
    }

    /// Ends the gateway and begins another one with what it kept.
    pub(super) fn restarted(self) -> Self {
        Self::at(self.close())
    }

    /// One answer, its body not yet read.
    pub(super) async fn send(&self, request: Request<Body>) -> Response {
        let peer: SocketAddr = PEER.parse().unwrap();
        let mut router = router(Arc::clone(&self.admin), peer, false);
        router.call(request).await.unwrap()
    }

    pub(super) async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.send(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(super) fn request(
        &self,
        who: Option<&SignedIn>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Request<Body> {
        let mut builder = Request::builder().method(method).uri(path);
        if let Some(who) = who {
            builder = builder.header(COOKIE, &who.cookie);
            if method != "GET" {
                builder = builder.header("Hangu-Csrf", &who.csrf);
            }
        }
        match body {
            None => builder.body(Body::empty()).unwrap(),
            Some(body) => builder
                .header(CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string()))
                .unwrap(),
        }
    }

    pub(super) async fn ask(
        &self,
        who: &SignedIn,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.answer(self.request(Some(who), method, path, body.as_ref()))
            .await
    }

    pub(super) async fn sign_in(&self, login: &str) -> SignedIn {
        let body = json!({ "username": login, "password": PASSWORD });
        let answer = self
            .answer(self.request(None, "POST", "/admin/session", Some(&body)))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let cookie = answer.headers[SET_COOKIE]
            .to_str()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        SignedIn {
            cookie,
            csrf: answer.json()["csrf"].as_str().unwrap().to_owned(),
        }
    }

    /// Events of the log, the newest first.
    pub(super) fn events(&self) -> Vec<Owned> {
        let records = self.gateway.journal.read_back(None, 10_000).unwrap();
        records
            .iter()
            .map(|(_, r)| serde_json::from_slice(&r.event).unwrap())
            .collect()
    }
}

const CONFIGURATION: &str = r#"
[gateway]
state = "state"

[[zone]]
name = "internet"
listen = ["127.0.0.1:0"]

[[zone]]
name = "intranet"
listen = ["127.0.0.1:0"]

[[crossing]]
from = "internet"
to = "intranet"

[[portal]]
name = "staff"
zone = "intranet"
department = "hr"
hosts = ["hr.gov.example"]
[portal.upstream]
addresses = ["127.0.0.1:9"]

[policy]
model = "model.conf"
rules = ["rules.csv", "roles.csv"]
cases = ["cases.jsonl"]

[identity]
assertion-issuer = "https://hangu.gov.example"

[limit]
sign-in = { rate = "1000/s", burst = 1000 }
[limit.class]
bronze = { rate = "20/s", burst = 40 }
silver = { rate = "50/s", burst = 100 }
gold = { rate = "200/s", burst = 400 }

[console]
listen = "127.0.0.1:0"
host = "console.gw"
certificate = { chain = "console.pem", key = "console.key" }
model = "model.conf"
rules = ["console.csv"]
users = "administrators.toml"
"#;
