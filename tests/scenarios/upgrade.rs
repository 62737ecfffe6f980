//! A new binary takes the sockets over: nobody is turned away, and both logs are whole.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hangu_tests::client::whole;
use hangu_tests::{Hangu, Pass, Plan, Zone};
use http::Request;

const PUBLIC: &str = "portal.gov.example";
const SERVICE: &str = "/%E5%8A%9E%E4%BA%8B/%E8%BA%AB%E4%BB%BD%E8%AF%81";

/// The new process; it ends with the test.
struct New(Child);

impl Drop for New {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            let _status = self.0.wait();
        }
    }
}

fn begin(pass: &Pass) -> New {
    let log = File::create(pass.path("new.log")).unwrap();
    let process = Command::new(hangu_tests::command::binary())
        .args(["run", "--upgrade", "--config"])
        .arg(pass.path("configs/hangu.toml"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    New(process.unwrap())
}

fn is_running(process: u32) -> bool {
    // A child that has ended and was not waited for is a zombie.
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| {
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.starts_with('Z'))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_process_takes_over_without_one_refused_connection_and_sessions_go_on() {
    let grace = |c: &mut toml::Table| {
        drop(
            c["gateway"]
                .as_table_mut()
                .unwrap()
                .insert("grace".to_owned(), "1s".into()),
        )
    };
    let pass = Arc::new(Plan::new().with(grace).start().await);
    let citizen = pass
        .client(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    assert_eq!(citizen.get(PUBLIC, SERVICE).await.status, 200);

    let running = Arc::new(AtomicBool::new(true));
    let load: Vec<_> = (0..2)
        .map(|_| {
            let (pass, running) = (Arc::clone(&pass), Arc::clone(&running));
            tokio::spawn(async move {
                let client = pass.client(Zone::Internet);
                let mut answered = 0usize;
                while running.load(Ordering::Relaxed) {
                    let mut connection = client.connect(PUBLIC).await;
                    let answer = connection
                        .try_begin(Request::get("/"), whole(""))
                        .await
                        .unwrap_or_else(|e| panic!("cut after {answered}: {e}"));
                    assert_eq!(answer.status(), 200, "after {answered}");
                    answered += 1;
                    tokio::time::sleep(Duration::from_millis(60)).await;
                }
                answered
            })
        })
        .collect();

    let mut new = begin(&pass);
    let begun = Instant::now();
    while !pass.path("state/upgrade.sock").exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the new process waits for sockets"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pass.signal("QUIT");
    while is_running(pass.process_id()) {
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "the old process ends: {}",
            pass.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(new.0.try_wait().unwrap(), None, "the new process serves");
    assert_eq!(
        citizen.get(PUBLIC, SERVICE).await.status,
        200,
        "the session goes on"
    );
    running.store(false, Ordering::Relaxed);
    let mut answered = 0;
    for client in load {
        answered += client.await.unwrap();
    }
    drop(new);

    let folder = pass.path("state/audit");
    let verified = Hangu::run(&["audit", "verify", "--json", folder.to_str().unwrap()]);
    assert_eq!(
        verified.status,
        Some(0),
        "{}{}",
        verified.output,
        verified.complaint
    );
    assert!(
        folder.join("0001").is_dir() && folder.join("0002").is_dir(),
        "each process has its log"
    );
    let homes = pass
        .events()
        .iter()
        .filter(|e| e["http_request"]["url"]["path"] == "/")
        .count();
    // The last moments before a kill may be lost where nothing waits for the record.
    assert!(homes + 8 >= answered, "{homes} recorded of {answered}");
}
