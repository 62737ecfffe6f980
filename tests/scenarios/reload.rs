//! A new configuration while requests come: by signal, by a change of files, by the interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hangu_tests::{Administrator, Answer, Pass, Plan, Zone};
use serde_json::{Value, json};
use toml::Table;

const PERSON: &str = "/api/v1/people/7";
const OFFICER: &str =
    "p, role:officer, hr, zone:gov, hr.gov.example, /api/v1/people/:id, ^(GET|PUT)$,";
const DENY: &str = "\np, u:zhao, hr, *, *, /api/v1/people/:id, *, true, deny, log:full\n";

async fn ask(pass: &Pass) -> Answer {
    pass.client(Zone::Intranet)
        .token(&pass.token())
        .get("hr.gov.example", PERSON)
        .await
}

/// Asks until the answer is the one that is waited for.
async fn until(pass: &Pass, status: u16) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask(pass).await;
        if answer.status == status {
            return answer;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "still {} {}",
            answer.status,
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn reloads(pass: &Pass) -> u64 {
    let metrics = pass.metrics().await;
    let line = metrics
        .lines()
        .find(|l| l.starts_with("hangu_reloads_total"));
    line.and_then(|l| l.split(' ').nth(1)?.parse().ok())
        .unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_change_takes_effect_by_file_change_and_again_when_it_is_taken_back() {
    let pass = Pass::start().await;
    assert_eq!(ask(&pass).await.status, 200);
    pass.rewrite("configs/policy/rules.csv", |rules| rules + DENY);
    let refused = until(&pass, 403).await;
    assert_eq!(refused.json()["reason"], "denied-by-rule");
    pass.event(|e| e["status_code"] == "denied-by-rule").await;
    pass.rewrite("configs/policy/rules.csv", |rules| rules.replace(DENY, ""));
    until(&pass, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_in_a_folder_follows_the_files_that_come_and_go() {
    let folder = "configs/policy/rules.d";
    let plan = Plan::new().with(|toml| {
        let rules = toml["policy"].as_table_mut().unwrap();
        rules.insert("rules".to_owned(), vec!["policy/rules.d"].into());
    });
    let at = |name: &str| plan.path(&format!("{folder}/{name}"));
    std::fs::create_dir(at("")).unwrap();
    let empty = plan.check();
    assert_eq!(empty.status, Some(1), "{}", empty.complaint);
    let said = &empty.complaint;
    assert!(said.contains("has no file `*.csv`"), "{said}");
    for name in ["rules.csv", "roles.csv"] {
        std::fs::copy(plan.path(&format!("configs/policy/{name}")), at(name)).unwrap();
    }
    let pass = plan.start().await;
    assert_eq!(ask(&pass).await.status, 200);
    let more = pass.path(&format!("{folder}/tax.csv"));
    std::fs::write(&more, DENY).unwrap();
    let refused = until(&pass, 403).await;
    assert_eq!(refused.json()["reason"], "denied-by-rule");
    let event = pass.event(|e| e["status_code"] == "denied-by-rule").await;
    assert_eq!(event["unmapped"]["decision"]["rules"], json!(["tax.csv:2"]));
    std::fs::remove_file(&more).unwrap();
    until(&pass, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_and_the_interface_put_the_files_into_force() {
    let pass = Pass::start().await;
    let before = reloads(&pass).await;
    pass.signal("HUP");
    let begun = Instant::now();
    while reloads(&pass).await == before {
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", pass.log());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let sun = Administrator::sign_in(&pass, "sun").await;
    let status = sun.get("/admin/system/status").await.json();
    let old = status["config"]["revision"].as_str().unwrap().to_owned();
    pass.rewrite("configs/policy/rules.csv", |rules| rules + DENY);
    let answer = sun.post("/admin/system/reload", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // In force when it is answered, without waiting.
    let refused = ask(&pass).await;
    assert_eq!(refused.status, 403);
    let new = answer.json()["revision"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    let event = pass.event(|e| e["status_code"] == "denied-by-rule").await;
    assert_eq!(event["unmapped"]["decision"]["revision"], new.as_str());
    pass.event(|e| e.to_string().contains("system.reload"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_leaves_the_running_one_in_force_and_says_where_it_is_wrong() {
    let pass = Pass::start().await;
    let sun = Administrator::sign_in(&pass, "sun").await;
    let line = std::fs::read_to_string(pass.path("configs/policy/rules.csv"))
        .unwrap()
        .lines()
        .position(|l| l.starts_with(OFFICER))
        .unwrap()
        + 1;
    pass.rewrite("configs/policy/rules.csv", |rules| {
        let good = rules.lines().find(|l| l.starts_with(OFFICER)).unwrap();
        let bad = good.replace("rate:gold", "rate:golden");
        rules.replace(good, &bad)
    });
    let refused = sun.post("/admin/system/reload", &json!({})).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(refused.json()["reason"], "configuration-refused");
    let error = &refused.json()["errors"][0];
    assert_eq!(error["line"], line, "{error}");
    assert!(error["column"].as_u64().is_some_and(|c| c > 1), "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("`golden`"),
        "{error}"
    );
    let place = format!("rules.csv:{line}:{}: `golden`", error["column"]);
    assert!(pass.log().contains(&place), "{place}");
    assert_eq!(ask(&pass).await.status, 200, "the old rules are in force");
    let status = sun.get("/admin/system/status").await.json();
    assert_eq!(status["config"]["last_error"][0]["line"], line);

    pass.rewrite("configs/policy/rules.csv", |rules| {
        rules.replace("golden", "gold")
    });
    pass.rewrite("configs/hangu.toml", |toml| format!("grase = 1\n{toml}"));
    let refused = sun.post("/admin/system/reload", &json!({})).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let error = &refused.json()["errors"][0];
    assert_eq!(
        (&error["line"], &error["column"]),
        (&json!(1), &json!(1)),
        "{error}"
    );

    pass.rewrite("configs/hangu.toml", |toml| toml.replace("grase = 1\n", ""));
    let healed = sun.post("/admin/system/reload", &json!({})).await;
    assert_eq!(healed.status, 200, "{}", healed.text());
    let status = sun.get("/admin/system/status").await.json();
    assert_eq!(status["config"]["last_error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_portal_is_gone_and_the_others_stay() {
    let pass = Pass::start().await;
    assert_eq!(ask(&pass).await.status, 200);
    pass.rewrite("configs/hangu.toml", |text| {
        let mut configuration: Table = text.parse().unwrap();
        let portals = configuration["portal"].as_array_mut().unwrap();
        portals.retain(|p| p["name"].as_str() != Some("staff"));
        // They speak of the portal, and nothing can be proved of one that is not there.
        let policy = configuration["policy"].as_table_mut().unwrap();
        policy.remove("statements");
        configuration.to_string()
    });
    let gone = until(&pass, 404).await;
    assert_eq!(gone.json()["reason"], "no-portal");
    let home = pass
        .client(Zone::Internet)
        .get("portal.gov.example", "/")
        .await;
    assert_eq!(home.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_during_reloads_all_get_the_old_or_the_new_answer() {
    let pass = Arc::new(Pass::start().await);
    let sun = Administrator::sign_in(&pass, "sun").await;
    let running = Arc::new(AtomicBool::new(true));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (pass, running) = (Arc::clone(&pass), Arc::clone(&running));
            tokio::spawn(async move {
                let client = pass.client(Zone::Intranet).token(&pass.token());
                let mut connection = client.connect("hr.gov.example").await;
                let (mut old, mut new) = (0, 0);
                while running.load(Ordering::Relaxed) {
                    let answer = connection.get(PERSON).await;
                    match answer.status.as_u16() {
                        200 => old += 1,
                        403 if answer.json()["reason"] == "denied-by-rule" => new += 1,
                        // As fast as four clients are, they may be told to wait.
                        429 => tokio::time::sleep(Duration::from_millis(20)).await,
                        other => panic!("{other} {}", answer.text()),
                    }
                }
                (old, new)
            })
        })
        .collect();
    for _ in 0..5 {
        for change in [
            |rules: String| rules + DENY,
            |rules: String| rules.replace(DENY, ""),
        ] {
            pass.rewrite("configs/policy/rules.csv", change);
            let answer = sun.post("/admin/system/reload", &json!({})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    running.store(false, Ordering::Relaxed);
    for asked in asking {
        let (old, new) = asked.await.unwrap();
        assert!(old > 0 && new > 0, "{old} old and {new} new answers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_no_longer_holds_refuses_the_load_and_shows_a_request() {
    let pass = Pass::start().await;
    let sun = Administrator::sign_in(&pass, "sun").await;
    let opening = "\np, *, hr, *, hr.gov.example, /opened, ^PUT$, true, allow, log:full\n";
    pass.rewrite("configs/policy/rules.csv", |rules| rules + opening);
    let refused = sun.post("/admin/system/reload", &json!({})).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let error = &refused.json()["errors"][0];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("does not hold"), "{error}");
    assert!(message.contains("/opened"), "{error}");
    assert!(
        error["file"]
            .as_str()
            .unwrap()
            .ends_with("rules.statements"),
        "{error}"
    );
    assert_eq!(ask(&pass).await.status, 200, "the old rules are in force");
    pass.rewrite("configs/policy/rules.csv", |rules| {
        rules.replace(opening, "")
    });
    let healed = sun.post("/admin/system/reload", &json!({})).await;
    assert_eq!(healed.status, 200, "{}", healed.text());
}
