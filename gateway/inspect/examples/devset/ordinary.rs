//! Ordinary requests: portals, mail, forums, code, editors, logs, uploads, programs, in Chinese and English.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::dice::{Dice, Half};
use super::noise;
use super::rich;
use super::texts::{CHINESE, CODE, ENGLISH, LOGS, SEARCHES};
use super::web;
use super::wire::{Request, component, form_value, multipart};

mod browsing;
mod forms;
mod posts;
mod programs;

/// Texts to write requests with, of one half only.
pub struct Writer {
    sentences: Vec<&'static str>,
    chinese: Vec<&'static str>,
    code: Vec<(&'static str, &'static str)>,
    logs: Vec<&'static str>,
    searches: Vec<&'static str>,
    values: Vec<Vec<u8>>,
    files: Vec<std::path::PathBuf>,
    pub dice: Dice,
}

impl Writer {
    /// `values` are labelled ordinary parameters, `files` any texts of people that lie about on the machine.
    pub fn new(
        half: Half,
        values: Vec<Vec<u8>>,
        files: Vec<std::path::PathBuf>,
        seed: u64,
    ) -> Self {
        let mine = |texts: &[&'static str]| -> Vec<&'static str> {
            texts
                .iter()
                .copied()
                .filter(|text| Half::of(text.as_bytes()) == half)
                .collect()
        };
        let mut sentences = mine(CHINESE);
        let chinese = sentences.clone();
        sentences.extend(mine(ENGLISH));
        Self {
            sentences,
            chinese,
            code: CODE
                .iter()
                .copied()
                .filter(|(_, text)| Half::of(text.as_bytes()) == half)
                .collect(),
            logs: mine(LOGS),
            searches: mine(SEARCHES),
            values: values
                .into_iter()
                .filter(|value| Half::of(value) == half)
                .collect(),
            files: files
                .into_iter()
                .filter(|file| Half::of(file.as_os_str().as_encoded_bytes()) == half)
                .collect(),
            dice: Dice::new(seed),
        }
    }

    /// Writes one request: its kind and its bytes.
    pub fn request(&mut self) -> (&'static str, Vec<u8>) {
        let (kind, mut request) = match self.dice.roll(34) {
            26..=29 => ("noise", noise::request(&mut self.dice)),
            30..=33 => ("service", web::request(self)),
            0..=2 => ("page", self.page()),
            3 => ("search", self.search()),
            4..=6 => ("form", self.form()),
            7 => ("form-gbk", self.form_gbk()),
            8 | 9 => ("mail", self.mail()),
            10 | 11 => ("forum", self.forum()),
            12 | 13 => ("code", self.code()),
            14 | 15 => ("rich-text", self.rich_text()),
            16 => ("log", self.log()),
            17 => ("protobuf", self.protobuf()),
            18 => ("upload", self.upload()),
            19 | 20 => ("api", self.api()),
            21 => ("beacon", self.beacon()),
            22 => ("asset", self.asset()),
            23 => ("xml", self.xml()),
            24 => ("value", self.value()),
            _ => ("graphql", self.graphql()),
        };
        self.identify(&mut request);
        (kind, request.bytes())
    }

    /// Writes a Chinese form, search, article or post, in UTF-8 or GBK.
    pub fn chinese_request(&mut self) -> Vec<u8> {
        let mut text = String::new();
        for _ in 0..self.dice.between(1, 10) {
            text.push_str(self.dice.pick(&self.chinese));
            text.push_str(self.dice.pick(&["", "", " ", "\r\n", "<br/>"]));
        }
        let gbk = self.dice.percent(40);
        let bytes = if gbk {
            encoding_rs::GBK.encode(&text).0.into_owned()
        } else {
            text.clone().into_bytes()
        };
        let mut request = match self.dice.roll(5) {
            0 => Request::new("GET", format!("/search?wd={}&page=1", component(&bytes)), &mut self.dice),
            1 if !gbk => Request::new("POST", "/api/article", &mut self.dice).with_body("application/json", json!({"title":self.dice.one(&self.chinese),"content":format!("<p>{}</p>", escape(&text))}).to_string()),
            2 => {
                let boundary = self.dice.hex(24);
                let body = multipart(&boundary, &[("remark", None, "", &bytes), ("file", Some("材料.pdf"), "application/pdf", b"%PDF-1.4")]);
                Request::new("POST", "/apply", &mut self.dice).with_body(&format!("multipart/form-data; boundary={boundary}"), body)
            }
            _ => {
                let mut body = String::new();
                for (name, value) in self.fields().into_iter().filter(|(name, _)| *name != "password") {
                    let value = if gbk { encoding_rs::GBK.encode(&value).0.into_owned() } else { value.into_bytes() };
                    body.push_str(&format!("{name}={}&", form_value(&value)));
                }
                let body = format!("{body}remark={}", form_value(&bytes));
                Request::new("POST", "/apply.do", &mut self.dice).with_body("application/x-www-form-urlencoded", body)
            }
        };
        request.header("Cookie", format!("JSESSIONID={}", self.dice.hex(32)));
        request.bytes()
    }

    /// Cookies, referrers and credentials as browsers and programs send them.
    fn identify(&mut self, request: &mut Request) {
        let dice = &mut self.dice;
        if dice.percent(70) {
            let jar = [
                format!("_ga=GA1.2.{}.{}", dice.digits(9), dice.digits(10)),
                format!("JSESSIONID={}.node1", dice.hex(32).to_uppercase()),
                format!("PHPSESSID={}", dice.hex(26)),
                format!("Hm_lvt_{}={},{}", dice.hex(32), dice.digits(10), dice.digits(10)),
                format!("__utmz={}.{}.1.1.utmcsr=(direct)|utmccn=(direct)|utmcmd=(none)", dice.digits(8), dice.digits(10)),
                format!("OptanonConsent=isGpcEnabled=0&datestamp=Mon+May+06+2024+12%3A00%3A00+GMT%2B0800+(China+Standard+Time)&version=202403.1.0&groups=C0001%3A1%2CC0002%3A0&geolocation=CN%3BBJ"),
                format!("prefs={}", component(json!({"lang":"zh","size":12,"tags":["a","b"],"q":"x > 1"}).to_string().as_bytes())),
                format!("sid=s%3A{}.{}", dice.token(32), component(STANDARD.encode(dice.bytes(32)).as_bytes())),
                format!("token={}", jwt(dice)),
                format!("_pk_ref.1.fc3={}", component(b"[\"\",\"\",1700000000,\"https://www.google.com/search?q=a+b\"]")),
                format!("sensorsdata2015jssdkcross={}", component(json!({"distinct_id":dice.hex(16),"props":{"$latest_traffic_source_type":"直接流量","$latest_search_keyword":"未取到值_直接打开","$latest_referrer":""}}).to_string().as_bytes())),
                format!("phpbb_track={}", component(b"a:3:{s:1:\"t\";a:1:{i:21;s:6:\"1abc23\";}s:1:\"l\";i:12;i:3;b:1;}")),
                format!("UM_distinctid={}-{}-{}-{}", dice.hex(13), dice.hex(12), dice.hex(8), dice.hex(6)),
                "cart=[{\"id\":1,\"n\":2},{\"id\":5,\"n\":1}]".to_owned(),
                "u=\"name=zhang; level=2\"".to_owned(),
                format!("__cf_bm={}-{}-0-{}", dice.token(43), dice.digits(10), STANDARD.encode(dice.bytes(60))),
                format!("last=https%3A%2F%2Fwww.example.com%2Fa%3Fb%3D1%26c%3D{}", dice.digits(3)),
            ];
            let count = dice.between(1, 6);
            let cookies: Vec<String> = (0..count).map(|_| dice.one(&jar).clone()).collect();
            request.header("Cookie", cookies.join("; "));
        }
        if dice.percent(60) {
            let word = component(dice.one(&self.searches).as_bytes());
            let sources = [
                "https://www.example.com/".to_owned(),
                format!("https://www.example.com/search?q={word}&page=2"),
                format!(
                    "https://www.baidu.com/link?url={}&wd=&eqid={}",
                    dice.token(43),
                    dice.hex(16)
                ),
                format!(
                    "https://www.google.com/search?q={}",
                    word.replace("%20", "+")
                ),
                format!(
                    "https://bbs.example.net/forum.php?mod=viewthread&tid={}&extra=page%3D1",
                    dice.digits(5)
                ),
                format!(
                    "https://app.example.com/#/detail?id={}&from=list",
                    dice.digits(4)
                ),
                format!(
                    "https://sso.example.com/login?service=https%3A%2F%2Fwww.example.com%2Fcallback%3Fa%3D{}",
                    dice.digits(2)
                ),
            ];
            request.header("Referer", dice.one(&sources));
        }
        match dice.roll(14) {
            0 => request.header("Authorization", format!("Bearer {}", jwt(dice))),
            1 => request.header("Authorization", format!("Basic {}", STANDARD.encode(format!("zhang:{}'&#", dice.token(9))))),
            2 => request.header("Authorization", "Digest username=\"li\", realm=\"a@example.com\", nonce=\"dcd98b7102dd2f0e\", uri=\"/dir/index.html\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\""),
            3 => request.header("Authorization", format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240506/cn-north-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature={}", dice.hex(64))),
            4 => request.header("If-None-Match", format!("W/\"{}-{}\", \"{}--gzip\"", dice.hex(6), dice.hex(5), dice.hex(8))),
            5 => request.header("Sec-Ch-Ua", "\"Not)A;Brand\";v=\"99\", \"Google Chrome\";v=\"127\", \"Chromium\";v=\"127\""),
            6 => request.header("X-Forwarded-For", "203.0.113.7, 198.51.100.2, 10.0.0.3"),
            7 => request.header("traceparent", format!("00-{}-{}-01", dice.hex(32), dice.hex(16))),
            8 => request.header("X-Csrf-Token", STANDARD.encode(dice.bytes(40))),
            9 => request.header("Range", "bytes=0-1023"),
            _ => {}
        }
    }

    /// Some Chinese, on one line or a few.
    pub fn chinese_text(&mut self) -> String {
        self.dice.one(&self.chinese).to_string()
    }

    fn sentence(&mut self) -> &'static str {
        self.dice.pick(&self.sentences)
    }

    /// Some sentences, with line breaks as people make them.
    pub fn prose(&mut self) -> String {
        let mut out = String::new();
        for _ in 0..self.dice.between(1, 8) {
            out.push_str(self.sentence());
            out.push_str(self.dice.pick(&["", " ", "\n", "\r\n", "\n\n", "<br>"]));
        }
        out
    }

    /// A piece of some text file, or of our own code.
    pub fn chunk(&mut self) -> String {
        if !self.files.is_empty() && self.dice.percent(75) {
            for _ in 0..6 {
                let file = self.dice.one(&self.files).clone();
                let Ok(text) = std::fs::read_to_string(file) else {
                    continue;
                };
                if text.len() < 40 || text.len() > 400_000 || text.contains('\0') {
                    continue;
                }
                let lines: Vec<&str> = text.lines().collect();
                let start = self.dice.roll(lines.len());
                let count = match self.dice.roll(3) {
                    0 => self.dice.between(1, 4),
                    1 => self.dice.between(5, 40),
                    _ => self.dice.between(40, 400),
                };
                let piece = lines
                    .iter()
                    .skip(start)
                    .take(count)
                    .copied()
                    .collect::<Vec<_>>()
                    .join("\n");
                if !piece.trim().is_empty() {
                    return piece;
                }
            }
        }
        self.dice.one(&self.code).1.to_owned()
    }
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn jwt(dice: &mut Dice) -> String {
    let claims = json!({"iss":"https://sso.example.com/","sub":dice.digits(6),"aud":["a","b"],"exp":1_800_000_000,"name":"张三 <z@example.com>","scope":"openid profile","roles":["user","editor"]});
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"2024-1\"}"),
        URL_SAFE_NO_PAD.encode(claims.to_string()),
        URL_SAFE_NO_PAD.encode(dice.bytes(128))
    )
}
