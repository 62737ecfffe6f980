//! Whether a value can be what its label says: the looser sister of the check digits, for values with context.

use std::sync::LazyLock;

use smallvec::SmallVec;

use crate::check;
use crate::kind::Kind;
use crate::label::{Rule, Strength};
use crate::network;

/// Surnames of one and of two characters.
struct Surnames {
    single: Box<[u64; 1024]>,
    double: Vec<[char; 2]>,
}

static SURNAMES: LazyLock<Surnames> = LazyLock::new(|| {
    let mut surnames = Surnames {
        single: Box::new([0; 1024]),
        double: Vec::new(),
    };
    let lines = include_str!("../data/surnames.txt").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        for word in line.split(' ') {
            let chars: Vec<char> = word.chars().collect();
            match *chars.as_slice() {
                [first, second] => surnames.double.push([first, second]),
                _ => chars.iter().for_each(|&ch| surnames.add(ch)),
            }
        }
    }
    surnames
});

impl Surnames {
    fn add(&mut self, ch: char) {
        if let Some(word) = self.single.get_mut(u32::from(ch) as usize >> 6) {
            *word |= 1 << (u32::from(ch) & 63);
        }
    }

    fn has(&self, ch: char) -> bool {
        let word = self.single.get(u32::from(ch) as usize >> 6);
        word.is_some_and(|word| word >> (u32::from(ch) & 63) & 1 == 1)
    }
}

/// The characters of the surname that a Chinese name begins with.
pub(crate) fn surname_length(name: &[char]) -> usize {
    match *name {
        [first, second, _, ..] if SURNAMES.double.contains(&[first, second]) => 2,
        [first, ..] => usize::from(SURNAMES.has(first)),
        [] => 0,
    }
}

/// The kind of a value by its label and its shape. Full-width digits have become plain ones.
pub(crate) fn kind(rule: Rule, text: &str) -> Option<Kind> {
    if rule.is_other() {
        return None;
    }
    if fits(rule, text) {
        return Some(rule.kind);
    }
    let text = trim(text);
    // Labels that papers of several kinds share, and places that are written as addresses.
    if matches!(rule.kind, Kind::ResidentId | Kind::Passport | Kind::Permit) {
        return if hong_kong_id(text) {
            Some(Kind::Permit)
        } else if passport(text) {
            Some(Kind::Passport)
        } else {
            permit(text).then_some(Kind::Permit)
        };
    }
    let named = |ch: char| "省市区县镇乡村路街巷号".contains(ch);
    let place = text.chars().count() >= 6 && text.chars().any(named);
    (rule.kind == Kind::Coordinates && place && address(text)).then_some(Kind::Address)
}

/// What [`kind`] says of a value of unified ideographs alone, where their number decides; else `None`.
pub(crate) fn kind_of_ideographs(rule: Rule, count: usize) -> Option<Option<Kind>> {
    let fits = match (rule.kind, rule.strength) {
        (Kind::Name, Strength::Strong) => (1..=8).contains(&count),
        (Kind::Address, Strength::Strong | Strength::Weak) => (4..=200).contains(&count),
        _ => return None,
    };
    Some(fits.then_some(rule.kind))
}

/// Tells whether a value has a shape that its label's kind has. Full-width digits have become plain ones.
fn fits(rule: Rule, text: &str) -> bool {
    let text = trim(text);
    // What a token leaves is never looked at again.
    if text.starts_with("tok_") {
        return false;
    }
    let strong = rule.strength == Strength::Strong;
    match rule.kind {
        Kind::Name => name(text, strong),
        Kind::Address => address(text),
        Kind::ResidentId => compact(text, 14..=18, is_alnum) && digits(text) >= 14,
        Kind::Mobile => {
            digits(text) >= 7
                && digits(text) <= 15
                && text.bytes().all(is_telephone)
                && !is_hotline(text)
        }
        Kind::Landline => landline(text),
        Kind::BankCard => compact(text, 10..=30, |b| b.is_ascii_digit()),
        Kind::CreditCode => compact(text, 18..=18, is_alnum) && digits(text) >= 6,
        Kind::OrganisationCode => compact(text, 9..=9, is_alnum) && digits(text) >= 1,
        Kind::TaxNumber => compact(text, 9..=20, is_alnum) && digits(text) >= 6,
        Kind::Email => text.contains('@'),
        Kind::Passport => passport(text),
        Kind::Permit => permit(text),
        Kind::MilitaryId => military_id(text),
        Kind::Plate => plate(text),
        Kind::Vin => vin(text),
        Kind::Ip => network::ipv4(text.as_bytes()).is_some() || network::is_ipv6(text),
        Kind::Mac => network::is_mac(text.as_bytes()) || network::is_bare_mac(text.as_bytes()),
        Kind::Coordinates => coordinates(text),
        Kind::BirthDate => date(text) || is_instant(text),
        Kind::Age => text.parse::<u8>().is_ok_and(|age| age <= 130),
        Kind::Wechat => wechat(text),
        Kind::Qq => {
            (5..=11).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_digit())
                && !text.starts_with('0')
        }
        Kind::SocialSecurity | Kind::HousingFund | Kind::MedicalRecord => {
            compact(text, 5..=24, is_alnum) && digits(text) >= 4
        }
        Kind::Ssn => compact(text, 9..=9, |b| b.is_ascii_digit()),
        Kind::Iban => compact(text, 15..=34, is_alnum) && digits(text) >= 8,
        Kind::Imei => compact(text, 15..=16, |b| b.is_ascii_digit()),
        Kind::Mrz => false,
        Kind::Secret => !text.is_empty() && !text.chars().all(|ch| ch == '*'),
        Kind::Custom => !text.is_empty(),
    }
}

/// Text without blanks around it, as [`str::trim`] says; most values have none, and are told by their bytes.
pub(crate) fn trim(text: &str) -> &str {
    // The first bytes of the blanks that are not ASCII, from U+0085 to U+3000.
    let leads = |byte: u8| matches!(byte, 0xC2 | 0xE1..=0xE3);
    let bytes = text.as_bytes();
    let begins = bytes
        .first()
        .is_some_and(|&byte| byte > b' ' && !leads(byte));
    let ends = match *bytes {
        [.., byte] if byte < 0x80 => byte > b' ',
        [.., lead, two, _] => !leads(lead) && !leads(two),
        _ => false,
    };
    if begins && ends { text } else { text.trim() }
}

fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// Tells whether all but single separators is of one class and of a right length.
fn compact(text: &str, length: std::ops::RangeInclusive<usize>, is: impl Fn(u8) -> bool) -> bool {
    let count = text.bytes().filter(|&byte| is(byte)).count();
    length.contains(&count)
        && text
            .bytes()
            .all(|byte| is(byte) || matches!(byte, b' ' | b'-'))
        && text.len() - count <= count / 2
}

fn is_telephone(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b' ' | b'(' | b')' | b'.')
}

/// Numbers of services that everybody may know: 400 and 800, and the short ones.
fn is_hotline(text: &str) -> bool {
    text.starts_with("400") || text.starts_with("800") || digits(text) < 7
}

fn landline(text: &str) -> bool {
    let main = text.split(['转', 'x', 'X']).next().unwrap_or_default();
    main.bytes().all(is_telephone)
        && (7..=15).contains(&digits(main))
        && !is_hotline(main)
        && text.chars().count() <= 26
}

/// Tells whether three groups of digits are a fixed line with its area: what an area code may be, and a number that does
/// not begin with 0 or 1.
pub(crate) fn area_and_number(area: &[u8], number: &[u8]) -> bool {
    let area_fits = match area {
        [b'0', b'1', b'0'] => true,
        [b'0', b'2', third] => matches!(third, b'0'..=b'5' | b'7'..=b'9'),
        [b'0', b'3'..=b'9', third, fourth] => third.is_ascii_digit() && fourth.is_ascii_digit(),
        _ => false,
    };
    area_fits
        && (7..=8).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
        && !matches!(number.first(), Some(b'0' | b'1'))
}

fn name(text: &str, strong: bool) -> bool {
    // Unified ideographs, which are all letters; hexagrams stand between the two blocks.
    let han = |ch: char| matches!(ch, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}');
    let chinese = |ch: char| ('\u{3400}'..='\u{9FFF}').contains(&ch) || ch == '*';
    let is_part = |ch: char| {
        han(ch)
            || ch.is_alphabetic()
            || matches!(ch, ' ' | '·' | '•' | '.' | '\'' | '’' | '-' | '*')
    };
    let (mut count, mut letters, mut all_chinese) = (0, 0, true);
    for ch in text.chars() {
        count += 1;
        if count > 40 || !is_part(ch) {
            return false;
        }
        letters += usize::from(han(ch) || ch.is_alphabetic());
        all_chinese &= chinese(ch);
    }
    if letters == 0 {
        return false;
    }
    if strong {
        return !all_chinese || count <= 8;
    }
    if all_chinese {
        return (2..=4).contains(&count)
            && surname_length(&text.chars().collect::<SmallVec<[char; 4]>>()) > 0
            && !is_word(text);
    }
    if text.contains('·') {
        return text.chars().all(|ch| chinese(ch) || ch == '·');
    }
    let mut words = 0;
    let capitals = text
        .split([' ', '-'])
        .filter(|word| !word.is_empty())
        .all(|word| {
            words += 1;
            let mut letters = word.chars();
            letters.next().is_some_and(char::is_uppercase)
                && letters.all(|ch| ch.is_lowercase() || matches!(ch, '\'' | '’' | '.' | '*'))
        });
    capitals && (2..=4).contains(&words)
}

/// Ends and words that make a short text a thing, a place or an office and no person.
fn is_word(text: &str) -> bool {
    const ENDS: [&str; 40] = [
        "公司",
        "集团",
        "中心",
        "部门",
        "银行",
        "医院",
        "学校",
        "大学",
        "中学",
        "小学",
        "公安",
        "政府",
        "街道",
        "社区",
        "大厅",
        "办公室",
        "系统",
        "平台",
        "服务",
        "管理",
        "事项",
        "申请",
        "证明",
        "许可",
        "登记",
        "查询",
        "预约",
        "方案",
        "通知",
        "公告",
        "文件",
        "材料",
        "项目",
        "产品",
        "市",
        "县",
        "省",
        "区",
        "局",
        "科",
    ];
    const WORDS: [&str; 24] = [
        "安全", "安装", "方法", "方式", "平均", "时间", "温度", "高级", "高温", "水果", "金额",
        "金融", "明细", "明天", "和谐", "成功", "成绩", "成本", "计划", "计算", "常规", "单位",
        "全部", "白色",
    ];
    ENDS.iter().any(|end| text.ends_with(end)) || WORDS.iter().any(|word| text.starts_with(word))
}

fn address(text: &str) -> bool {
    let count = text.chars().count();
    let bytes = text.as_bytes();
    let link = memchr::memchr(b':', bytes).is_some() && text.contains("://");
    if link || memchr::memchr(b'@', bytes).is_some() || !(4..=200).contains(&count) {
        return false;
    }
    if network::ipv4(text.as_bytes()).is_some()
        || network::is_ipv6(text)
        || network::is_mac(text.as_bytes())
    {
        return false;
    }
    if !text.is_ascii() {
        return true;
    }
    // Latin: a number and words, as every postal address has.
    text.contains(' ')
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().filter(u8::is_ascii_alphabetic).count() >= 4
}

fn passport(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    compact(text, 7..=10, is_alnum) && letters <= 3 && digits(text) >= 6 && !text.contains('-')
}

/// A letter or two, six digits and perhaps the check character, which may stand in brackets.
fn hong_kong_id(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let rest = text.get(letters..).unwrap_or_default();
    let (number, check) = rest.split_at_checked(6).unwrap_or((rest, ""));
    let check = check
        .strip_prefix('(')
        .and_then(|check| check.strip_suffix(')'))
        .unwrap_or(check);
    (1..=2).contains(&letters)
        && number.len() == 6
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && (check.is_empty() || matches!(check.as_bytes(), [b'0'..=b'9' | b'A']))
}

fn permit(text: &str) -> bool {
    let text = text.as_bytes();
    let (head, rest) = match text {
        [one, rest @ ..] if one.is_ascii_alphabetic() => (1, rest),
        _ => (0, text),
    };
    let (head, rest) = match rest {
        [one, after @ ..] if head == 1 && one.is_ascii_alphabetic() => (2, after),
        _ => (head, rest),
    };
    let count = rest.len();
    if !rest.iter().all(u8::is_ascii_digit) {
        // Three letters and twelve digits: the older card of foreigners; eighteen: the newer.
        return text.len() == 15
            && text.iter().take(3).all(u8::is_ascii_alphabetic)
            && text.iter().skip(3).all(u8::is_ascii_digit)
            || check::resident_id(text);
    }
    match head {
        0 => count == 8 || count == 10 || count == 18,
        1 => (7..=10).contains(&count),
        _ => count == 7,
    }
}

fn military_id(text: &str) -> bool {
    let count = digits(text);
    let word = text.chars().any(|ch| matches!(ch, '字' | '第' | '号'));
    (word && count >= 4 && text.chars().count() <= 24)
        || (compact(text, 6..=12, is_alnum) && count >= 6)
}

/// The characters that a plate may begin with: one for each province.
pub(crate) const PROVINCES: &str = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新";

fn plate(text: &str) -> bool {
    let mut chars = text.chars();
    let province = chars.next().is_some_and(|ch| PROVINCES.contains(ch));
    let rest: String = chars
        .filter(|ch| !matches!(ch, '·' | '•' | '.' | ' ' | '-'))
        .collect();
    province && plate_rest(&rest)
}

/// Tells whether what follows the province is a plate: a letter, then five characters, or six of a new-energy car.
pub(crate) fn plate_rest(rest: &str) -> bool {
    let mut chars = rest.chars();
    let office = chars
        .next()
        .is_some_and(|ch| ch.is_ascii_uppercase() && ch != 'I' && ch != 'O');
    let body: Vec<char> = chars.collect();
    let is_body =
        |ch: char| (ch.is_ascii_uppercase() && ch != 'I' && ch != 'O') || ch.is_ascii_digit();
    let Some((last, before)) = body.split_last() else {
        return false;
    };
    office
        && (5..=6).contains(&body.len())
        && before.iter().all(|&ch| is_body(ch))
        && (is_body(*last) || (body.len() == 5 && "挂学警港澳".contains(*last)))
        && body.iter().filter(|ch| ch.is_ascii_digit()).count() >= 2
}

fn vin(text: &str) -> bool {
    text.len() == 17
        && text
            .bytes()
            .all(|byte| is_alnum(byte) && !matches!(byte.to_ascii_uppercase(), b'I' | b'O' | b'Q'))
        && digits(text) >= 3
}

/// Degrees with at least three decimals: fewer place nobody; or degrees with their minutes.
fn coordinates(text: &str) -> bool {
    if text.contains('°') {
        return digits(text) >= 4 && text.chars().count() <= 64;
    }
    let text = text
        .strip_prefix("POINT")
        .and_then(|text| text.trim_start().strip_prefix('(')?.strip_suffix(')'))
        .unwrap_or(text);
    let mut parts = 0;
    let all = text
        .split([',', ' ', ';'])
        .filter(|part| !part.is_empty())
        .all(|part| {
            parts += 1;
            let number = part.trim_start_matches('-');
            number.split_once('.').is_some_and(|(whole, fraction)| {
                (1..=3).contains(&whole.len())
                    && (3..=17).contains(&fraction.len())
                    && whole
                        .bytes()
                        .chain(fraction.bytes())
                        .all(|b| b.is_ascii_digit())
                    && whole.parse::<u16>().is_ok_and(|degrees| degrees <= 180)
            })
        });
    all && (1..=3).contains(&parts)
}

/// A date from 1900 on: `1990-03-07`, `1990/3/7`, `1990.03.07`, `19900307`, `1990年3月7日`, perhaps with a time behind it.
pub(crate) fn date(text: &str) -> bool {
    let Some(parts) = date_parts(text) else {
        return false;
    };
    let (year, month, day) = parts;
    let (month, day) = if month > 12 {
        (day, month)
    } else {
        (month, day)
    };
    (1900..=2099).contains(&year) && (1..=12).contains(&month) && day <= 31
}

/// Year, month and day of a date; the day is 0 where there is none.
pub(crate) fn date_parts(text: &str) -> Option<(u32, u32, u32)> {
    let text = text.split(['T', ' ']).next()?;
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some((
            text.get(..4)?.parse().ok()?,
            text.get(4..6)?.parse().ok()?,
            text.get(6..)?.parse().ok()?,
        ));
    }
    let mut parts = text
        .split(['-', '/', '.', '年', '月', '日'])
        .filter(|part| !part.is_empty());
    let (year, month) = (parts.next()?, parts.next()?);
    let day = parts.next().unwrap_or("0");
    // The year last, behind day and month in either order.
    let (year, day) = if day.len() == 4 {
        (day, year)
    } else {
        (year, day)
    };
    if parts.next().is_some() || year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return None;
    }
    Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
}

/// Tells whether a number is an instant in seconds or milliseconds since 1970.
fn is_instant(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (9..=13).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether a date is written with its year last.
pub(crate) fn has_year_last(text: &[char]) -> bool {
    let digits = |chars: Option<&[char]>| chars.is_some_and(|c| c.iter().all(char::is_ascii_digit));
    text.len() >= 8
        && digits(text.get(text.len() - 4..))
        && !digits(text.get(..4))
        && text
            .get(text.len() - 5)
            .is_some_and(|ch| !ch.is_ascii_digit())
}

/// WeChat's own names, and the ids that it gives a person for an application.
fn wechat(text: &str) -> bool {
    (5..=32).contains(&text.len())
        && text
            .bytes()
            .all(|byte| is_alnum(byte) || matches!(byte, b'_' | b'-'))
        && (text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
            || digits(text) == text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blanks_are_told_by_their_bytes_as_by_their_characters(
            text in "[ \\t\u{85}\u{A0}\u{1680}\u{2003}\u{2028}\u{205F}\u{3000}\u{7F}张éa]{0,6}",
        ) {
            prop_assert_eq!(trim(&text), text.trim());
        }
    }

    #[test]
    fn a_value_must_have_the_shape_of_its_label() {
        use Kind::*;
        for (kind, good, bad) in [
            (
                Name,
                &["张三", "欧阳娜娜", "阿卜杜拉·买买提", "Zhang San", "李"][..],
                &["张3", "", "***", "一二三四五六七八九"][..],
            ),
            (
                Address,
                &["北京市海淀区中关村大街1号", "1 Main Street"],
                &["http://a.cn/一二三", "10.0.0.1", "abc", "zhang@qq.com"],
            ),
            (
                Passport,
                &["E12345678", "EA1234567", "G12345678", "K01234567"],
                &["E1234", "E12345678901", "ABCDEFGH"],
            ),
            (
                Permit,
                &[
                    "H12345678",
                    "C12345678",
                    "CA1234567",
                    "12345678",
                    "L12345678",
                    "CHN110123456789",
                ],
                &["H123", "ABC12345"],
            ),
            (
                MilitaryId,
                &["军字第1234567号", "南字第01234567号", "12345678"],
                &["军", "abc"],
            ),
            (
                Landline,
                &[
                    "010-62345678",
                    "62345678",
                    "(0755)83334444",
                    "010-62345678转801",
                ],
                &["12345", "400-820-8820", "abc"],
            ),
            (
                Plate,
                &["京A12345", "粤B·D1234", "沪AD12345", "京A1234警"],
                &["京", "京a1", "A12345"],
            ),
            (Vin, &["LSVAA4182E2123456"], &["LSVAA4182E212345I", "123"]),
            (
                Coordinates,
                &[
                    "116.397128",
                    "39.916527,116.397128",
                    "-73.98543",
                    "POINT(116.397128 39.916527)",
                    "39°54'57\"N",
                    "北京市海淀区中关村大街1号",
                ],
                &["116.3", "1.2.3", "999.123456"],
            ),
            (
                BirthDate,
                &[
                    "1990-03-07",
                    "19900307",
                    "1990年3月7日",
                    "1990/3/7",
                    "07/03/1990",
                    "3-25-1990",
                    "642470400000",
                ],
                &["20", "1990-13-41", "abcd-ef-gh", "1/2/90"],
            ),
            (Age, &["0", "36", "120"], &["200", "x"]),
            (
                ResidentId,
                &[
                    "110101900307777",
                    "E12345678",
                    "H12345678",
                    "A123456(7)",
                    "CHN110123456789",
                ],
                &["12345", "身份证"],
            ),
            (
                Mac,
                &["00:1a:2b:3c:4d:5e", "001A2B3C4D5E", "001a.2b3c.4d5e"],
                &["001A2B3C4D5", "x"],
            ),
            (Wechat, &["wxid_abc123", "zhangsan88"], &["a b", "***"]),
            (Qq, &["12345", "2233445566"], &["1234", "0123456"]),
            (MedicalRecord, &["ZY0012345", "0012345"], &["abc", "1"]),
            (BankCard, &["6222020200112233446"], &["62"]),
            (OrganisationCode, &["12345678-X", "12345678X"], &["1234"]),
        ] {
            for (values, expected) in [(good, true), (bad, false)] {
                for value in values {
                    let rule = Rule {
                        kind,
                        strength: Strength::Strong,
                    };
                    assert_eq!(
                        super::kind(rule, value).is_some(),
                        expected,
                        "{kind} {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn ideographs_are_told_by_their_number_as_by_their_text() {
        for (kind, strength) in [
            (Kind::Name, Strength::Strong),
            (Kind::Name, Strength::Weak),
            (Kind::Address, Strength::Strong),
            (Kind::Address, Strength::Weak),
            (Kind::Plate, Strength::Strong),
            (Kind::Name, Strength::Other),
        ] {
            let rule = Rule { kind, strength };
            for count in 0..=48 {
                if let Some(told) = kind_of_ideographs(rule, count) {
                    assert_eq!(
                        told,
                        super::kind(rule, &"张".repeat(count)),
                        "{rule:?} {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn under_a_weak_label_only_what_looks_like_a_person_is_a_name() {
        let rule = Rule {
            kind: Kind::Name,
            strength: Strength::Weak,
        };
        for name in ["张三", "欧阳娜娜", "John Smith", "阿卜杜拉·买买提"] {
            assert!(super::kind(rule, name).is_some(), "{name}");
        }
        for thing in [
            "北京市",
            "市场监督管理局",
            "report",
            "Report",
            "安全检查",
            "申请",
            "v1",
            "张三的申请表",
        ] {
            assert!(super::kind(rule, thing).is_none(), "{thing}");
        }
    }
}
