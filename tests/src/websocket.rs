//! A WebSocket client.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message;
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
