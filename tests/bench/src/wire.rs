//! Connections of the load generator: opened, written to, answers read and thrown away.
//!
//! Reading by hand rather than with a client library leaves more of the core to the upstream beside it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Failure;

/// Where connections go.
#[derive(Clone)]
pub struct Target {
    /// The proxy's address.
    pub address: SocketAddr,
    /// TLS, and the name that the certificate must carry.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

trait Wire: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

/// An open connection.
pub struct Connection {
    wire: Box<dyn Wire>,
    read: BytesMut,
}

/// An answer, its body thrown away.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Bytes of the body.
    pub bytes: u64,
    /// Whether the connection is over.
    pub closed: bool,
}

enum Framing {
    Length(u64),
    Chunked,
    UntilClosed,
}

struct Head {
    status: u16,
    framing: Framing,
    close: bool,
}

impl Target {
    /// Opens a connection, handshake included.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self) -> Result<Connection, Failure> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let wire: Box<dyn Wire> = match &self.tls {
            None => Box::new(tcp),
            Some((config, name)) => Box::new(
                TlsConnector::from(Arc::clone(config))
                    .connect(name.clone(), tcp)
                    .await?,
            ),
        };
        Ok(Connection {
            wire,
            read: BytesMut::new(),
        })
    }
}

impl Connection {
    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is no HTTP.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        self.write(request).await?;
        self.answer().await
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.wire.write_all(bytes).await?;
        self.wire.flush().await?;
        Ok(())
    }

    /// Reads an answer to its end.
    ///
    /// # Errors
    /// When the connection breaks or the answer is no HTTP.
    pub async fn answer(&mut self) -> Result<Answer, Failure> {
        let head = loop {
            let head = self.head().await?;
            // An interim answer, such as 100 Continue, is followed by the one that counts.
            if head.status >= 200 {
                break head;
            }
        };
        let bytes = match head.framing {
            Framing::Length(bytes) => {
                self.skip(bytes).await?;
                bytes
            }
            Framing::Chunked => self.chunks().await?,
            Framing::UntilClosed => self.rest().await?,
        };
        let closed = head.close || matches!(head.framing, Framing::UntilClosed);
        Ok(Answer {
            status: head.status,
            bytes,
            closed,
        })
    }

    /// Waits until the other side closes.
    pub async fn wait_closed(&mut self) {
        while let Ok(()) = self.more().await {
            self.read.clear();
        }
    }

    async fn more(&mut self) -> Result<(), Failure> {
        self.read.reserve(64 * 1024);
        if self.wire.read_buf(&mut self.read).await? == 0 {
            return Err("the connection was closed".into());
        }
        Ok(())
    }

    async fn head(&mut self) -> Result<Head, Failure> {
        let end = loop {
            match memchr::memmem::find(&self.read, b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more().await?,
            }
        };
        let bytes = self.read.split_to(end);
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut fields);
        parsed.parse(&bytes)?;
        let status = parsed.code.ok_or("an answer without a status")?;
        let field = |name: &str| {
            parsed
                .headers
                .iter()
                .find(|h| h.name.eq_ignore_ascii_case(name))
                .map(|h| h.value)
        };
        let close = field("connection").is_some_and(|v| v.eq_ignore_ascii_case(b"close"));
        let framing = if status < 200 || status == 204 || status == 304 {
            Framing::Length(0)
        } else if field("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case(b"chunked")) {
            Framing::Chunked
        } else {
            match field("content-length") {
                Some(length) => Framing::Length(std::str::from_utf8(length)?.trim().parse()?),
                None => Framing::UntilClosed,
            }
        };
        Ok(Head {
            status,
            framing,
            close,
        })
    }

    async fn skip(&mut self, mut bytes: u64) -> Result<(), Failure> {
        loop {
            let here = self
                .read
                .len()
                .min(usize::try_from(bytes).unwrap_or(usize::MAX));
            self.read.advance(here);
            bytes -= here as u64;
            if bytes == 0 {
                return Ok(());
            }
            self.more().await?;
        }
    }

    async fn line(&mut self) -> Result<BytesMut, Failure> {
        loop {
            match memchr::memchr(b'\n', &self.read) {
                Some(at) => return Ok(self.read.split_to(at + 1)),
                None => self.more().await?,
            }
        }
    }

    async fn chunks(&mut self) -> Result<u64, Failure> {
        let mut total = 0;
        loop {
            let line = self.line().await?;
            let text = std::str::from_utf8(&line)?;
            let digits = text.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16)?;
            if size == 0 {
                while self.line().await?.len() > 2 {}
                return Ok(total);
            }
            self.skip(size + 2).await?;
            total += size;
        }
    }

    async fn rest(&mut self) -> Result<u64, Failure> {
        let mut total = 0;
        loop {
            total += self.read.len() as u64;
            self.read.clear();
            self.read.reserve(64 * 1024);
            if self.wire.read_buf(&mut self.read).await? == 0 {
                return Ok(total);
            }
        }
    }
}
