//! Bytes on a socket, for requests that no proper client would send.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Tls;

/// How long the other side may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// A connection.
pub struct Raw {
    socket: Box<dyn Socket>,
}

impl Raw {
    /// A cleartext connection.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn plain(to: SocketAddr) -> Self {
        Self::try_plain(to).await.expect("a connection")
    }

    /// A cleartext connection, if it is taken.
    ///
    /// # Errors
    /// As it is not.
    pub async fn try_plain(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            socket: Box::new(stream),
        })
    }

    /// A connection that is there.
    #[must_use]
    pub fn over(socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self {
            socket: Box::new(socket),
        }
    }

    /// A TLS connection to a host.
    ///
    /// # Panics
    /// Where the handshake fails; [`Raw::try_over_tls`] is for those that should.
    pub async fn over_tls(to: SocketAddr, host: &str, tls: &Tls) -> Self {
        Self::try_over_tls(to, host, tls)
            .await
            .expect("a TLS connection")
    }

    /// A TLS connection to a host, if it is taken.
    ///
    /// # Errors
    /// As [`Tls::connect`].
    pub async fn try_over_tls(to: SocketAddr, host: &str, tls: &Tls) -> io::Result<Self> {
        Ok(Self {
            socket: Box::new(tls.connect(to, host).await?),
        })
    }

    /// Sends bytes. Where the other side has gone, what it said before is still to be read.
    pub async fn send(&mut self, bytes: &[u8]) {
        if self.socket.write_all(bytes).await.is_ok() {
            let _gone = self.socket.flush().await;
        }
    }

    /// Says that nothing more is coming.
    pub async fn finish(&mut self) {
        let _gone = self.socket.shutdown().await;
    }

    /// Everything until the other side ends the connection, however it does.
    ///
    /// # Panics
    /// Where it is silent for 10 seconds.
    pub async fn read_to_end(&mut self) -> String {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await {
            all.extend_from_slice(&piece);
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Everything until a text has come, or the other side ends the connection.
    ///
    /// # Panics
    /// Where it is silent for 10 seconds.
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains(text) {
            match self.piece().await {
                Some(piece) => all.extend_from_slice(&piece),
                None => break,
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Everything that comes within a time; for the other side that should say nothing.
    pub async fn read_for(&mut self, time: Duration) -> String {
        let mut all = Vec::new();
        let mut buffer = vec![0; 16 << 10];
        let reading = async {
            while let Ok(count @ 1..) = self.socket.read(&mut buffer).await {
                all.extend_from_slice(buffer.get(..count).unwrap_or_default());
            }
        };
        let _late = tokio::time::timeout(time, reading).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Whether the other side ends the connection within a time, whatever it says before.
    pub async fn ends_within(&mut self, time: Duration) -> bool {
        let mut buffer = vec![0; 16 << 10];
        let reading = async { while let Ok(1..) = self.socket.read(&mut buffer).await {} };
        tokio::time::timeout(time, reading).await.is_ok()
    }

    async fn piece(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 16 << 10];
        match tokio::time::timeout(PATIENCE, self.socket.read(&mut buffer)).await {
            Err(_) => panic!("the other side is silent"),
            // A reset is an end as well.
            Ok(Err(_) | Ok(0)) => None,
            Ok(Ok(count)) => {
                buffer.truncate(count);
                Some(buffer)
            }
        }
    }
}
