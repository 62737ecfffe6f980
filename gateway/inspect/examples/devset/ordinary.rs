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

    fn page(&mut self) -> Request {
        let dice = &mut self.dice;
        let target = match dice.roll(16) {
            0 => "/".to_owned(),
            1 => format!("/news/{}/{}.html", dice.digits(6), dice.digits(7)),
            2 => format!(
                "/index.php?m=content&c=index&a=show&catid={}&id={}",
                dice.digits(2),
                dice.digits(4)
            ),
            3 => format!(
                "/login?redirect=https%3A%2F%2Fwww.example.com%2Fuser%2Fhome%3Ftab%3D1%26x%3D{}",
                dice.digits(2)
            ),
            4 => format!(
                "/oauth/authorize?response_type=code&client_id={}&redirect_uri=http%3A%2F%2Flocalhost%3A{}%2Fcallback&scope=openid%20profile&state={}",
                dice.hex(16),
                49152 + dice.roll(9000),
                dice.token(22)
            ),
            5 => format!(
                "/{}?id={}&from=timeline&isappinstalled=0",
                component(
                    dice.pick(&["政策文件", "办事指南", "通知公告 (2024)"])
                        .as_bytes()
                ),
                dice.digits(3)
            ),
            6 => format!(
                "/list;jsessionid={}?page={}&sort=-created,name&filter[status]=open&filter[owner][]=3",
                dice.hex(32),
                dice.digits(1)
            ),
            7 => format!(
                "/api/users?fields=id,name,email&where=age>18&$filter=Name%20eq%20%27Milk%27&$top=10"
            ),
            8 => format!(
                "/map?ll=39.90{},116.40{}&z=12&bbox=1.5,-2.5,3,4",
                dice.digits(3),
                dice.digits(3)
            ),
            9 => format!(
                "/s3/bucket/key%20name.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20240506%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature={}",
                dice.hex(64)
            ),
            10 => format!(
                "/saml?SAMLRequest={}&RelayState=%2Fhome",
                component(STANDARD.encode(dice.bytes(200)).as_bytes())
            ),
            11 => format!(
                "/share?title={}&url=https%3A%2F%2Fexample.com%2F%3Fp%3D{}&pics=",
                component(dice.one(&self.chinese).as_bytes()),
                dice.digits(3)
            ),
            12 => format!(
                "/calendar?start=2024-04-29T00%3A00%3A00%2B08%3A00&end=2024-06-10T00:00:00%2B08:00&_={}",
                dice.digits(13)
            ),
            13 => format!(
                "/jsonp?callback=jQuery{}_{}&type=1,2,3&_={}",
                dice.digits(20),
                dice.digits(13),
                dice.digits(13)
            ),
            14 => format!("/projects/group%2Frepo/blob/main/src%2Fmain.rs?ref=v1.2.3..v1.3.0"),
            _ => format!(
                "/user/{}/orders?status=1|2|3&range=100..500&q=&sort=price:asc",
                dice.digits(5)
            ),
        };
        Request::new("GET", target, dice)
    }

    fn search(&mut self) -> Request {
        let text = if self.dice.percent(70) {
            self.dice.one(&self.searches)
        } else {
            self.dice.one(&self.sentences)
        };
        let value = match self.dice.roll(3) {
            0 => form_value(text.as_bytes()),
            1 => component(text.as_bytes()),
            _ => {
                let (gbk, _, _) = encoding_rs::GBK.encode(text);
                form_value(&gbk)
            }
        };
        Request::new(
            "GET",
            format!("/search?wd={value}&ie=utf-8&page=1"),
            &mut self.dice,
        )
    }

    fn fields(&mut self) -> Vec<(&'static str, String)> {
        let dice = &mut self.dice;
        vec![
            (
                "name",
                dice.pick(&[
                    "张三",
                    "欧阳 修",
                    "阿依古丽·买买提",
                    "Sean O'Neil",
                    "Jean-Luc D'Arc",
                    "李雷&韩梅梅",
                ])
                .to_owned(),
            ),
            ("idcard", format!("11010119900101{}", dice.digits(4))),
            (
                "phone",
                dice.pick(&["138-0013-8000", "+86 13800138000", "(010) 6234-5678 转 801"])
                    .to_owned(),
            ),
            (
                "address",
                dice.pick(&[
                    "北京市海淀区中关村大街1号院2#楼3-401",
                    "12/F, Tower \"A\", 5th Ave.; N.Y.",
                    "广州市天河区体育西路(地铁C出口)",
                ])
                .to_owned(),
            ),
            (
                "password",
                format!(
                    "{}{}{}",
                    dice.token(5),
                    dice.pick(&["!", "@#", "$%^", "&*", "'", "#", "<3", "=;", "(\"", "-_-"]),
                    dice.token(3)
                ),
            ),
            ("date", "2024-05-06 12:00:00".to_owned()),
            ("email", format!("zhang.san+{}@example.com", dice.digits(2))),
            (
                "homepage",
                format!("https://example.com/u/{}?tab=all#top", dice.digits(4)),
            ),
        ]
    }

    fn form(&mut self) -> Request {
        let mut fields = self.fields();
        fields.push(("remark", self.prose()));
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", form_value(value.as_bytes())))
            .collect();
        let media = self.dice.pick(&[
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=UTF-8",
        ]);
        if self.dice.percent(30) {
            let object: serde_json::Map<_, _> = fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            return Request::new("POST", "/api/apply", &mut self.dice)
                .with_body("application/json;charset=UTF-8", json!(object).to_string());
        }
        Request::new("POST", "/apply/submit.do", &mut self.dice).with_body(media, body.join("&"))
    }

    fn form_gbk(&mut self) -> Request {
        let mut fields = self.fields();
        let text = format!(
            "{}{}",
            self.dice.one(&self.chinese),
            self.dice.one(&self.chinese)
        );
        fields.push(("remark", text));
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| {
                format!("{name}={}", form_value(&encoding_rs::GBK.encode(value).0))
            })
            .collect();
        let media = self.dice.pick(&[
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=GBK",
        ]);
        Request::new("POST", "/bbs/post.asp", &mut self.dice).with_body(media, body.join("&"))
    }

    fn mail(&mut self) -> Request {
        let subject = self.sentence();
        let html = rich::page(self);
        let text = self.prose();
        match self.dice.roll(4) {
            0 => {
                let body = json!({"to":["a@example.com","李四 <li@example.cn>"],"subject":subject,"html":html,"text":text,"priority":3,"inReplyTo":format!("<{}@mail.example.com>", self.dice.hex(12))});
                Request::new("POST", "/api/mail/send", &mut self.dice)
                    .with_body("application/json", body.to_string())
            }
            1 => {
                let xml = format!(
                    "<?xml version=\"1.0\"?><object><string name=\"id\">c:{}</string><object name=\"attrs\"><string name=\"to\">&quot;张三&quot;&lt;z@example.com&gt;</string><string name=\"subject\">{}</string><string name=\"content\">{}</string><boolean name=\"isHtml\">true</boolean></object></object>",
                    self.dice.digits(13),
                    escape(subject),
                    escape(&html)
                );
                let body = format!("var={}", form_value(xml.as_bytes()));
                Request::new("POST", "/js6/s?sid=abc&func=mbox:compose", &mut self.dice)
                    .with_body("application/x-www-form-urlencoded", body)
            }
            2 => {
                let boundary = self.dice.hex(24);
                let attachment = self.dice.bytes(600);
                let body = multipart(
                    &boundary,
                    &[
                        (
                            "to",
                            None,
                            "",
                            b"\"Li, Si\" <li@example.com>; z@example.com",
                        ),
                        ("subject", None, "", subject.as_bytes()),
                        ("content", None, "", html.as_bytes()),
                        (
                            "attach",
                            Some("报告(终稿).docx"),
                            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                            &attachment,
                        ),
                    ],
                );
                Request::new("POST", "/compose", &mut self.dice)
                    .with_body(&format!("multipart/form-data; boundary={boundary}"), body)
            }
            _ => {
                let mime = format!(
                    "From: a@example.com\r\nTo: b@example.com\r\nSubject: =?UTF-8?B?{}?=\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{html}",
                    STANDARD.encode(subject)
                );
                let raw = if self.dice.percent(50) {
                    URL_SAFE_NO_PAD.encode(&mime)
                } else {
                    mime
                };
                Request::new("POST", "/gmail/v1/users/me/messages/send", &mut self.dice).with_body(
                    "application/json",
                    json!({"raw":raw,"threadId":"18f"}).to_string(),
                )
            }
        }
    }

    fn forum(&mut self) -> Request {
        let (title, mut text) = (self.sentence(), self.prose());
        if self.dice.percent(60) {
            let code = self.chunk();
            text = match self.dice.roll(3) {
                0 => format!("{text}\n```\n{code}\n```\n{}", self.prose()),
                1 => format!("{text}\n[code]{code}[/code]\n{}", self.prose()),
                _ => format!("{text}<pre><code>{}</code></pre>", escape(&code)),
            };
        }
        match self.dice.roll(4) {
            0 => {
                let body = format!(
                    "formhash={}&posttime={}&subject={}&message={}&usesig=1",
                    self.dice.hex(8),
                    self.dice.digits(10),
                    form_value(title.as_bytes()),
                    form_value(text.as_bytes())
                );
                Request::new(
                    "POST",
                    "/forum.php?mod=post&action=newthread&fid=2&extra=&topicsubmit=yes",
                    &mut self.dice,
                )
                .with_body("application/x-www-form-urlencoded", body)
            }
            1 => Request::new("POST", "/api/v2/posts", &mut self.dice).with_body(
                "application/json",
                json!({"title":title,"body":text,"tags":["sql","linux"]}).to_string(),
            ),
            2 => {
                let body = format!(
                    "subject={}&message={}",
                    form_value(&encoding_rs::GBK.encode(title).0),
                    form_value(&encoding_rs::GBK.encode(&text).0)
                );
                Request::new("POST", "/post.php", &mut self.dice)
                    .with_body("application/x-www-form-urlencoded", body)
            }
            _ => {
                let boundary = format!("----WebKitFormBoundary{}", self.dice.token(16));
                let body = multipart(
                    &boundary,
                    &[
                        ("title", None, "", title.as_bytes()),
                        ("content", None, "", text.as_bytes()),
                    ],
                );
                Request::new("POST", "/topic/create", &mut self.dice)
                    .with_body(&format!("multipart/form-data; boundary={boundary}"), body)
            }
        }
    }

    fn code(&mut self) -> Request {
        let code = self.chunk();
        match self.dice.roll(6) {
            0 => Request::new("POST", "/api/gists", &mut self.dice).with_body("application/json", json!({"description":"test","public":true,"files":{"a.txt":{"content":code}}}).to_string()),
            1 => Request::new("POST", "/paste", &mut self.dice).with_body("application/x-www-form-urlencoded", format!("lang=auto&expire=1d&code={}", form_value(code.as_bytes()))),
            2 => Request::new("PUT", "/raw/a.txt", &mut self.dice).with_body("text/plain; charset=utf-8", code),
            3 => {
                let boundary = self.dice.hex(32);
                let body = multipart(&boundary, &[("file", Some(self.dice.pick(&["main.rs", "notes.md", "query.sql", "a.py", "run.sh", "index.html", "App.vue"])), "application/octet-stream", code.as_bytes())]);
                Request::new("POST", "/upload", &mut self.dice).with_body(&format!("multipart/form-data; boundary={boundary}"), body)
            }
            4 => Request::new("POST", "/api/v4/projects/1/repository/commits", &mut self.dice).with_body("application/json", json!({"branch":"main","commit_message":"fix","actions":[{"action":"update","file_path":"src/a","content":code}]}).to_string()),
            _ => Request::new("POST", "/api/run", &mut self.dice).with_body("application/json", json!({"language":"auto","source":code,"stdin":""}).to_string()),
        }
    }

    fn rich_text(&mut self) -> Request {
        let html = rich::page(self);
        let title = self.sentence();
        match self.dice.roll(3) {
            0 => Request::new("POST", "/admin/article/save", &mut self.dice).with_body("application/x-www-form-urlencoded; charset=UTF-8", format!("id=&title={}&content={}&status=1", form_value(title.as_bytes()), form_value(html.as_bytes()))),
            1 => Request::new("POST", "/api/docs", &mut self.dice).with_body("application/json", json!({"title":title,"html":html,"delta":{"ops":[{"insert":title},{"attributes":{"bold":true},"insert":"x\n"}]}}).to_string()),
            _ => {
                let boundary = self.dice.hex(32);
                let body = multipart(&boundary, &[("title", None, "", title.as_bytes()), ("editorValue", None, "", html.as_bytes())]);
                Request::new("POST", "/ueditor/save", &mut self.dice).with_body(&format!("multipart/form-data; boundary={boundary}"), body)
            }
        }
    }

    fn log(&mut self) -> Request {
        let lines: Vec<&str> = (0..self.dice.between(1, 30))
            .map(|_| *self.dice.one(&self.logs))
            .collect();
        match self.dice.roll(4) {
            0 => Request::new("POST", "/api/logs", &mut self.dice)
                .with_body("text/plain", lines.join("\n")),
            1 => {
                let rows: Vec<String> = lines.iter().map(|line| json!({"ts":1714968001,"level":"info","msg":line,"labels":{"app":"web","host":"10.0.0.1"}}).to_string()).collect();
                Request::new("POST", "/_bulk", &mut self.dice)
                    .with_body("application/x-ndjson", rows.join("\n{\"index\":{}}\n"))
            }
            2 => {
                let event = json!({"exception":{"values":[{"type":"Error","value":lines[0],"stacktrace":{"frames":[{"filename":"webpack:///./src/a.js","function":"<anonymous>","lineno":10,"context_line":"  if (a && b || c) { document.title = `x ${y}`; }"}]}}]},"request":{"url":"https://www.example.com/?a=1","headers":{"User-Agent":"x"}},"breadcrumbs":[{"category":"ui.click","message":"div#app > button.btn[type=\"submit\"]"}]});
                let body = format!(
                    "{}\n{}\n{event}\n",
                    json!({"event_id":self.dice.hex(32)}),
                    json!({"type":"event"})
                );
                Request::new("POST", "/api/42/envelope/?sentry_version=7", &mut self.dice)
                    .with_body("text/plain;charset=UTF-8", body)
            }
            _ => {
                let body = json!({"csp-report":{"document-uri":"https://www.example.com/","violated-directive":"script-src-elem","original-policy":"default-src 'self'; script-src 'self' 'unsafe-inline' https://cdn.example.com; report-uri /csp","blocked-uri":"inline","script-sample":"onclick attribute"}});
                Request::new("POST", "/csp", &mut self.dice)
                    .with_body("application/csp-report", body.to_string())
            }
        }
    }

    fn protobuf(&mut self) -> Request {
        let mut body = Vec::new();
        for field in 1..self.dice.between(3, 20) {
            match self.dice.roll(3) {
                0 => {
                    let text = if self.dice.percent(40) {
                        self.sentence().to_owned()
                    } else {
                        self.dice.token(20)
                    };
                    body.push((field as u8) << 3 | 2);
                    let mut length = text.len();
                    while length >= 0x80 {
                        body.push(length as u8 | 0x80);
                        length >>= 7;
                    }
                    body.push(length as u8);
                    body.extend_from_slice(text.as_bytes());
                }
                1 => {
                    body.push((field as u8) << 3);
                    body.extend([0x80 | self.dice.roll(128) as u8, self.dice.roll(128) as u8]);
                }
                _ => {
                    body.push((field as u8) << 3 | 1);
                    body.extend(self.dice.bytes(8));
                }
            }
        }
        match self.dice.roll(5) {
            0 => Request::new("POST", "/tiktok.Api/Report", &mut self.dice)
                .with_body("application/x-protobuf", body),
            1 => Request::new("POST", "/collect", &mut self.dice)
                .with_body("application/octet-stream", body),
            2 => Request::new("POST", "/service_log?data_type=2", &mut self.dice)
                .with_body("application/x-www-form-urlencoded", body),
            3 => Request::new("POST", "/log", &mut self.dice)
                .with_body("text/plain", STANDARD.encode(body)),
            _ => Request::new("POST", "/log", &mut self.dice).with_body(
                "application/x-www-form-urlencoded",
                format!("data={}&v=1", component(STANDARD.encode(body).as_bytes())),
            ),
        }
    }

    fn upload(&mut self) -> Request {
        let boundary = format!("----WebKitFormBoundary{}", self.dice.token(16));
        let count = self.dice.between(200, 6000);
        let noise = self.dice.bytes(count);
        let (file, media, head): (&str, &str, &[u8]) = *self.dice.one(&[
            (
                "照片 (1).jpg",
                "image/jpeg",
                &b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..],
            ),
            ("a.b-c_d.png", "image/png", b"\x89PNG\r\n\x1a\n"),
            (
                "合同2024.05.pdf",
                "application/pdf",
                b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n<< /S /JavaScript >>",
            ),
            ("x.zip", "application/zip", b"PK\x03\x04"),
            ("表格.xlsx", "application/octet-stream", b"PK\x03\x04"),
            ("blob", "application/octet-stream", b""),
            (
                "data.csv",
                "text/csv",
                "姓名,年龄,备注\n张三,30,\"a,b\"\n李四,40,=SUM(A1:A2)\n".as_bytes(),
            ),
        ]);
        let content = if media == "text/csv" {
            head.to_vec()
        } else {
            [head, &noise].concat()
        };
        if self.dice.percent(30) {
            return Request::new("PUT", "/files/put", &mut self.dice).with_body(media, content);
        }
        let body = multipart(
            &boundary,
            &[
                ("id", None, "", b"WU_FILE_0"),
                (
                    "lastModifiedDate",
                    None,
                    "",
                    b"Mon May 06 2024 12:00:00 GMT+0800 (China Standard Time)",
                ),
                ("file", Some(file), media, &content),
            ],
        );
        Request::new(
            "POST",
            "/upload?action=uploadimage&encode=utf-8",
            &mut self.dice,
        )
        .with_body(&format!("multipart/form-data; boundary={boundary}"), body)
    }

    fn api(&mut self) -> Request {
        let (a, b) = (self.sentence(), self.prose());
        let dice = &mut self.dice;
        let body = match dice.roll(9) {
            0 => {
                json!({"query":{"bool":{"must":[{"match":{"title":a}},{"range":{"age":{"gte":10,"lte":20}}}],"filter":[{"term":{"status":"published"}}]}},"sort":[{"_score":"desc"}],"highlight":{"pre_tags":["<em>"],"post_tags":["</em>"]}})
            }
            1 => {
                json!({"model":"x","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":b}],"temperature":0.7,"stream":true})
            }
            2 => {
                json!({"jsonrpc":"2.0","method":"item.update","params":{"id":7,"name":a,"expr":"price * count > 100 && !deleted"},"id":1})
            }
            3 => {
                json!({"operationName":null,"variables":{},"extensions":{"persistedQuery":{"version":1,"sha256Hash":dice.hex(64)}}})
            }
            4 => json!([{"op":"replace","path":"/a/b~1c","value":a},{"op":"remove","path":"/x/0"}]),
            5 => {
                json!({"token":jwt(dice),"image":format!("data:image/png;base64,{}", STANDARD.encode(dice.bytes(400))),"sign":dice.hex(64)})
            }
            6 => {
                json!({"filters":{"created":{"from":"2024-01-01","to":null},"tags":["a","b"]},"page":1,"data":json!({"k":a,"n":[1,2]}).to_string()})
            }
            7 => {
                json!({"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":b,"marks":[{"type":"link","attrs":{"href":"https://example.com/?a=1&b=2"}}]}]},{"type":"codeBlock","content":[{"type":"text","text":"SELECT 1"}]}]})
            }
            _ => {
                json!({"message":a,"regex":"^[a-z]+(\\.[a-z]+)*$","cron":"0 */5 * * * ?","path":"C:\\data\\in","css":".a>b{color:red}","xpath":"//div[@class='a']/span[1]","template":"尊敬的${name}：您的验证码是{{code}}","version":">=1.2.3 <2.0.0 || ^3.0"})
            }
        };
        let method = dice.pick(&["POST", "PUT", "PATCH"]);
        Request::new(method, "/api/v1/items?lang=zh-CN", dice)
            .with_body("application/json", body.to_string())
    }

    fn beacon(&mut self) -> Request {
        let text = self.sentence();
        let dice = &mut self.dice;
        let target = match dice.roll(5) {
            0 => format!("/g/collect?v=2&tid=G-{}&gtm=45je4&_p={}&cid=1.2&ul=zh-cn&sr=1920x1080&dl=https%3A%2F%2Fwww.example.com%2F%3Fa%3D1&dt={}&en=page_view&ep.x=a%7Cb", dice.token(10), dice.digits(13), component(text.as_bytes())),
            1 => format!("/hm.gif?cc=1&ck=1&cl=24-bit&ds=1920x1080&ep={}&et=3&u=https%3A%2F%2Fwww.example.com%2Fa.html%23b&v=1.3.0&lv={}&sn={}", component(format!("{{\"netAll\":{},\"netDns\":0}}", dice.digits(3)).as_bytes()), dice.digits(10), dice.digits(5)),
            2 => format!("/event?data={}&ext=crc%3D-{}&gzip=1", component(STANDARD.encode(json!({"distinct_id":dice.hex(16),"event":"$pageview","properties":{"$title":text,"$url":"https://www.example.com/?a=1'b"}}).to_string()).as_bytes()), dice.digits(9)),
            3 => format!("/pixel?ord={}&p=${{AUCTION_PRICE}}&gdpr_consent=CP{}&u=!!{}&r=[RANDOM]&m=%%CACHEBUSTER%%", dice.digits(9), dice.token(30), dice.token(12)),
            _ => format!("/track?e={}&s=div%23app%20%3E%20ul.list%20%3E%20li%3Anth-child(2)&x=12&y=-5&t={}", component(json!({"type":"click","text":text,"path":["html","body","div"]}).to_string().as_bytes()), dice.digits(13)),
        };
        Request::new("GET", target, dice)
    }

    fn asset(&mut self) -> Request {
        let dice = &mut self.dice;
        let target = match dice.roll(9) {
            0 => format!("/static/js/chunk-{}.{}.js", dice.hex(8), dice.hex(8)),
            1 => "/??jquery/1.12.4/jquery.min.js,layer/layer.js?v=20240506".to_owned(),
            2 => format!(
                "/uploads/2024/05/{}@2x.png!w800?imageView2/2/w/100|imageslim",
                component("图片 (1)".as_bytes())
            ),
            3 => "/fonts/iconfont.woff2?t=1690000000000#iefix".to_owned(),
            4 => format!(
                "/@fs/home/u/app/node_modules/.vite/deps/vue.js?v={}",
                dice.hex(8)
            ),
            5 => format!(
                "/thumb/100x100/smart/filters:quality(80):format(webp)/https://img.example.com/{}.jpg",
                dice.digits(6)
            ),
            6 => "/docs/c++/index~1.html;v=1.1/a,b;c=d".to_owned(),
            7 => "/npm/@scope%2fpkg/-/pkg-1.0.0+build.5.tgz".to_owned(),
            _ => format!(
                "/{}/{}.pdf",
                component("附件：关于“放管服”改革的通知".as_bytes()),
                component("报告【终稿】v1.0 & 附录".as_bytes())
            ),
        };
        Request::new("GET", target, dice)
    }

    fn xml(&mut self) -> Request {
        let text = escape(&self.prose());
        let body = match self.dice.roll(5) {
            0 => format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soap:Body><ns1:Apply xmlns:ns1=\"http://service.example.gov.cn/\"><name>张三</name><memo>{text}</memo><x xsi:nil=\"true\"/></ns1:Apply></soap:Body></soap:Envelope>"),
            1 => format!("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{}]]></Content></xml>", self.dice.one(&self.chinese)),
            2 => "<?xml version=\"1.0\"?><D:propfind xmlns:D=\"DAV:\"><D:prop><D:getcontentlength/><D:resourcetype/></D:prop></D:propfind>".to_owned(),
            3 => format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\"><title>{text}</title><path d=\"M12 2L2 7l10 5 10-5-10-5z\" fill=\"#333\"/><style>.a{{fill:none}}</style></svg>"),
            _ => format!("<?xml version=\"1.0\"?><methodCall><methodName>metaWeblog.newPost</methodName><params><param><value><string>1</string></value></param><param><value><struct><member><name>description</name><value><string>{text}</string></value></member></struct></value></param></params></methodCall>"),
        };
        let media = if body.starts_with("<svg") {
            "image/svg+xml"
        } else {
            self.dice.pick(&[
                "text/xml; charset=utf-8",
                "application/xml",
                "application/soap+xml",
            ])
        };
        Request::new("POST", "/services/endpoint", &mut self.dice).with_body(media, body)
    }

    fn value(&mut self) -> Request {
        if self.values.is_empty() {
            return self.page();
        }
        let value = self.dice.one(&self.values).clone();
        if self.dice.percent(50) {
            Request::new(
                "GET",
                format!("/item?id={}", component(&value)),
                &mut self.dice,
            )
        } else {
            Request::new("POST", "/item", &mut self.dice).with_body(
                "application/x-www-form-urlencoded",
                format!("a=1&v={}", form_value(&value)),
            )
        }
    }

    fn graphql(&mut self) -> Request {
        let text = self.sentence();
        let query = self.dice.pick(&[
            "query Items($first: Int!, $after: String) {\n  items(first: $first, after: $after, orderBy: {field: CREATED, direction: DESC}) {\n    edges { node { id name ... on Book { author } } }\n    pageInfo { hasNextPage }\n  }\n}",
            "mutation Save($input: PostInput!) { save(input: $input) { post { id body } errors { field message } } }",
            "{ me { id name } a: user(id: 1) { name } b: user(id: 2) { name } }",
        ]);
        Request::new("POST", "/graphql", &mut self.dice).with_body("application/json", json!({"operationName":"x","query":query,"variables":{"first":10,"input":{"body":text}}}).to_string())
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
