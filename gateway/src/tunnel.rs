//! Connections that go on as WebSocket, and the list of streams that can be ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::CONTENT_TYPE;
use http::response::Parts;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::connection::{Connection, millis};
use crate::exchange::Exchange;
use crate::messages::Reading;
use crate::messages::ended::record;
use crate::messages::relay::{self, End};
use crate::streams::Stay;

/// Whether an answer can outlive the decision that let it through: upgraded, an event stream, gRPC, or of a length
/// that nobody announced or that is large.
fn lives_long(parts: &Parts, upgraded: bool) -> bool {
    const LARGE: u64 = 1 << 20;
    let media = parts
        .headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |v| v.as_bytes());
    let length = parts
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<u64>().ok());
    upgraded
        || media.starts_with(b"text/event-stream")
        || media.starts_with(b"application/grpc")
        || length.is_some_and(|l| l > LARGE)
        || (length.is_none() && parts.status == http::StatusCode::OK)
}

/// Remembers a stream that lives long.
pub fn stay(exchange: &Exchange, parts: &Parts, upgraded: bool) -> Option<Stay> {
    lives_long(parts, upgraded).then(|| {
        let fingerprint = exchange
            .connection
            .peer()
            .map(|p| p.identity.fingerprint_sha256.clone());
        exchange.gateway.streams.enter(
            exchange.caller(),
            exchange.session.as_ref().map(|s| s.handle()),
            exchange.address(),
            fingerprint,
        )
    })
}

/// The two halves of an upgraded connection, each on its way.
pub fn halves(exchange: &mut Exchange, parts: &mut Parts) -> Option<(OnUpgrade, OnUpgrade)> {
    Some((
        exchange.upgrade.take()?,
        parts.extensions.remove::<OnUpgrade>()?,
    ))
}

/// Copies between the halves until one ends, or the stream is ended; or carries their messages, where those are `read`.
/// What is `held` lives as long.
pub fn spawn(
    client: OnUpgrade,
    server: OnUpgrade,
    stay: Option<Stay>,
    connection: Arc<Connection>,
    read: Option<(Box<Exchange>, Reading)>,
    held: impl Send + 'static,
) {
    tokio::spawn(async move {
        let over = async {
            let stay = async {
                match &stay {
                    Some(stay) => stay.end().cancelled().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stay => {}
                () = connection.cancelled().cancelled() => {}
            }
        };
        // Boxed: few connections need the room of what reads messages.
        if Box::pin(carry(client, server, read, over)).await == End::Ended {
            connection.cancel();
        }
        connection
            .last_end_ms
            .store(millis(crate::clock::monotonic()), Ordering::Release);
        drop((held, stay));
    });
}

/// Carries between the halves until they are done, or until it is `over`.
async fn carry(
    client: OnUpgrade,
    server: OnUpgrade,
    read: Option<(Box<Exchange>, Reading)>,
    over: impl Future<Output = ()>,
) -> End {
    tokio::pin!(over);
    let halves = tokio::select! {
        halves = async { tokio::try_join!(client, server) } => halves,
        () = &mut over => return End::Ended,
    };
    let (mut client, mut server) = match halves {
        Ok((client, server)) => (TokioIo::new(client), TokioIo::new(server)),
        Err(error) => {
            tracing::debug!(%error, "upgrade failed");
            return End::Over;
        }
    };
    let Some((exchange, mut reading)) = read else {
        return tokio::select! {
            // An error here is a peer that left; there is nobody to tell.
            _left = tokio::io::copy_bidirectional(&mut client, &mut server) => End::Over,
            () = over => End::Ended,
        };
    };
    let id = exchange.id;
    let end = relay::carry(client, server, &mut reading, id.as_str(), over).await;
    record(exchange, reading, end.clone());
    end
}
