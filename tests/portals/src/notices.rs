//! Notices: server-sent events and a WebSocket that gives back what it is sent.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _, stream};
use http::{HeaderValue, StatusCode, header};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use crate::answer::{Answer, nothing, problem, streamed};
use crate::request::Request;

const NOTICES: [&str; 4] = [
    "本周六社保系统例行维护，暂停服务两小时",
    "公积金提取实现全程网办",
    "驾驶证期满换证可在线申请",
    "谨防冒充工作人员的诈骗电话",
];

/// Notices as server-sent events: one at once, then one every `ms` (default 1,000), `count` of them (default endless).
pub(crate) fn events(request: &Request) -> Answer {
    let pause = Duration::from_millis(request.number("ms", 1_000));
    let count = request.number("count", u64::MAX);
    let events = stream::unfold(0u64, move |number| async move {
        if number == count {
            return None;
        }
        if number > 0 {
            tokio::time::sleep(pause).await;
        }
        let index = usize::try_from(number % 4).unwrap_or(0);
        let text = NOTICES.get(index).copied().unwrap_or_default();
        let event = format!(
            "id: {number}\nevent: notice\ndata: {{\"number\":{number},\"text\":\"{text}\"}}\n\n"
        );
        Some((Bytes::from(event), number.saturating_add(1)))
    });
    let mut answer = streamed("text/event-stream", events);
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

/// A WebSocket: a notice first, then every message back until the client closes; `close N` closes with that code.
pub(crate) fn socket(request: Request) -> Answer {
    let key = request
        .headers
        .get(header::SEC_WEBSOCKET_KEY)
        .map(|key| derive_accept_key(key.as_bytes()));
    let accept = key.and_then(|key| HeaderValue::from_str(&key).ok());
    let Some(accept) = accept.filter(|_| request.mentions(header::UPGRADE, "websocket")) else {
        let mut answer = problem(
            StatusCode::UPGRADE_REQUIRED,
            "此处只接受 WebSocket · only WebSocket is spoken here",
        );
        answer
            .headers_mut()
            .insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        return answer;
    };
    let protocol = request
        .headers
        .get(header::SEC_WEBSOCKET_PROTOCOL)
        .and_then(|p| p.to_str().ok());
    let protocol = protocol
        .and_then(|p| HeaderValue::from_str(p.split(',').next().unwrap_or_default().trim()).ok());
    let upgrade = request.upgrade;
    // Ends with the client: when it closes, goes away, or breaks the protocol.
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            talk(
                WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await,
            )
            .await;
        }
    });
    let mut answer = Answer::new(nothing());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    answer
}

async fn talk(mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>) {
    let first = NOTICES.first().copied().unwrap_or_default();
    if socket.send(Message::text(first)).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = socket.next().await {
        let sent = match message {
            Message::Text(text) => match text
                .strip_prefix("close ")
                .and_then(|code| code.parse::<u16>().ok())
            {
                Some(code) => {
                    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                        code: code.into(),
                        reason: "as asked".into(),
                    };
                    socket.close(Some(frame)).await
                }
                None => socket.send(Message::Text(text)).await,
            },
            Message::Binary(bytes) => socket.send(Message::Binary(bytes)).await,
            // Pings and closes are answered by the socket itself, when it is written to or read.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                socket.flush().await
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
