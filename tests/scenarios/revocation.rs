//! Certificates that were good: revoked ones neither connect, nor resume, nor go on; and those that never were.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use hangu_tests::{Hangu, Identity, Pass, Zone};
use http::Request;
use http_body_util::BodyExt as _;
use rustls::client::Resumption;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const HOST: &str = "exchange.gov.example";
const PERSON: &str = "/api/v1/people/7";

fn revoke(pass: &Pass, name: &str) {
    let chain = pass.path(&format!("state/pki/{name}.pem"));
    let leaf = CertificateDer::pem_file_iter(chain)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let fingerprint: String = digest(&SHA256, &leaf)
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let folder = pass.path("state/pki/authority");
    let folder = folder.to_str().unwrap();
    let _said = Hangu::run(&[
        "pki",
        "revoke",
        "--dir",
        folder,
        "--reason",
        "key-compromise",
        &fingerprint,
    ])
    .succeeded();
}

fn issue(authority: &Path, out: &Path, name: &str) {
    let (authority, out) = (authority.to_str().unwrap(), out.to_str().unwrap());
    let _said = Hangu::run(&[
        "pki",
        "issue",
        "--dir",
        authority,
        "--usage",
        "client",
        "--common-name",
        "test",
        "--name",
        name,
        "--out",
        out,
    ])
    .succeeded();
}

/// A client with a memory for sessions.
fn remembering(pass: &Pass, name: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(pass.path("state/pki/authority/root.pem")).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let chain = CertificateDer::pem_file_iter(pass.path(&format!("state/pki/{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(pass.path(&format!("state/pki/{name}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    config.resumption = Resumption::in_memory_sessions(16);
    Arc::new(config)
}

/// One request over a connection of its own: how the handshake went, and the status line.
async fn visit(
    pass: &Pass,
    config: &Arc<ClientConfig>,
) -> std::io::Result<(Option<HandshakeKind>, String)> {
    let tcp = TcpStream::connect(pass.at(Zone::Extranet)).await?;
    let name = ServerName::try_from(HOST).unwrap();
    let mut stream = TlsConnector::from(Arc::clone(config))
        .connect(name, tcp)
        .await?;
    let request = format!("GET {PERSON} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let kind = stream.get_ref().1.handshake_kind();
    let answer = String::from_utf8_lossy(&answer);
    Ok((kind, answer.lines().next().unwrap_or_default().to_owned()))
}

/// Waits until new handshakes of an identity are refused.
async fn refused(pass: &Pass, identity: &Identity) -> Instant {
    let client = pass.client(Zone::Extranet).identity(identity.clone());
    let begun = Instant::now();
    loop {
        let asked = client
            .try_send(HOST, Request::get(PERSON), hangu_tests::client::whole(""))
            .await;
        match asked {
            Err(_) => return Instant::now(),
            // One that began before the change may end after it.
            Ok(answer) if answer.status == 403 => {
                assert_eq!(answer.json()["reason"], "certificate-revoked");
            }
            Ok(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", pass.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_client_cannot_resume() {
    let pass = Pass::start().await;
    let config = remembering(&pass, "tax-etl");
    let (first, answer) = visit(&pass, &config).await.unwrap();
    assert_eq!(first, Some(HandshakeKind::Full));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (again, answer) = visit(&pass, &config).await.unwrap();
    assert_eq!(
        again,
        Some(HandshakeKind::Resumed),
        "the client holds a ticket that is taken"
    );
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    revoke(&pass, "tax-etl");
    refused(&pass, &pass.identity("tax-etl")).await;
    for _ in 0..3 {
        match visit(&pass, &config).await {
            Err(_) => {}
            Ok((kind, answer)) => panic!("{kind:?} {answer}"),
        }
    }
    pass.event(|e| e["status_code"] == "certificate-revoked")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_ends_open_connections_and_streams_within_a_second_and_reissuing_restores() {
    let pass = Pass::start().await;
    let identity = pass.identity("tax-etl");
    let client = pass.client(Zone::Extranet).identity(identity.clone());
    let mut kept = client.connect(HOST).await;
    assert_eq!(kept.get(PERSON).await.status, 200);
    let mut streaming = client.connect("portal.gov.example").await;
    let events = streaming
        .begin(Request::get("/events"), hangu_tests::client::whole(""))
        .await;
    assert_eq!(events.status(), 200);
    let mut events = events.into_body();
    assert!(events.frame().await.unwrap().is_ok(), "the stream runs");
    // Somebody else's connection is not touched.
    let other = pass.client(Zone::Extranet).api_key(&pass.api_key());
    let mut others = other.connect(HOST).await;
    assert_eq!(others.get("/api/v1/people?size=3").await.status, 200);

    revoke(&pass, "tax-etl");
    let since = refused(&pass, &identity).await;
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        while let Some(Ok(_)) = events.frame().await {}
    });
    assert!(ended.await.is_ok(), "the stream ends");
    assert!(
        since.elapsed() < Duration::from_secs(1),
        "the stream ended after {:?}",
        since.elapsed()
    );
    match kept
        .try_begin(Request::get(PERSON), hangu_tests::client::whole(""))
        .await
    {
        // Cut, or told why.
        Err(_) => {}
        Ok(answer) => {
            assert_eq!(answer.status(), 403);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(String::from_utf8_lossy(&body).contains("certificate-revoked"));
        }
    }
    assert_eq!(others.get("/api/v1/people?size=3").await.status, 200);

    issue(
        &pass.path("state/pki/authority"),
        &pass.path("again"),
        "uri:spiffe://gov.example/svc/tax-etl",
    );
    let again = Identity::read(&pass.path("again.pem"), &pass.path("again.key"));
    let answer = pass
        .client(Zone::Extranet)
        .identity(again)
        .get(HOST, PERSON)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_refused_at_the_handshake() {
    let pass = Pass::start().await;
    let other = pass.path("other");
    let _said = Hangu::run(&["pki", "init", "--dir", other.to_str().unwrap()]).succeeded();
    issue(
        &other,
        &pass.path("foreign"),
        "uri:spiffe://gov.example/svc/tax-etl",
    );
    let foreign = Identity::read(&pass.path("foreign.pem"), &pass.path("foreign.key"));
    let client = pass.client(Zone::Extranet).identity(foreign);
    let asked = client
        .try_send(HOST, Request::get(PERSON), hangu_tests::client::whole(""))
        .await;
    assert!(asked.is_err(), "{asked:?}");
    pass.event(|e| e["status_code"] == "certificate-not-trusted")
        .await;
    assert_eq!(
        pass.portal(hangu_portals::Kind::Exchange).arrivals(),
        [""; 0]
    );
}
