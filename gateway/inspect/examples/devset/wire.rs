//! Requests as they stand on the wire.

use super::dice::Dice;

/// A request being written.
pub struct Request {
    pub method: &'static str,
    pub target: Vec<u8>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
    "Mozilla/5.0 (Linux; U; Android 9; zh-cn; MI 8 Build/PKQ1.180729.001) AppleWebKit/533.1 (KHTML, like Gecko) Mobile Safari/533.1",
    "Dalvik/2.1.0 (Linux; U; Android 14; 23049RAD8C Build/UKQ1.230804.001)",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
    "Apache-HttpClient/4.5.14 (Java/17.0.11)",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; .NET CLR 2.0.50727; InfoPath.2)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
];
const HOSTS: &[&str] = &[
    "www.example.com",
    "service.example.gov.cn",
    "mail.example.cn:8443",
    "bbs.example.net",
    "192.0.2.10:8080",
];

impl Request {
    pub fn new(method: &'static str, target: impl Into<Vec<u8>>, dice: &mut Dice) -> Self {
        let mut request = Self {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        request.header("Host", dice.pick(HOSTS));
        request.header("User-Agent", dice.pick(AGENTS));
        request.header(
            "Accept",
            dice.pick(&[
                "*/*",
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
                "application/json, text/plain, */*",
                "text/javascript, application/javascript, */*; q=0.01",
            ]),
        );
        request.header(
            "Accept-Language",
            dice.pick(&[
                "zh-CN,zh;q=0.9,en;q=0.8",
                "en-US,en;q=0.5",
                "zh-TW,zh;q=0.8,en-US;q=0.5,en;q=0.3",
            ]),
        );
        request.header("Accept-Encoding", "gzip, deflate, br");
        request.header("Connection", "keep-alive");
        request
    }

    pub fn header(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
    }

    pub fn with_body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", media_type);
        self.header("Content-Length", self.body.len().to_string());
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} ", self.method).into_bytes();
        out.extend_from_slice(&self.target);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// Percent-encodes all but what stands for itself, as `encodeURIComponent` does.
pub fn component(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&b| {
            if b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// Percent-encodes as forms do: a blank is `+`.
pub fn form_value(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&b| match b {
            b' ' => "+".to_owned(),
            _ if b.is_ascii_alphanumeric() || b"-_.*".contains(&b) => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// A body of sections: name, file name, media type, content.
pub fn multipart(boundary: &str, parts: &[(&str, Option<&str>, &str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, file, media, content) in parts {
        out.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes(),
        );
        if let Some(file) = file {
            out.extend_from_slice(format!("; filename=\"{file}\"").as_bytes());
        }
        if !media.is_empty() {
            out.extend_from_slice(format!("\r\nContent-Type: {media}").as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}
