//! What browsers send while people read: pages, searches, files, beacons.

use super::*;

impl Writer {
    pub(super) fn page(&mut self) -> Request {
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

    pub(super) fn search(&mut self) -> Request {
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

    pub(super) fn beacon(&mut self) -> Request {
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

    pub(super) fn asset(&mut self) -> Request {
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
}
