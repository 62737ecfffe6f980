//! What programs send: logs, packed records, uploads, calls of interfaces.

use super::*;

impl Writer {
    pub(super) fn log(&mut self) -> Request {
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

    pub(super) fn protobuf(&mut self) -> Request {
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

    pub(super) fn upload(&mut self) -> Request {
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

    pub(super) fn api(&mut self) -> Request {
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

    pub(super) fn xml(&mut self) -> Request {
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

    pub(super) fn value(&mut self) -> Request {
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

    pub(super) fn graphql(&mut self) -> Request {
        let text = self.sentence();
        let query = self.dice.pick(&[
            "query Items($first: Int!, $after: String) {\n  items(first: $first, after: $after, orderBy: {field: CREATED, direction: DESC}) {\n    edges { node { id name ... on Book { author } } }\n    pageInfo { hasNextPage }\n  }\n}",
            "mutation Save($input: PostInput!) { save(input: $input) { post { id body } errors { field message } } }",
            "{ me { id name } a: user(id: 1) { name } b: user(id: 2) { name } }",
        ]);
        Request::new("POST", "/graphql", &mut self.dice).with_body("application/json", json!({"operationName":"x","query":query,"variables":{"first":10,"input":{"body":text}}}).to_string())
    }
}
