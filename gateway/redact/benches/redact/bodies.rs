//! Bodies made of one record again and again, as many as reach a size in bytes.

use std::fmt::Write as _;

/// A record with fourteen values, one in about 43 bytes, among Chinese text.
pub(crate) fn dense(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        write!(
            text,
            concat!(
                r#"{{"序号":{n},"姓名":"张伟","身份证号":"110101199003077774","手机":"1380013{t:04}","备用手机":"138-0013-{t:04}","#,
                r#""银行卡":"4111111111111111","开户行":"中国工商银行股份有限公司北京市分行","邮箱":"zhang.wei{n}@example.com.cn","#,
                r#""单位":"福建省某某科技有限公司","统一社会信用代码":"91350100M000100Y43","联系人":{{"姓名":"李娜","身份证号":"11010519491231002X","#,
                r#""手机":"1391234{t:04}","邮箱":"li.na{n}@example.org"}},"住址":"北京市海淀区中关村大街一号院","备注":"请联系 1371234{t:04} 或 li@b.cn，卡号 5555555555554444。"}},"#
            ),
            n = n,
            t = n % 10_000
        )
    })
}

/// A record with one value of each of twelve kinds, one in about 66 bytes, among Chinese text.
pub(crate) fn twelve(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        write!(
            text,
            concat!(
                r#"{{"id":{n},"title":"关于申请办理企业开办一件事的登记记录","姓名":"张伟","证件类型":"居民身份证","身份证号":"110101199003077774","手机":"1380013{t:04}","#,
                r#""办公电话":"010-6234{t:04}","银行卡":"4111111111111111","开户行":"中国工商银行股份有限公司北京市分行","电子邮箱":"zhang.wei{n}@example.com.cn","#,
                r#""单位":"福建省某某科技有限公司","统一社会信用代码":"91350100M000100Y43","护照号码":"E1234{t:04}","车牌号":"京A12345","住址":"北京市海淀区中关村大街一号院","#,
                r#""出生日期":"1990-03-07","登录地址":"10.1.20.7","事项":"企业开办","状态":"已受理","受理部门":"市场监督管理局登记注册科","创建时间":"2026-11-22T04:45:29Z","#,
                r#""办理意见":"经审核，申请材料齐全，符合法定形式，予以受理，请申请人在规定期限内领取结果。"}},"#
            ),
            n = n,
            t = n % 10_000
        )
    })
}

/// A record with one value in about 600 bytes.
pub(crate) fn sparse(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        write!(
            text,
            r#"{{"id":{n},"title":"关于进一步优化营商环境的若干措施","手机":"1380013{t:04}","status":"approved","created":"2026-11-22T04:45:29Z","summary":"为深入贯彻落实党中央、国务院关于优化营商环境的决策部署，持续推进简政放权、放管结合、优化服务改革，现就有关事项通知如下：一、压缩企业开办时间；二、推行证照分离；三、提升办税便利度；四、加强事中事后监管。","amount":12345.67,"tags":["营商环境","政务服务","改革"],"dept":"市场监督管理局"}},"#,
            t = n % 10_000
        )
    })
}

/// Records without personal data.
pub(crate) fn clean(size: usize) -> Vec<u8> {
    repeat(size, |_, text| {
        write!(
            text,
            r#"{{"title":"关于进一步优化营商环境的若干措施","status":"approved","created":"just now","summary":"为深入贯彻落实决策部署，持续推进简政放权、放管结合、优化服务改革，现就有关事项通知如下：压缩企业开办时间；推行证照分离；提升办税便利度；加强事中事后监管。","amount":12.5,"tags":["service","reform","licence"],"dept":"market supervision","url":"/a/b/c?x=1"}},"#,
        )
    })
}

/// Records of a serialiser that escapes everything that is not ASCII.
pub(crate) fn escaped(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        write!(
            text,
            r#"{{"\u59d3\u540d":"\u5f20\u4f1f","\u624b\u673a":"1380013{t:04}","note":"line one\nline two\t\"quoted\" \u5317\u4eac\u5e02\u6d77\u6dc0\u533a"}},"#,
            t = n % 10_000
        )
    })
}

pub(crate) fn form(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        write!(
            text,
            "name=%E5%BC%A0%E4%BC%9F&mobile=1380013{t:04}&mail=zhang{n}%40example.com&note=hello+world&",
            t = n % 10_000
        )
    })
}

/// The dense record as a printer writes it for people.
pub(crate) fn pretty(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        write!(
            text,
            concat!(
                "  {{\n    \"id\": {n},\n    \"name\": \"张伟\",\n    \"idCard\": \"110101199003077774\",\n    \"mobile\": \"1380013{t:04}\",\n",
                "    \"email\": \"zhang.wei{n}@example.com.cn\",\n    \"address\": \"北京市海淀区中关村大街一号院\",\n    \"createdAt\": \"2026-11-22T04:45:29Z\",\n",
                "    \"status\": \"approved\",\n    \"tags\": [\n      \"service\",\n      \"reform\"\n    ]\n  }},\n"
            ),
            n = n,
            t = n % 10_000
        )
    })
}

/// A table with seven values of ten columns.
pub(crate) fn table(size: usize) -> Vec<u8> {
    let mut body = "序号,姓名,身份证号,手机,邮箱,住址,事项,状态,出生日期,金额\n"
        .as_bytes()
        .to_vec();
    body.extend(repeat(size, |n, text| {
        writeln!(
            text,
            "{n},张伟,110101199003077774,1380013{t:04},zhang.wei{n}@example.com.cn,北京市海淀区中关村大街一号院,企业开办,已办结,1990-03-07,123.45",
            t = n % 10_000
        )
    }));
    body
}

/// Rows of a page.
pub(crate) fn page(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        writeln!(
            text,
            "<tr class=\"row\"><td>{n}</td><th>姓名</th><td>张伟</td><th>手机</th><td>1380013{t:04}</td><td><a href=\"/items/{n}\">查看</a></td></tr>",
            t = n % 10_000
        )
    })
}

/// Lines of a server's log.
pub(crate) fn log(size: usize) -> Vec<u8> {
    repeat(size, |n, text| {
        writeln!(
            text,
            "2026-11-22T04:45:{s:02}Z INFO gateway request id={n} path=/api/v1/items/{t} status=200 took=12ms caller=svc-{t} client=10.1.{s}.7 mobile=1380013{t:04}",
            s = n % 60,
            t = n % 10_000
        )
    })
}

fn repeat(size: usize, record: impl Fn(usize, &mut String) -> std::fmt::Result) -> Vec<u8> {
    let mut text = String::with_capacity(size + 4096);
    let mut n = 0;
    while text.len() < size && record(n, &mut text).is_ok() {
        n += 1;
    }
    text.into_bytes()
}
