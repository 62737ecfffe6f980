//! The rules that detect, and what each of them means.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rules that raise alerts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Many failed sign-ins from one address.
    PasswordGuessing,
    /// Many failed sign-ins for one user, from anywhere.
    PasswordGuessingUser,
    /// Failed sign-ins for many users from one address.
    PasswordSpraying,
    /// Failed sign-ins for very many users from anywhere, far more than succeed.
    CredentialStuffing,
    /// A sign-in that succeeded from where passwords were being guessed.
    PasswordGuessed,
    /// Many different paths that do not exist or are not for the client.
    PathScanning,
    /// One signed-in caller asking for many different records that are not there or not for it.
    RecordProbing,
    /// Requests that inspection takes for attacks.
    AttackProbing,
    /// Records of many people read by one caller within an hour.
    MassReading,
    /// Records of many people read by one caller within a day.
    MassReadingDay,
    /// One caller refused many different things by policy.
    RepeatedDenials,
    /// Many credentials that are not good from one address.
    RejectedCredentials,
    /// More alerts than can be kept.
    AlertsFull,
    /// More callers or addresses than can be watched.
    WatchFull,
    /// More to be done within a minute than may be done without a person.
    ResponsesLimited,
    /// A response that could not be carried out.
    ResponseFailed,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For the record.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
    /// Somebody is in, or we are blind.
    Critical,
}

/// What an attacker is after, in the words of ATT&CK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tactic {
    /// TA0043.
    Reconnaissance,
    /// TA0001.
    InitialAccess,
    /// TA0006.
    CredentialAccess,
    /// TA0007.
    Discovery,
    /// TA0009.
    Collection,
}

impl Tactic {
    /// How many tactics there are.
    pub(crate) const COUNT: usize = 5;
}

/// A text in the two languages of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    pub(crate) fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 16] = [
        Self::PasswordGuessing,
        Self::PasswordGuessingUser,
        Self::PasswordSpraying,
        Self::CredentialStuffing,
        Self::PasswordGuessed,
        Self::PathScanning,
        Self::RecordProbing,
        Self::AttackProbing,
        Self::MassReading,
        Self::MassReadingDay,
        Self::RepeatedDenials,
        Self::RejectedCredentials,
        Self::AlertsFull,
        Self::WatchFull,
        Self::ResponsesLimited,
        Self::ResponseFailed,
    ];

    /// Its name in configuration, events and the console.
    pub fn name(self) -> &'static str {
        match self {
            Self::PasswordGuessing => "password-guessing",
            Self::PasswordGuessingUser => "password-guessing-user",
            Self::PasswordSpraying => "password-spraying",
            Self::CredentialStuffing => "credential-stuffing",
            Self::PasswordGuessed => "password-guessed",
            Self::PathScanning => "path-scanning",
            Self::RecordProbing => "record-probing",
            Self::AttackProbing => "attack-probing",
            Self::MassReading => "mass-reading",
            Self::MassReadingDay => "mass-reading-day",
            Self::RepeatedDenials => "repeated-denials",
            Self::RejectedCredentials => "rejected-credentials",
            Self::AlertsFull => "alerts-full",
            Self::WatchFull => "watch-full",
            Self::ResponsesLimited => "responses-limited",
            Self::ResponseFailed => "response-failed",
        }
    }

    /// How bad it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::RejectedCredentials | Self::PathScanning => Severity::Low,
            Self::PasswordGuessing
            | Self::PasswordGuessingUser
            | Self::RepeatedDenials
            | Self::RecordProbing
            | Self::MassReadingDay => Severity::Medium,
            Self::PasswordSpraying
            | Self::CredentialStuffing
            | Self::AttackProbing
            | Self::MassReading => Severity::High,
            Self::PasswordGuessed
            | Self::AlertsFull
            | Self::WatchFull
            | Self::ResponsesLimited
            | Self::ResponseFailed => Severity::Critical,
        }
    }

    /// The technique of ATT&CK (v16) that it is a sign of.
    pub fn technique(self) -> Option<&'static str> {
        match self {
            Self::PasswordGuessing | Self::PasswordGuessingUser => Some("T1110.001"),
            Self::PasswordSpraying => Some("T1110.003"),
            Self::CredentialStuffing => Some("T1110.004"),
            Self::PasswordGuessed | Self::RepeatedDenials | Self::RecordProbing => Some("T1078"),
            Self::PathScanning => Some("T1595.003"),
            Self::AttackProbing => Some("T1190"),
            Self::MassReading | Self::MassReadingDay => Some("T1213"),
            Self::RejectedCredentials => Some("T1606"),
            Self::AlertsFull | Self::WatchFull | Self::ResponsesLimited | Self::ResponseFailed => {
                None
            }
        }
    }

    /// What the one that the alert is about would be after; `None` if it is not their doing. A user whose password
    /// somebody guesses at is the victim, and gets no risk from it.
    pub fn tactic(self) -> Option<Tactic> {
        match self {
            Self::PasswordGuessing | Self::PasswordSpraying | Self::RejectedCredentials => {
                Some(Tactic::CredentialAccess)
            }
            Self::PasswordGuessed | Self::AttackProbing => Some(Tactic::InitialAccess),
            Self::PathScanning => Some(Tactic::Reconnaissance),
            Self::MassReading | Self::MassReadingDay => Some(Tactic::Collection),
            Self::RepeatedDenials | Self::RecordProbing => Some(Tactic::Discovery),
            Self::PasswordGuessingUser
            | Self::CredentialStuffing
            | Self::AlertsFull
            | Self::WatchFull
            | Self::ResponsesLimited
            | Self::ResponseFailed => None,
        }
    }

    /// Its heading.
    pub fn title(self) -> Words {
        let (zh, en) = match self {
            Self::PasswordGuessing => {
                ("同一地址反复登录失败", "Password guessing from one address")
            }
            Self::PasswordGuessingUser => (
                "同一账号反复登录失败",
                "Password guessing against one account",
            ),
            Self::PasswordSpraying => (
                "同一地址尝试多个账号",
                "Password spraying over many accounts",
            ),
            Self::CredentialStuffing => ("分布式撞库", "Credential stuffing from many addresses"),
            Self::PasswordGuessed => (
                "猜测口令后登录成功",
                "Sign-in succeeded after password guessing",
            ),
            Self::PathScanning => ("路径扫描", "Scanning for paths"),
            Self::RecordProbing => ("同一用户逐个试探记录", "One caller probing for records"),
            Self::AttackProbing => ("攻击试探", "Attack attempts"),
            Self::MassReading => (
                "一小时内大量读取个人信息",
                "Mass reading of personal records within an hour",
            ),
            Self::MassReadingDay => (
                "一天内大量读取个人信息",
                "Mass reading of personal records within a day",
            ),
            Self::RepeatedDenials => ("多次越权访问被拒", "Repeated refusals by policy"),
            Self::RejectedCredentials => ("反复出示无效凭证", "Repeated invalid credentials"),
            Self::AlertsFull => (
                "告警已满，旧告警被移出",
                "Alert list is full; old alerts are being dropped",
            ),
            Self::ResponsesLimited => (
                "自动处置达到上限，需人工处理",
                "Automatic responses have reached their limit; people must decide",
            ),
            Self::ResponseFailed => ("自动处置未能执行", "A response could not be carried out"),
            Self::WatchFull => (
                "监测对象已满，可能漏报",
                "Too many to watch; detections may be missed",
            ),
        };
        Words::new(zh, en)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_every_rule_is_the_one_that_configuration_reads() {
        for rule in Rule::ALL {
            assert_eq!(
                serde_json::to_string(&rule).unwrap(),
                format!("\"{}\"", rule.name())
            );
        }
    }
}
