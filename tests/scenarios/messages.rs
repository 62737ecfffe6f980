//! WebSocket messages: redacted, inspected and bounded as bodies are; what may not pass closes the connection.

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::{SinkExt as _, StreamExt as _};
use hangu_tests::outcome::{word, words};
use hangu_tests::websocket::{Message, WebSocket};
use hangu_tests::{Pass, Plan, Zone};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;

const EXCHANGE: &str = "exchange.gov.example";
const PUBLIC: &str = "portal.gov.example";
const STAFF: &str = "hr.gov.example";

/// A number, made up.
const MOBILE: &str = "13812345678";
const MASKED: &str = "138****5678";
/// What nobody sends by chance.
const ATTACK: &str = r#"{"q":"1' union select login, password from users-- "}"#;

const RULES: &str = "\
    p, *, exchange, *, exchange.gov.example, /own/*, ^GET$, true, allow, redact:L2\n\
    p, *, exchange, *, exchange.gov.example, /plain/*, ^GET$, true, allow, rate:gold\n\
    p, *, hr, *, hr.gov.example, /ws, ^GET$, true, allow, rate:gold";

/// What an upstream hears.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// A connection, and whether an extension was offered on it.
    Opened { extension: bool },
    /// A message.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A close frame, with its code; or that the other side is gone.
    Closed(Option<u16>),
}

/// An upstream that does what it is told, and gives back every other message.
async fn upstream() -> (SocketAddr, UnboundedReceiver<Heard>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let (say, heard) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, say.clone()));
        }
    });
    (at, heard)
}

async fn serve(stream: TcpStream, say: UnboundedSender<Heard>) {
    let mut head = vec![0; 8 << 10];
    let head = loop {
        let Ok(read @ 1..) = stream.peek(&mut head).await else {
            return;
        };
        let text = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
        if text.contains("\r\n\r\n") {
            break text;
        }
    };
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let extension = head.contains("sec-websocket-extensions:");
    let _told = say.send(Heard::Opened { extension });
    let phone = format!(r#"{{"phone":"{MOBILE}"}}"#);
    while let Some(Ok(message)) = socket.next().await {
        let answered = match message {
            Message::Text(text) => {
                let _told = say.send(Heard::Text(text.as_str().to_owned()));
                match text.as_str() {
                    "break" => socket.get_mut().write_all(&[0xff, 0]).await.is_ok(),
                    "bytes" => socket.send(Message::binary(phone.clone())).await.is_ok(),
                    "large" => socket
                        .send(Message::text("大".repeat(1 << 20)))
                        .await
                        .is_ok(),
                    "pieces" => {
                        let ping = format!("电话{MOBILE}");
                        let frames = [
                            &[1, 13][..],
                            br#"{"phone":"138"#,
                            &[0x89, u8::try_from(ping.len()).unwrap()],
                            ping.as_bytes(),
                            &[0x80, 10],
                            br#"12345678"}"#,
                        ];
                        socket.get_mut().write_all(&frames.concat()).await.is_ok()
                    }
                    "close" => {
                        let reason = format!("电话{MOBILE}").into();
                        let code = 4000u16.into();
                        socket
                            .close(Some(CloseFrame { code, reason }))
                            .await
                            .is_ok()
                    }
                    _ => socket.send(Message::Text(text)).await.is_ok(),
                }
            }
            Message::Binary(bytes) => {
                let _told = say.send(Heard::Binary(bytes.to_vec()));
                true
            }
            Message::Close(close) => {
                let _told = say.send(Heard::Closed(close.map(|close| close.code.into())));
                return;
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => true,
        };
        if !answered {
            break;
        }
    }
    let _told = say.send(Heard::Closed(None));
}

/// A pass whose portals all stand for one upstream: `exchange` blocks, `public` observes, `staff` looks at nothing.
async fn pass() -> (Pass, UnboundedReceiver<Heard>) {
    let (at, heard) = upstream().await;
    let own = |mode: &'static str| {
        move |portal: &mut toml::Table| {
            portal.insert("websocket".into(), true.into());
            portal.insert("message-size".into(), "64KiB".into());
            let inspect = toml::Table::from_iter([("mode".to_owned(), mode.into())]);
            portal.insert("inspect".into(), inspect.into());
            let upstream = portal.get_mut("upstream").unwrap().as_table_mut().unwrap();
            upstream.insert("addresses".into(), vec![at.to_string()].into());
            upstream.remove("health");
        }
    };
    let pass = Plan::new()
        .portal("exchange", own("block"))
        .portal("public", own("observe"))
        .portal("staff", own("off"))
        .with(|configuration| {
            let crossings = configuration["crossing"].as_array_mut().unwrap();
            for crossing in crossings.iter_mut().filter_map(toml::Value::as_table_mut) {
                if crossing["from"].as_str() == Some("intranet") {
                    crossing.insert("redact-requests".into(), "L2".into());
                }
            }
        })
        .rules(RULES)
        .start()
        .await;
    (pass, heard)
}

/// Opens a socket that offers compression, under an agent's name.
async fn open(pass: &Pass, zone: Zone, host: &str, path: &str, agent: &str) -> WebSocket {
    let fields = [
        ("user-agent", agent),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    let opened = WebSocket::open(pass, zone, host, path, &fields).await;
    opened.expect("an upgrade")
}

/// The event of the end of an agent's socket.
async fn end(pass: &Pass, agent: &str) -> Value {
    pass.event(|event| {
        let notes = words(event, "/unmapped/notes");
        event["http_request"]["user_agent"] == agent
            && (notes.contains(&"websocket-closed") || notes.contains(&"ended-by-gateway"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_redacted_as_the_decision_says_and_counted_at_the_end() {
    let (pass, mut heard) = pass().await;
    let mut socket = open(&pass, Zone::Extranet, EXCHANGE, "/own/ws", "reader").await;
    assert_eq!(heard.recv().await, Some(Heard::Opened { extension: false }));
    for (sent, got) in [
        (
            format!(r#"{{"name":"张三","phone":"{MOBILE}"}}"#),
            format!(r#"{{"name":"张*","phone":"{MASKED}"}}"#),
        ),
        (
            format!(r#"42["say",{{"phone":"{MOBILE}"}}]"#),
            format!(r#"42["say",{{"phone":"{MASKED}"}}]"#),
        ),
        (
            format!("[微笑] 电话{MOBILE}"),
            format!("[微笑] 电话{MASKED}"),
        ),
        (String::new(), String::new()),
        ("已受理".repeat(5_000), "已受理".repeat(5_000)),
    ] {
        socket.send(&sent).await;
        assert_eq!(heard.recv().await, Some(Heard::Text(sent)));
        assert_eq!(socket.next().await, Some(got));
    }
    socket.send("pieces").await;
    let ping = socket.message().await.unwrap();
    assert_eq!(ping, Message::Ping(format!("电话{MASKED}").into()));
    let text = socket.next().await.unwrap();
    assert_eq!(text, format!(r#"{{"phone":"{MASKED}"}}"#));
    socket.send("close").await;
    let closed = socket.closed().await;
    assert_eq!(closed, Some((4000, format!("电话{MASKED}"))));
    // The client's own close frame leaves with what it reads next.
    assert_eq!(socket.message().await, None);
    let event = end(&pass, "reader").await;
    assert_eq!(event["unmapped"]["redactions"]["mobile"], 6, "{event:#}");
    assert_eq!(event["unmapped"]["redactions"]["name"], 1, "{event:#}");
    assert_eq!(event["unmapped"]["people"]["count"], 1, "{event:#}");
    assert_eq!(event["http_response"]["code"], 101, "{event:#}");
    assert!(!event.to_string().contains(MOBILE));
    let obligations = words(&event, "/unmapped/decision/obligations");
    assert!(obligations.contains(&"redact:L2"), "{event:#}");
    let told = pass.events();
    let of_reader = |e: &&Value| e["http_request"]["user_agent"] == "reader";
    assert_eq!(told.iter().filter(of_reader).count(), 2, "begin and end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redaction_cannot_read_closes_unless_the_portal_passes_it() {
    let (pass, mut heard) = pass().await;
    let mut socket = open(&pass, Zone::Extranet, EXCHANGE, "/own/ws", "bytes").await;
    assert_eq!(heard.recv().await, Some(Heard::Opened { extension: false }));
    socket.send("bytes").await;
    let (code, reason) = socket.closed().await.unwrap();
    assert_eq!(code, 1003);
    assert!(reason.starts_with("unredactable-answer "), "{reason}");
    assert_eq!(heard.recv().await, Some(Heard::Text("bytes".to_owned())));
    assert_eq!(heard.recv().await, Some(Heard::Closed(Some(1003))));
    let event = end(&pass, "bytes").await;
    assert_eq!(event["status_code"], "unredactable-answer", "{event:#}");

    pass.rewrite("configs/hangu.toml", |text| {
        text.replace(
            "name = \"exchange\"",
            "name = \"exchange\"\nunreadable = \"pass\"",
        )
    });
    pass.signal("HUP");
    // In force for connections that begin after it: tried until one is.
    for attempt in 0..100 {
        let agent = format!("bytes {attempt}");
        let mut socket = open(&pass, Zone::Extranet, EXCHANGE, "/own/ws", &agent).await;
        socket.send("bytes").await;
        if let Some(Message::Binary(bytes)) = socket.message().await {
            assert!(String::from_utf8_lossy(&bytes).contains(MOBILE));
            socket.close(1000, "").await;
            let event = end(&pass, &agent).await;
            let notes = words(&event, "/unmapped/notes");
            assert!(notes.contains(&"binary-message"), "{event:#}");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("bytes pass once the portal says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attack_in_a_message_closes_the_connection_and_is_told() {
    let (pass, mut heard) = pass().await;
    let mut socket = open(&pass, Zone::Extranet, EXCHANGE, "/plain/ws", "attacker").await;
    assert_eq!(heard.recv().await, Some(Heard::Opened { extension: false }));
    // Not redacted: the decision does not ask for it.
    let ordinary = format!(r#"{{"text":"你好，电话{MOBILE}"}}"#);
    socket.send(&ordinary).await;
    assert_eq!(socket.next().await.as_ref(), Some(&ordinary));
    assert_eq!(heard.recv().await, Some(Heard::Text(ordinary)));
    socket.send(ATTACK).await;
    let (code, reason) = socket.closed().await.unwrap();
    assert_eq!(code, 1008);
    assert!(reason.starts_with("attack "), "{reason}");
    assert_eq!(
        heard.recv().await,
        Some(Heard::Closed(Some(1008))),
        "not the attack"
    );
    let event = end(&pass, "attacker").await;
    assert_eq!(event["status_code"], "attack", "{event:#}");
    assert_eq!(
        word(&event, "/unmapped/findings/0/category"),
        "sql",
        "{event:#}"
    );
    assert!(
        reason.ends_with(word(&event, "/unmapped/decision/id")),
        "{event:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_observes_passes_an_attack_and_tells_of_it_at_the_end() {
    let (pass, mut heard) = pass().await;
    let mut socket = open(&pass, Zone::Internet, PUBLIC, "/ws", "observed").await;
    assert_eq!(heard.recv().await, Some(Heard::Opened { extension: false }));
    socket.send(ATTACK).await;
    assert_eq!(socket.next().await.as_deref(), Some(ATTACK));
    assert_eq!(heard.recv().await, Some(Heard::Text(ATTACK.to_owned())));
    socket.close(1000, "").await;
    let event = end(&pass, "observed").await;
    assert_eq!(event["status_id"], 1, "{event:#}");
    assert_eq!(
        word(&event, "/unmapped/findings/0/category"),
        "sql",
        "{event:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_or_too_large_closes_both_sides_with_its_code() {
    let (pass, mut heard) = pass().await;
    let large = "大".repeat(1 << 15);
    let no_mask = [0x81, 1, b'a'];
    let not_utf8 = [0x81, 0x81, 0, 0, 0, 0, 0xff];
    for (agent, text, bytes, code, reason) in [
        ("no mask", None, &no_mask[..], 1002, "malformed-message"),
        ("not utf8", None, &not_utf8[..], 1007, "malformed-message"),
        (
            "large",
            Some(large.as_str()),
            &[],
            1009,
            "message-too-large",
        ),
        (
            "upstream",
            Some("break"),
            &[],
            1002,
            "malformed-answer-message",
        ),
        (
            "large upstream",
            Some("large"),
            &[],
            1009,
            "answer-message-too-large",
        ),
    ] {
        let mut socket = open(&pass, Zone::Extranet, EXCHANGE, "/plain/ws", agent).await;
        assert_eq!(heard.recv().await, Some(Heard::Opened { extension: false }));
        match text {
            Some(text) => socket.send(text).await,
            None => socket.write(bytes).await,
        }
        let closed = socket.closed().await;
        assert_eq!(
            closed.as_ref().map(|(code, _)| *code),
            Some(code),
            "{agent}"
        );
        let event = end(&pass, agent).await;
        assert_eq!(event["status_code"], reason, "{agent}: {event:#}");
        let told = closed.unwrap().1;
        assert!(told.starts_with(reason), "{agent}: {told}");
        loop {
            match heard.recv().await.unwrap() {
                Heard::Closed(heard) => {
                    assert_eq!(heard, Some(code), "{agent}");
                    break;
                }
                Heard::Text(text) => assert!(text.len() < 10, "{agent}"),
                other @ (Heard::Opened { .. } | Heard::Binary(_)) => {
                    panic!("{agent}: {other:?}")
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_to_read_passes_as_it_is() {
    let (pass, mut heard) = pass().await;
    let mut socket = open(&pass, Zone::Intranet, STAFF, "/ws", "copied").await;
    assert_eq!(heard.recv().await, Some(Heard::Opened { extension: true }));
    // Larger than what is read, and an attack.
    for text in [&"大".repeat(100_000), ATTACK] {
        socket.send(text).await;
        assert_eq!(socket.next().await.as_deref(), Some(text));
    }
    socket.send("close").await;
    let told = format!("电话{MOBILE}");
    assert_eq!(socket.closed().await, Some((4000, told)));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_clients_are_redacted_where_the_crossing_says_so() {
    let (pass, mut heard) = pass().await;
    let mut socket = open(&pass, Zone::Intranet, PUBLIC, "/ws", "writer").await;
    assert_eq!(heard.recv().await, Some(Heard::Opened { extension: false }));
    socket.send(&format!(r#"{{"phone":"{MOBILE}"}}"#)).await;
    let masked = format!(r#"{{"phone":"{MASKED}"}}"#);
    assert_eq!(heard.recv().await, Some(Heard::Text(masked)));
    // Answers over this crossing are not.
    socket.send("pieces").await;
    let mut told = String::new();
    while !told.contains(MOBILE) {
        told = socket.next().await.unwrap();
    }
    socket.send_bytes(MOBILE.as_bytes()).await;
    assert_eq!(socket.closed().await.unwrap().0, 1003);
    let event = end(&pass, "writer").await;
    assert_eq!(event["status_code"], "unredactable-request", "{event:#}");
    let notes = words(&event, "/unmapped/notes");
    // The message, and the pong that gives back the payload of a ping.
    assert!(notes.contains(&"request-redacted:L2 mobile=2"), "{event:#}");
    assert_eq!(event["unmapped"].get("redactions"), None, "{event:#}");
}
