//! Values that are known by what names them: heads of tables, attributes, queries, labels of something else.

use crate::support::{redact_chunks, redact_text};
use hangu_redact::{Kind, Level, Media};

/// What comes out at a level, the same however the body is cut.
fn everywhere(level: Level, media: Media, body: &str) -> String {
    let whole = redact_text(level, media, body);
    for size in [1, 2, 3, 7, 64] {
        let (out, _) = redact_chunks(level, media, body.as_bytes().chunks(size));
        assert_eq!(
            String::from_utf8_lossy(&out),
            whole,
            "{body} in chunks of {size}"
        );
    }
    whole
}

#[test]
fn the_head_of_a_table_in_a_page_names_the_cells_below() {
    for (page, expected) in [
        (
            "<table><thead><tr><th>姓名</th><th>手机</th><th>护照号码</th></tr></thead><tbody><tr><td>张三</td><td></td><td>E12345678</td></tr></tbody></table>",
            "<table><thead><tr><th>姓名</th><th>手机</th><th>护照号码</th></tr></thead><tbody><tr><td>**</td><td></td><td>E*******8</td></tr></tbody></table>",
        ),
        (
            "<table><tr><td>姓名</td><td>住址</td></tr><tr><td>张三</td><td>北京市海淀区1号</td></tr></table>",
            "<table><tr><td>姓名</td><td>住址</td></tr><tr><td>**</td><td>北京市****</td></tr></table>",
        ),
        (
            "<tr><th><div class='c'>姓名</div></th><th>微信号</th></tr><tr><td><div class='c'><b>张三</b></div></td><td>zhangsan88</td></tr>",
            "<tr><th><div class='c'>姓名</div></th><th>微信号</th></tr><tr><td><div class='c'><b>**</b></div></td><td>z*********</td></tr>",
        ),
        (
            "<tr><td>姓名</td><td>张三</td><td>民族</td><td>汉族</td></tr><tr><td>住址</td><td>北京市海淀区1号</td></tr>",
            "<tr><td>姓名</td><td>**</td><td>民族</td><td>汉族</td></tr><tr><td>住址</td><td>北京市****</td></tr>",
        ),
    ] {
        assert_eq!(everywhere(Level::L3, Media::Markup, page), expected);
    }
}

#[test]
fn a_field_that_an_attribute_names_is_known_wherever_its_value_stands() {
    for (page, expected) in [
        (r#"<person name="张三"/>"#, r#"<person name="**"/>"#),
        (
            r#"<input value="李四" class="x" name="xm">"#,
            r#"<input value="**" class="x" name="xm">"#,
        ),
        (
            r#"<item key="姓名" value='李四'/><field name="住址">北京市海淀区1号</field>"#,
            r#"<item key="姓名" value='**'/><field name="住址">北京市****</field>"#,
        ),
        (
            "<p>姓名：<b>张三</b></p><p>电话:(010)62345678</p>",
            "<p>姓名：<b>**</b></p><p>电话:*********5678</p>",
        ),
    ] {
        assert_eq!(everywhere(Level::L3, Media::Markup, page), expected);
    }
    for page in [
        r#"<input name="mobile" placeholder="手机"><meta name="description" content="政务服务">"#,
        r#"<label>姓名</label><label>手机</label><a href="/a">地址管理</a><th>姓名</th><th>手机</th>"#,
        r#"<div id="address">联系我们的地址</div><option value="110101">东城区</option>"#,
    ] {
        assert_eq!(everywhere(Level::L3, Media::Markup, page), page);
    }
}

#[test]
fn a_query_in_a_log_is_read_with_its_escapes_undone() {
    assert_eq!(
        everywhere(
            Level::L3,
            Media::Text,
            "GET /a?name=%E5%BC%A0%E4%B8%89&%E5%A7%93%E5%90%8D=%E6%9D%8E%E5%9B%9B&x=1 200"
        ),
        "GET /a?name=**&%E5%A7%93%E5%90%8D=**&x=1 200"
    );
    assert_eq!(
        everywhere(
            Level::L3,
            Media::Json,
            r#"{"m":"password=hunter2, name=李四","u":"/a?name=%E5%BC%A0%E4%B8%89","passwd=":"x"}"#
        ),
        r#"{"m":"password=***, name=**","u":"/a?name=**","passwd=":"***"}"#
    );
    assert_eq!(
        everywhere(
            Level::L3,
            Media::Form,
            "ip=2001%3Adb8%3A%3A1&mac=00%3A1A%3A2b%3A3c%3A4d%3A5e&%E6%8A%A4%E7%85%A7=E12345678"
        ),
        "ip=2001%3A*&mac=***&%E6%8A%A4%E7%85%A7=E*******8"
    );
}

#[test]
fn a_number_that_its_label_makes_something_else_stays_unless_its_check_digits_are_certain() {
    for (media, body) in [
        (
            Media::Json,
            r#"{"orderNo":"13800138000","amount":13800138000}"#,
        ),
        (
            Media::Json,
            r#"{"tradeNo":"4111111111111111","total":13800138000.00}"#,
        ),
        (
            Media::Text,
            "订单号：4111111111111111，金额 13800138000，比例 0.13800138000",
        ),
    ] {
        assert_eq!(everywhere(Level::L3, media, body), body);
    }
    assert_eq!(
        everywhere(Level::L3, Media::Text, "订单号：110101199003077774"),
        "订单号：1****************4"
    );
}

#[test]
fn a_value_takes_the_kind_of_its_shape_where_labels_are_shared() {
    for (body, kind) in [
        (r#"{"证件号码":"E12345678"}"#, Kind::Passport),
        (r#"{"certNo":"H1234567890"}"#, Kind::Permit),
        (r#"{"hkid":"A123456(7)"}"#, Kind::Permit),
        (r#"{"location":"北京市海淀区中关村大街1号"}"#, Kind::Address),
        (r#"{"doctorName":"吴三"}"#, Kind::Name),
        (r#"{"dob":"07/03/1990"}"#, Kind::BirthDate),
        (r#"{"birthday":642470400000}"#, Kind::BirthDate),
        (r#"{"tel":"(010)62345678"}"#, Kind::Landline),
        (r#"{"telephone":"+86-10-62345678"}"#, Kind::Landline),
        (r#"{"mac":"001A2B3C4D5E"}"#, Kind::Mac),
        (r#"{"openid":"oABC1234567890abcdefghijklmn"}"#, Kind::Wechat),
        (
            r#"{"authorization":"Basic YWRtaW46c2VjcmV0"}"#,
            Kind::Secret,
        ),
    ] {
        let (out, summary) = redact_chunks(Level::L3, Media::Json, [body.as_bytes()]);
        assert_eq!(
            (summary.masked.get(kind), summary.masked.total()),
            (1, 1),
            "{body}"
        );
        assert_ne!(out, body.as_bytes());
    }
    assert_eq!(
        everywhere(
            Level::L2,
            Media::Text,
            "Authorization: Basic YWRtaW46c2VjcmV0\r\nX: y"
        ),
        "Authorization: ***\r\nX: y"
    );
}
