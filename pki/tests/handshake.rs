//! Certificates of the authority in real TLS handshakes, client and server joined in memory.
#![cfg(test)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hangu_pki::authority::{Authority, Issued, Key, Names, Request, RevocationReason};
use hangu_pki::name::AltName;
use hangu_pki::trust::{
    Certificates, ClientAuth, Material, Trust, TrustFile, client_verifier, provider,
    server_verifier, verify_again,
};
use hangu_pki::verify::{Profile, Reason, Usage};
use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, DistinguishedName,
    Error, HandshakeKind, NamedGroup, ServerConfig, ServerConnection, SignatureScheme,
    SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_valid_client_is_let_in_and_known_by_its_certificate() {
    let mut world = World::new();
    let alice = world.client();
    let server = world.server(ClientAuth::Required, &TLS13);
    let (client, server) = handshake(&world.dial(Some(&alice), &TLS13), &server).unwrap();
    assert_eq!(
        client.negotiated_key_exchange_group().unwrap().name(),
        NamedGroup::X25519MLKEM768
    );
    let chain = server.peer_certificates().unwrap();
    let identity = hangu_pki::trust::PeerIdentity::from_der(&chain[0]).unwrap();
    assert_eq!(identity.fingerprint_sha256, alice.entry.fingerprint);
    assert_eq!(
        identity.spiffe_id.as_deref(),
        Some("spiffe://hangu.example/alice")
    );
}

#[test]
fn a_client_without_a_certificate_is_let_in_only_where_it_is_optional() {
    let world = World::new();
    for version in [&TLS12, &TLS13] {
        handshake(
            &world.dial(None, version),
            &world.server(ClientAuth::Optional, version),
        )
        .unwrap();
        let refused = handshake(
            &world.dial(None, version),
            &world.server(ClientAuth::Required, version),
        )
        .map(drop);
        assert_eq!(refused, Err(Error::NoCertificatesPresented));
    }
}

#[test]
fn a_bad_certificate_is_refused_even_where_none_is_needed() {
    let (mut world, mut other) = (World::new(), World::new());
    let server = world.server(ClientAuth::Optional, &TLS13);
    let refused = |client: &Issued, world: &World, server: &Arc<ServerConfig>| match handshake(
        &world.dial(Some(client), &TLS13),
        server,
    ) {
        Err(Error::InvalidCertificate(error)) => error,
        other => panic!("{:?}", other.map(drop)),
    };
    assert_eq!(
        refused(&other.client(), &world, &server),
        CertificateError::BadSignature,
        "same names, another key"
    );
    let wrong = world.issue(Usage::Server, &["dns:portal.example"]);
    assert_eq!(
        refused(&wrong, &world, &server),
        CertificateError::InvalidPurpose
    );
    let alice = world.client();
    world
        .authority
        .revoke(
            &alice.entry.serial,
            RevocationReason::KeyCompromise,
            world.now,
        )
        .unwrap();
    assert_eq!(
        refused(&alice, &world, &world.server(ClientAuth::Optional, &TLS13)),
        CertificateError::Revoked
    );
    let bob = world.client();
    let server_material = world.server_material.clone();
    world.now += 2 * DAY;
    let server = world.server_with(
        &server_material,
        world.verifier(ClientAuth::Optional),
        &TLS13,
    );
    assert_eq!(refused(&bob, &world, &server), CertificateError::Expired);
    world.now += 6 * DAY;
    let dave = world.client();
    let server = world.server_with(
        &server_material,
        world.verifier(ClientAuth::Optional),
        &TLS13,
    );
    assert_eq!(
        refused(&dave, &world, &server),
        CertificateError::ExpiredRevocationList
    );
}

#[test]
fn a_client_of_another_root_is_refused() {
    let mut world = World::new();
    let mut other = World::named("Other");
    let mallory = other.client();
    let server = world.server(ClientAuth::Required, &TLS13);
    let refused = handshake(&world.dial(Some(&mallory), &TLS13), &server).map(drop);
    assert_eq!(
        refused,
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    );
    let alice = world.client();
    handshake(&world.dial(Some(&alice), &TLS13), &server).unwrap();
}

#[test]
fn an_upstream_is_verified_by_name_and_under_its_own_trust() {
    let mut world = World::new();
    let server = world.server(ClientAuth::Optional, &TLS13);
    let dial = world.dial_under(world.trust(), None, &TLS13);
    let to = |name: &'static str| handshake_to(&dial, &server, name).map(drop);
    assert_eq!(to("portal.example"), Ok(()));
    assert_eq!(to("a.svc.example"), Ok(()));
    assert_eq!(
        to("other.example"),
        Err(Error::InvalidCertificate(CertificateError::NotValidForName))
    );
    let serial = world.server_serial.clone();
    world
        .authority
        .revoke(&serial, RevocationReason::Superseded, world.now)
        .unwrap();
    let refused = handshake(&world.dial_under(world.trust(), None, &TLS13), &server).map(drop);
    assert_eq!(
        refused,
        Err(Error::InvalidCertificate(CertificateError::Revoked))
    );
}

/// Why every change of trust makes a new `ServerConfig`: the old one resumes sessions without asking its verifier.
#[test]
fn a_revoked_client_resumes_behind_a_swapped_verifier() {
    for version in [&TLS12, &TLS13] {
        let mut world = World::new();
        let alice = world.client();
        let swapped = Arc::new(Swapped(Mutex::new(world.verifier(ClientAuth::Required))));
        let server = world.server_with(&world.server_material, Arc::clone(&swapped) as _, version);
        let dial = world.dial(Some(&alice), version);
        handshake(&dial, &server).unwrap();
        world
            .authority
            .revoke(
                &alice.entry.serial,
                RevocationReason::KeyCompromise,
                world.now,
            )
            .unwrap();
        *swapped.0.lock().unwrap() = world.verifier(ClientAuth::Required);
        let (client, _) = handshake(&dial, &server).unwrap();
        assert_eq!(
            client.handshake_kind(),
            Some(HandshakeKind::Resumed),
            "{version:?}: the trap has gone, and with it this rule"
        );
        let anew = handshake(&world.dial(Some(&alice), version), &server).map(drop);
        assert_eq!(
            anew,
            Err(Error::InvalidCertificate(CertificateError::Revoked)),
            "{version:?}"
        );
    }
}

#[test]
fn a_revoked_client_does_not_resume_under_a_new_server_config() {
    for version in [&TLS12, &TLS13] {
        let mut world = World::new();
        let (alice, bob) = (world.client(), world.client());
        let before = world.server(ClientAuth::Required, version);
        let (dial_alice, dial_bob) = (
            world.dial(Some(&alice), version),
            world.dial(Some(&bob), version),
        );
        handshake(&dial_alice, &before).unwrap();
        handshake(&dial_bob, &before).unwrap();
        world
            .authority
            .revoke(
                &alice.entry.serial,
                RevocationReason::KeyCompromise,
                world.now,
            )
            .unwrap();
        let after = world.server(ClientAuth::Required, version);
        let refused = handshake(&dial_alice, &after).map(drop);
        assert_eq!(
            refused,
            Err(Error::InvalidCertificate(CertificateError::Revoked)),
            "{version:?}"
        );
        let (client, _) = handshake(&dial_bob, &after).unwrap();
        assert_eq!(
            client.handshake_kind(),
            Some(HandshakeKind::Full),
            "{version:?}: nothing is carried over"
        );
        let (client, _) = handshake(&dial_bob, &after).unwrap();
        assert_eq!(
            client.handshake_kind(),
            Some(HandshakeKind::Resumed),
            "{version:?}: within one trust, sessions resume"
        );
    }
}

#[test]
fn an_open_connection_is_held_against_newer_trust() {
    let mut world = World::new();
    let alice = world.client();
    let (_, open) = handshake(
        &world.dial(Some(&alice), &TLS13),
        &world.server(ClientAuth::Required, &TLS13),
    )
    .unwrap();
    let chain: Vec<CertificateDer<'_>> = open.peer_certificates().unwrap().to_vec();
    assert_eq!(verify_again(&world.trust(), &chain, world.now), Ok(()));
    assert_eq!(
        verify_again(&world.trust(), &chain, world.now + 2 * DAY),
        Err(Reason::Expired)
    );
    world
        .authority
        .revoke(
            &alice.entry.serial,
            RevocationReason::KeyCompromise,
            world.now,
        )
        .unwrap();
    assert_eq!(
        verify_again(&world.trust(), &chain, world.now),
        Err(Reason::Revoked)
    );
    assert_eq!(
        verify_again(&World::named("Other").trust(), &chain, world.now),
        Err(Reason::UnknownIssuer)
    );
    assert!(matches!(
        verify_again(&world.trust(), &[], world.now),
        Err(Reason::Malformed(_))
    ));
}

/// An authority, a server certificate, and the hour.
struct World {
    _dir: TempDir,
    authority: Authority,
    now: Timestamp,
    server_material: Material,
    server_serial: String,
}

impl World {
    fn new() -> Self {
        Self::named("Hangu")
    }

    fn named(organization: &str) -> Self {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut authority = Authority::init(dir.path(), Names::of(organization), now).unwrap();
        let names = ["dns:portal.example", "dns:*.svc.example"];
        let issued = authority
            .issue(&request(Usage::Server, &names, 90 * DAY), now)
            .unwrap();
        let server_material = Material::server(
            issued.chain_pem.as_bytes(),
            issued.key_pem.unwrap().as_bytes(),
            now,
        )
        .unwrap();
        Self {
            _dir: dir,
            authority,
            now,
            server_material,
            server_serial: issued.entry.serial,
        }
    }

    fn client(&mut self) -> Issued {
        self.issue(Usage::Client, &["uri:spiffe://hangu.example/alice"])
    }

    fn issue(&mut self, usage: Usage, names: &[&str]) -> Issued {
        self.authority
            .issue(&request(usage, names, DAY), self.now)
            .unwrap()
    }

    /// Trust as the authority's files have it now.
    fn trust(&self) -> Trust {
        let crls = vec![self.authority.crls_pem().unwrap().into()];
        Trust::try_from(&TrustFile {
            anchors: self.authority.root_pem().into(),
            crls,
            profile: Profile::Strict,
        })
        .unwrap()
    }

    fn verifier(&self, mode: ClientAuth) -> Arc<dyn ClientCertVerifier> {
        client_verifier(Arc::new(self.trust()), mode)
    }

    fn server(
        &self,
        mode: ClientAuth,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        self.server_with(&self.server_material, self.verifier(mode), version)
    }

    fn server_with(
        &self,
        material: &Material,
        verifier: Arc<dyn ClientCertVerifier>,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_details(provider(), Arc::new(Clock(self.now)))
            .with_protocol_versions(&[version])
            .unwrap();
        let resolver = Arc::new(Certificates::new(
            std::slice::from_ref(material),
            Some(material),
        ));
        Arc::new(
            builder
                .with_client_cert_verifier(verifier)
                .with_cert_resolver(resolver),
        )
    }

    /// A client that does not look at CRLs, so that a refusal is the server's.
    fn dial(
        &self,
        client: Option<&Issued>,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let file = TrustFile {
            anchors: self.authority.root_pem().into(),
            ..TrustFile::default()
        };
        self.dial_under(Trust::try_from(&file).unwrap(), client, version)
    }

    fn dial_under(
        &self,
        trust: Trust,
        client: Option<&Issued>,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ClientConfig> {
        let verifier = server_verifier(Arc::new(trust));
        let builder = ClientConfig::builder_with_details(provider(), Arc::new(Clock(self.now)))
            .with_protocol_versions(&[version])
            .unwrap();
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        Arc::new(match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let at = client.entry.not_before;
                let material = Material::client(
                    client.chain_pem.as_bytes(),
                    client.key_pem.as_ref().unwrap().as_bytes(),
                    at,
                )
                .unwrap();
                builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
                    Arc::clone(material.certified_key()),
                )))
            }
        })
    }
}

fn request(usage: Usage, names: &[&str], validity: Duration) -> Request {
    Request {
        usage,
        common_name: None,
        organizational_unit: None,
        sans: names
            .iter()
            .map(|name| name.parse::<AltName>().unwrap())
            .collect(),
        validity,
        key: Key::Generate,
    }
}

#[derive(Debug)]
struct Clock(Timestamp);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(
            self.0.as_second().try_into().unwrap(),
        )))
    }
}

/// What one must not do: a verifier whose trust changes behind a `ServerConfig` that stays.
#[derive(Debug)]
struct Swapped(Mutex<Arc<dyn ClientCertVerifier>>);

impl ClientCertVerifier for Swapped {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0
            .lock()
            .unwrap()
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .lock()
            .unwrap()
            .verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .lock()
            .unwrap()
            .verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.lock().unwrap().supported_verify_schemes()
    }
}

fn handshake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<(ClientConnection, ServerConnection), Error> {
    handshake_to(client, server, "portal.example")
}

/// Passes records to and fro until both sides have nothing more to say, tickets included, or one of them refuses.
fn handshake_to(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &'static str,
) -> Result<(ClientConnection, ServerConnection), Error> {
    let mut client = ClientConnection::new(Arc::clone(client), name.try_into().unwrap())?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    while client.wants_write() || server.wants_write() {
        let mut records = Vec::new();
        client.write_tls(&mut records).unwrap();
        let mut unread = records.as_slice();
        while !unread.is_empty() {
            server.read_tls(&mut unread).unwrap();
            server.process_new_packets()?;
        }
        let mut records = Vec::new();
        server.write_tls(&mut records).unwrap();
        let mut unread = records.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}
