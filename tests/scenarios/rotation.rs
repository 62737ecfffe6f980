//! Keys of an issuer that change while the gateway runs: fetched from their URL when a token names a new one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hangu_tests::{Client, Issuer, Pass, Plan, Zone};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

const STAFF: &str = "hr.gov.example";

/// Serves a key set that can be changed, and counts how often it was asked for.
struct KeyServer {
    at: SocketAddr,
    /// The status and body of the next answers.
    says: Arc<Mutex<(u16, String)>>,
    asked: Arc<AtomicUsize>,
}

impl KeyServer {
    async fn start(keys: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            at: listener.local_addr().unwrap(),
            says: Arc::new(Mutex::new((200, keys.to_string()))),
            asked: Arc::default(),
        };
        let (says, asked) = (Arc::clone(&server.says), Arc::clone(&server.asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read_exact(&mut byte).await.is_err() {
                        break;
                    }
                    head.extend(byte);
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let (status, body) = says.lock().await.clone();
                let answer = format!(
                    "HTTP/1.1 {status} said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _gone = stream.write_all(answer.as_bytes()).await;
            }
        });
        server
    }

    async fn says(&self, status: u16, body: &str) {
        *self.says.lock().await = (status, body.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn start(server: &KeyServer, pause: &str) -> Pass {
    Plan::new()
        .with(|c| {
            let issuer = &mut c["identity"]["issuer"][0];
            let issuer = issuer.as_table_mut().unwrap();
            issuer.remove("jwks");
            let url = format!("http://{}/jwks.json", server.at);
            issuer.insert("jwks-url".to_owned(), url.into());
            issuer.insert("jwks-pause".to_owned(), pause.into());
        })
        .start()
        .await
}

fn bearing(pass: &Pass, issuer: &Issuer) -> Client {
    pass.stranger(Zone::Intranet)
        .token(&issuer.token("zhao", &json!({})))
}

async fn status(pass: &Pass, issuer: &Issuer) -> u16 {
    let answer = bearing(pass, issuer).get(STAFF, "/api/v1/people/7").await;
    answer.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_goes_with_its_set() {
    let (old, new) = (Issuer::es256("2026-a"), Issuer::rs256("2026-b"));
    let never = Issuer::es256("2026-c");
    let server = KeyServer::start(&old.jwks()).await;
    let pass = start(&server, "1ms").await;
    let known = bearing(&pass, &old);
    assert_eq!(known.get(STAFF, "/").await.status, 200);
    assert_eq!(status(&pass, &new).await, 401);

    // ES256 alone is configured: that a key is in the set does not make its algorithm one that is taken.
    let both = json!({ "keys": [old.jwks()["keys"][0], new.jwks()["keys"][0]] });
    server.says(200, &both.to_string()).await;
    assert_eq!(status(&pass, &new).await, 401);
    let next = Issuer::es256("2026-b");
    let both = json!({ "keys": [old.jwks()["keys"][0], next.jwks()["keys"][0]] });
    server.says(200, &both.to_string()).await;
    assert_eq!(status(&pass, &never).await, 401);
    assert_eq!(status(&pass, &next).await, 200);
    assert_eq!(known.get(STAFF, "/").await.status, 200, "both hold");

    // What cannot be used changes nothing.
    for (code, body) in [(500, ""), (200, "{}"), (200, "no JSON")] {
        server.says(code, body).await;
        assert_eq!(status(&pass, &never).await, 401);
        assert_eq!(status(&pass, &next).await, 200, "{code} {body}");
    }

    // The old key is taken out: a token under it, known before, holds no longer.
    server.says(200, &next.jwks().to_string()).await;
    assert_eq!(status(&pass, &never).await, 401);
    assert_eq!(known.get(STAFF, "/").await.status, 401);
    assert_eq!(status(&pass, &next).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_makes_one_fetch_in_each_pause() {
    let old = Issuer::es256("2026-a");
    let server = KeyServer::start(&old.jwks()).await;
    let pass = start(&server, "2s").await;
    assert_eq!(status(&pass, &old).await, 200);
    let before = server.asked();
    assert!(before >= 1, "fetched at the start");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let asking = (0..20).map(|n| {
        let unknown = Issuer::es256(&format!("unknown-{n}"));
        let client = bearing(&pass, &unknown);
        async move { client.get(STAFF, "/").await.status }
    });
    let begun = std::time::Instant::now();
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer, 401);
    }
    let pauses = usize::try_from(begun.elapsed().as_millis() / 2000).unwrap();
    let fetched = server.asked() - before;
    assert!((1..=1 + pauses).contains(&fetched), "{fetched} fetches");
}
