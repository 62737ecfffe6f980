//! The client's side of TLS, with everything a test wants to choose.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate chain and its key.
#[derive(Debug)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads two PEM files.
    ///
    /// # Panics
    /// Where they are none.
    #[must_use]
    pub fn read(chain: &Path, key: &Path) -> Self {
        Self {
            chain: CertificateDer::pem_file_iter(chain)
                .expect("a PEM file")
                .map(|c| c.expect("a certificate"))
                .collect(),
            key: PrivateKeyDer::from_pem_file(key).expect("a private key"),
        }
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

/// How a client does TLS. Clones share the sessions that can be resumed.
#[derive(Debug, Clone)]
pub struct Tls {
    roots: Arc<RootCertStore>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    name: Option<String>,
    resumption: Resumption,
}

impl Tls {
    /// Trusts the roots in a PEM file; offers HTTP/1.1 and both versions; resumes nothing.
    ///
    /// # Panics
    /// Where the file has none.
    #[must_use]
    pub fn trusting(roots: &Path) -> Self {
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(roots).expect("a PEM file") {
            store.add(root.expect("a certificate")).expect("a root");
        }
        Self {
            roots: Arc::new(store),
            identity: None,
            alpn: vec![b"http/1.1".to_vec()],
            versions: rustls::ALL_VERSIONS.to_vec(),
            name: None,
            resumption: Resumption::disabled(),
        }
    }

    /// Presents a client certificate.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Offers these protocols: `h2`, `http/1.1`.
    #[must_use]
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        self
    }

    /// Speaks only this version.
    #[must_use]
    pub fn only(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// Sends this name as SNI, whatever host is asked for.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Remembers sessions and resumes them, as browsers do.
    #[must_use]
    pub fn resuming(mut self) -> Self {
        self.resumption = Resumption::in_memory_sessions(32);
        self
    }

    /// Connects and shakes hands.
    ///
    /// # Errors
    /// As the connection or the handshake fails. With TLS 1.3 a refused client certificate shows at the first read.
    ///
    /// # Panics
    /// Where the test's own choices do not go together.
    pub async fn connect(
        &self,
        to: SocketAddr,
        host: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        self.over(stream, host).await
    }

    /// Shakes hands on a connection that is there, after a PROXY header for instance.
    ///
    /// # Errors
    /// As [`Tls::connect`].
    ///
    /// # Panics
    /// As [`Tls::connect`].
    pub async fn over(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .expect("versions of the provider")
            .with_root_certificates(Arc::clone(&self.roots));
        let mut config = match self.identity.clone() {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain, identity.key)
                .expect("a key of its chain"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.resumption = self.resumption.clone();
        let name = self.name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).expect("a host name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }
}
