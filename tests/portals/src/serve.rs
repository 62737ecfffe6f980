//! Listening: HTTP/1.1 with upgrades and HTTP/2 with prior knowledge, told apart by the first bytes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::portal::{Kind, Portal};
use crate::records::Records;
use crate::request::Request;
use crate::{every, exchange, public, staff};

/// Serves the public site until the future is dropped, and every connection with it.
pub async fn serve_public(listener: TcpListener, data: Arc<Records>) {
    serve(listener, Arc::new(Portal::new(Kind::Public, data))).await;
}

/// Serves the data exchange until the future is dropped, and every connection with it.
pub async fn serve_exchange(listener: TcpListener, data: Arc<Records>) {
    serve(listener, Arc::new(Portal::new(Kind::Exchange, data))).await;
}

/// Serves the staff system until the future is dropped, and every connection with it.
pub async fn serve_staff(listener: TcpListener, data: Arc<Records>) {
    serve(listener, Arc::new(Portal::new(Kind::Staff, data))).await;
}

/// Serves a portal until the future is dropped, and every connection with it.
pub async fn serve(listener: TcpListener, portal: Arc<Portal>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&portal)));
                }
                // Out of descriptors: those in use have to come back first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection. How it ends is the client's affair, so its error is nobody's.
async fn connection(stream: TcpStream, portal: Arc<Portal>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(1_024);
    let service = service_fn(move |request| answer(request, Arc::clone(&portal)));
    drop(
        builder
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .await,
    );
}

async fn answer(
    request: http::Request<Incoming>,
    portal: Arc<Portal>,
) -> Result<Answer, Infallible> {
    let request = Request::read(request);
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    if path != ["healthz"] {
        portal.arrived(format!("{} {}", request.method, request.target));
    }
    let head = request.method == http::Method::HEAD;
    let answer = if every::answers(&path) {
        every::answer(request, &portal).await
    } else {
        match portal.kind() {
            Kind::Public => public::answer(request, &portal).await,
            Kind::Exchange => exchange::answer(request, &portal).await,
            Kind::Staff => staff::answer(request, &portal).await,
        }
    };
    Ok(if head {
        answer.map(|_| crate::answer::nothing())
    } else {
        answer
    })
}
