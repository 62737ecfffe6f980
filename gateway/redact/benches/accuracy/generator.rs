//! Records, forms, pages, tables and lines with one personal value each, and others that only look personal.
//!
//! Every value is made up by the rules of its kind; the templates are none of those that the detectors were written with.

use std::collections::BTreeMap;

use hangu_redact::{Kind, Media};

/// One document.
pub(crate) struct Case {
    /// What was put in; `None` where there is nothing of a person.
    pub(crate) kind: Option<Kind>,
    pub(crate) media: Media,
    pub(crate) text: String,
    /// What was put in, as it stands in the text.
    pub(crate) value: String,
}

/// Numbers that are the same on every run (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(at).copied().unwrap_or_default()
    }

    /// So many characters of an alphabet.
    fn some(&mut self, count: usize, alphabet: &str) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let mut one = || {
            let at = usize::try_from(self.below(letters.len() as u64)).unwrap_or(0);
            letters.get(at).copied().unwrap_or('0')
        };
        (0..count).map(|_| one()).collect()
    }

    fn digits(&mut self, count: usize) -> String {
        self.some(count, "0123456789")
    }

    fn date(&mut self) -> (u64, u64, u64) {
        (
            1945 + self.below(65),
            1 + self.below(12),
            1 + self.below(28),
        )
    }
}

const UPPER: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const ALNUM: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789";
const CREDIT: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// How a kind is named: labels in Chinese, fields, and whether its values are told from others without either.
pub(crate) struct Name {
    pub(crate) kind: Kind,
    labels: &'static [&'static str],
    fields: &'static [&'static str],
    alone: bool,
}

const fn named(
    kind: Kind,
    labels: &'static [&'static str],
    fields: &'static [&'static str],
    alone: bool,
) -> Name {
    Name {
        kind,
        labels,
        fields,
        alone,
    }
}

pub(crate) const NAMES: [Name; 30] = [
    named(
        Kind::ResidentId,
        &["身份证号码", "证件号码", "公民身份号码"],
        &["idCard", "sfzh", "id_number"],
        true,
    ),
    named(
        Kind::Mobile,
        &["手机号码", "联系电话", "移动电话"],
        &["phone", "sjhm", "mobilePhone"],
        true,
    ),
    named(
        Kind::BankCard,
        &["银行卡号", "收款账号"],
        &["bankCardNo", "card_number"],
        true,
    ),
    named(
        Kind::CreditCode,
        &["统一社会信用代码"],
        &["creditCode", "uscc"],
        true,
    ),
    named(
        Kind::Email,
        &["电子邮箱", "E-mail"],
        &["email", "mailAddress"],
        true,
    ),
    named(
        Kind::Passport,
        &["护照号", "护照号码"],
        &["passportNo", "passport_number"],
        false,
    ),
    named(
        Kind::Permit,
        &["港澳通行证号", "台胞证号", "往来港澳通行证"],
        &["permitNo"],
        false,
    ),
    named(
        Kind::MilitaryId,
        &["军官证号", "士兵证号"],
        &["officerNo", "military_id"],
        false,
    ),
    named(
        Kind::Landline,
        &["固定电话", "办公电话", "座机"],
        &["telephone", "officePhone"],
        false,
    ),
    named(
        Kind::OrganisationCode,
        &["组织机构代码"],
        &["orgCode", "organizationCode"],
        false,
    ),
    named(
        Kind::TaxNumber,
        &["纳税人识别号", "税号"],
        &["taxpayerId", "tax_no"],
        false,
    ),
    named(
        Kind::Plate,
        &["车牌号", "号牌号码"],
        &["plateNo", "licensePlate"],
        false,
    ),
    named(
        Kind::Vin,
        &["车架号", "车辆识别代号"],
        &["vin", "frameNo"],
        false,
    ),
    named(
        Kind::Name,
        &["姓名", "申请人", "法定代表人", "户主姓名"],
        &["userName", "xm", "applicantName", "fullName"],
        false,
    ),
    named(
        Kind::Address,
        &["家庭住址", "通讯地址", "户籍地址", "居住地址"],
        &["address", "hjdz", "mailingAddress"],
        false,
    ),
    named(
        Kind::Ip,
        &["登录地址", "IP"],
        &["clientIp", "remote_addr"],
        true,
    ),
    named(
        Kind::Mac,
        &["MAC地址", "网卡地址"],
        &["mac", "macAddress"],
        true,
    ),
    named(
        Kind::Coordinates,
        &["经度", "纬度"],
        &["longitude", "lat"],
        false,
    ),
    named(
        Kind::BirthDate,
        &["出生日期", "出生年月日"],
        &["birthday", "csrq", "dateOfBirth"],
        false,
    ),
    named(Kind::Age, &["年龄"], &["age"], false),
    named(
        Kind::Wechat,
        &["微信号", "微信"],
        &["wechat", "weixin"],
        false,
    ),
    named(Kind::Qq, &["QQ号", "QQ"], &["qq", "qqNumber"], false),
    named(
        Kind::SocialSecurity,
        &["社保号", "社会保障号"],
        &["socialSecurityNo"],
        false,
    ),
    named(
        Kind::HousingFund,
        &["公积金账号", "个人公积金账号"],
        &["housingFundNo"],
        false,
    ),
    named(
        Kind::MedicalRecord,
        &["病历号", "住院号"],
        &["medicalRecordNo"],
        false,
    ),
    named(Kind::Ssn, &["SSN"], &["ssn", "socialSecurityNumber"], false),
    named(Kind::Iban, &["IBAN"], &["iban"], true),
    named(Kind::Imei, &["IMEI", "手机串号"], &["imei"], false),
    named(Kind::Mrz, &["机读码"], &["mrz"], true),
    named(
        Kind::Secret,
        &["密码"],
        &["password", "accessToken", "secretKey"],
        false,
    ),
];

/// A value of a kind.
pub(crate) fn value(kind: Kind, r: &mut Random) -> String {
    match kind {
        Kind::ResidentId => {
            let (year, month, day) = r.date();
            let area = r
                .of(&["110105", "320582", "440106", "500103", "610113", "710000"])
                .to_owned();
            let body = format!("{area}{year:04}{month:02}{day:02}{}", r.digits(3));
            let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
            let at = sum(&body, &weights) % 11;
            format!("{body}{}", pick("10X98765432", at))
        }
        Kind::Mobile => {
            let head = r
                .of(&["133", "136", "151", "158", "173", "181", "188", "198"])
                .to_owned();
            let tail = r.digits(8);
            match r.below(4) {
                0 => format!("{head}-{}-{}", &tail[..4], &tail[4..]),
                1 => format!("+86 {head}{tail}"),
                _ => head + &tail,
            }
        }
        Kind::BankCard => {
            let head = r
                .of(&["621700", "622848", "625912", "434061", "518710"])
                .to_owned();
            let body = head.clone() + &r.digits(if head.starts_with("62") { 12 } else { 9 });
            with_luhn(&body)
        }
        Kind::CreditCode => {
            let organisation = r.some(8, "0123456789ABCDEFGH");
            let check = organisation_check(&organisation);
            let head = r.of(&["911101", "913702", "124401", "523300"]).to_owned();
            let body = format!("{head}{}{organisation}{check}", r.digits(2));
            let weights = [
                1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
            ];
            let total: u64 = body
                .chars()
                .zip(weights)
                .map(|(ch, weight)| CREDIT.find(ch).unwrap_or(0) as u64 * weight)
                .sum();
            format!("{body}{}", pick(CREDIT, (31 - total % 31) % 31))
        }
        Kind::Email => {
            let user = r
                .of(&["chen.jing", "liuyang", "m_wu", "helpme", "x"])
                .to_owned();
            let host = r
                .of(&["163.com", "foxmail.com", "sub.example.org", "gov.cn"])
                .to_owned();
            format!("{user}{}@{host}", r.digits(2))
        }
        Kind::Passport => match r.below(3) {
            0 => format!("E{}", r.digits(8)),
            1 => format!("E{}{}", r.some(1, UPPER), r.digits(7)),
            _ => format!("G{}", r.digits(8)),
        },
        Kind::Permit => match r.below(3) {
            0 => format!("{}{}", r.of(&["H", "M"]), r.digits(8)),
            1 => r.digits(8),
            _ => format!("C{}", r.digits(8)),
        },
        Kind::MilitaryId => format!("{}字第{}号", r.of(&["军", "南", "海", "空"]), r.digits(8)),
        Kind::Landline => {
            let area = r.of(&["010", "021", "0571", "0755", "0898"]).to_owned();
            let first = 2 + r.below(7);
            format!("{area}-{first}{}", r.digits(7))
        }
        Kind::OrganisationCode => {
            let body = r.some(8, "0123456789ABCDEFGH");
            format!("{body}-{}", organisation_check(&body))
        }
        Kind::TaxNumber => format!("{}{}", r.of(&["110108", "330106", "440300"]), r.digits(9)),
        Kind::Plate => {
            let province = r.of(&["京", "沪", "粤", "浙", "川", "陕"]).to_owned();
            // Five behind the letter of the place, of which two at most are letters (GA 36).
            let head = r.some(1, "ABCDEF") + &r.some(2, "ABCDEFGH0123456789");
            format!("{province}{head}{}", r.digits(3))
        }
        Kind::Vin => {
            let vin = "L".to_owned() + &r.some(9, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789");
            format!("{vin}{}{}", r.some(1, "ABCDEF"), r.digits(6))
        }
        Kind::Name => {
            let surname = r
                .of(&[
                    "赵", "钱", "孙", "周", "郑", "冯", "沈", "韩", "杨", "司马", "上官",
                ])
                .to_owned();
            let given = r.of(&[
                "浩然", "雨桐", "磊", "志强", "芳", "一鸣", "晓东", "玉兰", "博",
            ]);
            surname + given
        }
        Kind::Address => {
            let area = r
                .of(&[
                    "浙江省杭州市西湖区",
                    "四川省成都市武侯区",
                    "陕西省西安市雁塔区",
                    "天津市南开区",
                    "内蒙古自治区包头市昆都仑区",
                ])
                .to_owned();
            let road = r
                .of(&["文三路", "人民南路四段", "科技二路", "白堤路", "钢铁大街"])
                .to_owned();
            format!(
                "{area}{road}{}号{}单元{}室",
                1 + r.below(500),
                1 + r.below(6),
                101 + r.below(2000)
            )
        }
        Kind::Ip => match r.below(3) {
            0 => format!(
                "2409:8a{}:{}::{}",
                r.some(2, "0123456789abcdef"),
                r.some(4, "123456789abcdef"),
                r.some(3, "123456789abcdef")
            ),
            _ => format!(
                "{}.{}.{}.{}",
                11 + r.below(200),
                r.below(256),
                r.below(256),
                1 + r.below(254)
            ),
        },
        Kind::Mac => (0..6)
            .map(|_| r.some(2, "0123456789ABCDEF"))
            .collect::<Vec<_>>()
            .join(":"),
        Kind::Coordinates => format!("{}.{}", 20 + r.below(30), r.digits(6)),
        Kind::BirthDate => {
            let (year, month, day) = r.date();
            match r.below(3) {
                0 => format!("{year}年{month}月{day}日"),
                1 => format!("{year:04}{month:02}{day:02}"),
                _ => format!("{year:04}-{month:02}-{day:02}"),
            }
        }
        Kind::Age => format!("{}", 18 + r.below(70)),
        Kind::Wechat => format!("wx{}_{}", r.some(5, "abcdefghijk"), r.digits(3)),
        Kind::Qq => format!("{}{}", 1 + r.below(9), r.digits(8)),
        Kind::SocialSecurity | Kind::HousingFund => r.digits(12),
        Kind::MedicalRecord => r.digits(10),
        Kind::Ssn => format!(
            "{:03}-{:02}-{:04}",
            100 + r.below(500),
            1 + r.below(99),
            1 + r.below(9999)
        ),
        Kind::Iban => {
            let body = "37040044".to_owned() + &r.digits(10);
            let rest = (body.clone() + "131400")
                .bytes()
                .fold(0, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % 97);
            format!("DE{:02}{body}", 98 - rest)
        }
        Kind::Imei => with_luhn(&("86".to_owned() + &r.digits(12))),
        Kind::Mrz => mrz(r),
        Kind::Secret => r.some(24, ALNUM),
        Kind::Custom => String::new(),
    }
}

/// The second line of a passport, with its check digits.
fn mrz(r: &mut Random) -> String {
    let check = |field: &str| {
        let value = |ch: char| match ch {
            '0'..='9' => u64::from(ch) - u64::from('0'),
            'A'..='Z' => u64::from(ch) - u64::from('A') + 10,
            _ => 0,
        };
        let total: u64 = field
            .chars()
            .zip([7, 3, 1].into_iter().cycle())
            .map(|(ch, weight)| value(ch) * weight)
            .sum();
        total % 10
    };
    let number = format!("E{}", r.digits(8));
    let (year, month, day) = r.date();
    let born = format!("{:02}{month:02}{day:02}", year % 100);
    let until = format!("{:02}{month:02}{day:02}", 27 + r.below(9));
    let personal = "<".repeat(14);
    let (a, b, c, d) = (
        check(&number),
        check(&born),
        check(&until),
        check(&personal),
    );
    let all = check(&format!("{number}{a}{born}{b}{until}{c}{personal}{d}"));
    format!("{number}{a}CHN{born}{b}F{until}{c}{personal}{d}{all}")
}

fn pick(alphabet: &str, at: u64) -> char {
    alphabet
        .chars()
        .nth(usize::try_from(at).unwrap_or(0))
        .unwrap_or('0')
}

fn sum(digits: &str, weights: &[u64]) -> u64 {
    digits
        .bytes()
        .zip(weights)
        .map(|(digit, weight)| u64::from(digit - b'0') * weight)
        .sum()
}

fn with_luhn(body: &str) -> String {
    let doubled = |(at, digit): (usize, u8)| {
        let value = u64::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
        value / 10 + value % 10
    };
    let total: u64 = body.bytes().rev().enumerate().map(doubled).sum();
    format!("{body}{}", (10 - total % 10) % 10)
}

fn organisation_check(body: &str) -> char {
    let value = |ch: char| ch.to_digit(36).map_or(0, u64::from);
    let total: u64 = body
        .chars()
        .zip([3, 7, 9, 10, 5, 8, 4, 2])
        .map(|(ch, weight)| value(ch) * weight)
        .sum();
    match 11 - total % 11 {
        10 => 'X',
        11 => '0',
        check => pick("0123456789", check),
    }
}

/// A document with one value of a kind.
pub(crate) fn planted(name: &Name, r: &mut Random) -> Case {
    let value = value(name.kind, r);
    let (label, field) = (r.of(name.labels), r.of(name.fields));
    let templates = if name.alone { 9 } else { 7 };
    let (media, text) = match r.below(templates) {
        0 => (
            Media::Json,
            format!(
                r#"{{"code":0,"data":{{"seq":{},"{field}":"{value}","flag":true}}}}"#,
                r.below(9000)
            ),
        ),
        1 => (
            Media::Json,
            format!(r#"[{{"{label}":"{value}"}},{{"说明":"以系统登记为准"}}]"#),
        ),
        2 => (
            Media::Text,
            format!("经核查，{label}：{value}。特此证明。\n"),
        ),
        3 => (
            Media::Markup,
            format!("<dl><dt>{label}</dt><dd>{value}</dd></dl>"),
        ),
        4 => (
            Media::Csv,
            format!("批次,{label},结果\n{},{value},通过\n", r.below(900)),
        ),
        5 => (
            Media::Markup,
            format!("<record><{field}>{value}</{field}><ok>1</ok></record>"),
        ),
        6 => (
            Media::Form,
            format!("op=save&{field}={}&v=2", percent(&value)),
        ),
        7 => (
            Media::Text,
            format!(
                "2026-10-{:02}T08:12:44 INFO handler finished for {value} in 35 ms\n",
                1 + r.below(28)
            ),
        ),
        _ => (Media::Json, format!(r#"{{"msg":"已向 {value} 办理完毕"}}"#)),
    };
    let written = match media {
        Media::Form => percent(&value),
        Media::Markup => value.replace('<', "&lt;"),
        Media::Json
        | Media::Ndjson
        | Media::Text
        | Media::EventStream
        | Media::Csv
        | Media::Tsv => value.clone(),
    };
    let text = if media == Media::Markup {
        text.replace(&value, &written)
    } else {
        text
    };
    Case {
        kind: Some(name.kind),
        media,
        text,
        value: written,
    }
}

fn percent(value: &str) -> String {
    let one = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    value.bytes().map(one).collect()
}

/// A document with nothing of a person.
pub(crate) fn innocent(r: &mut Random) -> Case {
    let (media, text) = match r.below(16) {
        0 => (
            Media::Json,
            format!(
                r#"{{"orderNo":"DD{}{}","amount":{}.5}}"#,
                r.digits(8),
                r.digits(8),
                r.below(5000)
            ),
        ),
        1 => (
            Media::Json,
            format!(
                r#"{{"createdAt":{},"updatedAt":"2026-09-1{}T10:20:30.{}Z"}}"#,
                1_750_000_000_000 + r.below(9_000_000_000),
                r.below(9),
                r.digits(3)
            ),
        ),
        2 => (
            Media::Text,
            format!("commit {} merged\n", r.some(40, "0123456789abcdef")),
        ),
        3 => (
            Media::Text,
            format!(
                "咨询请拨打{}，或登录政务服务网。\n",
                r.of(&["12345", "12333", "12366", "96309", "400-610-1360", "114"])
            ),
        ),
        4 => (
            Media::Text,
            format!(
                "nginx/{}.{}.{} started, build {}\n",
                r.below(3),
                r.below(40),
                r.below(20),
                r.digits(6)
            ),
        ),
        5 => (
            Media::Text,
            format!(
                "参考文献：ISBN 978-7-{}-{}-{}，第{}页\n",
                r.digits(3),
                r.digits(5),
                r.digits(1),
                r.below(600)
            ),
        ),
        6 => (
            Media::Json,
            format!(
                r#"{{"requestId":"{}-{}-4{}-9{}-{}"}}"#,
                r.some(8, "0123456789abcdef"),
                r.some(4, "0123456789abcdef"),
                r.some(3, "0123456789abcdef"),
                r.some(3, "0123456789abcdef"),
                r.some(12, "0123456789abcdef")
            ),
        ),
        7 => (
            Media::Csv,
            format!(
                "快递单号,状态\nYT{},已签收\nJD{},运输中\n",
                r.digits(13),
                r.digits(13)
            ),
        ),
        8 => (
            Media::Text,
            format!(
                "根据国发〔2026〕{}号文件，{}项事项下放。\n",
                r.below(60),
                r.below(90)
            ),
        ),
        9 => (
            Media::Json,
            format!(
                r#"{{"name":"{}","address":"{}","age":"{}"}}"#,
                r.of(&["市民中心", "user-service", "不动产登记窗口"]),
                r.of(&["见附件", "0x7ffe", "local"]),
                r.of(&["不限", "n/a"])
            ),
        ),
        10 => (
            Media::Text,
            format!(
                "股票代码 {} 收盘 {}.{}\n",
                r.of(&["600036", "000858", "300750"]),
                r.below(2000),
                r.digits(2)
            ),
        ),
        11 => (
            Media::Markup,
            format!(
                "<td>文号</td><td>沪府规〔2026〕{}号</td><td>{}</td>",
                r.below(40),
                r.digits(8)
            ),
        ),
        12 => (
            Media::Form,
            format!(
                "page={}&size=20&sort=created&ts={}",
                r.below(90),
                1_760_000_000 + r.below(9_000_000)
            ),
        ),
        13 => (
            Media::Json,
            format!(
                r#"{{"hash":"{}","size":{}}}"#,
                r.some(64, "0123456789abcdef"),
                r.below(900_000_000)
            ),
        ),
        14 => (
            Media::Text,
            format!(
                "受理编号：{}{}，预计{}个工作日办结。\n",
                r.of(&["JZ2026", "SL2026"]),
                r.digits(9),
                r.below(20)
            ),
        ),
        _ => (
            Media::Csv,
            format!(
                "商品编码,条形码,数量\n{},69{},{}\n",
                r.digits(6),
                r.digits(11),
                r.below(400)
            ),
        ),
    };
    Case {
        kind: None,
        media,
        text,
        value: String::new(),
    }
}

/// The same documents on every run: so many of every kind, and as many that are innocent.
pub(crate) fn cases(each: usize) -> Vec<Case> {
    let mut random = Random(20_261_122);
    let mut cases: Vec<Case> = NAMES
        .iter()
        .flat_map(|name| {
            (0..each)
                .map(|_| planted(name, &mut random))
                .collect::<Vec<_>>()
        })
        .collect();
    cases.extend((0..each * NAMES.len() / 2).map(|_| innocent(&mut random)));
    cases
}

/// How many documents there are of each kind.
pub(crate) fn planted_of(cases: &[Case]) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    for kind in cases.iter().filter_map(|case| case.kind) {
        *counts.entry(kind).or_default() += 1;
    }
    counts
}
