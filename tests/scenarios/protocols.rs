//! What is spoken through the pass: HTTP/1.1 and HTTP/2, IPv4 and IPv6, TLS 1.2 and 1.3, WebSocket, events, gRPC.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use hangu_portals::grpc;
use hangu_tests::client::whole;
use hangu_tests::websocket::WebSocket;
use hangu_tests::{Answer, Client, Plan, Shared, Zone};
use http::Request;
use http_body_util::BodyExt as _;

const HOST: &str = "portal.gov.example";

static PASS: Shared = Shared::of(|| {
    Plan::new()
        .zone(Zone::Internet, |zone| {
            let listen: SocketAddr = zone["listen"][0].as_str().unwrap().parse().unwrap();
            let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, listen.port()));
            zone.insert("listen".to_owned(), vec![both.to_string()].into());
            let certificates = zone["tls"]["certificates"].as_array_mut().unwrap();
            let second = "chain = \"../state/pki/console.pem\"\nkey = \"../state/pki/console.key\"";
            certificates.push(second.parse::<toml::Table>().unwrap().into());
        })
        .portal("exchange", |portal| {
            let upstream = portal["upstream"].as_table_mut().unwrap();
            upstream.insert("protocol".to_owned(), "http2".into());
            upstream.remove("health");
        })
        .portal("staff", |portal| {
            portal.insert("websocket".to_owned(), false.into());
        })
        .rules(
            "p, *, portal, *, portal.gov.example, /echo, .*, true, allow, rate:gold\n\
             p, *, hr, *, hr.gov.example, /ws, ^GET$, true, allow, rate:gold\n\
             p, svc:tax-etl, exchange, *, exchange.gov.example, /exchange.People/*, ^POST$, r.ctx.cert, allow, rate:gold",
        )
});

#[tokio::test(flavor = "multi_thread")]
async fn both_http_versions_are_spoken_over_both_address_families_on_one_listener() {
    let pass = PASS.get().await;
    let port = pass.at(Zone::Internet).port();
    for to in [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ] {
        if to.is_ipv6() && tokio::net::TcpStream::connect(to).await.is_err() {
            // A machine without IPv6.
            continue;
        }
        let client = Client::new(to, pass.tls());
        for (client, version) in [(client.clone(), "1.1"), (client.http2(), "2")] {
            let agent = format!("probe {to} {version}");
            let answer = client.header("user-agent", &agent).get(HOST, "/echo").await;
            assert_eq!(answer.status, 200, "{agent}: {}", answer.text());
            assert_eq!(
                answer.arrived("x-forwarded-for"),
                [to.ip().to_string()],
                "{agent}"
            );
            let event = pass
                .event(|e| e["http_request"]["user_agent"] == agent)
                .await;
            assert_eq!(event["http_request"]["version"], version, "{event}");
            assert_eq!(event["src_endpoint"]["ip"], to.ip().to_string(), "{event}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_speaks_the_tls_versions_that_it_is_told() {
    use rustls::version::{TLS12, TLS13};
    let pass = PASS.get().await;
    for (version, name) in [(&TLS12, "TLSv1_2"), (&TLS13, "TLSv1_3")] {
        let agent = format!("tls {name}");
        let client = pass.client(Zone::Internet).tls(|tls| tls.only(version));
        let answer = client.header("user-agent", &agent).get(HOST, "/echo").await;
        assert_eq!(answer.status, 200, "{agent}");
        let event = pass
            .event(|e| e["http_request"]["user_agent"] == agent)
            .await;
        assert_eq!(event["tls"]["version"], name, "{event}");
        // The hello names the program behind it: JA4, type 1 of OCSF.
        let ja4 = &event["tls"]["ja4_fingerprint_list"][0];
        let begins = if name == "TLSv1_3" { "t13d" } else { "t12d" };
        let value = ja4["value"].as_str().unwrap();
        assert_eq!(
            (ja4["type_id"].as_u64(), value.len()),
            (Some(1), 36),
            "{event}"
        );
        assert!(value.starts_with(begins), "{value}");
    }
    let old = pass.client(Zone::Intranet).tls(|tls| tls.only(&TLS12));
    assert!(
        old.try_connect(HOST).await.is_err(),
        "the intranet speaks TLS 1.3 alone"
    );
    let new = pass.client(Zone::Intranet).tls(|tls| tls.only(&TLS13));
    assert!(new.try_connect(HOST).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let pass = PASS.get().await;
    let (to, tls) = (pass.at(Zone::Internet), pass.tls());
    let mut leaves = Vec::new();
    for name in [HOST, "hr.gov.example", "console.gw"] {
        // The client takes no certificate that does not carry the name.
        let stream = tls
            .connect(to, name)
            .await
            .expect("a certificate of the name");
        let chain = stream
            .get_ref()
            .1
            .peer_certificates()
            .expect("a chain")
            .to_vec();
        leaves.push(chain.first().expect("a leaf").clone());
    }
    assert!(leaves[0] == leaves[1] && leaves[0] != leaves[2]);
    assert!(tls.connect(to, "nobody.example").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_carries_both_ways_until_it_is_closed() {
    let pass = PASS.get().await;
    let mut socket = WebSocket::open(
        pass,
        Zone::Internet,
        HOST,
        "/ws",
        &[("user-agent", "socket")],
    )
    .await
    .expect("an upgrade");
    assert!(socket.next().await.is_some(), "a notice comes first");
    for text in ["一", &"long ".repeat(20_000), ""] {
        socket.send(text).await;
        assert_eq!(socket.next().await.as_deref(), Some(text));
    }
    socket.send("close 1000").await;
    assert_eq!(socket.next().await, None);
    let event = pass
        .event(|e| e["http_request"]["user_agent"] == "socket")
        .await;
    assert_eq!(event["http_response"]["code"], 101, "{event}");
    assert_eq!(event["unmapped"]["decision"]["effect"], "allow", "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_without_websocket_is_not_upgraded_to() {
    let pass = PASS.get().await;
    let fields = [("user-agent", "no socket")];
    let refused = WebSocket::open(pass, Zone::Intranet, "hr.gov.example", "/ws", &fields).await;
    assert_eq!(refused.err().map(|s| s.as_u16()), Some(403));
    let event = pass
        .event(|e| e["http_request"]["user_agent"] == "no socket")
        .await;
    assert_eq!(event["status_code"], "upgrade-not-forwarded", "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_sent_events_arrive_while_the_stream_goes_on() {
    let pass = PASS.get().await;
    for client in [
        pass.client(Zone::Internet),
        pass.client(Zone::Internet).http2(),
    ] {
        let mut connection = client.connect(HOST).await;
        // Endless: nothing would ever come of an answer that is held back until it is whole.
        let request = Request::get("/events?ms=50").header("accept", "text/event-stream");
        let answer = connection.begin(request, whole("")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut body = answer.into_body();
        let mut seen = String::new();
        while !seen.contains("id: 3\n") {
            let frame =
                tokio::time::timeout(std::time::Duration::from_secs(10), body.frame()).await;
            let frame = frame
                .expect("events go on")
                .expect("events go on")
                .expect("events go on");
            seen.push_str(&String::from_utf8_lossy(
                frame.data_ref().expect("an event"),
            ));
        }
    }
}

async fn call(method: &str, number: u64) -> Answer {
    let pass = PASS.get().await;
    let client = pass
        .client(Zone::Extranet)
        .identity(pass.identity("tax-etl"))
        .http2();
    let request = Request::post(format!("/exchange.People/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    client
        .send(
            "exchange.gov.example",
            request,
            grpc::framed(&grpc::id(number)),
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_call_crosses_with_its_trailers() {
    let pass = PASS.get().await;
    let answer = call("Get", 7).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.trailers["grpc-status"], "0");
    let message = grpc::unframed(&answer.body).expect("one message");
    let fields = grpc::text_fields(message).expect("a person");
    assert_eq!(fields[0], (1, "7".to_owned()));
    let listed = call("List", 7).await;
    assert_eq!(listed.trailers["grpc-status"], "0");
    assert!(
        listed.body.len() > 5 * answer.body.len(),
        "ten people and not one"
    );
    let event = pass
        .event(|e| e["http_request"]["url"]["path"] == "/exchange.People/List")
        .await;
    assert_eq!(event["http_response"]["code"], 200, "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_failure_keeps_its_status() {
    let answer = call("Get", 9_999_999).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("grpc-status"), "5", "{:?}", answer.headers);
}
