//! TLS of a zone: what is presented, who is trusted, who the peer is, and whether that still holds.
//!
//! Every change of trust makes a new `ServerConfig`. A verifier swapped behind an old one would let a revoked client
//! resume its session; `a_revoked_client_cannot_resume` in the scenarios shows it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_lc_rs::digest::{Context, SHA256, digest};
use hangu_pki::trust::{
    self, Certificates, ClientAuth, Material, PeerIdentity, Trust, TrustFile, client_verifier,
    verify_again,
};
use hangu_policy::{Said, said};
use jiff::Timestamp;
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use crate::config::{self, ClientCertificates, TlsVersion, unreadable, unusable};
use crate::connection::{Connection, Peer, TlsFacts};
use crate::handshake::CertificateFault;
use crate::ja4::{self, Overheard};
use crate::refusal::Refusal;

/// TLS of a zone as it is in force.
pub struct ZoneTls {
    /// Makes handshakes.
    pub acceptor: TlsAcceptor,
    /// Whom client certificates chain to.
    pub trust: Option<Arc<Trust>>,
    /// Moves on with every change of what is presented or trusted.
    pub generation: u64,
    /// The end of each certificate that is presented, by its subject: for warnings before.
    pub ends: Vec<(String, i64)>,
    /// Digest over everything it was built from.
    made_of: Vec<u8>,
}

impl std::fmt::Debug for ZoneTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ZoneTls")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// A file that cannot be used, and why.
#[derive(Debug)]
pub struct FileFault {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub message: Said,
}

fn fault(file: &Path, message: Said) -> FileFault {
    FileFault {
        file: file.to_owned(),
        message,
    }
}

fn read(file: &Path) -> Result<Vec<u8>, FileFault> {
    fs::read(file).map_err(|e| fault(file, unreadable(&e)))
}

/// The bytes of every file a zone's TLS is made of.
struct Files {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    anchors: Vec<Vec<u8>>,
    crls: Vec<Vec<u8>>,
}

impl Files {
    fn read(tls: &config::ZoneTls) -> Result<Self, FileFault> {
        Ok(Self {
            pairs: tls
                .certificates
                .iter()
                .map(|pair| Ok((read(&pair.chain)?, read(&pair.key)?)))
                .collect::<Result<_, FileFault>>()?,
            anchors: tls
                .client_anchors
                .iter()
                .map(|p| read(p))
                .collect::<Result<_, _>>()?,
            crls: tls
                .client_crls
                .iter()
                .map(|p| read(p))
                .collect::<Result<_, _>>()?,
        })
    }

    fn digest(&self, tls: &config::ZoneTls) -> Vec<u8> {
        let mut context = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        };
        add(format!("{:?}{:?}", tls.versions, tls.client_certificates).as_bytes());
        for (chain, key) in &self.pairs {
            add(chain);
            add(key);
        }
        for bytes in self.anchors.iter().chain(&self.crls) {
            add(bytes);
        }
        context.finish().as_ref().to_vec()
    }
}

impl ZoneTls {
    /// Reads a zone's files. Where nothing has changed since `before`, that is kept with its sessions.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn build(
        tls: &config::ZoneTls,
        before: Option<&Arc<Self>>,
        next_generation: u64,
        now: Timestamp,
    ) -> Result<Arc<Self>, FileFault> {
        let files = Files::read(tls)?;
        let made_of = files.digest(tls);
        if let Some(before) = before
            && before.made_of == made_of
        {
            return Ok(Arc::clone(before));
        }
        let mut materials = Vec::new();
        for (pair, (chain, key)) in tls.certificates.iter().zip(&files.pairs) {
            materials.push(
                Material::server(chain, key, now).map_err(|e| fault(&pair.chain, unusable(&e)))?,
            );
        }
        let trust = Self::trust(tls, &files)?;
        let versions: Vec<&'static rustls::SupportedProtocolVersion> = tls
            .versions
            .iter()
            .map(|version| match version {
                TlsVersion::V12 => &rustls::version::TLS12,
                TlsVersion::V13 => &rustls::version::TLS13,
            })
            .collect();
        let place = tls
            .certificates
            .first()
            .map_or(Path::new("tls"), |pair| pair.chain.as_path());
        let builder = ServerConfig::builder_with_provider(trust::provider())
            .with_protocol_versions(&versions)
            .map_err(|e| fault(place, unusable(&e)))?;
        let builder = match (&trust, tls.client_certificates) {
            (Some(trust), ClientCertificates::Optional) => builder.with_client_cert_verifier(
                client_verifier(Arc::clone(trust), ClientAuth::Optional),
            ),
            (Some(trust), ClientCertificates::Required) => builder.with_client_cert_verifier(
                client_verifier(Arc::clone(trust), ClientAuth::Required),
            ),
            (None, ClientCertificates::Optional | ClientCertificates::Required) => {
                return Err(fault(
                    place,
                    said!(
                        "client certificates need anchors",
                        "要求客户端证书时须有根证书"
                    ),
                ));
            }
            (_, ClientCertificates::Off) => builder.with_no_client_auth(),
        };
        let ends = materials
            .iter()
            .map(|m| (m.identity().subject.clone(), m.identity().not_after))
            .collect();
        let mut config =
            builder.with_cert_resolver(Arc::new(Certificates::new(&materials, materials.first())));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.max_early_data_size = 0;
        Ok(Arc::new(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            trust,
            generation: next_generation,
            ends,
            made_of,
        }))
    }

    fn trust(tls: &config::ZoneTls, files: &Files) -> Result<Option<Arc<Trust>>, FileFault> {
        if tls.client_certificates == ClientCertificates::Off {
            return Ok(None);
        }
        let place = tls
            .client_crls
            .first()
            .or(tls.client_anchors.first())
            .cloned()
            .unwrap_or_default();
        let file = TrustFile {
            anchors: files.anchors.join(&b'\n'),
            crls: files.crls.clone(),
            ..TrustFile::default()
        };
        let trust = Trust::try_from(&file).map_err(|e| fault(&place, unusable(&e)))?;
        Ok(Some(Arc::new(trust)))
    }
}

/// SHA-256 of a certificate.
fn digest_of(certificate: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, certificate).as_ref()) {
        *to = *from;
    }
    out
}

/// The facts of a finished handshake.
///
/// # Errors
/// When the verified leaf cannot be read, so that nobody could be named.
pub fn facts<T>(
    stream: &mut tokio_rustls::server::TlsStream<Overheard<T>>,
) -> Result<TlsFacts, hangu_pki::trust::PeerIdentityError> {
    let (heard, session) = stream.get_mut();
    let ja4 = ja4::fingerprint(&heard.first()).map(String::into_boxed_str);
    let peer = match session.peer_certificates() {
        Some([leaf, ..]) => Some(Peer {
            digest: digest_of(leaf),
            identity: PeerIdentity::from_der(leaf)?,
            chain: session
                .peer_certificates()
                .unwrap_or_default()
                .iter()
                .map(|c| c.clone().into_owned())
                .collect(),
        }),
        Some([]) | None => None,
    };
    Ok(TlsFacts {
        version: session
            .protocol_version()
            .and_then(|v| v.as_str())
            .unwrap_or("unknown"),
        cipher: session
            .negotiated_cipher_suite()
            .and_then(|s| s.suite().as_str())
            .unwrap_or("unknown"),
        server_name: session.server_name().map(str::to_owned),
        ja4,
        h2: session.alpn_protocol() == Some(b"h2"),
        peer,
    })
}

/// Whether the certificate of an open connection is still trusted.
///
/// A connection remembers the generation it was verified under, so that the path is built again only after a change.
///
/// # Errors
/// Why it is not good any more, and the connection must be closed.
pub fn still_trusted(
    connection: &Connection,
    tls: Option<&Arc<ZoneTls>>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (Some(peer), Some(tls)) = (connection.peer(), tls) else {
        return Ok(());
    };
    if now.as_second() > peer.identity.not_after {
        return Err(Refusal::Certificate(CertificateFault::Expired));
    }
    if connection.trust.load(Ordering::Acquire) == tls.generation {
        return Ok(());
    }
    let Some(trust) = &tls.trust else {
        return Err(Refusal::Certificate(CertificateFault::NotTrusted));
    };
    verify_again(trust, &peer.chain, now).map_err(|reason| {
        tracing::warn!(subject = %peer.identity.subject, %reason, "open connection no longer trusted");
        Refusal::Certificate((&reason).into())
    })?;
    connection.trust.store(tls.generation, Ordering::Release);
    Ok(())
}
