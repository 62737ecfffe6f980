//! Forms that people fill in, and what editors of text make of them.

use super::*;

impl Writer {
    pub(super) fn fields(&mut self) -> Vec<(&'static str, String)> {
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

    pub(super) fn form(&mut self) -> Request {
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

    pub(super) fn form_gbk(&mut self) -> Request {
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

    pub(super) fn rich_text(&mut self) -> Request {
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
}
