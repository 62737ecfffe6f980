//! A client as programs and browsers are: HTTP/1.1 or HTTP/2, over TLS or in cleartext, with any way to say who it is.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::wire::dial_from;
use crate::{Identity, Tls};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The body of a request.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// A body that is all there.
#[must_use]
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Which HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A client. Every request has a connection of its own, unless it is sent over a [`Connection`].
#[derive(Debug, Clone)]
pub struct Client {
    to: SocketAddr,
    tls: Option<Tls>,
    version: Version,
    headers: HeaderMap,
    from: Option<Ipv4Addr>,
}

impl Client {
    /// A client of an address, over TLS.
    #[must_use]
    pub fn new(to: SocketAddr, tls: Tls) -> Self {
        Self {
            to,
            tls: Some(tls),
            version: Version::One,
            headers: HeaderMap::new(),
            from: None,
        }
    }

    /// A client of an address, in cleartext.
    #[must_use]
    pub fn plain(to: SocketAddr) -> Self {
        Self {
            to,
            tls: None,
            version: Version::One,
            headers: HeaderMap::new(),
            from: None,
        }
    }

    /// Speaks HTTP/2.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.version = Version::Two;
        self.tls = self.tls.map(|tls| tls.alpn(&["h2"]));
        self
    }

    /// Comes from this address, one of 127.0.0.0/8, so that a limit or a ban of it leaves the others alone.
    #[must_use]
    pub const fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = Some(address);
        self
    }

    /// The address that it was told to come from.
    #[must_use]
    pub const fn address(&self) -> Option<Ipv4Addr> {
        self.from
    }

    /// Presents a client certificate.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.tls = self.tls.map(|tls| tls.identity(identity));
        self
    }

    /// Changes how TLS is done.
    #[must_use]
    pub fn tls(mut self, change: impl FnOnce(Tls) -> Tls) -> Self {
        self.tls = self.tls.map(change);
        self
    }

    /// Sends a field with every request; one of the same name stays beside it.
    ///
    /// # Panics
    /// Where it is no field.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .append(name, HeaderValue::from_str(value).expect("a field value"));
        self
    }

    /// Sends a bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends an API key.
    #[must_use]
    pub fn api_key(self, key: &str) -> Self {
        self.header("authorization", &format!("ApiKey {key}"))
    }

    /// Signs in to a portal with a password, and sends the session's cookies from then on.
    ///
    /// # Panics
    /// Where signing in is refused.
    pub async fn signed_in(self, host: &str, login: &str, password: &str) -> Self {
        let answer = self.sign_in(host, login, password).await;
        let cookies = answer.cookies();
        assert!(
            !cookies.is_empty(),
            "signing in: {} {}",
            answer.status,
            answer.text()
        );
        self.header("cookie", &cookies)
    }

    /// The answer to a sign-in.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn sign_in(&self, host: &str, login: &str, password: &str) -> Answer {
        let form = format!("login={}&password={}", in_form(login), in_form(password));
        let request = Request::post("/.hangu/sign-in")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", format!("https://{host}:{}", self.to.port()))
            .header("host", format!("{host}:{}", self.to.port()));
        self.send(host, request, form).await
    }

    /// GET.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn get(&self, host: &str, path: &str) -> Answer {
        self.send(host, Request::get(path), "").await
    }

    /// POST of a JSON value.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn post(&self, host: &str, path: &str, body: &Value) -> Answer {
        self.send(
            host,
            Request::post(path).header("content-type", "application/json"),
            body.to_string(),
        )
        .await
    }

    /// Any request, its target being a path.
    ///
    /// # Panics
    /// Where it cannot be sent, or its answer does not come whole within 30 seconds; [`Client::try_send`] is for those
    /// that should not.
    pub async fn send(
        &self,
        host: &str,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Answer {
        self.try_send(host, request, whole(body))
            .await
            .expect("a request is answered")
    }

    /// Any request with any body, and its answer, if one comes whole.
    ///
    /// # Errors
    /// As the connection, the request or the answer fails.
    ///
    /// # Panics
    /// Where the request cannot be one.
    pub async fn try_send(
        &self,
        host: &str,
        request: http::request::Builder,
        body: Body,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let mut connection = self.try_connect(host).await?;
        tokio::time::timeout(PATIENCE, async {
            let answer = connection.try_begin(request, body).await?;
            Answer::read(answer).await
        })
        .await?
    }

    /// A connection to a host, for several requests or a body that is read as it comes.
    ///
    /// # Panics
    /// Where it fails.
    pub async fn connect(&self, host: &str) -> Connection {
        self.try_connect(host).await.expect("a connection")
    }

    /// A connection to a host, if it is taken.
    ///
    /// # Errors
    /// As the connection or the handshake fails.
    pub async fn try_connect(
        &self,
        host: &str,
    ) -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
        let stream = match self.from {
            Some(from) => dial_from(from, self.to).await.0,
            None => TcpStream::connect(self.to).await?,
        };
        stream.set_nodelay(true)?;
        let sender = match &self.tls {
            Some(tls) => Sender::over(tls.over(stream, host).await?, self.version).await?,
            None => Sender::over(stream, self.version).await?,
        };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(Connection {
            sender,
            scheme,
            host: host.to_owned(),
            headers: self.headers.clone(),
        })
    }
}

enum Sender {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

impl Sender {
    async fn over<S>(socket: S, version: Version) -> Result<Self, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // How a connection ends, its requests are told.
        match version {
            Version::One => {
                let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
                tokio::spawn(connection.with_upgrades());
                Ok(Self::One(sender))
            }
            Version::Two => {
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await?;
                tokio::spawn(connection);
                Ok(Self::Two(sender))
            }
        }
    }
}

/// An open connection.
pub struct Connection {
    sender: Sender,
    scheme: &'static str,
    host: String,
    headers: HeaderMap,
}

impl Connection {
    /// Sends a request and reads its answer whole.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn send(
        &mut self,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Answer {
        Answer::read(self.begin(request, whole(body)).await)
            .await
            .expect("an answer comes whole")
    }

    /// GET.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), "").await
    }

    /// Sends a request and returns its answer with the body still to come.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn begin(
        &mut self,
        request: http::request::Builder,
        body: Body,
    ) -> http::Response<Incoming> {
        self.try_begin(request, body)
            .await
            .expect("a request is answered")
    }

    /// Sends a request and returns its answer with the body still to come, if there is one.
    ///
    /// # Errors
    /// As the connection or the request fails.
    ///
    /// # Panics
    /// Where the request cannot be one.
    pub async fn try_begin(
        &mut self,
        request: http::request::Builder,
        body: Body,
    ) -> Result<http::Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = request.body(body).expect("a request");
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        match &mut self.sender {
            Sender::One(sender) => {
                if !request.headers().contains_key(http::header::HOST) {
                    let host = HeaderValue::from_str(&self.host).expect("a host");
                    request.headers_mut().insert(http::header::HOST, host);
                }
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
            Sender::Two(sender) => {
                let host = request.headers_mut().remove(http::header::HOST);
                let host = host
                    .as_ref()
                    .and_then(|h| h.to_str().ok())
                    .unwrap_or(&self.host);
                let uri = format!("{}://{host}{}", self.scheme, request.uri());
                *request.uri_mut() = uri.parse().expect("a target");
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// What followed the body.
    pub trailers: HeaderMap,
}

impl Answer {
    /// Reads an answer whole.
    ///
    /// # Errors
    /// As its body breaks off.
    pub async fn read(
        answer: http::Response<Incoming>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok(Self {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
            trailers,
        })
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none; with what it is.
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{} with no JSON ({error}): {}", self.status, self.text()),
        }
    }

    /// A field's value, empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }

    /// The cookies that were set, as a client sends them back.
    #[must_use]
    pub fn cookies(&self) -> String {
        let set = self
            .headers
            .get_all(http::header::SET_COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok());
        set.filter_map(|c| c.split(';').next())
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// A field that arrived at the portal, of an answer of its `/echo`.
    ///
    /// # Panics
    /// Where this is no such answer.
    #[must_use]
    pub fn arrived(&self, name: &str) -> Vec<String> {
        let seen = self.json();
        let headers = seen
            .get("headers")
            .and_then(Value::as_array)
            .expect("the answer of an echo");
        let pair = |pair: &Value| {
            Some((
                pair.get(0)?.as_str()?.to_owned(),
                pair.get(1)?.as_str()?.to_owned(),
            ))
        };
        headers
            .iter()
            .filter_map(pair)
            .filter(|(n, _)| n == name)
            .map(|(_, value)| value)
            .collect()
    }
}

fn in_form(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut form, byte| {
        if byte.is_ascii_alphanumeric() {
            form.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(form, "%{byte:02X}");
        }
        form
    })
}
