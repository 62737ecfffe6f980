//! Certificates and keys from PEM files, and the TLS settings made of them.

use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::Failure;

/// Which key exchange a client offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyExchange {
    /// X25519 alone, which every peer speaks.
    Classic,
    /// X25519MLKEM768 first, as browsers do.
    Hybrid,
}

/// A certificate file and its key file.
pub type Pair<'a> = (&'a Path, &'a Path);

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    Ok(CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>()?)
}

fn roots(file: &Path) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(file)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn provider(exchange: KeyExchange) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = match exchange {
        KeyExchange::Classic => vec![aws_lc_rs::kx_group::X25519],
        KeyExchange::Hybrid => vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
        ],
    };
    Arc::new(provider)
}

/// A client: TLS 1.3 and HTTP/1.1 alone, and never a resumed session.
///
/// # Errors
/// When a file cannot be read or does not fit.
pub fn client(
    anchors: &Path,
    own: Option<Pair<'_>>,
    exchange: KeyExchange,
) -> Result<ClientConfig, Failure> {
    let builder = ClientConfig::builder_with_provider(provider(exchange))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots(anchors)?);
    let mut config = match own {
        Some((cert, key)) => {
            builder.with_client_auth_cert(chain(cert)?, PrivateKeyDer::from_pem_file(key)?)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A server that asks for a client certificate: TLS 1.3 and HTTP/1.1 alone.
///
/// # Errors
/// When a file cannot be read or does not fit.
pub fn server(own: Pair<'_>, client_anchors: &Path) -> Result<ServerConfig, Failure> {
    let provider = provider(KeyExchange::Hybrid);
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots(client_anchors)?),
        Arc::clone(&provider),
    )
    .build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(own.0)?, PrivateKeyDer::from_pem_file(own.1)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
