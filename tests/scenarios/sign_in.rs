//! Signing in with a password: the page, the session, and its end.

use std::time::{Duration, Instant};

use hangu_tests::client::whole;
use hangu_tests::outcome::{SIGN_IN, word};
use hangu_tests::{Answer, Client, Plan, Shared, Zone};
use http::Request;
use http_body_util::BodyExt as _;

const PUBLIC: &str = "portal.gov.example";
const ITEM: &str = "/%E5%8A%9E%E4%BA%8B/%E8%BA%AB%E4%BB%BD%E8%AF%81";

static PASS: Shared = Shared::of(Plan::new);

/// A form sent to the sign-in page, with further fields of the form and the head.
async fn posted(client: &Client, form: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::post("/.hangu/sign-in")
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    client.send(PUBLIC, request, form.to_owned()).await
}

async fn caller(client: &Client) -> String {
    let me = client.get(PUBLIC, "/.hangu/me").await.json();
    me["caller"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_speaks_the_language_of_the_browser_and_works_without_scripts() {
    let pass = PASS.get().await;
    for (accepted, tag, title) in [
        ("zh-CN,zh;q=0.9", "lang=\"zh-CN\"", "登录"),
        ("en-GB,en;q=0.8", "lang=\"en\"", "Sign in"),
        ("fr", "lang=\"zh-CN\"", "登录"),
    ] {
        let client = pass
            .stranger(Zone::Internet)
            .header("accept-language", accepted);
        let page = client
            .get(PUBLIC, "/.hangu/sign-in?return=%2Fsearch%3Fq%3D1")
            .await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let text = page.text();
        assert!(
            text.contains(tag) && text.contains(title),
            "{accepted}: {text}"
        );
        for part in [
            "<form method=\"post\"",
            "<label for=\"login\">",
            "autocomplete=\"current-password\"",
            "value=\"/search?q=1\"",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("<script"));
        assert!(
            page.header("content-security-policy")
                .contains("default-src 'none'")
        );
        assert_eq!(page.header("cache-control"), "no-store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_needs_somebody_leads_a_browser_to_signing_in_and_back() {
    let pass = PASS.get().await;
    let browser = pass.stranger(Zone::Internet).header("accept", "text/html");
    let sent = browser.get(PUBLIC, &format!("{ITEM}?a=b")).await;
    assert_eq!(sent.status, 303);
    let to = sent.header("location").to_owned();
    assert!(to.starts_with("/.hangu/sign-in?return="), "{to}");
    let page = browser.get(PUBLIC, &to).await.text();
    assert!(page.contains(&format!("value=\"{ITEM}?a=b\"")), "{page}");
    // A program is told, not led.
    let told = pass.stranger(Zone::Internet).get(PUBLIC, ITEM).await;
    assert_eq!(told.outcome(), (401, "unidentified".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_name_that_does_not_exist_look_the_same() {
    let pass = PASS.get().await;
    let mut pages = Vec::new();
    for login in ["zhao", "nobody-of-that-name"] {
        let client = pass
            .stranger(Zone::Internet)
            .header("accept-language", "en");
        let answer = client.sign_in(PUBLIC, login, "not the password").await;
        assert_eq!(
            (answer.status.as_u16(), answer.cookies()),
            (401, String::new())
        );
        let events = pass.events_of(&client, SIGN_IN, 1).await;
        assert_eq!(
            word(&events[0], "/status_code"),
            "sign-in-wrong",
            "{events:#?}"
        );
        assert_eq!(events[0]["status_id"], 2);
        pages.push(answer.text());
    }
    assert_eq!(pages[0], pages[1]);
    assert!(pages[0].contains("The user name or the password is wrong."));
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_passwords_lock_a_name_for_the_right_one_too_from_anywhere() {
    let pass = PASS.get().await;
    for _ in 0..5 {
        let client = pass.stranger(Zone::Intranet);
        assert_eq!(client.sign_in(PUBLIC, "bad", "wrong").await.status, 401);
    }
    let client = pass.stranger(Zone::Internet);
    let answer = client.sign_in(PUBLIC, "bad", &pass.password("bad")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.cookies()),
        (429, String::new()),
        "{}",
        answer.text()
    );
    let events = pass.events_of(&client, SIGN_IN, 1).await;
    assert_eq!(word(&events[0], "/status_code"), "sign-in-locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_sets_a_host_cookie_whose_session_identifies() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Internet);
    let form = format!(
        "login=wang&password={}&return=%2Fsearch%3Fq%3D%25E5%258A%259E",
        pass.password("wang")
    );
    let answer = posted(&client, &form, &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/search?q=%E5%8A%9E")
    );
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for part in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let signed_in = client.clone().header("cookie", &answer.cookies());
    let form = signed_in.get(PUBLIC, ITEM).await;
    assert_eq!(form.outcome(), (200, String::new()), "{}", form.text());
    assert_eq!(caller(&signed_in).await, "u:wang");
    let events = pass.events_of(&client, SIGN_IN, 1).await;
    assert_eq!(
        (
            word(&events[0], "/status"),
            word(&events[0], "/unmapped/portal")
        ),
        ("Success", "public")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_was_planted_before_is_no_session_afterwards() {
    let pass = PASS.get().await;
    let planted = pass
        .stranger(Zone::Internet)
        .signed_in(PUBLIC, "li", &pass.password("li"))
        .await;
    // Somebody signs in over the planted session: that one ends, the new one is another.
    let answer = planted.sign_in(PUBLIC, "li", &pass.password("li")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(
        planted.get(PUBLIC, ITEM).await.outcome(),
        (401, "unidentified".into())
    );
    let own = pass
        .stranger(Zone::Internet)
        .header("cookie", &answer.cookies());
    assert_eq!(caller(&own).await, "u:li");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_and_the_open_streams_of_it_alone() {
    let pass = PASS.get().await;
    let client = pass
        .stranger(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    let other = pass
        .stranger(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    let mut streams = Vec::new();
    for client in [&client, &other] {
        let mut connection = client.connect(PUBLIC).await;
        let answer = connection
            .begin(Request::get("/events?ms=20"), whole(""))
            .await;
        assert_eq!(answer.status(), 200);
        let mut body = answer.into_body();
        body.frame().await.unwrap().unwrap();
        streams.push((connection, body));
    }
    let page = client.get(PUBLIC, "/.hangu/sign-out").await.text();
    let token = page
        .split("name=\"token\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let out = Request::post("/.hangu/sign-out")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = client.send(PUBLIC, out, format!("token={token}")).await;
    assert_eq!(answer.status, 303);
    assert!(
        answer.header("set-cookie").contains("Max-Age=0"),
        "{:?}",
        answer.headers
    );
    let (_, mut ended) = streams.remove(0);
    let begun = Instant::now();
    while let Some(Ok(_)) = ended.frame().await {
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "the stream goes on"
        );
    }
    assert_eq!(
        client.get(PUBLIC, ITEM).await.outcome(),
        (401, "unidentified".into())
    );
    let (_, mut goes_on) = streams.remove(0);
    for _ in 0..10 {
        goes_on.frame().await.unwrap().unwrap();
    }
    assert_eq!(other.get(PUBLIC, ITEM).await.status, 200);
    let events = pass.events_of(&client, SIGN_IN, 2).await;
    assert_eq!(events[1]["activity_id"], 2, "{events:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_never_leads_to_another_site() {
    let pass = PASS.get().await;
    let password = pass.password("li");
    for back in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2F%09%2Fevil.example",
        "javascript%3Aalert(1)",
        "%2Fa%0D%0ASet-Cookie%3A+x%3D1",
    ] {
        let client = pass.stranger(Zone::Internet);
        let answer = posted(
            &client,
            &format!("login=li&password={password}&return={back}"),
            &[],
        )
        .await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, "/"),
            "{back}"
        );
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
        let page = client
            .get(PUBLIC, &format!("/.hangu/sign-in?return={back}"))
            .await
            .text();
        assert!(
            page.contains("name=\"return\" value=\"/\""),
            "{back}: {page}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_signs_nobody_in_or_out() {
    let pass = PASS.get().await;
    let form = format!("login=wang&password={}", pass.password("wang"));
    for field in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let client = pass.stranger(Zone::Internet);
        let answer = posted(&client, &form, &[field]).await;
        assert_eq!(
            (answer.outcome(), answer.cookies()),
            ((400, "header-not-allowed".into()), String::new()),
            "{field:?}"
        );
    }
    let client = pass
        .stranger(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    for (field, body) in [
        (("origin", "https://evil.example"), ""),
        (("x-nothing", "1"), "token=guess"),
    ] {
        let out = Request::post("/.hangu/sign-out").header(field.0, field.1);
        let answer = client.send(PUBLIC, out, body).await;
        assert_eq!(
            answer.outcome(),
            (400, "header-not-allowed".into()),
            "{field:?}"
        );
    }
    assert_eq!(caller(&client).await, "u:wang");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_too_large_is_refused() {
    let pass = PASS.get().await;
    let client = pass.stranger(Zone::Internet);
    let answer = posted(
        &client,
        &format!("login=wang&password={}", "x".repeat(64 << 10)),
        &[],
    )
    .await;
    assert_eq!(answer.outcome(), (413, "body-too-large".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_keeps_the_sessions_that_were_open_and_none_that_was_ended() {
    let mut pass = Plan::new().start().await;
    let open = pass
        .stranger(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    let ended = pass
        .stranger(Zone::Internet)
        .signed_in(PUBLIC, "wang", &pass.password("wang"))
        .await;
    let port = pass.at(Zone::Internet).port();
    let out = Request::post("/.hangu/sign-out")
        .header("origin", format!("https://{PUBLIC}:{port}"))
        .header("host", format!("{PUBLIC}:{port}"));
    assert_eq!(ended.send(PUBLIC, out, "").await.status, 303);
    pass.crash_and_restart().await;
    assert_eq!(caller(&open).await, "u:wang");
    assert_eq!(open.get(PUBLIC, ITEM).await.status, 200);
    assert_eq!(
        ended.get(PUBLIC, ITEM).await.outcome(),
        (401, "unidentified".into())
    );
}
