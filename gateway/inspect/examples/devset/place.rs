//! A payload in every place of a request.

use super::dice::Dice;
use super::mutate::Kind;
use super::wire::{Request, component, form_value, multipart};

const NAMES: &[&str] = &[
    "id", "q", "name", "page", "file", "user", "cat", "content", "url", "lang", "sort", "search",
    "token", "data", "msg",
];

/// Puts `payload` somewhere; the name says where.
pub fn place(payload: &[u8], kind: Kind, dice: &mut Dice) -> (Request, &'static str) {
    let name = dice.pick(NAMES);
    let page = dice.pick(&[
        "/",
        "/index.php",
        "/api/v1/items",
        "/news/view.jsp",
        "/search",
        "/user/profile",
        "/login.do",
        "/download",
    ]);
    let text = String::from_utf8_lossy(payload).into_owned();
    let one_line = !payload.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
    if kind == Kind::Xml {
        let media = dice.pick(&[
            "text/xml",
            "application/xml",
            "application/soap+xml; charset=utf-8",
        ]);
        return (
            Request::new("POST", page, dice).with_body(media, payload),
            "xml-body",
        );
    }
    if kind == Kind::Query && text.starts_with('{') && dice.percent(70) {
        return (
            Request::new("POST", page, dice).with_body("application/json", payload),
            "json-body",
        );
    }
    loop {
        return match dice.roll(20) {
            0..=5 => {
                let other = format!("{page}?page=2&{name}={}&lang=zh", component(payload));
                (Request::new("GET", other, dice), "query")
            }
            6 if one_line => {
                // What tools send that encode no more than they must.
                let raw: Vec<u8> = payload
                    .iter()
                    .flat_map(|&b| match b {
                        b' ' => b"%20".to_vec(),
                        b'#' => b"%23".to_vec(),
                        b'&' => b"%26".to_vec(),
                        b'+' => b"%2B".to_vec(),
                        b => vec![b],
                    })
                    .collect();
                let target = [format!("{page}?{name}=").as_bytes(), &raw].concat();
                (Request::new("GET", target, dice), "query-bare")
            }
            7 => (
                Request::new("GET", format!("{page}?{}=1", component(payload)), dice),
                "query-name",
            ),
            8 if one_line => {
                let target = if kind == Kind::Path {
                    format!(
                        "/static/{}",
                        component(payload).replace("%2F", "/").replace("%5C", "\\")
                    )
                } else {
                    format!("/items/{}/view", component(payload))
                };
                (Request::new("GET", target, dice), "path")
            }
            9..=11 => {
                let body = format!(
                    "a=1&{name}={}&submit=%E6%8F%90%E4%BA%A4",
                    form_value(payload)
                );
                (
                    Request::new("POST", page, dice)
                        .with_body("application/x-www-form-urlencoded", body),
                    "form",
                )
            }
            12 | 13 => {
                let value = match dice.roll(3) {
                    0 => serde_json::json!({ name: text, "size": 10 }),
                    1 => {
                        serde_json::json!({ "data": { "items": [{ name: text, "n": 1 }] }, "v": "1.0" })
                    }
                    _ => serde_json::json!([{ "key": name, "value": text }]),
                };
                (
                    Request::new("POST", page, dice)
                        .with_body("application/json", value.to_string()),
                    "json",
                )
            }
            14 => {
                let boundary = format!("----WebKitFormBoundary{}", dice.token(16));
                let body = multipart(
                    &boundary,
                    &[("title", None, "", b"test"), (name, None, "", payload)],
                );
                (
                    Request::new("POST", page, dice)
                        .with_body(&format!("multipart/form-data; boundary={boundary}"), body),
                    "multipart",
                )
            }
            15 if one_line
                && !text.contains('"')
                && matches!(kind, Kind::Path | Kind::Script | Kind::Sql | Kind::Command) =>
            {
                let boundary = format!("----WebKitFormBoundary{}", dice.token(16));
                let file = format!("{text}.jpg");
                let parts = if dice.percent(70) {
                    (
                        "file",
                        Some(file.as_str()),
                        "image/jpeg",
                        &b"\xff\xd8\xff\xe0\0\x10JFIF"[..],
                    )
                } else {
                    (text.as_str(), None, "", &b"x"[..])
                };
                (
                    Request::new("POST", page, dice).with_body(
                        &format!("multipart/form-data; boundary={boundary}"),
                        multipart(&boundary, &[parts]),
                    ),
                    "part-name",
                )
            }
            16 if one_line => {
                let mut request = Request::new("GET", page, dice);
                let value = if payload.iter().any(|b| matches!(b, b';' | b' ' | b',')) {
                    component(payload).into_bytes()
                } else {
                    payload.to_vec()
                };
                request.header(
                    "Cookie",
                    [
                        b"session=4f1c0b7de2a94c0f; pref=".as_slice(),
                        &value,
                        b"; theme=light",
                    ]
                    .concat(),
                );
                (request, "cookie")
            }
            17 if one_line => {
                let mut request = Request::new("GET", page, dice);
                match dice.roll(3) {
                    0 => request.header(
                        "Referer",
                        [
                            b"https://www.example.com/list?x=".as_slice(),
                            component(payload).as_bytes(),
                        ]
                        .concat(),
                    ),
                    1 => request.header("Referer", payload),
                    _ => request.header(
                        dice.pick(&[
                            "X-Forwarded-For",
                            "X-Api-Version",
                            "X-Requested-With",
                            "Authorization",
                        ]),
                        payload,
                    ),
                }
                (request, "header")
            }
            18 if one_line => {
                let mut request = Request::new("GET", page, dice);
                let agent = if dice.percent(50) {
                    payload.to_vec()
                } else {
                    [b"Mozilla/5.0 (X11; Linux x86_64) ".as_slice(), payload].concat()
                };
                request.header("User-Agent", agent);
                (request, "user-agent")
            }
            19 if kind != Kind::Path => {
                let escaped = text
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;");
                let body = format!(
                    "<?xml version=\"1.0\"?><request><{name}>{escaped}</{name}><size>3</size></request>"
                );
                (
                    Request::new("POST", page, dice).with_body("application/xml", body),
                    "xml",
                )
            }
            _ => continue,
        };
    }
}
