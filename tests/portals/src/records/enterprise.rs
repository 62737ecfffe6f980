//! One enterprise.

use serde::{Deserialize, Serialize};

use super::random::Random;
use super::{check, lists, person};

/// An enterprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enterprise {
    /// Its number among the records.
    pub id: u64,
    /// 统一社会信用代码.
    pub credit_code: String,
    /// 名称.
    pub name: String,
    /// 法定代表人.
    pub legal_person: String,
    /// 住所.
    pub address: String,
    /// 联系电话.
    pub mobile: String,
    /// 对公账号.
    pub account: String,
    /// 注册资本, in units of ten thousand yuan.
    pub capital: u64,
}

/// Department of registration and kind: enterprises, self-employed, institutions, societies.
const KINDS: [(&str, u32); 4] = [("91", 60), ("92", 32), ("12", 5), ("52", 3)];

/// Organisation codes given since 2015 begin like this; what follows is counted.
const PREFIX: &str = "MA";

pub(super) fn of(number: u64, legal_person: String, mut random: Random) -> Enterprise {
    let place = lists::place(&mut random);
    let kind = random.weighted(&KINDS).copied().unwrap_or("91");
    let mut organisation = format!("{PREFIX}{}", counted(number));
    organisation.extend(check::organisation(&organisation));
    let mut credit_code = format!("{kind}{}{organisation}", place.code);
    credit_code.extend(check::credit(&credit_code));
    Enterprise {
        id: number,
        credit_code,
        name: lists::enterprise_name(place, &mut random),
        legal_person,
        address: lists::address(place, &mut random),
        mobile: format!("{}{}", random.one_of(lists::MOBILE), random.digits(8)),
        account: person::card(&mut random),
        capital: [10, 50, 100, 200, 500, 1_000, 5_000]
            .get(usize::try_from(random.below(7)).unwrap_or(0))
            .copied()
            .unwrap_or(10),
    }
}

/// Six characters to the base of 31.
fn counted(number: u64) -> String {
    let mut left = number;
    let mut characters: Vec<char> = (0..6)
        .filter_map(|_| {
            let place = usize::try_from(left % 31).ok();
            left /= 31;
            place
                .and_then(|place| check::CREDIT.get(place))
                .map(|c| char::from(*c))
        })
        .collect();
    characters.reverse();
    characters.into_iter().collect()
}

/// The number that a credit code counts, right or wrong in the rest of it.
pub(super) fn number_of(code: &str) -> Option<u64> {
    code.get(8..16)?
        .strip_prefix(PREFIX)?
        .bytes()
        .try_fold(0u64, |sum, byte| {
            let place = check::CREDIT.iter().position(|c| *c == byte)?;
            Some(sum * 31 + u64::try_from(place).ok()?)
        })
}
