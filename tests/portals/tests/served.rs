//! The portals over real sockets.

#![cfg(test)]

use std::io::Read as _;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use hangu_portals::{Kind, Portal, Records, grpc, serve};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

struct Running {
    portal: Arc<Portal>,
    at: String,
}

type Read = (http::response::Parts, Bytes);

impl Running {
    async fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let portal = Arc::new(Portal::new(kind, Arc::new(Records::new(1, 500))));
        tokio::spawn(serve(listener, Arc::clone(&portal)));
        Self { portal, at }
    }

    async fn send(
        &self,
        h2: bool,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> (http::response::Parts, http_body_util::Collected<Bytes>) {
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new())
            .http2_only(h2)
            .build_http();
        let (parts, body) = client
            .request(request.body(Full::new(body.into())).unwrap())
            .await
            .unwrap()
            .into_parts();
        (parts, body.collect().await.unwrap())
    }

    fn to(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.at))
    }

    async fn get(&self, path: &str) -> Read {
        let (parts, body) = self.send(false, self.to("GET", path), "").await;
        (parts, body.to_bytes())
    }

    async fn json(&self, path: &str) -> Value {
        let (parts, body) = self.get(path).await;
        assert_eq!(parts.status, StatusCode::OK, "{path}: {body:?}");
        serde_json::from_slice(&body).unwrap()
    }
}

#[tokio::test]
async fn both_protocols_are_spoken_on_one_listener_and_the_echo_tells_what_arrived() {
    let site = Running::start(Kind::Public).await;
    for (h2, version) in [(false, "HTTP/1.1"), (true, "HTTP/2.0")] {
        let request = site
            .to("POST", "/echo/a%2Fb//%E5%8A%9E?x=%00")
            .header("x-two", "1")
            .header("x-two", "2");
        let (parts, body) = site.send(h2, request, "hello").await;
        assert_eq!(parts.status, StatusCode::OK);
        let seen: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        assert_eq!(
            (seen["version"].as_str(), seen["body-length"].as_u64()),
            (Some(version), Some(5))
        );
        assert_eq!(seen["body-crc32"], "3610a686");
        assert!(
            seen["target"]
                .as_str()
                .unwrap()
                .ends_with("/echo/a%2Fb//%E5%8A%9E?x=%00"),
            "{seen}"
        );
        let twos: Vec<&Value> = seen["headers"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|h| h[0] == "x-two")
            .collect();
        assert_eq!(twos, [&json!(["x-two", "1"]), &json!(["x-two", "2"])]);
    }
    assert_eq!(site.portal.arrivals().len(), 2);
}

#[tokio::test]
async fn a_service_is_found_by_its_chinese_name_and_takes_forms_and_json() {
    let site = Running::start(Kind::Public).await;
    let path = "/%E5%8A%9E%E4%BA%8B/%E8%BA%AB%E4%BB%BD%E8%AF%81";
    let (parts, body) = site.get(path).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert!(
        std::str::from_utf8(&body)
            .unwrap()
            .contains("action=\"/办事/身份证/提交\"")
    );
    let submit = format!("{path}/%E6%8F%90%E4%BA%A4");
    let form = "name=%E7%8E%8B%E4%BC%9F&resident_id=11010519491231002X&mobile=13800138000";
    let request = site
        .to("POST", &submit)
        .header("accept", "application/json");
    let (parts, body) = site.send(false, request, form).await;
    let answer: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!(
        (parts.status, &answer["application"]["name"]),
        (StatusCode::CREATED, &json!("王伟"))
    );
    let request = site
        .to("POST", &submit)
        .header("content-type", "application/json");
    let (parts, _) = site.send(false, request, r#"{"name":"王伟"}"#).await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        site.get("/%E5%8A%9E%E4%BA%8B/nothing").await.0.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_download_is_json_of_the_length_asked_for_and_an_upload_is_counted() {
    let site = Running::start(Kind::Public).await;
    for asked in [0usize, 1, 65_536, 3_000_000] {
        let (_, body) = site.get(&format!("/download/{asked}")).await;
        assert!(
            body.len() >= asked && body.len() < asked + 2_000,
            "{asked}: {}",
            body.len()
        );
        let people: Vec<Value> = serde_json::from_slice(&body).unwrap();
        assert!(!people.is_empty() && people[0]["resident_id"].is_string());
    }
    let (_, body) = site
        .send(true, site.to("PUT", "/upload"), vec![b'a'; 2_000_000])
        .await;
    let read: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!(read["bytes"], 2_000_000);
    assert_eq!(
        read["crc32"],
        format!("{:08x}", crc32fast::hash(&vec![b'a'; 2_000_000]))
    );
}

#[tokio::test]
async fn a_static_resource_keeps_the_rules_of_caches_and_ranges() {
    let site = Running::start(Kind::Staff).await;
    let (whole, body) = site.get("/static/site.css").await;
    let tag = whole.headers["etag"].to_str().unwrap().to_owned();
    let (head, none) = site
        .send(false, site.to("HEAD", "/static/site.css"), "")
        .await;
    assert_eq!(
        (head.status, &head.headers["content-length"]),
        (StatusCode::OK, &whole.headers["content-length"])
    );
    assert_eq!(none.to_bytes().len(), 0);
    let ask =
        |name: &'static str, value: &str| site.to("GET", "/static/site.css").header(name, value);
    let (same, none) = site
        .send(false, ask("if-none-match", &format!("\"x\", W/{tag}")), "")
        .await;
    assert_eq!(
        (same.status, none.to_bytes().len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    let (part, bytes) = site
        .send(
            false,
            ask("range", "bytes=5-9").header("if-range", &tag),
            "",
        )
        .await;
    assert_eq!(
        (part.status, bytes.to_bytes()),
        (StatusCode::PARTIAL_CONTENT, body.slice(5..10))
    );
    assert_eq!(
        part.headers["content-range"],
        format!("bytes 5-9/{}", body.len())
    );
    let (all, _) = site
        .send(
            false,
            ask("range", "bytes=5-9").header("if-range", "\"old\""),
            "",
        )
        .await;
    assert_eq!(all.status, StatusCode::OK);
    let (beyond, _) = site.send(false, ask("range", "bytes=999999-"), "").await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn events_come_as_a_stream_and_end_when_they_were_counted() {
    let site = Running::start(Kind::Public).await;
    let (parts, body) = site.get("/events?ms=1&count=3").await;
    assert_eq!(parts.headers["content-type"], "text/event-stream");
    assert_eq!(
        std::str::from_utf8(&body)
            .unwrap()
            .matches("event: notice\n")
            .count(),
        3
    );
}

#[tokio::test]
async fn a_websocket_gives_back_what_it_is_sent_and_closes_as_asked() {
    let site = Running::start(Kind::Public).await;
    let url = format!("{}/ws", site.at.replace("http:", "ws:"));
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    assert!(socket.next().await.unwrap().unwrap().is_text());
    for message in [Message::text("你好"), Message::binary(vec![0u8; 100_000])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.send(Message::text("close 4001")).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
        panic!("no close")
    };
    assert_eq!(u16::from(frame.code), 4001);
    assert_eq!(site.get("/ws").await.0.status, StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn the_exchange_lists_finds_and_answers_queries() {
    let exchange = Running::start(Kind::Exchange).await;
    let seven = exchange.json("/api/v1/people/7").await;
    assert_eq!(seven["id"], 7);
    let page = exchange.json("/api/v1/people?page=2&size=5").await;
    assert_eq!(page["people"][1], seven);
    let (_, lines) = exchange
        .get("/api/v1/people?page=100&size=5&format=ndjson")
        .await;
    assert_eq!(lines.iter().filter(|b| **b == b'\n').count(), 5);
    let code = exchange.portal.records().enterprise(9).unwrap().credit_code;
    assert_eq!(
        exchange.json(&format!("/api/v1/enterprises/{code}")).await["id"],
        9
    );
    let (_, body) = exchange
        .send(
            true,
            exchange.to("POST", "/api/v1/query"),
            r#"{"ids":[7,9999]}"#,
        )
        .await;
    let found: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!(found, json!({ "count": 1, "people": [seven] }));
    let (parts, _) = exchange
        .send(false, exchange.to("POST", "/api/v1/query"), "{")
        .await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST);
    for path in [
        "/api/v1/people/0",
        "/api/v1/people/501",
        "/api/v1/people/x",
        "/api/v2",
        "//api/v1/people/7",
    ] {
        assert_eq!(
            exchange.get(path).await.0.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_export_is_the_same_in_every_coding() {
    let exchange = Running::start(Kind::Exchange).await;
    let (_, plain) = exchange.get("/api/v1/export?rows=50").await;
    let ask = |coding| {
        exchange
            .to("GET", "/api/v1/export?rows=50")
            .header("accept-encoding", coding)
    };
    let (parts, gzip) = exchange.send(false, ask("gzip"), "").await;
    assert_eq!(parts.headers["content-encoding"], "gzip");
    let mut read = Vec::new();
    flate2::read::GzDecoder::new(&gzip.to_bytes()[..])
        .read_to_end(&mut read)
        .unwrap();
    assert_eq!(read, plain);
    let (parts, br) = exchange.send(false, ask("br, gzip"), "").await;
    assert_eq!(parts.headers["content-encoding"], "br");
    read.clear();
    brotli::Decompressor::new(&br.to_bytes()[..], 4_096)
        .read_to_end(&mut read)
        .unwrap();
    assert_eq!(read, plain);
}

#[tokio::test]
async fn a_grpc_call_ends_with_its_status_in_trailers() {
    let exchange = Running::start(Kind::Exchange).await;
    let call = |method: &str| {
        exchange
            .to("POST", &format!("/exchange.People/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
    };
    let (parts, body) = exchange
        .send(true, call("Get"), grpc::framed(&grpc::id(7)))
        .await;
    assert_eq!(
        (parts.status, &parts.headers["content-type"]),
        (StatusCode::OK, &"application/grpc".parse().unwrap())
    );
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    let body = body.to_bytes();
    let fields = grpc::text_fields(grpc::unframed(&body).unwrap()).unwrap();
    assert_eq!(
        fields[1].1,
        exchange.portal.records().person(7).unwrap().name
    );
    let (parts, _) = exchange
        .send(true, call("Get"), grpc::framed(&grpc::id(501)))
        .await;
    assert_eq!(
        (parts.status, &parts.headers["grpc-status"]),
        (StatusCode::OK, &"5".parse().unwrap())
    );
}

#[tokio::test]
async fn what_staff_change_stays_changed_and_what_is_no_change_is_refused() {
    let staff = Running::start(Kind::Staff).await;
    let before = staff.json("/api/v1/people/7").await;
    assert_eq!(before.get("salary"), None);
    let (parts, _) = staff
        .send(
            false,
            staff.to("PUT", "/api/v1/people/7"),
            r#"{"mobile":"13900000000"}"#,
        )
        .await;
    assert_eq!(parts.status, StatusCode::OK);
    let after = staff.json("/api/v1/people/7").await;
    assert_eq!(
        (&after["mobile"], &after["email"]),
        (&json!("13900000000"), &before["email"])
    );
    let (parts, _) = staff
        .send(
            false,
            staff.to("PUT", "/api/v1/people/7"),
            r#"{"salary":1}"#,
        )
        .await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        staff.json("/api/v1/people/7/taxno").await["taxpayer_number"],
        before["resident_id"]
    );
    assert_eq!(
        staff.json("/api/v1/people/7/salary").await["monthly"],
        staff.portal.records().person(7).unwrap().salary
    );
    assert!(
        staff
            .get("/api/v1/export/all.csv")
            .await
            .1
            .starts_with(b"id,name,")
    );
    let (parts, _) = staff
        .send(false, staff.to("DELETE", "/api/v1/people/7"), "")
        .await;
    assert_eq!(parts.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn delays_and_statuses_are_given_as_asked() {
    let site = Running::start(Kind::Public).await;
    for code in [200u16, 204, 304, 404, 503, 599] {
        assert_eq!(
            site.get(&format!("/status/{code}")).await.0.status.as_u16(),
            code
        );
    }
    assert_eq!(
        site.get("/status/100").await.0.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(site.json("/slow?ms=5").await["waited"], 5);
    assert_eq!(site.get("/healthz").await.1, "ok\n");
}
