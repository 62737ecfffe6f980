//! Methods, and targets with one canonical form.

use hangu_tests::Plan;
use hangu_tests::wire::events_of;

use super::{CLOSE, PASS, are_refused, arrives, get, tell};

#[tokio::test(flavor = "multi_thread")]
async fn connect_trace_and_unknown_methods_are_answered_405() {
    let method = |what, sent: String| (what, sent, 405, "method-not-forwarded");
    are_refused(&[
        method(
            "CONNECT",
            format!("CONNECT portal.gov.example:443 HTTP/1.1\r\n{CLOSE}\r\n"),
        ),
        method("TRACE", get("/echo").replace("GET", "TRACE")),
        method("a method of its own", get("/echo").replace("GET", "DEBUG")),
        method("lower case", get("/echo").replace("GET", "get")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_canonical_form_is_refused() {
    let path = |what, target: &str| (what, get(target), 400, "no-canonical-path");
    are_refused(&[
        path("an encoded slash", "/echo%2Fa"),
        path("an encoded backslash", "/echo/..%5Ca"),
        path("a backslash", "/echo/..\\a"),
        path("an overlong encoding", "/echo/%c0%ae%c0%ae/a"),
        path("encoded twice", "/echo/%252e%252e/a"),
        path("NUL", "/echo/a%00b"),
        path("a line feed", "/echo/a%0aSet-Cookie"),
        path("half an escape", "/echo/%4"),
        path("no escape", "/echo/%zz"),
        path("no UTF-8", "/echo/%ff"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_paths_arrive_in_one_form() {
    for (sent, arrived) in [
        ("/echo//a", "/echo/a"),
        ("/echo/./a/", "/echo/a/"),
        ("/echo/%c3%a9", "/echo/%C3%A9"),
        ("/echo/%65%CC%81", "/echo/%C3%A9"),
        ("/echo/it's,(a)[1]", "/echo/it's,(a)%5B1%5D"),
        ("/search/../echo/a", "/echo/a"),
        ("/search/%2e%2e/echo/a", "/echo/a"),
        ("/search/..;v=1/echo/a", "/echo/a"),
        ("/echo/%61;v=1/b;w", "/echo/a/b"),
        ("/echo/%E5%8a%9E", "/echo/%E5%8A%9E"),
        ("/echo/a?b=/../c", "/echo/a?b=/../c"),
    ] {
        let said = tell(PASS.get().await, get(sent).as_bytes()).await;
        assert_eq!(said.status(), 200, "{sent}: {}", said.text);
        assert_eq!(said.json()["target"], arrived, "{sent}");
    }
    // Decided on as it is forwarded: what needs somebody needs somebody however it is written.
    are_refused(&[
        ("spelt otherwise", get("//%75pload"), 401, "unidentified"),
        (
            "reached by a detour",
            get("/echo/%2e%2e/upload"),
            401,
            "unidentified",
        ),
        (
            "an attack spelt otherwise",
            get("/echo/..;/echo/1'%20un%69on%20%73elect%20password%20from%20users--"),
            403,
            "attack",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detour_within_the_root_is_no_finding() {
    let said = arrives("a detour", &get("/search/%2e%2e/echo/./a")).await;
    let events = events_of(PASS.get().await, &[said.from]).await;
    assert_eq!(events[0]["http_request"]["url"]["path"], "/echo/a");
    assert_eq!(events[0].pointer("/unmapped/findings"), None);
}

const ABOVE: [(&str, &str); 4] = [
    ("by dots", "/echo/../../etc/passwd"),
    ("by encoded dots", "/%2e%2e/etc/passwd"),
    ("by dots with parameters", "/echo/..;a/..;b/etc/passwd"),
    ("and back", "/../echo/a"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_climbs_above_the_root_is_refused() {
    are_refused(&ABOVE.map(|(what, target)| (what, get(target), 400, "path-above-root"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_climbs_above_the_root_is_refused_where_nothing_is_inspected() {
    let pass = Plan::new()
        .portal("public", |p| {
            let off = "mode = \"off\"".parse::<toml::Table>().unwrap();
            p.insert("inspect".into(), off.into());
        })
        .start()
        .await;
    for (what, target) in ABOVE {
        let said = tell(&pass, get(target).as_bytes()).await;
        assert_eq!(said.status(), 400, "{what}: {}", said.text);
        assert!(said.text.contains("path-above-root"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_browsers_send_as_it_is_arrives() {
    arrives(
        "braces, a caret, a backquote and a bar in the query",
        &get("/echo/a?b={1}^`|[2]"),
    )
    .await;
    let said = arrives("a bar in the path", &get("/echo/a|b")).await;
    let events = events_of(PASS.get().await, &[said.from]).await;
    assert_eq!(events[0]["http_request"]["url"]["path"], "/echo/a|b");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_uri_has_is_refused_in_path_and_query() {
    let raw = |what, target: &str| (what, get(target), 400, "not-a-uri");
    are_refused(&[
        raw("8-bit", "/echo/é"),
        raw("8-bit in the query", "/echo/a?b=中"),
        raw("a quote", "/echo/\"a\""),
        raw("braces", "/echo/{a}"),
        raw("a caret", "/echo/^"),
        raw("a backslash in the query", "/echo/a?b=c\\d"),
        // To the parser these are no HTTP at all.
        ("a backquote", get("/echo/`a`"), 400, "unparsable"),
        (
            "a quote in the query",
            get("/echo/a?b=\"c\""),
            400,
            "unparsable",
        ),
        ("`<`", get("/echo/<"), 400, "unparsable"),
        ("`>`", get("/echo/>"), 400, "unparsable"),
        ("a space", get("/echo/a b"), 400, "unparsable"),
    ])
    .await;
    let mut bytes = get("/echo/*").into_bytes();
    bytes
        .iter_mut()
        .filter(|b| **b == b'*')
        .for_each(|b| *b = 0xe9);
    let pass = PASS.get().await;
    let said = tell(pass, &bytes).await;
    assert_eq!(said.status(), 400, "{}", said.text);
    let refused = &events_of(pass, &[said.from]).await[0]["status_code"];
    assert!(
        refused == "not-a-uri" || refused == "unparsable",
        "{refused}"
    );
}
