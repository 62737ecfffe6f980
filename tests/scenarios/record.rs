//! What is recorded: every request once, nothing secret, and nothing that can be changed unseen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hangu_tests::outcome::{HTTP, unused_address, word};
use hangu_tests::{Client, Hangu, Pass, Plan, Zone, events};
use http::Request;
use serde_json::{Value, json};

const EXCHANGE: &str = "exchange.gov.example";
const PUBLIC: &str = "portal.gov.example";
const STAFF: &str = "hr.gov.example";

fn http_events(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|e| e["class_uid"] == HTTP).collect()
}

/// Requests of many kinds, and how each must end; the same twice.
async fn all_kinds(pass: &Pass) -> Vec<u16> {
    let inner = || pass.stranger(Zone::Intranet);
    let outer = || pass.stranger(Zone::Internet);
    let token = pass.token();
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(outer().get(PUBLIC, "/").await);
        seen.push(outer().http2().get(PUBLIC, "/search?q=1").await);
        seen.push(outer().send(PUBLIC, Request::head("/"), "").await);
        seen.push(outer().get(PUBLIC, "/events?ms=1&count=3").await);
        seen.push(outer().get(PUBLIC, "/.hangu/sign-in").await);
        seen.push(outer().get(PUBLIC, "/.hangu/nothing").await);
        seen.push(outer().get(PUBLIC, "/static/nothing").await);
        seen.push(outer().get(PUBLIC, "/a/%2e%2e/%zz").await);
        seen.push(
            outer()
                .send(PUBLIC, Request::builder().method("TRACE").uri("/"), "")
                .await,
        );
        seen.push(
            outer()
                .tls(|t| t.name(PUBLIC))
                .get("nowhere.example", "/")
                .await,
        );
        seen.push(outer().get(STAFF, "/").await);
        seen.push(
            outer()
                .get(PUBLIC, "/?q=1%27%20UNION%20SELECT%20a%20FROM%20b--")
                .await,
        );
        seen.push(inner().get(STAFF, "/").await);
        seen.push(inner().token("x.y.z").get(STAFF, "/").await);
        seen.push(inner().token(&token).get(STAFF, "/nothing").await);
        seen.push(inner().token(&token).get(STAFF, "/api/v1/people/7").await);
        seen.push(inner().token(&token).get(STAFF, "/api/v1/people/0").await);
    }
    seen.iter().map(|a| a.status.as_u16()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_every_kind_leaves_exactly_one_event() {
    let mut pass = Plan::new().start().await;
    let mut statuses = all_kinds(&pass).await;
    let mut raw = pass.raw(Zone::Internet, PUBLIC).await;
    raw.send(b"GET / HTTP/1.1\r\nHost : portal.gov.example\r\n\r\n")
        .await;
    assert!(raw.read_to_end().await.starts_with("HTTP/1.1 400"));
    statuses.push(400);
    // Several on one connection.
    let mut connection = pass.client(Zone::Internet).connect(PUBLIC).await;
    for _ in 0..5 {
        statuses.push(connection.get("/static/site.css").await.status.as_u16());
    }
    drop(connection);
    assert_eq!(pass.stop().await, Some(0));
    let events = pass.events();
    let requests = http_events(&events);
    let mut recorded: Vec<u64> = requests
        .iter()
        .map(|e| e["http_response"]["code"].as_u64().unwrap())
        .collect();
    recorded.sort_unstable();
    statuses.sort_unstable();
    assert_eq!(
        recorded,
        statuses.iter().map(|s| u64::from(*s)).collect::<Vec<_>>()
    );
    let ids: BTreeSet<&str> = requests.iter().map(|e| word(e, "/metadata/uid")).collect();
    assert_eq!(ids.len(), requests.len());
    for event in &requests {
        let refused = event["http_response"]["code"].as_u64() >= Some(400)
            && event.pointer("/status_code").is_some();
        assert_eq!(event["status_id"] == 2, refused, "{event:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_portal_that_waits_is_never_ahead_of_its_event() {
    let mut pass = Plan::new().start().await;
    for round in 0..3 {
        let person = 100 + round;
        let client = pass.stranger(Zone::Intranet).token(&pass.token());
        let answer = client.get(STAFF, &format!("/api/v1/people/{person}")).await;
        pass.signal("KILL");
        assert_eq!(answer.status, 200);
        let log = pass.path("state/audit");
        let address = client.address().unwrap().to_string();
        let all = events::read(&log);
        let found: Vec<_> = all
            .iter()
            .filter(|e| word(e, "/src_endpoint/ip") == address)
            .collect();
        assert_eq!(found.len(), 1, "round {round}: {all:#?}");
        assert_eq!(word(found[0], "/actor/user/uid"), "u:zhao");
        pass.crash_and_restart().await;
    }
    assert_eq!(pass.stop().await, Some(0));
    verified(&pass.path("state/audit"), 0);
}

/// Everything below a folder, as one text.
#[tokio::test(flavor = "multi_thread")]
async fn a_portal_of_exceptions_records_what_is_one_and_counts_the_rest() {
    let mut pass = Plan::new()
        .portal("public", |portal| {
            portal.insert("record".to_owned(), "exceptions".into());
        })
        .rules(
            "p, *, portal, *, portal.gov.example, /echo, .*, true, allow, rate:gold\n\
             p, *, portal, *, portal.gov.example, /echo/full, .*, true, allow, log:full",
        )
        .start()
        .await;
    let client = pass.stranger(Zone::Internet);
    for _ in 0..3 {
        assert_eq!(client.get(PUBLIC, "/static/site.css").await.status, 200);
    }
    assert_eq!(client.get(PUBLIC, "/echo").await.status, 200);
    // Each of these is one: it may have changed something, a rule wants it, or it did not go well.
    let post = client.post(PUBLIC, "/echo", &json!({})).await;
    assert_eq!(post.status, 200);
    assert_eq!(client.get(PUBLIC, "/echo/full").await.status, 200);
    assert_eq!(client.get(PUBLIC, "/static/nothing").await.status, 404);
    assert_eq!(client.get(PUBLIC, "/a/%zz").await.status, 400);
    let attack = "/?q=1%27%20UNION%20SELECT%20a%20FROM%20b--";
    assert_eq!(client.get(PUBLIC, attack).await.status, 403);
    let metrics = pass.metrics().await;
    assert!(
        metrics
            .lines()
            .any(|line| line.contains("zone=\"internet\"")
                && line.contains("allowed")
                && line.ends_with(" 7")),
        "{metrics}"
    );
    assert_eq!(pass.stop().await, Some(0));
    let events = pass.events();
    let mut recorded: Vec<u64> = http_events(&events)
        .iter()
        .map(|e| e["http_response"]["code"].as_u64().unwrap())
        .collect();
    recorded.sort_unstable();
    assert_eq!(recorded, [200, 200, 400, 403, 404]);
}

fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_of(&path));
        } else {
            all.extend(fs::read(&path).unwrap());
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_request_or_an_answer_stands_in_the_log_or_in_what_the_process_says() {
    let mut pass = Plan::new()
        .rules("p, *, *, *, *, /echo/*, *, true, allow,")
        .start()
        .await;
    let seed = "s3cr3tSEED";
    let (resident, mobile, card) = ("11010519491231002X", "13812345678", "6222020200112233446");
    let mut secrets: Vec<String> = vec![pass.token(), pass.api_key()];
    for login in ["wang", "li"] {
        secrets.push(pass.password(login));
    }
    secrets.extend([resident, mobile, card, seed].map(str::to_owned));
    let with = |mut request: http::request::Builder| {
        for name in [
            "x-api-token",
            "x-csrf",
            "referer",
            "origin",
            "x-custom",
            "if-none-match",
            "hangu-assertion",
            "x-forwarded-for",
        ] {
            request = request.header(name, format!("{seed}-{name}"));
        }
        request
    };
    let target = format!("/echo/{resident}?token={seed}&id={resident}&mobile={mobile}&{card}=1");
    let client = || {
        pass.stranger(Zone::Internet)
            .header("cookie", &format!("sid={seed}; __Host-hangu={seed}"))
    };
    client().send(PUBLIC, with(Request::get(&target)), "").await;
    client()
        .http2()
        .send(PUBLIC, with(Request::get(&target)), "")
        .await;
    let body = json!({ "password": seed, "id": resident, "mobile": mobile, "card": card });
    client().post(PUBLIC, "/echo/body", &body).await;
    let attack = format!(
        "/echo/x?q=1%27%20UNION%20SELECT%20password%20FROM%20users%20WHERE%20id%3D%27{resident}%27%20AND%20m%3D%27{mobile}%27--"
    );
    client().get(PUBLIC, &attack).await;
    client()
        .token(&format!("{seed}.{seed}.{seed}"))
        .get(PUBLIC, "/echo/token")
        .await;
    client()
        .api_key(&format!("{seed}_{seed}"))
        .get(PUBLIC, "/echo/key")
        .await;
    client()
        .sign_in(PUBLIC, "wang", &format!("wrong-{seed}"))
        .await;
    client().sign_in(PUBLIC, resident, seed).await;
    pass.stranger(Zone::Internet)
        .header("user-agent", &format!("agent/{resident}"))
        .get(PUBLIC, "/")
        .await;
    pass.stranger(Zone::Internet)
        .get(PUBLIC, &format!("/people/{mobile}"))
        .await;
    let wang = pass
        .stranger(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    wang.get(PUBLIC, "/.hangu/me").await;
    let zhao = pass.stranger(Zone::Intranet).token(&pass.token());
    zhao.get(STAFF, "/api/v1/people/7").await;
    zhao.get(STAFF, "/echo/own").await;
    let person = pass
        .portal(hangu_portals::Kind::Staff)
        .records()
        .person(7)
        .unwrap();
    secrets.extend([person.resident_id, person.mobile, person.bank_card]);
    pass.stranger(Zone::Extranet)
        .api_key(&pass.api_key())
        .get(EXCHANGE, "/api/v1/people?size=1")
        .await;
    assert_eq!(pass.stop().await, Some(0));
    assert!(http_events(&pass.events()).len() >= 15);
    let log = String::from_utf8_lossy(&bytes_of(&pass.path("state/audit"))).into_owned();
    for secret in &secrets {
        for (name, text) in [("log", &log), ("process", &pass.log())] {
            if let Some(at) = text.find(secret.as_str()) {
                let around: String = text
                    .get(at.saturating_sub(200)..)
                    .unwrap_or(text)
                    .chars()
                    .take(300)
                    .collect();
                panic!("`{secret}` in the {name}: {around}");
            }
        }
    }
}

fn verified(folder: &Path, status: i32) {
    let run = Hangu::run(&["audit", "verify", folder.to_str().unwrap()]);
    assert_eq!(
        run.status,
        Some(status),
        "{}: {}{}",
        folder.display(),
        run.output,
        run.complaint
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The file below a folder that has this text in it.
fn file_with(folder: &Path, text: &str) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if find(&fs::read(&path).unwrap(), text).is_some() {
                return path;
            }
        }
    }
    panic!("no file has `{text}` in it");
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|w| w == text.as_bytes())
}

/// A pass that ended well, with events of ten requests in its log.
async fn recorded() -> (Pass, PathBuf) {
    let mut pass = Plan::new().start().await;
    for n in 0..10 {
        let client: Client = pass.client(Zone::Internet).from(unused_address());
        client.get(PUBLIC, &format!("/search?marker{n}=1")).await;
    }
    assert_eq!(pass.stop().await, Some(0));
    let log = pass.path("state/audit");
    (pass, log)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_a_deletion_a_swap_or_a_truncation_of_the_log_is_found() {
    let (pass, log) = recorded().await;
    verified(&log, 0);
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 5] = [
        ("edit", |bytes| {
            let at = find(bytes, "marker3").unwrap();
            bytes[at..at + 7].copy_from_slice(b"marker4");
        }),
        ("flip", |bytes| {
            let at = find(bytes, "marker5").unwrap();
            bytes[at - 200] ^= 1;
        }),
        ("deletion", |bytes| {
            let (from, to) = (
                find(bytes, "marker2").unwrap(),
                find(bytes, "marker3").unwrap(),
            );
            bytes.drain(from..to);
        }),
        ("truncation", |bytes| {
            let at = find(bytes, "marker7").unwrap();
            bytes.truncate(at);
        }),
        ("swap", |bytes| {
            let (a, b) = (
                find(bytes, "marker1").unwrap(),
                find(bytes, "marker8").unwrap(),
            );
            bytes.swap(a + 6, b + 6);
        }),
    ];
    for (name, change) in changes {
        let copied = pass.path(&format!("copy-{name}"));
        copy(&log, &copied);
        let file = file_with(&copied, "marker3");
        let mut bytes = fs::read(&file).unwrap();
        change(&mut bytes);
        fs::write(&file, bytes).unwrap();
        verified(&copied, 1);
    }
    let copied = pass.path("copy-gone");
    copy(&log, &copied);
    fs::remove_file(file_with(&copied, "marker3")).unwrap();
    let run = Hangu::run(&["audit", "verify", copied.to_str().unwrap()]);
    assert_ne!(run.status, Some(0), "{}{}", run.output, run.complaint);
    verified(&log, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_which_a_piece_was_torn_off_by_a_crash_goes_on_and_verifies() {
    let mut pass = Plan::new().start().await;
    for round in 0..3 {
        for n in 0..5 {
            pass.stranger(Zone::Internet)
                .get(PUBLIC, &format!("/search?r{round}n{n}=1"))
                .await;
        }
        pass.crash_and_restart().await;
    }
    let last = pass.stranger(Zone::Internet);
    last.get(PUBLIC, "/search?last=1").await;
    pass.event_of(&last).await;
    let begun = Instant::now();
    while Hangu::run(&[
        "audit",
        "verify",
        pass.path("state/audit").to_str().unwrap(),
    ])
    .status
        != Some(0)
    {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "the log of a running gateway verifies"
        );
    }
    assert_eq!(pass.stop().await, Some(0));
    verified(&pass.path("state/audit"), 0);
}

fn verifier(folder: &Path, key: &Path) -> (Option<i32>, String) {
    let run = std::process::Command::new(hangu_tests::command::verifier())
        .arg(folder)
        .arg("--key")
        .arg(key)
        .arg("--json")
        .output()
        .unwrap();
    let said = [run.stdout, run.stderr].concat();
    (
        run.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_small_verifier_finds_the_log_of_a_pass_intact_and_one_changed_byte() {
    let mut pass = Plan::new().start().await;
    all_kinds(&pass).await;
    pass.crash_and_restart().await;
    all_kinds(&pass).await;
    assert_eq!(pass.stop().await, Some(0));
    let log = pass.path("state/audit");
    // An auditor has a copy of the log, and the key from elsewhere.
    let (copy, key) = (pass.path("copy"), pass.path("auditor.key"));
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .args([&log, &copy])
        .status();
    assert!(copied.unwrap().success());
    fs::rename(copy.join("public.key"), &key).unwrap();
    let (status, said) = verifier(&copy, &key);
    assert_eq!(status, Some(0), "{said}");

    let segment = fs::read_dir(copy.join("0001"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| {
            let name = p.file_name().unwrap().to_string_lossy();
            name.starts_with("segment") && name.ends_with(".log")
        })
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let path = b"/api/v1/people/7";
    let at = bytes.windows(path.len()).position(|w| w == path).unwrap();
    bytes[at + path.len() - 1] = b'8';
    fs::write(&segment, &bytes).unwrap();
    let (status, said) = verifier(&copy, &key);
    assert_eq!(status, Some(1), "{said}");
    let (status, said) = verifier(&copy, &pass.path("no.key"));
    assert_eq!(status, Some(2), "{said}");
}
