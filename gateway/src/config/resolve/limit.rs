//! Rates.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use hangu_policy::said;

use super::desk::{Desk, SECOND};
use crate::config::file;
use crate::config::load::Source;
use crate::config::mistake::Mistake;

/// Rates.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Per client address.
    pub address: Rate,
    /// Per caller and class.
    pub class: BTreeMap<String, Rate>,
    /// Sign-in attempts of an address.
    pub sign_in: Rate,
}

/// A rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub count: NonZeroU32,
    /// In this time.
    pub period: Duration,
    /// Accepted at once before the rate applies.
    pub burst: NonZeroU32,
}

pub(super) fn resolve_limit(sources: &[Source], mistakes: &mut Vec<Mistake>) -> Limit {
    let meant = |rate: &file::Rate| Rate {
        count: rate.rate.count,
        period: rate.rate.period,
        burst: rate.burst.unwrap_or(rate.rate.count),
    };
    let mut limit = Limit {
        address: rate_of(200, SECOND, 400),
        class: BTreeMap::new(),
        sign_in: rate_of(30, 60 * SECOND, 10),
    };
    for source in sources {
        let file = &source.file.limit;
        if let Some(rate) = &file.address {
            limit.address = meant(rate);
        }
        if let Some(rate) = &file.sign_in {
            limit.sign_in = meant(rate);
        }
        for (name, rate) in &file.class {
            if limit.class.insert(name.clone(), meant(rate)).is_some() {
                let mut desk = Desk { source, mistakes };
                desk.wrong_file(said!(
                    "rate class `{name}` is declared in two files",
                    "速率等级 `{name}` 在两个文件中声明"
                ));
            }
        }
    }
    limit
}

pub(super) fn rate_of(count: u32, period: Duration, burst: u32) -> Rate {
    Rate {
        count: NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN),
        period,
        burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
    }
}
