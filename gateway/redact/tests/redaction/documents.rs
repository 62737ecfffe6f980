//! What comes out for what goes in, format by format.

use crate::support::{MEDIA, redact_chunks, redact_text};
use hangu_redact::{Kind, Level, Media};

const JSON: &str = r#"{"姓名":"张三","id":"110101199003077774","m":"13800138000","card":"6222020000000000000","card4":"4111 1111 1111 1111","org":"91350100M000100Y43","e":"zhang.san@example.com.cn","t":"+86 138-0013-8000"}"#;

#[test]
fn every_level_leaves_what_its_table_says() {
    let rows = [
        (
            Level::L1,
            r#"{"姓名":"张三","id":"110101199003077774","m":"13800138000","card":"622202*********0000","card4":"4111***********1111","org":"91350100M000100Y43","e":"zhang.san@example.com.cn","t":"+86 138-0013-8000"}"#,
        ),
        (
            Level::L2,
            r#"{"姓名":"张*","id":"110101********7774","m":"138****8000","card":"***************0000","card4":"***************1111","org":"91350100M000100Y43","e":"z***@example.com.cn","t":"+86 138******8000"}"#,
        ),
        (
            Level::L3,
            r#"{"姓名":"**","id":"1****************4","m":"*******8000","card":"***************0000","card4":"***************1111","org":"**************0Y43","e":"***@example.com.cn","t":"+86 *********8000"}"#,
        ),
        (
            Level::L4,
            r#"{"姓名":"***","id":"***","m":"***","card":"***","card4":"***","org":"***","e":"***","t":"+86 ***"}"#,
        ),
    ];
    for (level, expected) in rows {
        assert_eq!(redact_text(level, Media::Json, JSON), expected, "{level}");
    }
}

#[test]
fn counts_tell_what_was_found_and_what_was_masked() {
    let (out, summary) = redact_chunks(Level::L1, Media::Json, [JSON.as_bytes()]);
    let found: Vec<_> = Kind::ALL
        .into_iter()
        .map(|kind| summary.counts.get(kind))
        .collect();
    assert_eq!(found[..5], [1, 2, 2, 1, 1]);
    assert_eq!(
        (summary.counts.get(Kind::Name), summary.counts.total()),
        (1, 8)
    );
    assert_eq!(
        (summary.masked.total(), summary.masked.get(Kind::BankCard)),
        (2, 2)
    );
    assert_eq!(
        (summary.bytes_in, summary.bytes_out),
        (JSON.len() as u64, out.len() as u64)
    );
}

#[test]
fn numbers_outside_strings_stay_numbers() {
    for (document, expected) in [
        ("[13800138000]", "[0]"),
        ("[-13800138000, 110101199003077774]", "[0, 0]"),
        ("{\"a\":13800138000.00}", "{\"a\":0}"),
        (
            "{\"a\":1.3800138e10,\"b\":1.3800138E+10}",
            "{\"a\":0,\"b\":0}",
        ),
        ("{\"a\":13800138000.57}", "{\"a\":13800138000.57}"),
        ("{\"a\":116.13800138000}", "{\"a\":116.13800138000}"),
        ("13800138000", "0"),
        (
            "[4111111111111111,4111111111111112]",
            "[0,4111111111111112]",
        ),
        (
            "[\"a\\\"\",13800138000,\"\\\\\",13800138000]",
            "[\"a\\\"\",0,\"\\\\\",0]",
        ),
    ] {
        for level in [Level::L2, Level::L3, Level::L4] {
            let out = redact_text(level, Media::Json, document);
            assert_eq!(out, expected, "{document}");
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
        }
    }
}

#[test]
fn escapes_do_not_hide_values() {
    for (media, document, expected) in [
        (
            Media::Json,
            r#"["\n13800138000\n"]"#,
            r#"["\n138****8000\n"]"#,
        ),
        (
            Media::Json,
            r#"["\u0031380013800\u0030"]"#,
            r#"["\u003138****800\u0030"]"#,
        ),
        (
            Media::Json,
            r#"["\uff1138００１38000"]"#,
            r#"["\uff1138****8000"]"#,
        ),
        (Media::Json, r#"["a\u0040b.cn"]"#, r#"["a***\u0040b.cn"]"#),
        (
            Media::Json,
            r#"["138\u00200013\u00208000"]"#,
            r#"["138******8000"]"#,
        ),
        (
            Media::Json,
            r#"{"\u0031\u0033\u0038\u0030\u0030\u0031\u0033\u0038\u0030\u0030\u0030":1}"#,
            r#"{"\u0031\u0033\u0038****\u0038\u0030\u0030\u0030":1}"#,
        ),
        (
            Media::Json,
            r#"["\\13800138000","\"13800138000\""]"#,
            r#"["\\138****8000","\"138****8000\""]"#,
        ),
        (
            Media::Text,
            r"手机\n13800138000\u000a",
            r"手机\n138****8000\u000a",
        ),
        (Media::Form, "m=%31%33800138000", "m=%31%338****8000"),
        (
            Media::Form,
            "m=%2B8613800138000&e=a%40b.cn",
            "m=%2B86138****8000&e=a***%40b.cn",
        ),
        (
            Media::Form,
            "m=138+0013+8000&n=138%200013%208000",
            "m=138******8000&n=138******8000",
        ),
        (
            Media::Form,
            "m=%EF%BC%91%EF%BC%93%EF%BC%9800138000",
            "m=%EF%BC%91%EF%BC%93%EF%BC%98****8000",
        ),
        (
            Media::Form,
            "j=%7B%22m%22%3A%2213800138000%22%7D",
            "j=%7B%22m%22%3A%22138****8000%22%7D",
        ),
        (
            Media::Form,
            "a=%E5%BC%A013800138000%E4%B8%89",
            "a=%E5%BC%A0138****8000%E4%B8%89",
        ),
    ] {
        assert_eq!(redact_text(Level::L2, media, document), expected);
    }
}

#[test]
fn values_in_running_text_are_found_whatever_surrounds_them() {
    for (text, expected) in [
        ("电话13800138000，谢谢", "电话138****8000，谢谢"),
        ("(13800138000)", "(138****8000)"),
        ("tel:+8613800138000;", "tel:+86138****8000;"),
        ("0086-138-0013-8000", "0086-138******8000"),
        ("013800138000", "0138****8000"),
        ("13800138000/13900139000", "138****8000/139****9000"),
        ("13800138000 13900139000", "138****8000 139****9000"),
        ("**13800138000**", "**138****8000**"),
        ("id_13800138000_x", "id_138****8000_x"),
        ("mailto:zhang@qq.com?x", "mailto:z***@qq.com?x"),
        ("<zhang@qq.com>", "<z***@qq.com>"),
        ("13800138000@139.com", "1***@139.com"),
        ("x@13800138000.com", "x***@138****8000.com"),
        ("a@b.com@c.com", "a***@b***@c.com"),
        ("邮箱......zhang@qq.com", "邮箱......z***@qq.com"),
        ("身份证11010519491231002Ｘ。", "身份证110105********002Ｘ。"),
        ("11010519491231002x", "110105********002x"),
        ("900000199003077778", "900000199003077778"),
    ] {
        assert_eq!(redact_text(Level::L2, Media::Text, text), expected);
    }
}

#[test]
fn numbers_that_only_look_personal_pass_untouched() {
    let documents = [
        "order 20261122000123456789",
        "1763787600 1763787600123 1763787600123456 1763787600123456789",
        "550e8400-e29b-41d4-a716-446655440000",
        "123e4567-e89b-12d3-a456-426614174000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "113800138000 1380013800 138001380001",
        "a13800138000 13800138000b",
        "10000000000 12345678901",
        "110101199002307774 110101199003077775 990101199003077774",
        "4111111111111112 8111111111111111",
        "91350100M000100Y44 91350100M000200Y43",
        "v1.2.3 10.0.19041.1 1.2.3.4.5 2026-11-22 04:45:29 12345 110 400-820-8820",
        "978-7-111-54742-6 SH600519 SF1234567890123",
        "pkg@1.2.3 @user logo@2x.png user@host",
        "Mozilla/5.0 Chrome/131.0.0.0 Safari/537.36 127.0.0.1",
        "std::vec::Vec ::1 12:30:45 a::b",
        "0.13 3.14159265358 1e10",
        "010-12345678 0755-12345678",
    ];
    for document in documents {
        for media in MEDIA {
            assert_eq!(
                redact_text(Level::L4, media, document),
                document,
                "{media:?}"
            );
        }
        let json = serde_json::to_string(document).unwrap();
        assert_eq!(redact_text(Level::L4, Media::Json, &json), json);
    }
}

#[test]
fn json_that_is_not_quite_json_is_masked_all_the_same() {
    for (document, expected) in [
        (
            "{phone:'13800138000',mail:zhang@qq.com}",
            "{phone:'0',mail:z***@qq.com}",
        ),
        ("{\"a\":\"13800138000", "{\"a\":\"138****8000"),
        ("{\"a\":11010519491231002X}", "{\"a\":110105********002X}"),
        ("13800138000\"13800138000\\", "0\"138****8000\\"),
    ] {
        assert_eq!(redact_text(Level::L2, Media::Json, document), expected);
    }
    let lines = "{\"a\":\"broken\n{\"a\":13800138000}\n";
    assert_eq!(
        redact_text(Level::L2, Media::Ndjson, lines),
        "{\"a\":\"broken\n{\"a\":0}\n"
    );
}

#[test]
fn finished_lines_leave_at_once() {
    for media in [Media::Ndjson, Media::EventStream, Media::Text] {
        let mut redactor = hangu_redact::Redactor::new(Level::L2, media);
        let mut out = Vec::new();
        redactor.feed(b"data: \"13800138000\"\n\n", &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "data: \"138****8000\"\n\n");
        assert_eq!(redactor.held(), 0);
    }
}

#[test]
fn kinds_are_known_by_their_field() {
    for (field, value, l2, l3) in [
        ("姓名", "欧阳娜娜", "欧阳**", "**"),
        ("\\u59d3\\u540d", "\\u5f20\\u4e09", "\\u5f20*", "**"),
        ("applicantName", "Zhang San", "Z********", "**"),
        ("name", "李四光", "李**", "**"),
        ("name", "市场监督管理局", "市场监督管理局", "市场监督管理局"),
        (
            "家庭住址",
            "北京市海淀区中关村大街1号",
            "北京市海淀区****",
            "北京市****",
        ),
        ("passport_no", "E12345678", "E****5678", "E*******8"),
        ("港澳通行证", "C12345678", "C****5678", "C*******8"),
        (
            "军官证号",
            "南字第01234567号",
            "南字********7号",
            "南**********号",
        ),
        (
            "身份证号",
            "110101900307777",
            "110101*****7777",
            "1*************7",
        ),
        ("座机", "010-62345678", "010-****5678", "********5678"),
        ("电话", "62345678", "****5678", "****5678"),
        (
            "银行卡号",
            "6222020200112233447",
            "***************3447",
            "***************3447",
        ),
        (
            "纳税人识别号",
            "110101123456789",
            "***********6789",
            "*************89",
        ),
        ("组织机构代码", "12345678-X", "12345678-X", "******78-X"),
        ("车牌号", "京A·12345", "京A·123**", "京A******"),
        (
            "vin",
            "LSVAA4182E2123456",
            "LSV**********3456",
            "*************3456",
        ),
        ("出生日期", "1990-03-07", "1990-**-**", "****-**-**"),
        ("dob", "1990/03/07", "1990/**/**", "****/**/**"),
        ("年龄", "36", "36", "30-39"),
        ("longitude", "116.397128", "116.39", "116.3"),
        ("微信号", "wxid_abc123", "wx*******23", "w**********"),
        ("qq", "2233445566", "22******66", "2*********"),
        ("社保号", "12345678901", "*******8901", "*********01"),
        ("公积金账号", "102030405060", "********5060", "**********60"),
        ("病历号", "ZY0012345", "*****2345", "*******45"),
        ("password", "hunter2", "***", "***"),
        (
            "iban",
            "GB29 NWBK 6016 1331 9268 19",
            "GB29*******************8 19",
            "***********************8 19",
        ),
    ] {
        let document = format!("{{\"{field}\":\"{value}\",\"x\":1}}");
        for (level, expected) in [
            (Level::L1, value),
            (Level::L2, l2),
            (Level::L3, l3),
            (Level::L4, "***"),
        ] {
            if level == Level::L1 && ["password", "iban", "银行卡号"].contains(&field)
                || value == expected && level == Level::L4
            {
                continue;
            }
            let expected = if value == "市场监督管理局" {
                value
            } else {
                expected
            };
            let out = redact_text(level, Media::Json, &document);
            assert_eq!(
                out,
                format!("{{\"{field}\":\"{expected}\",\"x\":1}}"),
                "{level} {document}"
            );
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
            assert_eq!(redact_text(level, Media::Json, &out), out, "{level} twice");
        }
    }
}

#[test]
fn kinds_are_known_by_the_label_before_them_in_text() {
    for (text, expected) in [
        (
            "姓名：张三，护照号码：E12345678。",
            "姓名：张*，护照号码：E****5678。",
        ),
        ("护照E12345678", "护照E****5678"),
        (
            "联系人：李四 座机 010-62345678",
            "联系人：李* 座机 010-****5678",
        ),
        (
            "Name: Zhang San, Passport No.: E12345678",
            "Name: Z********, Passport No.: E****5678",
        ),
        ("Date of Birth: 1990-03-07", "Date of Birth: 1990-**-**"),
        (
            "地址：北京市海淀区中关村大街1号，邮编100080",
            "地址：北京市海淀区****，邮编100080",
        ),
        ("车牌：京A12345", "车牌：京A123**"),
        ("password=hunter2&x=1", "password=***&x=1"),
        ("密码：abc123，请妥善保管", "密码：***，请妥善保管"),
        (
            "postgres://admin:s3cret@db.example.com/x",
            "postgres://admin:***@db.example.com/x",
        ),
        ("key AKIAIOSFODNN7EXAMPLE.", "key ***."),
        (
            "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl x",
            "Bearer *** x",
        ),
        (
            "a\n-----BEGIN PRIVATE KEY-----\nMIIEvQIB+/A=\n-----END PRIVATE KEY-----\nb",
            "a\n-----BEGIN PRIVATE KEY-----***\nb",
        ),
        (
            "ip 10.1.2.3:8080, 2001:db8:85a3::8a2e:370:7334",
            "ip 10.1.2.*:8080, 2001:db8:*",
        ),
        (
            "mac 00:1A:2B:3C:4D:5E 00-1A-2B-3C-4D-5E",
            "mac 00:1A:2B:*:*:* 00-1A-2B-*-*-*",
        ),
        (
            "手机 13800138000 2001:db8::1",
            "手机 138****8000 2001:db8:*",
        ),
        (
            "护照 E12345678 2001:db8::1 x",
            "护照 E****5678 2001:db8:* x",
        ),
        (
            "4111 1111 1111 1111: 8080 12:30",
            "***************1111: 8080 12:30",
        ),
        ("ssn 123-45-6789", "ssn *******6789"),
        ("GB29NWBK60161331926819", "GB29**************6819"),
        (
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
            "***\n***",
        ),
    ] {
        assert_eq!(redact_text(Level::L2, Media::Text, text), expected);
        assert_eq!(
            redact_text(Level::L2, Media::Text, expected),
            expected,
            "twice"
        );
    }
}

#[test]
fn fields_and_labels_are_read_in_pages_and_forms() {
    for (media, text, expected) in [
        (
            Media::Markup,
            "<name>张三</name><passport>E12345678</passport>",
            "<name>张*</name><passport>E****5678</passport>",
        ),
        (
            Media::Markup,
            "<p:xm><![CDATA[李四]]></p:xm>",
            "<p:xm><![CDATA[李*]]></p:xm>",
        ),
        (
            Media::Markup,
            "<person xm=\"张三\" mobile='&#49;3800138000'/>",
            "<person xm=\"张*\" mobile='&#49;38****8000'/>",
        ),
        (
            Media::Markup,
            "<tr><td>姓名</td><td>张三</td><td>护照</td>\n<td>E12345678</td></tr>",
            "<tr><td>姓名</td><td>张*</td><td>护照</td>\n<td>E****5678</td></tr>",
        ),
        (
            Media::Markup,
            "<input name=\"xm\" value=\"张三\">",
            "<input name=\"xm\" value=\"张*\">",
        ),
        (
            Media::Markup,
            "<input name=\"resident_id\" required>",
            "<input name=\"resident_id\" required>",
        ),
        (
            Media::Form,
            "xm=%E5%BC%A0%E4%B8%89&q=1",
            "xm=%E5%BC%A0*&q=1",
        ),
        (
            Media::Form,
            "%E5%A7%93%E5%90%8D=%E5%BC%A0%E4%B8%89",
            "%E5%A7%93%E5%90%8D=%E5%BC%A0*",
        ),
        (
            Media::Form,
            "password=hunter2&passport=E12345678",
            "password=***&passport=E****5678",
        ),
        (
            Media::Json,
            "{\"names\":1,\"passports\":[\"x\"],\"passport\":[\"E12345678\", \"G87654321\"]}",
            "{\"names\":1,\"passports\":[\"x\"],\"passport\":[\"E****5678\", \"G****4321\"]}",
        ),
        (
            Media::Json,
            "{\"姓名\" : [\"张三\",\"李四\"],\"lng\":116.397128,\"password\":123456,\"age\":36}",
            "{\"姓名\" : [\"张*\",\"李*\"],\"lng\":116.39,\"password\":0,\"age\":36}",
        ),
        (
            Media::Json,
            r#"{"log":"{\"name\":\"张三\",\"passport\":\"E12345678\"}"}"#,
            r#"{"log":"{\"name\":\"张*\",\"passport\":\"E****5678\"}"}"#,
        ),
    ] {
        assert_eq!(redact_text(Level::L2, media, text), expected);
        assert_eq!(redact_text(Level::L2, media, expected), expected, "twice");
    }
}

#[test]
fn cells_are_known_by_the_head_of_their_column() {
    let table = "\u{feff}序号,姓名,手机号,护照,住址,备注\r\n1,张三,13800138000,E12345678,\"北京市海淀区中关村,1号\",无\r\n2,\"李\"\"四\",62345678,x,,13900139000\r\n";
    let expected = "\u{feff}序号,姓名,手机号,护照,住址,备注\r\n1,张*,138****8000,E****5678,\"北京市海淀区****\",无\r\n2,\"李\"\"四\",****5678,x,,139****9000\r\n";
    assert_eq!(redact_text(Level::L2, Media::Csv, table), expected);
    assert_eq!(redact_text(Level::L2, Media::Csv, expected), expected);
    assert_eq!(
        redact_text(Level::L2, Media::Tsv, "name\tqq\nJohn Smith\t2233445566"),
        "name\tqq\nJ*********\t22******66"
    );
    let (out, _) = redact_chunks(Level::L2, Media::Csv, table.as_bytes().chunks(1));
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn other_charsets_come_out_as_they_came_in() {
    use hangu_redact::{Charset, Format, Redactor, Rules};
    let text = "{\"姓名\":\"张三\",\"手机\":\"13800138000\"}";
    let expected = "{\"姓名\":\"张*\",\"手机\":\"138****8000\"}";
    let coded = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    for size in [1, 3, 1000] {
        let format = Format {
            media: Media::Json,
            charset: Charset::Gb18030,
        };
        let mut redactor = Redactor::with(Rules::shipped(), Level::L2, format);
        let mut out = Vec::new();
        for chunk in coded(text).chunks(size) {
            redactor.feed(chunk, &mut out);
        }
        redactor.finish(&mut out);
        assert_eq!(out, coded(expected));
        assert!(!redactor.is_malformed());
    }
}

#[test]
fn an_operator_decides_about_kinds_and_adds_some() {
    use hangu_redact::{Action, Format, Keys, OwnKind, OwnKindFile, Redactor, Rules};
    use std::sync::Arc;
    let mut rules = Rules::default();
    rules.set_action(Level::L2, Kind::Mobile, Action::Token);
    rules.set_action(Level::L2, Kind::ResidentId, Action::Encrypt);
    rules.set_action(Level::L2, Kind::Name, Action::Null);
    rules.set_keys(Arc::new(Keys::new(&[7; 32], "test").unwrap()));
    rules.add_own(
        OwnKind::new(OwnKindFile {
            name: "case".into(),
            pattern: Some(r"\(20\d\d\)京\d+民初\d+号".into()),
            fields: vec!["内部编号".into()],
            ..OwnKindFile::default()
        })
        .unwrap(),
    );
    let rules = Arc::new(rules);
    let document = r#"{"姓名":"张三","m":"13800138000","id":"110101199003077774","note":"见(2026)京01民初123号","内部编号":"A-77"}"#;
    let run = |chunks: usize| {
        let mut redactor = Redactor::with(Arc::clone(&rules), Level::L2, Format::from(Media::Json));
        let mut out = Vec::new();
        for chunk in document.as_bytes().chunks(chunks) {
            redactor.feed(chunk, &mut out);
        }
        let summary = redactor.finish(&mut out);
        (String::from_utf8(out).unwrap(), summary)
    };
    let (out, summary) = run(1000);
    assert_eq!(run(1), (out.clone(), summary));
    assert_eq!(summary.masked.get(Kind::Custom), 2);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(read["姓名"].is_null(), "{out}");
    assert!(read["m"].as_str().unwrap().starts_with("tok_"), "{out}");
    assert_eq!(
        (&read["note"], &read["内部编号"]),
        (&"见***".into(), &"***".into())
    );
    let id = read["id"].as_str().unwrap();
    assert!(
        id.starts_with("110101") && id != "110101199003077774",
        "{out}"
    );
    assert_eq!(
        Keys::new(&[7; 32], "test")
            .unwrap()
            .reveal(Kind::ResidentId, id)
            .as_deref(),
        Some("110101199003077774")
    );
}
