//! That the harness can do what the other scenarios ask of it.

use hangu_portals::Kind;
use hangu_tests::websocket::WebSocket;
use hangu_tests::{Pass, Zone};

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_serves_all_zones_to_every_kind_of_caller() {
    let pass = Pass::start().await;
    let home = pass
        .client(Zone::Internet)
        .get("portal.gov.example", "/")
        .await;
    assert_eq!(home.status, 200, "{}", home.text());
    assert!(home.text().contains("一网通办"));

    let officer = pass.client(Zone::Intranet).http2().token(&pass.token());
    let seven = officer.get("hr.gov.example", "/api/v1/people/7").await;
    assert_eq!(
        (seven.status.as_u16(), seven.json()["id"].as_u64()),
        (200, Some(7)),
        "{}",
        seven.text()
    );

    let minted = pass.issuer().token("zhao", &serde_json::json!({}));
    let seven = pass
        .client(Zone::Intranet)
        .token(&minted)
        .get("hr.gov.example", "/api/v1/people/7")
        .await;
    assert_eq!(seven.status, 200, "{}", seven.text());

    let etl = pass
        .client(Zone::Extranet)
        .identity(pass.identity("tax-etl"));
    assert_eq!(
        etl.get("exchange.gov.example", "/api/v1/people/7")
            .await
            .status,
        200
    );

    let report = pass.client(Zone::Extranet).api_key(&pass.api_key());
    assert_eq!(
        report
            .get("exchange.gov.example", "/api/v1/people?size=3")
            .await
            .status,
        200
    );

    let wang = pass
        .client(Zone::Internet)
        .signed_in("portal.gov.example", "wang", &pass.password("wang"))
        .await;
    let card = wang
        .get(
            "portal.gov.example",
            "/%E5%8A%9E%E4%BA%8B/%E8%BA%AB%E4%BB%BD%E8%AF%81",
        )
        .await;
    assert_eq!(card.status, 200, "{}", card.text());

    let mut socket = WebSocket::open(&pass, Zone::Internet, "portal.gov.example", "/ws", &[])
        .await
        .unwrap();
    assert!(socket.next().await.is_some());
    socket.send("你好").await;
    assert_eq!(socket.next().await.as_deref(), Some("你好"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_no_portal_and_leaves_an_event() {
    let mut pass = Pass::start().await;
    let refused = pass
        .client(Zone::Internet)
        .get("hr.gov.example", "/api/v1/people/7")
        .await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    assert_eq!(pass.portal(Kind::Staff).arrivals(), [""; 0]);
    let event = pass
        .event(|e| e.to_string().contains("/api/v1/people/7"))
        .await;
    assert!(event.is_object(), "{event}");

    let mut raw = pass.raw(Zone::Internet, "portal.gov.example").await;
    raw.send(b"GET / HTTP/1.1\r\nHost: portal.gov.example\r\nConnection: close\r\n\r\n")
        .await;
    assert!(raw.read_to_end().await.starts_with("HTTP/1.1 200"));

    pass.crash_and_restart().await;
    assert!(pass.events().contains(&event), "the event is still there");
    assert!(pass.metrics().await.contains("hangu_"));
    assert_eq!(pass.stop().await, Some(0));
}
