#![cfg(test)]
//! Requests of browsers, programs and people that look a little like attacks and are none.

use hangu_inspect::{Completeness, Head, Inspector, Settings};

const HEADERS: &[(&str, &str)] = &[
    (
        "sec-ch-ua",
        "\"Chromium\";v=\"126\", \"Not/A)Brand\";v=\"24\", \"Google Chrome\";v=\"126\"",
    ),
    (
        "sec-ch-ua",
        "\"Not A;Brand\";v=\"99\", \" Not;A=Brand\";v=\"8\"",
    ),
    ("sec-ch-ua-platform", "\"Windows\""),
    ("if-none-match", "W/\"67ab43-5f3c0\", \"abc--def\""),
    (
        "user-agent",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
    ),
    ("user-agent", "curl/8.5.0"),
    ("user-agent", "Java/17.0.9"),
    (
        "user-agent",
        "Dalvik/2.1.0 (Linux; U; Android 14; 23049RAD8C Build/UKQ1.230804.001)",
    ),
    (
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    ),
    ("authorization", "Basic emhhbmc6UEBzc3cwcmQh"),
    (
        "authorization",
        "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ6aGFuZyIsImV4cCI6MTcwMDAwMDAwMH0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg",
    ),
    (
        "cookie",
        "_ga=GA1.2.1234567890.1700000000; theme=dark; JSESSIONID=ABC123.node1; prefs=%7B%22lang%22%3A%22zh%22%2C%22size%22%3A12%7D; Hm_lvt_0=1700000000,1700000100; x=\"a b\"",
    ),
    (
        "cookie",
        "sid=s%3AabcDEF123.signature%2Bwith%2Fslashes; cart=1|2|3; consent=a:1&b:2",
    ),
    ("range", "bytes=0-1023, 2048-"),
    ("via", "1.1 vegur, 1.1 proxy (squid/5.7)"),
    ("forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43"),
    (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    (
        "referer",
        "https://www.example.com/search?q=what+is+select&next=%2Fa%2Fb%3Fc%3Dd#section-2",
    ),
    (
        "content-type",
        "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
    ),
    (
        "content-disposition",
        "attachment; filename=\"report (final).pdf\"; filename*=UTF-8''%e6%8a%a5%e5%91%8a.pdf",
    ),
    (
        "link",
        "<https://example.com/style.css>; rel=preload; as=style",
    ),
    ("prefer", "return=minimal; wait=10"),
    ("x-requested-with", "XMLHttpRequest"),
    (
        "baggage",
        "userId=alice,serverNode=DF%2028,isProduction=false",
    ),
    ("priority", "u=1, i"),
];

const VALUES: &[&str] = &[
    "Name eq 'Milk' and Price lt 2.55",
    "createdAt>=2024-01-01 AND status=open",
    "it's a dog's life -- isn't it?",
    "Don't select more than 3 from the list",
    "SELECT your country",
    "Union Square or Madison Square",
    "https://example.com/callback?code=abc&state=xyz%3D",
    "http://localhost:49152/callback",
    "/images/../img/logo.png",
    "a/b/c.d.e",
    "price:[10 TO 20] AND brand:\"Acme\"",
    "title:\"foo bar\" OR body:(baz AND qux)",
    "{\"filter\":{\"age\":{\"gte\":18}},\"sort\":[\"-name\"]}",
    "[1,2,3]",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "<p>Hello <b>world</b>, see <a href=\"https://example.com\">this</a>.</p>",
    "<p style=\"color: red; margin: 0\">文本</p><img src=\"/upload/a.png\" alt=\"x\" width=\"100\"><br/>",
    "O'Reilly & Sons, Inc.",
    "Smith; Jones & Partners (London)",
    "C:\\Program Files\\App\\file.txt",
    "\\\\server\\share\\folder",
    "user+tag@example.co.uk",
    "5 > 3, so is 4",
    "if (x == 1) then y",
    "f(x) = x^2 + 1",
    "50% off; limit 2 per customer",
    "order by 5pm for next day delivery",
    "Let's meet at 5 or 6; where is up to you",
    "Order #12345 -- shipped",
    "(555) 123-4567 ext. 89",
    "#hashtag #another",
    "@user thanks!",
    "key=value; other=thing",
    "line one\r\nline two\r\nline three: with colon",
    "- item one\n- item two\n* item three",
    "## Heading\n\nSome `code` and **bold**",
    "Q: What's 1+1? A: 2 or so",
    "11/12/2024",
    "2024-05-06T12:00:00+08:00",
    "a,b,c",
    "*.pdf",
    "foo*bar?",
    "C'est l'été d'or et d'argent",
    "rock 'n' roll",
    "5'11\" tall",
    "12\" x 10\" frame",
    "say \"hello\" and \"goodbye\"",
    "\"exact phrase\" -exclude",
    "alpha && beta || gamma",
    "!important",
    "~/notes",
    "e.g., this; i.e., that",
    "You can drop the table off at 5; update me",
    "insert coin into machine; delete nothing",
    "The executive branch shall exec policy; declare peace",
    "ping me later; date night | movie",
    "cat & dog; ls swap",
    "Node, Python; Ruby | PHP developers",
    "sort by name; find by id",
    "echo chamber & more",
    "who | what | where",
    "Please confirm (yes) or alert (no)",
    "function of time (t)",
    "on sale = yes",
    "onboarding=complete",
    "script writing = hard",
    "The script> tag",
    "x < y > z",
    "<3",
    "->",
    "=>",
    "a<b",
    "1<2",
    "<name>",
    "<none>",
    "Re: <no subject>",
    "{{ user.name }}",
    "${amount}",
    "#{id}",
    "%{count} items",
    "{0} of {1}",
    "{% if x %}",
    "$100 (US)",
    "$HOME sweet home",
    "1;2;3",
    "a|b",
    "A&B",
    "R&D",
    "1=1",
    "x'",
    "'",
    "\"",
    "--",
    "a'b",
    "select",
    "or",
    "' '",
    "\"\"",
    "null",
    "undefined",
    "true",
    "0x1F",
    "-1",
    "1e10",
    "NaN",
    "%",
    "100%",
    "%20",
    "a%b",
    "&amp;",
    "&nbsp;Hello",
    "\\n",
    "\\u4e2d\\u6587",
    "中文%E4%B8%AD",
    "…",
    "—",
    "“引号”",
    "‘单引号’",
    "query { user(id: 1) { name email(type: \"x\") } }",
    "mutation($a: Int!) { add(a: $a) { ok } }",
    "SGVsbG8gV29ybGQsIHRoaXMgaXMgYSB0ZXN0IG1lc3NhZ2Uu",
    "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==",
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
    "arn:aws:s3:::bucket/key",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "mailto:a@b.c",
    "tel:+861012345678",
    "geo:39.9,116.4",
    "javascript developer",
    "vbscript is old",
    "the constructor of the window",
    "document the function (briefly)",
    "metadata of the file",
    "/etc",
    "etc.",
    "passwd reset",
    "root cause",
    "the .git folder",
    "env variables",
    "admin",
    "config.json",
    "version() of the app?",
    "count (all)",
    "sum(a, b)",
    "char (fish)",
    "sleep 8 hours",
    "benchmark results",
    "load file",
    "group by age",
    "having fun where possible",
    "=SUM(A1:B2)",
    "=IF(A1>5,\"yes\",\"no\")",
    "+86 138-0013-8000",
    "@SUM(1+1)",
    "x=1 or y=2",
    "a=b and c=d",
    "name='x'",
    "name=\"x\" size=\"3\"",
    "(a) or (b)",
    "either (1) or (2); and (3)",
    "not null",
    "is null or empty",
    "between 5 and 10",
    "like 10 or 20",
    "in (a, b, c)",
    "1 and 2",
    "1 or 2",
    "5 and 3/4",
    "Uncaught SyntaxError: Unexpected token '<'",
    "javascript:void(0)",
    "<a href=\"javascript:;\" class=\"btn\" onclick=\"\">",
    "const re = /<script[^>]*>/gi;",
    "rm -rf 恢复数据",
    "/etc/hosts 怎么改",
    "I think /etc/passwd is world-readable, but /etc/shadow is not.",
    "audit: type=1400 operation=\"open\" name=\"/proc/self/environ\" comm=\"node\"",
    "index=main status>=500 | stats count by host | sort -count",
    "sum(rate(http_requests_total{job=\"api\",code=~\"5..\"}[5m])) by (instance) / 100 > 0.5",
    "name='Shanghai' AND population>1000000",
    "HIM^0B]Lf@h2FZT+O+p;W>u8;mIX+qA)equGGjsLU$m,XB=e6V%LLGK+?07Z!4I(Ma*q.X9.Hjjk/0R",
    "a:2:{i:0;s:1:\"o\";i:1;b:1;}",
    "if sys.version < (3, 10) and platform.system() == 'Windows':",
    "parser.add_argument('--status', default='open')",
    "../node_modules/core-js/internals/a.js",
];

#[test]
fn no_ordinary_header_or_value_is_blocked() {
    let inspector = Inspector::new(Settings::default());
    let mut blocked = Vec::new();
    for (name, value) in HEADERS {
        let verdict = inspector.head(&Head {
            method: "GET",
            target_path: b"/",
            query: None,
            headers: &[(name, value.as_bytes())],
        });
        if verdict.score > 0 {
            blocked.push(format!("{name}: {value}: {:?}", verdict.findings));
        }
    }
    for value in VALUES {
        let encoded: String = value.bytes().map(|b| format!("%{b:02X}")).collect();
        // Letters that are encoded are suspicious by themselves; a browser leaves them.
        let encoded =
            value
                .bytes()
                .zip(encoded.as_bytes().chunks(3))
                .fold(String::new(), |out, (b, hex)| {
                    if b.is_ascii_alphanumeric() || b == b'.' {
                        out + &char::from(b).to_string()
                    } else {
                        out + std::str::from_utf8(hex).unwrap()
                    }
                });
        let form = inspector
            .body(
                Some("application/x-www-form-urlencoded"),
                None,
                format!("a={encoded}").as_bytes(),
                Completeness::Whole,
            )
            .unwrap();
        let json = inspector
            .body(
                Some("application/json"),
                None,
                serde_json::json!({ "a": value }).to_string().as_bytes(),
                Completeness::Whole,
            )
            .unwrap();
        for verdict in [form, json] {
            if verdict.blocks(5) {
                blocked.push(format!("{value}: {:?}", verdict.findings));
            }
        }
    }
    assert!(blocked.is_empty(), "{}", blocked.join("\n"));
}

#[test]
fn documents_that_programs_send_are_not_blocked() {
    let inspector = Inspector::new(Settings::default());
    for (media, body) in [
        (
            "application/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\"><dict><key>a</key><string>b</string></dict></plist>",
        ),
        (
            "application/javascript",
            "!function(e,t){\"object\"==typeof exports?module.exports=t():e.x=t()}(this,function(){var e=document.createElement(\"div\");e.innerHTML='<a onclick=\"f()\">x</a>';return window.setTimeout(function(){location.href=\"/a?b=\"+encodeURIComponent(document.cookie)},0),e});",
        ),
        (
            "application/reports+json",
            "[{\"type\":\"csp-violation\",\"body\":{\"sample\":\"javascript:void(0)\",\"originalPolicy\":\"script-src 'self' 'unsafe-eval' data:\"}}]",
        ),
    ] {
        let verdict = inspector
            .body(Some(media), None, body.as_bytes(), Completeness::Whole)
            .unwrap();
        assert!(!verdict.blocks(5), "{media}: {:?}", verdict.findings);
    }
    // A digest as it is, byte for byte.
    let verdict = inspector.head(&Head {
        method: "GET",
        target_path: b"/announce",
        query: Some(
            b"info_hash=%12%F4%ac%00%8e%03%c1%99%7f%e2%0b%d0%88%16%fa%b3%41%9d%c8%e7&port=51413",
        ),
        headers: &[],
    });
    assert!(!verdict.blocks(5), "{:?}", verdict.findings);
}

#[test]
fn ordinary_paths_have_no_findings() {
    let inspector = Inspector::new(Settings::default());
    for path in [
        "/",
        "/index.html",
        "/a/b/c",
        "/api/v1/users/42",
        "/files/%E6%8A%A5%E5%91%8A%20(1).pdf",
        "/o'neil",
        "/a;b=c/d",
        "/search/select%20one",
        "/static/js/app.4f3a1b.js",
        "/~user/",
        "/a+b",
        "/@scope/pkg",
        "/.well-known/acme-challenge/x_-y",
    ] {
        let verdict = inspector.head(&Head {
            method: "GET",
            target_path: path.as_bytes(),
            query: None,
            headers: &[],
        });
        assert!(
            verdict.findings.is_empty(),
            "{path}: {:?}",
            verdict.findings
        );
    }
}
