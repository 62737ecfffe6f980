//! However a body is cut, the output is the same, and redacting it again changes nothing.

use crate::support::{MEDIA, any_body, redact, redact_chunks};
use hangu_redact::{Level, Media};
use proptest::prelude::*;

const DOCUMENTS: [(Media, &str); 10] = [
    (Media::Text, "。姓名\"\"\"\"\"\"\"\"：李四，男"),
    (
        Media::Text,
        "姓名：李四，地址： 北京市海淀区中关村大街1号。联系人：\\u674e\\u56db",
    ),
    (Media::Text, "姓名：李"),
    (
        Media::Json,
        r#"{"name":"张三","id":"110101199003077774","手机":"+86 138-0013-8000","n":13800138000,"f":1.3800138e10,
            "card":"4111 1111 1111 1111","org":"91350100M000100Y43","mail":"zhang.san@example.com.cn"}"#,
    ),
    (
        Media::Json,
        r#"["\n13800138000\u0031","\u0031３８00138000","a\u0040b.cn\"110101199003077774\"","\\13800138000",110101199003077774]"#,
    ),
    (
        Media::Ndjson,
        "{\"a\":\"13800138000\n{\"a\":13800138000}\n{\"b\":\"x@y.cn\"}\n",
    ),
    (
        Media::Text,
        "联系１３８００１３８０００，或 zhang@qq.com。ID:11010519491231002x; ***8000@qq.com 4111-1111-1111-1111-",
    ),
    (
        Media::Form,
        "m=%31%338+0013+8000&e=a%2Bb%40c.cn&id=%EF%BC%9110101199003077774&x=138%2D0013%2D8000&y=%",
    ),
    (
        Media::EventStream,
        "data: {\"m\":\"\\u0031\\u0033800138000\"}\n\ndata: a@b.cn\n\n",
    ),
    (Media::Text, "110101199003077774"),
];

#[test]
fn every_split_of_a_small_document_gives_the_unsplit_output() {
    for (media, document) in DOCUMENTS {
        let bytes = document.as_bytes();
        for level in Level::ALL {
            let whole = redact_chunks(level, media, [bytes]);
            for cut in 0..=bytes.len() {
                let (head, tail) = bytes.split_at(cut);
                assert_eq!(
                    redact_chunks(level, media, [head, tail]),
                    whole,
                    "{document} cut at {cut}"
                );
            }
            for first in 0..bytes.len().min(120) {
                for second in first..bytes.len().min(120) {
                    let chunks = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                    assert_eq!(
                        redact_chunks(level, media, chunks),
                        whole,
                        "{document} cut at {first}, {second}"
                    );
                }
            }
            assert_eq!(
                redact_chunks(level, media, bytes.chunks(1)),
                whole,
                "{document} byte by byte"
            );
        }
    }
}

#[test]
fn long_runs_are_decided_alike_however_they_arrive() {
    let runs = [
        "a".repeat(5000),
        "1".repeat(5000),
        "1 ".repeat(3000),
        format!("{}13800138000", "a".repeat(1000)),
        format!("{} 13800138000 {}", "a".repeat(1000), "b".repeat(1000)),
        format!("{}@b.cn", "a.".repeat(600)),
        format!("x@{}cn", "b.".repeat(600)),
        format!("{}110101199003077774", "4111-".repeat(500)),
        "\\u0031".repeat(3000),
        "%EF%BC%91".repeat(3000),
        format!("{}13800138000", "%61".repeat(2000)),
        "zhang@qq.com,".repeat(500),
        "a@b.cn-".repeat(500),
    ];
    for run in runs {
        for media in MEDIA {
            let whole = redact_chunks(Level::L3, media, [run.as_bytes()]);
            for size in [1, 7, 64, 639, 640, 641, 1000, 4096] {
                let chunked = redact_chunks(Level::L3, media, run.as_bytes().chunks(size));
                assert_eq!(chunked, whole, "{media:?} {:.40} in chunks of {size}", run);
            }
        }
    }
}

#[test]
fn what_is_held_stays_bounded_over_a_long_body() {
    let mut redactor = hangu_redact::Redactor::new(Level::L2, Media::Json);
    let block = format!(
        "{}{}",
        r#"{"id":"110101199003077774","x":"#,
        "1234567890 \\u0031".repeat(500)
    );
    let mut out = Vec::new();
    let mut fed = 0;
    let mut most = (0, 0);
    for size in (1..9000).step_by(97).cycle() {
        let chunk = &block.as_bytes()[..size.min(block.len())];
        redactor.feed(chunk, &mut out);
        most = (most.0.max(redactor.held()), most.1.max(out.len()));
        out.clear();
        fed += chunk.len();
        if fed > 100 << 20 {
            break;
        }
    }
    assert!(most.0 <= hangu_redact::HELD_MAX, "{most:?}");
    assert!(most.1 <= 9000 + hangu_redact::HELD_MAX, "{most:?}");
}

#[test]
fn a_mask_behind_a_label_is_the_whole_value() {
    for text in [
        "姓名：李四 身份证：11010519491231002x",
        "地址：北京市海淀区中关村大街1号 电话 13800138000",
    ] {
        for level in Level::ALL {
            let once = redact(level, Media::Text, text.as_bytes());
            let twice = redact(level, Media::Text, &once);
            assert_eq!(
                String::from_utf8_lossy(&twice),
                String::from_utf8_lossy(&once),
                "{level}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn random_splits_of_random_bodies_change_nothing(
        body in any_body(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        level in proptest::sample::select(Level::ALL.to_vec()),
        media in proptest::sample::select(MEDIA.to_vec()),
    ) {
        let whole = redact_chunks(level, media, [&body[..]]);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]);
        prop_assert_eq!(&redact_chunks(level, media, chunks), &whole);
        if body.len() < 300 {
            prop_assert_eq!(&redact_chunks(level, media, body.chunks(1)), &whole);
        }
    }

    #[test]
    fn redacting_twice_is_redacting_once(
        body in any_body(),
        level in proptest::sample::select(Level::ALL.to_vec()),
        media in proptest::sample::select(MEDIA.to_vec()),
    ) {
        let once = redact(level, media, &body);
        let twice = redact(level, media, &once);
        prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
    }

    #[test]
    fn bytes_without_a_digit_run_a_sign_or_a_mark_pass_untouched(body in "[^0-9@０-９＠\\\\%:：=>]{0,400}") {
        for media in MEDIA {
            // The first line of a table may name what stands below it.
            let names = matches!(media, Media::Csv | Media::Tsv) && body.contains(['\n', '\r']);
            if !names {
                prop_assert_eq!(redact(Level::L4, media, body.as_bytes()), body.as_bytes());
            }
        }
    }
}

/// Members, labels and values, as records and pages have them.
fn any_record() -> impl Strategy<Value = Vec<u8>> {
    let label = proptest::sample::select(vec![
        "姓名",
        "申请人姓名",
        "手机",
        "护照号码",
        "passport",
        "Passport No",
        "name",
        "name ",
        "userName",
        "密码",
        "apiKey",
        "address",
        "地址",
        "出生日期",
        "QQ号",
        "微信",
        "车牌号",
        "序号",
        "id",
        "title",
        "\\u59d3\\u540d",
        "na\\u006de",
        "",
        "：",
        "secret_",
        "联系人的统一社会信用代码和其他证件号码",
        "统一社会信用代码",
        "账号",
        "ip",
        "mac",
    ]);
    let value = proptest::sample::select(vec![
        "张伟",
        "欧阳娜娜",
        " 李娜 ",
        "Zhang San",
        "北京市海淀区中关村大街一号院",
        "E12345678",
        "13800138000",
        "138 0013 8000",
        "110101199003077774",
        "4111111111111111",
        "91350100M000100Y43",
        "zhang.san@example.com",
        "1990-03-07",
        "京A12345",
        "12345678",
        "hunter2",
        "１３８００１３８０００",
        "a\\u0040b.cn",
        "\\\"x\\\"",
        "2026-11-22T04:45:29Z",
        "10.1.2.3",
        "00:1A:2B:3C:4D:5E",
        "2001:db8:85a3::8a2e:370:7334",
        "null",
        "",
        "，",
        "\u{3000}张伟",
        "wxid_abc123",
        "https://a.cn/b?c=1",
        "1.5",
        "ghp_0123456789abcdef0123456789abcdef0123",
    ]);
    let shape = proptest::sample::select(vec![
        "\"L\":\"V\",",
        "\"L\": \"V\",",
        "\"L\" : \"V\",\n",
        "\"L\":[\"V\", \"V\"],",
        "\"L\":V,",
        "\"L\": V ",
        "L：V，",
        "L: V\n",
        "L=V&",
        "\\\"L\\\":\\\"V\\\",",
        "L \"=V ",
        "<L>V</L>",
        "<td>L</td><td>V</td>",
        "V",
        "L",
        "\"",
    ]);
    let piece = (shape, label, value)
        .prop_map(|(shape, label, value)| shape.replace('L', label).replace('V', value));
    proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // Byte by byte nothing is in the buffer but what is open, so every name and label is read from what was kept of the
    // bytes before it, and no word is decided at once.
    #[test]
    fn records_read_at_once_are_masked_as_byte_by_byte(
        body in any_record(),
        size in 1_usize..120,
        level in proptest::sample::select(Level::ALL.to_vec()),
        media in proptest::sample::select(MEDIA.to_vec()),
    ) {
        let whole = redact_chunks(level, media, [&body[..]]);
        prop_assert_eq!(&redact_chunks(level, media, body.chunks(1)), &whole);
        prop_assert_eq!(&redact_chunks(level, media, body.chunks(size)), &whole);
    }
}

#[test]
fn a_label_with_a_space_before_its_quote_is_read_wherever_the_body_is_cut() {
    let body = b"as in: \"apiKey \"=hunter22, and so on";
    let whole = redact_chunks(Level::L2, Media::Text, [&body[..]]);
    assert_eq!(
        String::from_utf8_lossy(&whole.0),
        "as in: \"apiKey \"=***, and so on"
    );
    for cut in 0..=body.len() {
        let (head, tail) = body.split_at(cut);
        assert_eq!(
            redact_chunks(Level::L2, Media::Text, [head, tail]),
            whole,
            "cut at {cut}"
        );
    }
}

#[test]
fn a_labelled_value_is_masked_though_its_first_character_is_cut() {
    let body = "联系人姓名：张三，密码：hunter2。".as_bytes();
    for media in [Media::Text, Media::EventStream] {
        let whole = redact_chunks(Level::L3, media, [body]);
        assert_eq!(
            String::from_utf8_lossy(&whole.0),
            "联系人姓名：**，密码：***。"
        );
        for cut in 0..=body.len() {
            let (head, tail) = body.split_at(cut);
            assert_eq!(
                redact_chunks(Level::L3, media, [head, tail]),
                whole,
                "cut at {cut}"
            );
        }
    }
}
