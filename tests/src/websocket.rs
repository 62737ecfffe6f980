//! A WebSocket client.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
pub use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, http};

use crate::{Pass, Tls, Zone};

/// How long the other side may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    socket: WebSocketStream<TlsStream<TcpStream>>,
}

impl WebSocket {
    /// Opens one on a portal, with further fields.
    ///
    /// # Errors
    /// The status with which it was refused, where that was it.
    ///
    /// # Panics
    /// Where the connection fails or the answer is none.
    pub async fn open(
        pass: &Pass,
        zone: Zone,
        host: &str,
        path: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<Self, http::StatusCode> {
        Self::over(pass, &pass.tls(), zone, host, path, fields).await
    }

    /// Opens one over TLS as it is given, with a client certificate for instance.
    ///
    /// # Errors
    /// As [`WebSocket::open`].
    ///
    /// # Panics
    /// As [`WebSocket::open`].
    pub async fn over(
        pass: &Pass,
        tls: &Tls,
        zone: Zone,
        host: &str,
        path: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<Self, http::StatusCode> {
        let stream = tls
            .connect(pass.at(zone), host)
            .await
            .expect("a TLS connection");
        let mut request = format!("wss://{host}{path}")
            .into_client_request()
            .expect("a WebSocket's address");
        for (name, value) in fields {
            request
                .headers_mut()
                .append(*name, value.parse().expect("a field value"));
        }
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(answer)) => Err(answer.status()),
            Err(other) => panic!("no answer to an upgrade: {other}"),
        }
    }

    /// Sends text.
    ///
    /// # Panics
    /// Where the socket is closed.
    pub async fn send(&mut self, text: &str) {
        self.socket
            .send(Message::text(text))
            .await
            .expect("an open socket");
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// Where the socket is closed.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.socket
            .send(Message::binary(bytes.to_vec()))
            .await
            .expect("an open socket");
    }

    /// Writes bytes that need not be frames.
    ///
    /// # Panics
    /// Where the connection is gone.
    pub async fn write(&mut self, bytes: &[u8]) {
        let stream = self.socket.get_mut();
        stream.write_all(bytes).await.expect("an open connection");
        stream.flush().await.expect("an open connection");
    }

    /// Closes with a code.
    ///
    /// # Panics
    /// Where the socket is closed.
    pub async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.to_owned().into(),
        };
        self.socket
            .close(Some(frame))
            .await
            .expect("an open socket");
    }

    /// Code and reason of the close frame that comes next, whatever comes before it; nothing where the other side is gone
    /// without one.
    ///
    /// # Panics
    /// Where it is silent for 10 seconds.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("the other side is not silent")?
            {
                Ok(Message::Close(close)) => {
                    let close = close?;
                    return Some((close.code.into(), close.reason.as_str().to_owned()));
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next message, ping or pong as it is; nothing where the other side is gone.
    ///
    /// # Panics
    /// Where it is silent for 10 seconds.
    pub async fn message(&mut self) -> Option<Message> {
        tokio::time::timeout(PATIENCE, self.socket.next())
            .await
            .expect("the other side is not silent")?
            .ok()
    }

    /// The next text; nothing where the other side has closed or gone.
    ///
    /// # Panics
    /// Where it is silent for 10 seconds.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("the other side is not silent")?
            {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                ) => {}
            }
        }
    }
}
