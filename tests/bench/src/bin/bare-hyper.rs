//! The floor: the smallest useful reverse proxy of hyper and rustls, one thread.
//!
//! `bare-hyper ADDRESS UPSTREAM [CHAIN KEY CLIENT-ANCHORS]`

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hangu_bench::{Failure, trust};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Pool = Client<HttpConnector, Incoming>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, upstream, tls) = match arguments.as_slice() {
        [address, upstream] => (address, upstream, None),
        [address, upstream, chain, key, anchors] => {
            let config = trust::server((Path::new(chain), Path::new(key)), Path::new(anchors))?;
            (address, upstream, Some(TlsAcceptor::from(Arc::new(config))))
        }
        _ => return Err("usage: bare-hyper ADDRESS UPSTREAM [CHAIN KEY CLIENT-ANCHORS]".into()),
    };
    let address: SocketAddr = address.parse()?;
    let upstream: Arc<str> = upstream.as_str().into();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(256)
        .build(connector);
    let listener = TcpListener::bind(address).await?;
    loop {
        let (tcp, peer) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let (pool, upstream, tls) = (pool.clone(), Arc::clone(&upstream), tls.clone());
        let peer = HeaderValue::from_str(&peer.ip().to_string())?;
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                forward(request, pool.clone(), Arc::clone(&upstream), peer.clone())
            });
            let http = http1::Builder::new();
            // A client that breaks off costs what it has cost.
            let _ended = match tls {
                None => http
                    .serve_connection(TokioIo::new(tcp), service)
                    .await
                    .is_ok(),
                Some(tls) => match tls.accept(tcp).await {
                    Ok(tls) => http
                        .serve_connection(TokioIo::new(tls), service)
                        .await
                        .is_ok(),
                    Err(_) => false,
                },
            };
        });
    }
}

async fn forward(
    mut request: Request<Incoming>,
    pool: Pool,
    upstream: Arc<str>,
    peer: HeaderValue,
) -> Result<Response<Incoming>, Failure> {
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    *request.uri_mut() = Uri::builder()
        .scheme("http")
        .authority(&*upstream)
        .path_and_query(path)
        .build()?;
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().remove(CONNECTION);
    request.headers_mut().insert("x-forwarded-for", peer);
    let mut response = pool.request(request).await?;
    response.headers_mut().remove(CONNECTION);
    Ok(response)
}
