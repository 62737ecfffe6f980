//! What was found, and how often.

use std::fmt;
use std::ops::AddAssign;
use std::str::FromStr;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Resident identity number of 18 or 15 digits and residence permits of 18 characters (居民身份证).
    ResidentId,
    /// Mobile telephone number (手机号).
    Mobile,
    /// Bank card number (银行卡号).
    BankCard,
    /// Unified social credit code (统一社会信用代码).
    CreditCode,
    /// E-mail address (电子邮箱).
    Email,
    /// Passport number (护照号码).
    Passport,
    /// Hong Kong–Macau, Taiwan and foreigner permit (通行证、居留证件).
    Permit,
    /// Military identity number (军官证、士兵证).
    MilitaryId,
    /// Fixed telephone number (固定电话).
    Landline,
    /// Organisation code (组织机构代码).
    OrganisationCode,
    /// Taxpayer number (纳税人识别号).
    TaxNumber,
    /// Vehicle plate (车牌号).
    Plate,
    /// Vehicle identification number (车架号).
    Vin,
    /// Name of a person, by field or label (姓名).
    Name,
    /// Postal address, by field or label (地址).
    Address,
    /// IPv4 or IPv6 address.
    Ip,
    /// Hardware address of a network card.
    Mac,
    /// Longitude or latitude, by field or label (经纬度).
    Coordinates,
    /// Date of birth, by field or label (出生日期).
    BirthDate,
    /// Age in years, by field or label (年龄).
    Age,
    /// WeChat account (微信号).
    Wechat,
    /// QQ number.
    Qq,
    /// Social-security number (社保号).
    SocialSecurity,
    /// Housing-fund account (公积金账号).
    HousingFund,
    /// Medical-record number (病历号).
    MedicalRecord,
    /// Social Security Number of the United States.
    Ssn,
    /// International bank account number (ISO 13616).
    Iban,
    /// Equipment number of a mobile telephone.
    Imei,
    /// Machine-readable line of a travel document (ICAO 9303).
    Mrz,
    /// Password, key or token.
    Secret,
    /// Value of a kind that the operator declared.
    Custom,
}

impl Kind {
    /// Every kind, in the order of the counts.
    pub const ALL: [Self; 31] = [
        Self::ResidentId,
        Self::Mobile,
        Self::BankCard,
        Self::CreditCode,
        Self::Email,
        Self::Passport,
        Self::Permit,
        Self::MilitaryId,
        Self::Landline,
        Self::OrganisationCode,
        Self::TaxNumber,
        Self::Plate,
        Self::Vin,
        Self::Name,
        Self::Address,
        Self::Ip,
        Self::Mac,
        Self::Coordinates,
        Self::BirthDate,
        Self::Age,
        Self::Wechat,
        Self::Qq,
        Self::SocialSecurity,
        Self::HousingFund,
        Self::MedicalRecord,
        Self::Ssn,
        Self::Iban,
        Self::Imei,
        Self::Mrz,
        Self::Secret,
        Self::Custom,
    ];

    /// Returns the name used in events, configuration and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResidentId => "resident_id",
            Self::Mobile => "mobile",
            Self::BankCard => "bank_card",
            Self::CreditCode => "credit_code",
            Self::Email => "email",
            Self::Passport => "passport",
            Self::Permit => "permit",
            Self::MilitaryId => "military_id",
            Self::Landline => "landline",
            Self::OrganisationCode => "organisation_code",
            Self::TaxNumber => "tax_number",
            Self::Plate => "plate",
            Self::Vin => "vin",
            Self::Name => "name",
            Self::Address => "address",
            Self::Ip => "ip",
            Self::Mac => "mac",
            Self::Coordinates => "coordinates",
            Self::BirthDate => "birth_date",
            Self::Age => "age",
            Self::Wechat => "wechat",
            Self::Qq => "qq",
            Self::SocialSecurity => "social_security",
            Self::HousingFund => "housing_fund",
            Self::MedicalRecord => "medical_record",
            Self::Ssn => "ssn",
            Self::Iban => "iban",
            Self::Imei => "imei",
            Self::Mrz => "mrz",
            Self::Secret => "secret",
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind `{0}`; the kinds are {known}", known = names())]
pub struct UnknownKind(pub String);

fn names() -> String {
    let names: Vec<_> = Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect();
    names.join(", ")
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let name = text.replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// A number of values for each kind; holds counts, never values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Kind::ALL.len()])
    }
}

impl Counts {
    /// Returns how many values of a kind there were.
    #[must_use]
    pub fn get(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// Returns how many values there were in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns each kind with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        Kind::ALL.into_iter().zip(self.0.iter().copied())
    }

    pub(crate) fn add(&mut self, kind: Kind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += 1;
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let found = || self.iter().filter(|(_, count)| *count > 0);
        let mut map = serializer.serialize_map(Some(found().count()))?;
        for (kind, count) in found() {
            map.serialize_entry(kind.as_str(), &count)?;
        }
        map.end()
    }
}

/// What happened to one body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Values found, also those which the level leaves as they are.
    pub counts: Counts,
    /// Values masked.
    pub masked: Counts,
    /// Bytes read: of the coded body where there is a content coding.
    pub bytes_in: u64,
    /// Bytes written: of the coded body where there is a content coding.
    pub bytes_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_named_by_kind_in_json_and_zeros_are_left_out() {
        let mut counts = Counts::default();
        counts.add(Kind::Mobile);
        counts.add(Kind::Mobile);
        counts += counts;
        assert_eq!((counts.get(Kind::Mobile), counts.total()), (4, 4));
        assert_eq!(serde_json::to_string(&counts).unwrap(), r#"{"mobile":4}"#);
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }
}
