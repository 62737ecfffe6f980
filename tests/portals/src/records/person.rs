//! One citizen.

use serde::{Deserialize, Serialize};

use super::random::Random;
use super::{check, lists};

/// As the resident ID has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gender {
    /// 男.
    #[serde(rename = "男")]
    Male,
    /// 女.
    #[serde(rename = "女")]
    Female,
}

/// A citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The number it is asked for by.
    pub id: u64,
    /// 姓名.
    pub name: String,
    /// 性别.
    pub gender: Gender,
    /// 出生日期, as `YYYY-MM-DD`.
    pub birthday: String,
    /// 公民身份号码: area, birthday, order, check character.
    pub resident_id: String,
    /// 手机号.
    pub mobile: String,
    /// 电子邮箱.
    pub email: String,
    /// 住址.
    pub address: String,
    /// 银行卡号.
    pub bank_card: String,
    /// 工作单位.
    pub employer: String,
    /// 月薪, in yuan; told only where it is asked for by itself.
    #[serde(skip)]
    pub salary: u64,
}

/// Ages by decade of birth, weighted roughly as in the census of 2020.
const DECADES: [(u32, u32); 8] = [
    (1930, 2),
    (1940, 5),
    (1950, 10),
    (1960, 15),
    (1970, 17),
    (1980, 18),
    (1990, 15),
    (2000, 12),
];

pub(super) fn of(number: u64, mut random: Random) -> Person {
    let gender = if random.below(1_000) < 512 {
        Gender::Male
    } else {
        Gender::Female
    };
    let born = birthday(&mut random);
    let place = lists::place(&mut random);
    let resident_id = resident_id(place.code, born, gender, &mut random);
    let (name, latin) = name(born.0, gender, &mut random);
    let mobile = format!("{}{}", random.one_of(lists::MOBILE), random.digits(8));
    let email = email(&latin, born.0, &mobile, &mut random);
    // Some live where they were not born.
    let home = if random.below(100) < 70 {
        place
    } else {
        lists::place(&mut random)
    };
    let address = lists::address(home, &mut random);
    let bank_card = card(&mut random);
    let employer = lists::enterprise_name(home, &mut random);
    let salary = 3_200 + random.below(60) * 150 + random.below(20) * random.below(20) * 40;
    Person {
        id: number,
        name,
        gender,
        birthday: format!("{:04}-{:02}-{:02}", born.0, born.1, born.2),
        resident_id,
        mobile,
        email,
        address,
        bank_card,
        employer,
        salary,
    }
}

fn birthday(random: &mut Random) -> (u32, u32, u32) {
    let decade = random.weighted(&DECADES).copied().unwrap_or(1980);
    let mut below = |bound: u32| u32::try_from(random.below(u64::from(bound))).unwrap_or(0);
    let (year, month) = (decade + below(10), 1 + below(12));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (year, month, 1 + below(days))
}

fn resident_id(area: &str, born: (u32, u32, u32), gender: Gender, random: &mut Random) -> String {
    let order = 2 * random.below(499) + u64::from(gender == Gender::Male);
    let mut id = format!("{area}{:04}{:02}{:02}{order:03}", born.0, born.1, born.2);
    id.extend(check::resident(&id));
    id
}

fn name(year: u32, gender: Gender, random: &mut Random) -> (String, String) {
    let (surname, latin) = random
        .weighted(lists::SURNAMES)
        .copied()
        .unwrap_or(("王", "wang"));
    let given = lists::given(year, gender);
    // Single-character names were the fashion of the eighties.
    let single = if (1975..1995).contains(&year) { 28 } else { 9 };
    let mut name = surname.to_owned();
    name.push(random.character(given));
    if random.below(100) >= single {
        name.push(random.character(given));
    }
    (name, latin.to_owned())
}

fn email(latin: &str, year: u32, mobile: &str, random: &mut Random) -> String {
    match random.below(10) {
        0..=4 => format!("{}{}@qq.com", 1 + random.below(9), random.digits(8)),
        5..=6 => format!("{latin}{year}{}@163.com", random.digits(2)),
        7 => format!("{mobile}@139.com"),
        8 => format!("{latin}.{}@126.com", random.digits(4)),
        _ => format!("{latin}{}@example.cn", random.digits(3)),
    }
}

/// A debit or credit card of a Chinese bank.
pub(super) fn card(random: &mut Random) -> String {
    let (prefix, length) = random.one_of(lists::CARDS);
    let mut card = format!(
        "{prefix}{}",
        random.digits(length.saturating_sub(prefix.len() + 1))
    );
    card.extend(check::luhn(&card));
    card
}
