//! Opens connections to upstreams: TCP, then TLS where configured, then HTTP/1.1 or HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hangu_pki::trust::{self, Material, Trust, TrustFile};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::pool::Sender;
use crate::body::request::RequestBody;
use crate::clock;
use crate::config::{self, Protocol};

/// Why TLS to an upstream cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// Its name is no host name.
    #[error("`{0}` is no name that a certificate could carry")]
    Name(String),
    /// Its files do not hold.
    #[error("{0}")]
    Files(String),
}

/// Why a connection could not be opened.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Not in time.
    #[error("no connection within {0:?}")]
    Slow(Duration),
    /// TCP or TLS failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// HTTP could not begin.
    #[error("{0}")]
    Http(#[from] hyper::Error),
}

/// Opens connections under one set of rules.
#[derive(Clone)]
pub struct Connector {
    tls: Option<Tls>,
    protocol: Protocol,
    time: Duration,
}

#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// What is offered: HTTP/2 first where the protocol is left open.
fn alpn(protocol: Option<Protocol>) -> Vec<Vec<u8>> {
    match protocol {
        Some(Protocol::Http1) => vec![b"http/1.1".to_vec()],
        Some(Protocol::Http2) => vec![b"h2".to_vec()],
        None => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    }
}

impl Connector {
    /// A connector for an upstream's settings.
    ///
    /// # Errors
    /// When the TLS files cannot be used.
    pub fn new(settings: &config::Upstream) -> Result<Self, TlsError> {
        let tls = settings
            .tls
            .as_ref()
            .map(|tls| Self::tls(tls, settings.protocol))
            .transpose()?;
        Ok(Self {
            tls,
            protocol: settings.protocol.unwrap_or(Protocol::Http1),
            time: settings.connect_time,
        })
    }

    fn tls(tls: &config::UpstreamTls, protocol: Option<Protocol>) -> Result<Tls, TlsError> {
        let name =
            ServerName::try_from(tls.name.clone()).map_err(|_| TlsError::Name(tls.name.clone()))?;
        let mut config = client_config(&tls.anchors, tls.certificate.as_ref())?;
        config.alpn_protocols = alpn(protocol);
        Ok(Tls {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When it does not stand in time.
    pub async fn connect(&self, at: SocketAddr) -> Result<Sender, ConnectError> {
        tokio::time::timeout(self.time, self.connect_unbounded(at))
            .await
            .unwrap_or(Err(ConnectError::Slow(self.time)))
    }

    async fn connect_unbounded(&self, at: SocketAddr) -> Result<Sender, ConnectError> {
        let tcp = TcpStream::connect(at).await?;
        tcp.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return begin(tcp, self.protocol).await;
        };
        let stream = tls.connector.connect(tls.name.clone(), tcp).await?;
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            Some(_) => Protocol::Http1,
            None => self.protocol,
        };
        begin(stream, protocol).await
    }
}

/// A TLS client configuration from PEM files.
///
/// # Errors
/// When a file cannot be used.
pub fn client_config(
    anchors: &[std::path::PathBuf],
    certificate: Option<&config::KeyPair>,
) -> Result<ClientConfig, TlsError> {
    let files = |e: String| TlsError::Files(e);
    let file = TrustFile {
        anchors: read_all(anchors)?,
        ..TrustFile::default()
    };
    let trust = Trust::try_from(&file).map_err(|e| files(e.to_string()))?;
    let builder = ClientConfig::builder_with_provider(trust::provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| files(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(trust::server_verifier(Arc::new(trust)));
    let Some(pair) = certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let material = Material::client(&read(&pair.chain)?, &read(&pair.key)?, clock::now())
        .map_err(|e| files(e.to_string()))?;
    let resolver = rustls::sign::SingleCertAndKey::from(Arc::clone(material.certified_key()));
    Ok(builder.with_client_cert_resolver(Arc::new(resolver)))
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path)
        .map_err(|e| TlsError::Files(format!("`{}` cannot be read: {e}", path.display())))
}

fn read_all(paths: &[std::path::PathBuf]) -> Result<Vec<u8>, TlsError> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(read(path)?);
        all.push(b'\n');
    }
    Ok(all)
}

async fn begin<T>(io: T, protocol: Protocol) -> Result<Sender, ConnectError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match protocol {
        Protocol::Http1 => {
            let (sender, connection) = http1::Builder::new()
                .max_buf_size(256 << 10)
                .handshake::<_, RequestBody>(TokioIo::new(io))
                .await?;
            tokio::spawn(async move {
                // The error reaches the request that is on the connection; an idle one just closes.
                let _closed = connection.with_upgrades().await;
            });
            Ok(Sender::Http1(sender))
        }
        Protocol::Http2 => {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(Some(Duration::from_secs(20)))
                .keep_alive_timeout(Duration::from_secs(10))
                .initial_stream_window_size(1 << 20)
                .initial_connection_window_size(4 << 20)
                .handshake::<_, RequestBody>(TokioIo::new(io))
                .await?;
            tokio::spawn(async move {
                let _closed = connection.await;
            });
            Ok(Sender::Http2(sender))
        }
    }
}
