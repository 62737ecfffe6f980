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
            r#"{"姓名":"张三","id":"110101********7774","m":"138****8000","card":"***************0000","card4":"***************1111","org":"91350100M000100Y43","e":"z***@example.com.cn","t":"+86 138******8000"}"#,
        ),
        (
            Level::L3,
            r#"{"姓名":"张三","id":"1****************4","m":"*******8000","card":"***************0000","card4":"***************1111","org":"**************0Y43","e":"***@example.com.cn","t":"+86 *********8000"}"#,
        ),
        (
            Level::L4,
            r#"{"姓名":"张三","id":"***","m":"***","card":"***","card4":"***","org":"***","e":"***","t":"+86 ***"}"#,
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
    assert_eq!(found, [1, 2, 2, 1, 1]);
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
        "v1.2.3 10.0.0.1 2026-11-22 04:45:29 12345 110 400-820-8820",
        "978-7-111-54742-6 SH600519 SF1234567890123",
        "pkg@1.2.3 @user logo@2x.png user@host",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0",
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
