//! Crashes, and a second process by mistake: what was promised is still there.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hangu_tests::{Administrator, Client, Hangu, Pass, Zone};
use serde_json::json;

const STAFF: &str = "hr.gov.example";
const PUBLIC: &str = "portal.gov.example";
const SERVICE: &str = "/%E5%8A%9E%E4%BA%8B/%E8%BA%AB%E4%BB%BD%E8%AF%81";

fn verified(pass: &Pass) {
    let folder = pass.path("state/audit");
    let verified = Hangu::run(&["audit", "verify", "--json", folder.to_str().unwrap()]);
    assert_eq!(
        verified.status,
        Some(0),
        "{}{}",
        verified.output,
        verified.complaint
    );
}

async fn ban(pass: &Pass, caller: &str) {
    let chen = Administrator::sign_in(pass, "chen").await;
    let ban = json!({ "kind": "caller", "value": caller, "reason": "测试", "minutes": 60 });
    let made = chen.post("/admin/situational/bans", &ban).await;
    assert_eq!(made.status, 200, "{}", made.text());
}

async fn is_banned(pass: &Pass, caller: &str) -> bool {
    let client = pass.client(Zone::Intranet);
    let answer = client.identity(pass.identity(caller)).get(STAFF, "/").await;
    answer.status == 403 && answer.json()["reason"] == "banned"
}

async fn wang(pass: &Pass) -> Client {
    pass.client(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_loses_no_recorded_answer_no_ban_and_no_session() {
    let mut pass = Pass::start().await;
    ban(&pass, "u:li").await;
    assert!(is_banned(&pass, "li").await);
    let citizen = wang(&pass).await;
    let (running, answered) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load: Vec<_> = (0..3)
        .map(|_| {
            let client = pass.client(Zone::Intranet).token(&pass.token());
            let (running, answered) = (Arc::clone(&running), Arc::clone(&answered));
            tokio::spawn(async move {
                let Ok(mut connection) = client.try_connect(STAFF).await else {
                    return;
                };
                while running.load(Ordering::Relaxed) {
                    let request = http::Request::get("/api/v1/people/7");
                    match connection
                        .try_begin(request, hangu_tests::client::whole(""))
                        .await
                    {
                        // The staff portal records before it answers.
                        Ok(answer) if answer.status() == 200 => {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 30 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pass.signal("KILL");
    running.store(false, Ordering::Relaxed);
    for client in load {
        client.await.unwrap();
    }
    // What a machine that went down would leave in the middle of a write.
    let segments = std::fs::read_dir(pass.path("state/audit/0001"))
        .unwrap()
        .map(|e| e.unwrap().path());
    let last = segments
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .filter(|p| {
            p.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("segment"))
        });
    let mut torn = OpenOptions::new()
        .append(true)
        .open(last.max().unwrap())
        .unwrap();
    torn.write_all(b"\x7f\x01\x02torn").unwrap();
    drop(torn);
    pass.crash_and_restart().await;

    let events = pass.events();
    let recorded = events
        .iter()
        .filter(|e| e["http_request"]["url"]["path"] == "/api/v1/people/7")
        .count();
    assert!(
        recorded >= answered.load(Ordering::Relaxed),
        "{recorded} of {answered:?}"
    );
    assert!(is_banned(&pass, "li").await, "the ban is in force");
    let card = citizen.get(PUBLIC, SERVICE).await;
    assert_eq!(card.status, 200, "the session goes on: {}", card.text());
    assert_eq!(pass.stop().await, Some(0));
    verified(&pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_state_ends_and_spoils_neither_the_log_nor_sessions_nor_bans()
{
    let mut pass = Pass::start().await;
    let before = wang(&pass).await;
    ban(&pass, "u:li").await;
    let mut second = Command::new(hangu_tests::command::binary())
        .arg("run")
        .arg("--config")
        .arg(pass.path("configs/hangu.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ended = tokio::task::spawn_blocking(move || second.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(ended.code(), Some(2));
    assert!(is_banned(&pass, "li").await, "the ban is in force");
    // What the first keeps from now on is kept.
    ban(&pass, "u:zhao").await;
    assert_eq!(before.get(PUBLIC, SERVICE).await.status, 200);
    let after = wang(&pass).await;
    pass.crash_and_restart().await;
    for caller in ["li", "zhao"] {
        assert!(is_banned(&pass, caller).await, "{caller} is banned");
    }
    for (client, when) in [(before, "before"), (after, "after")] {
        let card = client.get(PUBLIC, SERVICE).await;
        assert_eq!(card.status, 200, "the session from {when}: {}", card.text());
    }
    assert_eq!(pass.stop().await, Some(0));
    verified(&pass);
}
