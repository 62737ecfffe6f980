//! PROXY protocol headers, from peers that are trusted to send them and from others.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use hangu_tests::wire::{dial, dial_from};
use hangu_tests::{Pass, Plan, Raw, Shared, Zone};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const HOST: &str = "portal.gov.example";
const TRUSTED: Ipv4Addr = Ipv4Addr::new(127, 99, 0, 1);
const REQUEST: &[u8] =
    b"GET /echo HTTP/1.1\r\nHost: portal.gov.example\r\nConnection: close\r\n\r\n";

/// The internet speaks TLS, the extranet cleartext; both listen on IPv6 as well.
static PASS: Shared = Shared::of(|| {
    let trusting = |zone: &mut toml::Table| {
        let trusted = vec![format!("{TRUSTED}/32"), "::1/128".to_owned()];
        zone.insert("proxy-protocol-from".to_owned(), trusted.into());
        dual_stack(zone);
    };
    Plan::new()
        .zone(Zone::Internet, trusting)
        .zone(Zone::Extranet, |zone| {
            trusting(zone);
            zone.remove("tls");
        })
        .rules("p, *, portal, *, portal.gov.example, /echo, ^GET$, true, allow, rate:gold")
});

fn dual_stack(zone: &mut toml::Table) {
    let listen = zone["listen"][0].as_str().expect("an address").to_owned();
    let listen: SocketAddr = listen.parse().expect("an address");
    let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, listen.port()));
    zone.insert("listen".to_owned(), vec![both.to_string()].into());
}

/// A header of version 2 for TCP.
fn version_2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([command, family]);
    header.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    header.extend(payload);
    header
}

fn payload_4(client: Ipv4Addr, port: u16) -> Vec<u8> {
    let mut payload = client.octets().to_vec();
    payload.extend([198, 51, 100, 1]);
    payload.extend(port.to_be_bytes());
    payload.extend(443u16.to_be_bytes());
    payload
}

fn payload_6(client: Ipv6Addr, port: u16) -> Vec<u8> {
    let mut payload = client.octets().to_vec();
    payload.extend(Ipv6Addr::LOCALHOST.octets());
    payload.extend(port.to_be_bytes());
    payload.extend(443u16.to_be_bytes());
    payload
}

/// Sends a header, then a request over TLS; what the gateway says, nothing where it takes no handshake.
async fn over_tls(pass: &Pass, mut stream: TcpStream, header: &[u8]) -> String {
    stream.write_all(header).await.unwrap();
    match pass.tls().over(stream, HOST).await {
        Ok(stream) => {
            let mut raw = Raw::over(stream);
            raw.send(REQUEST).await;
            raw.read_to_end().await
        }
        Err(_) => String::new(),
    }
}

async fn in_clear(stream: TcpStream, header: &[u8]) -> String {
    let mut raw = Raw::over(stream);
    raw.send(&[header, REQUEST].concat()).await;
    raw.read_to_end().await
}

async fn event_of(pass: &Pass, ip: &str, port: u16) -> Value {
    pass.event(|e| e["src_endpoint"]["ip"] == ip && e["src_endpoint"]["port"] == port)
        .await
}

/// Both zones take a header from a trusted peer, and speak of its client from then on.
async fn names_the_client(header: &[u8], ip: &str, port: u16) {
    let pass = PASS.get().await;
    for zone in [Zone::Internet, Zone::Extranet] {
        let (stream, _) = dial_from(TRUSTED, pass.at(zone)).await;
        let (said, name) = match zone {
            Zone::Internet => (over_tls(pass, stream, header).await, "internet"),
            Zone::Extranet | Zone::Intranet | Zone::Console => {
                (in_clear(stream, header).await, "extranet")
            }
        };
        assert!(said.starts_with("HTTP/1.1 200"), "{name}: {said}");
        assert!(
            said.contains(&format!("[\"x-forwarded-for\",\"{ip}\"]")),
            "{name}: {said}"
        );
        let fits = |e: &Value| {
            let from = &e["src_endpoint"];
            from["ip"] == ip && from["port"] == port && from["zone"] == name
        };
        let event = pass.event(fits).await;
        assert_eq!(event["http_response"]["code"], 200, "{event}");
        assert_eq!(event["unmapped"]["decision"]["effect"], "allow", "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn version_1_names_an_ipv4_client() {
    let header = b"PROXY TCP4 192.0.2.7 198.51.100.1 50007 443\r\n";
    names_the_client(header, "192.0.2.7", 50_007).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn version_1_names_an_ipv6_client() {
    let header = b"PROXY TCP6 2001:db8::7 2001:db8::1 50008 443\r\n";
    names_the_client(header, "2001:db8::7", 50_008).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn version_2_names_an_ipv4_client() {
    let header = version_2(0x21, 0x11, &payload_4(Ipv4Addr::new(192, 0, 2, 9), 50_009));
    names_the_client(&header, "192.0.2.9", 50_009).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn version_2_names_an_ipv6_client_whatever_else_it_says() {
    let mut payload = payload_6("2001:db8::a".parse().unwrap(), 50_010);
    // An authority (PP2_TYPE_AUTHORITY) behind the addresses.
    payload.extend([2, 0, 3, b'g', b'o', b'v']);
    names_the_client(&version_2(0x21, 0x21, &payload), "2001:db8::a", 50_010).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ipv4_client_in_ipv6_form_is_an_ipv4_client() {
    let header = version_2(
        0x21,
        0x21,
        &payload_6("::ffff:192.0.2.11".parse().unwrap(), 50_011),
    );
    names_the_client(&header, "192.0.2.11", 50_011).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_comes_in_pieces_is_read_whole() {
    let pass = PASS.get().await;
    let (mut stream, _) = dial_from(TRUSTED, pass.at(Zone::Internet)).await;
    for piece in b"PROXY TCP4 192.0.2.12 198.51.100.1 50012 443\r\n".chunks(7) {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(
        over_tls(pass, stream, b"")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let event = event_of(pass, "192.0.2.12", 50_012).await;
    assert_eq!(event["http_response"]["code"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_speaks_for_itself_is_the_client() {
    let pass = PASS.get().await;
    for header in [version_2(0x20, 0, &[]), b"PROXY UNKNOWN\r\n".to_vec()] {
        let (stream, from) = dial_from(TRUSTED, pass.at(Zone::Internet)).await;
        let said = over_tls(pass, stream, &header).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        let event = event_of(pass, &TRUSTED.to_string(), from.port()).await;
        assert_eq!(event["http_response"]["code"], 200, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_peer_without_a_header_is_not_served() {
    let pass = PASS.get().await;
    for zone in [Zone::Internet, Zone::Extranet] {
        let (stream, from) = dial_from(TRUSTED, pass.at(zone)).await;
        let said = match zone {
            Zone::Internet => over_tls(pass, stream, b"").await,
            Zone::Extranet | Zone::Intranet | Zone::Console => in_clear(stream, b"").await,
        };
        assert_eq!(said, "");
        let event = event_of(pass, &TRUSTED.to_string(), from.port()).await;
        assert_eq!(event["status_code"], "unparsable", "{event}");
        let detail = "the connection does not begin with a PROXY protocol header";
        assert_eq!(event["status_detail"], detail, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_malformed_is_not_served() {
    let pass = PASS.get().await;
    let wrong = [
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n".to_vec(),
        b"PROXY TCP4 2001:db8::7 198.51.100.1 56324 443\r\n".to_vec(),
        [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat(),
        version_2(0x31, 0x11, &payload_4(Ipv4Addr::new(192, 0, 2, 9), 1)),
        version_2(0x21, 0x11, &[0; 11]),
        version_2(0x21, 0x31, &[0; 216]),
        version_2(0x21, 0x11, &[0; 60_000]),
    ];
    for header in wrong {
        let (stream, from) = dial_from(TRUSTED, pass.at(Zone::Extranet)).await;
        let what = header.escape_ascii().to_string();
        assert_eq!(in_clear(stream, &header).await, "", "{what}");
        let event = event_of(pass, &TRUSTED.to_string(), from.port()).await;
        assert_eq!(event["status_code"], "unparsable", "{what}");
        assert_eq!(
            event["status_detail"], "the PROXY protocol header is malformed",
            "{what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_speak_for_another_client() {
    let pass = PASS.get().await;
    let forged = b"PROXY TCP4 192.0.2.66 198.51.100.1 50066 443\r\n";
    let forged_2 = version_2(0x21, 0x11, &payload_4(Ipv4Addr::new(192, 0, 2, 66), 50_066));
    for header in [&forged[..], &forged_2] {
        let (stream, from) = dial(pass.at(Zone::Extranet)).await;
        let said = in_clear(stream, header).await;
        assert!(said.starts_with("HTTP/1.1 400"), "{said}");
        let event = event_of(pass, &from.ip().to_string(), from.port()).await;
        assert_eq!(event["status_code"], "unparsable", "{event}");

        let (stream, from) = dial(pass.at(Zone::Internet)).await;
        assert_eq!(over_tls(pass, stream, header).await, "");
        let event = event_of(pass, &from.ip().to_string(), from.port()).await;
        assert_eq!(event["status"], "Failure", "{event}");
    }
    let events = pass.events();
    assert!(
        !events
            .iter()
            .any(|e| e["src_endpoint"]["ip"] == "192.0.2.66")
    );

    let (stream, from) = dial(pass.at(Zone::Internet)).await;
    assert!(
        over_tls(pass, stream, b"")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let event = event_of(pass, &from.ip().to_string(), from.port()).await;
    assert_eq!(event["http_response"]["code"], 200, "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_peer_on_ipv6_speaks_for_its_client() {
    let pass = PASS.get().await;
    let to = SocketAddr::from((Ipv6Addr::LOCALHOST, pass.at(Zone::Internet).port()));
    let Ok(stream) = TcpStream::connect(to).await else {
        // A machine without IPv6.
        return;
    };
    let header = b"PROXY TCP6 2001:db8::14 2001:db8::1 50014 443\r\n";
    let said = over_tls(pass, stream, header).await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let event = event_of(pass, "2001:db8::14", 50_014).await;
    assert_eq!(event["src_endpoint"]["zone"], "internet");
}
