//! Exports that name whom they were for.

use hangu_tests::{Hangu, Plan, Zone};

const HOST: &str = "exchange.gov.example";
const RULES: &str = "\
p, svc:tax-etl, exchange, *, exchange.gov.example, /api/v1/export, ^GET$, r.ctx.cert, allow, redact:L2;watermark:on
p, svc:tax-etl, exchange, *, exchange.gov.example, /static/guide.txt, ^GET$, r.ctx.cert, allow, watermark:on";

fn plan() -> Plan {
    let plan = Plan::new().rules(RULES).with(|toml| {
        let redact: toml::Table = "watermark-key = \"../state/keys/watermark.key\""
            .parse()
            .unwrap();
        toml.insert("redact".to_owned(), redact.into());
    });
    std::fs::write(plan.path("state/keys/watermark.key"), [b'k'; 40]).unwrap();
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_names_whom_it_was_for_by_half_of_its_rows() {
    let pass = plan().start().await;
    let client = pass
        .client(Zone::Extranet)
        .identity(pass.identity("tax-etl"));
    let answer = client.get(HOST, "/api/v1/export?format=csv&rows=400").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = pass
        .event(|e| e.to_string().contains("watermarked:cells="))
        .await;
    let obligations = &event["unmapped"]["decision"]["obligations"];
    assert!(obligations.to_string().contains("watermark:on"), "{event}");

    let names = pass.path("names");
    std::fs::write(&names, "svc:other\nu:li\nsvc:tax-etl\nu:zhao\n").unwrap();
    let (key, names) = (
        pass.path("state/keys/watermark.key"),
        names.to_str().unwrap().to_owned(),
    );
    let trace = |document: &str| {
        let key = key.to_str().unwrap();
        let arguments = [
            "redact", "trace", "--key", key, "--names", &names, "--type", "text/csv",
        ];
        Hangu::fed(&arguments, document.as_bytes())
    };
    let text = answer.text();
    let half: Vec<&str> = text.lines().step_by(2).collect();
    for document in [text.clone(), half.join("\n")] {
        let traced = trace(&document);
        assert_eq!(traced.status, Some(0), "{}", traced.complaint);
        let mut lines = traced.output.lines();
        assert!(
            lines.next().unwrap().contains("svc:tax-etl"),
            "{}",
            traced.output
        );
        assert_eq!(lines.next(), None, "nobody else: {}", traced.output);
    }
    let nobody = trace(&text.replace('﹡', "*").replace('"', ""));
    assert_eq!(nobody.status, Some(1), "{}", nobody.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_carry_no_mark_is_refused_where_one_is_owed() {
    let pass = plan().start().await;
    let client = pass
        .client(Zone::Extranet)
        .identity(pass.identity("tax-etl"));
    let answer = client.get(HOST, "/static/guide.txt").await;
    assert_eq!(answer.outcome(), (502, "unredactable-answer".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_the_obligation_is_a_refusal() {
    let pass = Plan::new().rules(RULES).start().await;
    let client = pass
        .client(Zone::Extranet)
        .identity(pass.identity("tax-etl"));
    let answer = client.get(HOST, "/api/v1/export?rows=5").await;
    assert_eq!(answer.outcome(), (500, "obligation-not-fulfilled".into()));
}
