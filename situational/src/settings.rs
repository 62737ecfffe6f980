//! Thresholds, as written in the configuration.
//!
//! The defaults are chosen so that a person who mistypes a password, a page with a few broken links, or a clerk at a
//! busy counter raises nothing; the scenarios and near misses beside each detector say what they mean in numbers.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::respond::Measure;
use crate::rule::Rule;
use crate::span;

/// Everything that can be set about detections and what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Password guessing and spraying.
    pub guessing: Guessing,
    /// Scanning and attacks.
    pub scanning: Scanning,
    /// Mass reading of personal records.
    pub reading: Reading,
    /// Repeated refusals.
    pub refusals: Refusals,
    /// Scores of callers and addresses.
    pub risk: RiskSettings,
    /// The list of alerts.
    pub alerts: AlertSettings,
    /// What is done by itself.
    pub responses: Responses,
    /// How many callers and how many addresses each detector watches at once. Default 50000.
    pub watched: NonZeroU32,
}

/// A bucket with a hole: it overflows when more than `capacity` is poured in faster than one leaks each `leak`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bucket {
    /// What it holds; one more overflows.
    pub capacity: NonZeroU32,
    /// The time in which one leaks out.
    #[serde(with = "span")]
    #[schemars(with = "String")]
    pub leak: Duration,
}

/// Password guessing and spraying.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Guessing {
    /// Failed sign-ins from one address. Default 10, leaking one each 30s.
    pub address: Bucket,
    /// Failed sign-ins for one user from anywhere. Default 15, leaking one each 60s.
    pub user: Bucket,
    /// Different users that one address fails to sign in as. Default 6, leaking one each 5m.
    pub users: Bucket,
    /// Different users that fail to sign in within ten minutes, from anywhere, before it is credential stuffing; and
    /// only if they are more than three times as many as those who succeed. Default 100.
    pub stuffing: NonZeroU32,
    /// For how long after such an alert a success counts as a guessed password. Default 30m.
    #[serde(with = "span")]
    #[schemars(with = "String")]
    pub memory: Duration,
}

/// Scanning and attacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scanning {
    /// Different paths of one address that ended in 400, 403, 404 or 405 at a portal, were malformed, or lead
    /// nowhere. Default 20, leaking one each 10s.
    pub paths: Bucket,
    /// Different records of one signed-in caller that ended in 403 or 404 at a portal. Default 20, leaking one each
    /// 30s.
    pub records: Bucket,
    /// How many paths one request of a client counts for that gives itself away as a scanner. Default 4.
    pub scanner_weight: NonZeroU32,
    /// The sum of inspection scores of one address. Default 20 (four critical findings), leaking one each 30s.
    pub score: Bucket,
}

/// Mass reading of personal records.
///
/// People are counted exactly up to 1024 and estimated above, within about 5 % (one standard error).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Reading {
    /// Different people whose data one caller may read within an hour before it is an alert. Default 300.
    pub people_per_hour: NonZeroU32,
    /// The same for a day. Default 2000.
    pub people_per_day: NonZeroU32,
    /// Callers that have another hourly number because it is their work; the daily one grows in proportion.
    pub callers: BTreeMap<String, NonZeroU32>,
}

/// Repeated refusals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Refusals {
    /// Different things that policy refuses one caller. Default 10, leaking one each 60s.
    pub denials: Bucket,
    /// Credentials from one address that are not good. Default 20, leaking one each 15s.
    pub credentials: Bucket,
}

/// Scores of callers and addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RiskSettings {
    /// The time in which a risk falls to half. Default 30m.
    #[serde(with = "span")]
    #[schemars(with = "String")]
    pub half_life: Duration,
    /// The most that one tactic adds, so that one noisy rule alone does not decide. Default 85.
    pub tactic_cap: u8,
    /// What an alert adds, by severity: low, medium, high, critical. Default 10, 25, 50, 85.
    pub weights: [u8; 4],
    /// From here on a risk counts as raised. Default 80.
    pub raise: u8,
    /// A raised risk is reported as no less than `raise` until it has fallen below this. Default 50.
    pub clear: u8,
    /// How many callers and how many addresses have a score at once. Default 50000.
    pub kept: NonZeroU32,
}

/// The list of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AlertSettings {
    /// How many are kept. Default 10000.
    pub kept: NonZeroU32,
    /// The same rule about the same one within this time is the same alert. Default 1h.
    #[serde(with = "span")]
    #[schemars(with = "String")]
    pub group: Duration,
    /// For how long an alert closed as false stays silent for the same one. Default 1d.
    #[serde(with = "span")]
    #[schemars(with = "String")]
    pub mute: Duration,
}

/// Whether responses are given or only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// They are given.
    Act,
    /// Alerts and risks are as ever, and what would be done is only recorded.
    Rehearse,
}

/// What is done by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Responses {
    /// Whether anything is done at all. Default `act`.
    pub mode: Mode,
    /// What each rule leads to; rules not named keep their default.
    pub rules: BTreeMap<Rule, Measure>,
    /// The most that is done in one minute; beyond it people decide. Default 30.
    pub per_minute: u32,
    /// Networks that nothing is done about.
    #[schemars(with = "Vec<String>")]
    pub spare_networks: Vec<IpNet>,
    /// Callers that nothing is done about.
    pub spare_callers: Vec<String>,
    /// An address that this many different callers used within an hour is shared: it is throttled, not banned.
    /// Default 10.
    pub shared_by: NonZeroU32,
    /// A second ban of the same one is twice as long, and so on up to this. Default 1d.
    #[serde(with = "span")]
    #[schemars(with = "String")]
    pub longest: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            guessing: Guessing::default(),
            scanning: Scanning::default(),
            reading: Reading::default(),
            refusals: Refusals::default(),
            risk: RiskSettings::default(),
            alerts: AlertSettings::default(),
            responses: Responses::default(),
            watched: count(50_000),
        }
    }
}

impl Default for Guessing {
    fn default() -> Self {
        Self {
            address: bucket(10, 30),
            user: bucket(15, 60),
            users: bucket(6, 300),
            stuffing: count(100),
            memory: Duration::from_secs(1_800),
        }
    }
}

impl Default for Scanning {
    fn default() -> Self {
        Self {
            paths: bucket(20, 10),
            records: bucket(20, 30),
            scanner_weight: count(4),
            score: bucket(20, 30),
        }
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            people_per_hour: count(300),
            people_per_day: count(2_000),
            callers: BTreeMap::new(),
        }
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            denials: bucket(10, 60),
            credentials: bucket(20, 15),
        }
    }
}

impl Default for RiskSettings {
    fn default() -> Self {
        Self {
            half_life: Duration::from_secs(1_800),
            tactic_cap: 85,
            weights: [10, 25, 50, 85],
            raise: 80,
            clear: 50,
            kept: count(50_000),
        }
    }
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            kept: count(10_000),
            group: Duration::from_secs(3_600),
            mute: Duration::from_secs(86_400),
        }
    }
}

impl Default for Responses {
    fn default() -> Self {
        Self {
            mode: Mode::Act,
            rules: BTreeMap::new(),
            per_minute: 30,
            spare_networks: Vec::new(),
            spare_callers: Vec::new(),
            shared_by: count(10),
            longest: Duration::from_secs(86_400),
        }
    }
}

fn bucket(capacity: u32, leak_seconds: u64) -> Bucket {
    Bucket {
        capacity: count(capacity),
        leak: Duration::from_secs(leak_seconds),
    }
}

fn count(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_means_the_defaults_and_they_read_back() {
        let defaults: Settings = toml::from_str("").unwrap();
        assert_eq!(defaults, Settings::default());
        let text = toml::to_string(&defaults).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), defaults);
    }

    #[test]
    fn settings_are_read_and_misspelt_ones_refused() {
        let settings: Settings = toml::from_str(
            "[guessing]\naddress = { capacity = 3, leak = \"1m\" }\n\
             [reading]\npeople-per-hour = 50\ncallers = { tongji = 5000 }\n\
             [responses]\nspare-networks = [\"10.0.0.0/8\"]\nrules = { path-scanning = { do = \"throttle\", for = \"5m\" } }",
        )
        .unwrap();
        assert_eq!(settings.guessing.address.capacity.get(), 3);
        assert_eq!(settings.guessing.user, Guessing::default().user);
        assert_eq!(settings.reading.callers["tongji"].get(), 5_000);
        assert!(settings.responses.rules.contains_key(&Rule::PathScanning));
        for wrong in [
            "[guessing]\naddres = { capacity = 3, leak = \"1m\" }",
            "[guessing]\naddress = { capacity = 0, leak = \"1m\" }",
            "[guessing]\naddress = { capacity = 3, leak = \"0s\" }",
            "[guessing]\naddress = { capacity = 3 }",
            "[responses]\nrules = { scanning = { do = \"nothing\" } }",
            "[responses]\nrules = { path-scanning = { do = \"ban\" } }",
            "[responses]\nper-minute = -1",
        ] {
            assert!(toml::from_str::<Settings>(wrong).is_err(), "{wrong}");
        }
    }
}
