//! Letters, posts and code that people share.

use super::*;

impl Writer {
    pub(super) fn mail(&mut self) -> Request {
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

    pub(super) fn forum(&mut self) -> Request {
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

    pub(super) fn code(&mut self) -> Request {
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
}
