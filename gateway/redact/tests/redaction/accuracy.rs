//! How much is found and how much is found wrongly, on generated records with what only looks personal among it.

use std::collections::BTreeMap;

use hangu_redact::{Level, Media};

use crate::support::redact_text;

/// A generator of numbers that is the same on every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap()))
            .collect()
    }

    pub(crate) fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.index(choices.len())]
    }
}

pub(crate) fn resident_id(random: &mut Random) -> String {
    let body = format!(
        "{}{:04}{:02}{:02}{}",
        random.of(&["110101", "310115", "440305", "510104", "650102"]),
        1940 + random.below(80),
        1 + random.below(12),
        1 + random.below(28),
        random.digits(3)
    );
    let sum: u32 = body
        .chars()
        .zip((1..18).rev())
        .map(|(digit, power)| digit.to_digit(10).unwrap() * (2_u32.pow(power) % 11))
        .sum();
    format!(
        "{body}{}",
        ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][(sum % 11) as usize]
    )
}

fn bank_card(random: &mut Random) -> String {
    let body = format!("622{}", random.digits(15));
    let sum: u32 = body
        .chars()
        .rev()
        .enumerate()
        .map(|(at, digit)| digit.to_digit(10).unwrap() * if at % 2 == 0 { 2 } else { 1 })
        .map(|value| value / 10 + value % 10)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn mobile(random: &mut Random) -> String {
    format!(
        "{}{}",
        random.of(&["138", "139", "150", "177", "186", "199"]),
        random.digits(8)
    )
}

fn email(random: &mut Random) -> String {
    format!(
        "{}{}@{}",
        random.of(&["zhang.wei", "li_na", "wang", "support-x"]),
        random.digits(3),
        random.of(&["qq.com", "example.com.cn", "mail.gov.cn"])
    )
}

fn name(random: &mut Random) -> String {
    let given = random.of(&["伟", "秀英", "敏", "静怡", "建国", "子轩", "娜"]);
    format!(
        "{}{given}",
        random.of(&["王", "李", "张", "欧阳", "诸葛", "赵", "吴"])
    )
}

fn address(random: &mut Random) -> String {
    format!(
        "{}{}{}号{}室",
        random.of(&[
            "北京市海淀区",
            "广东省深圳市南山区",
            "江苏省苏州市昆山市",
            "上海市浦东新区"
        ]),
        random.of(&["中关村大街", "科技园南路", "花桥镇人民路", "世纪大道"]),
        1 + random.below(300),
        100 + random.below(900)
    )
}

/// Writes a value of a kind into a record, a form, a page or a line.
fn document(kind: &str, value: &str, random: &mut Random) -> (Media, String) {
    let (label, field) = match kind {
        "resident_id" => (random.of(&["身份证号", "公民身份号码"]), "idCardNo"),
        "bank_card" => ("银行卡号", "bank_card"),
        "mobile" => (random.of(&["手机", "联系电话"]), "mobile"),
        "email" => ("邮箱", "email"),
        "name" => (
            random.of(&["姓名", "申请人姓名", "联系人"]),
            random.of(&["xm", "realName", "applicant_name", "name"]),
        ),
        _ => (
            random.of(&["住址", "通讯地址", "户籍地址"]),
            random.of(&["address", "homeAddress", "jtzz"]),
        ),
    };
    match random.below(6) {
        0 => (
            Media::Json,
            format!("{{\"id\":7,\"{field}\":\"{value}\",\"state\":\"ok\"}}"),
        ),
        1 => (
            Media::Json,
            format!("{{\"data\":[{{\"{label}\": \"{value}\"}}]}}"),
        ),
        2 => (Media::Text, format!("受理回执：{label}：{value}，请核对。")),
        3 => (
            Media::Markup,
            format!("<tr><th>{label}</th><td>{value}</td></tr>"),
        ),
        4 => (Media::Csv, format!("序号,{label},备注\n1,{value},无\n")),
        _ => (
            Media::Form,
            format!("step=2&{field}={}&next=1", value.replace(' ', "+")),
        ),
    }
}

fn negative(random: &mut Random) -> String {
    match random.below(11) {
        0 => format!("订单号 2026{}{}", random.digits(4), random.digits(10)),
        1 => format!("ts={}", 1_700_000_000 + random.below(90_000_000)),
        2 => format!("etag {:016x}{:016x}", random.0, random.0.rotate_left(17)),
        3 => format!(
            "请拨打 {}",
            random.of(&["12345", "110", "400-820-8820", "95588", "12306"])
        ),
        4 => format!(
            "version {}.{}.{}",
            random.below(20),
            random.below(50),
            random.below(300)
        ),
        5 => format!(
            "ISBN 978-7-{}-{}-{}",
            random.digits(3),
            random.digits(5),
            random.digits(1)
        ),
        6 => format!(
            "{:08x}-e29b-41d4-a716-{:012x}",
            random.below(1 << 32),
            random.below(1 << 30)
        ),
        7 => format!(
            "2026-11-{:02} {:02}:45:29",
            1 + random.below(28),
            random.below(24)
        ),
        8 => format!(
            "{{\"title\":\"{}\",\"count\":{}}}",
            random.of(&["关于放管服改革的通知", "办事指南", "年度报告"]),
            random.below(100_000)
        ),
        9 => format!(
            "{{\"name\":\"{}\",\"type\":\"{}\"}}",
            random.of(&["市场监督管理局", "report.pdf", "生育登记", "index"]),
            random.of(&["office", "file"])
        ),
        _ => format!(
            "SF{} 股票 SH600519 金额 {}.{}",
            random.digits(13),
            random.below(1_000_000),
            random.digits(2)
        ),
    }
}

#[test]
fn enough_is_found_and_little_else() {
    let mut random = Random(20_261_122);
    let mut missed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    const EACH: usize = 1500;
    for kind in [
        "resident_id",
        "bank_card",
        "mobile",
        "email",
        "name",
        "address",
    ] {
        let missed = missed.entry(kind).or_default();
        for _ in 0..EACH {
            let value = match kind {
                "resident_id" => resident_id(&mut random),
                "bank_card" => bank_card(&mut random),
                "mobile" => mobile(&mut random),
                "email" => email(&mut random),
                "name" => name(&mut random),
                _ => address(&mut random),
            };
            let (media, document) = document(kind, &value, &mut random);
            let out = redact_text(Level::L3, media, &document);
            if out.contains(&value) {
                missed.push(document);
            }
        }
    }
    let mut wrong = Vec::new();
    for _ in 0..6 * EACH {
        let text = negative(&mut random);
        let media = if text.starts_with('{') {
            Media::Json
        } else {
            Media::Text
        };
        if redact_text(Level::L3, media, &text) != text {
            wrong.push(text);
        }
    }
    for (kind, least) in [
        ("resident_id", 0.999),
        ("bank_card", 0.999),
        ("mobile", 0.995),
        ("email", 0.995),
        ("name", 0.97),
        ("address", 0.97),
    ] {
        let recall = 1.0 - missed[kind].len() as f64 / EACH as f64;
        assert!(
            recall >= least,
            "{kind} {recall}: {:?}",
            missed[kind].iter().take(5).collect::<Vec<_>>()
        );
    }
    let share = wrong.len() as f64 / (6 * EACH) as f64;
    assert!(
        share <= 0.001,
        "{share}: {:?}",
        wrong.iter().take(10).collect::<Vec<_>>()
    );
}
