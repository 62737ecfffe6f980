//! Who may administer what: the administrators' file and the console's own policy, part of the configuration in force.
//!
//! A role is not in the rules: it is the one that the administrators' file gives, asked for as the subject itself.

use std::sync::Arc;

use hangu_policy::Snapshot;
use hangu_policy::said;

use crate::admin::users::{Administrators, Role};
use crate::clock::LocalTime;
use crate::config::Mistake;
use crate::refusal::Refusal;
use crate::stage::decide::Question;

/// The domain of the console in its policy.
const DOMAIN: &str = "console";
/// Where the console stands.
const SOURCE: &str = "zone:intranet";

/// Administrators and what they may do.
pub struct Authority {
    /// The administrators.
    pub administrators: Administrators,
    policy: Arc<Snapshot>,
    /// The policy's revision, as text.
    pub revision: String,
    host: String,
}

/// What an administrator wants to do, and how it is known who that is.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The role.
    pub role: Role,
    /// The method.
    pub method: &'a str,
    /// The path, as it is routed.
    pub path: &'a str,
    /// The administrator's assurance.
    pub aal: i64,
    /// Trust in the device.
    pub dev: i64,
    /// Risk of administrator and address.
    pub risk: i64,
    /// The local time.
    pub time: LocalTime,
    /// Whether the connection has a verified client certificate.
    pub cert: bool,
}

/// The answer of the console's policy.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether it may be done.
    pub allow: bool,
    /// What the answer rests on.
    pub grounds: &'static str,
    /// The rules that made it, `file:line`.
    pub rules: Vec<String>,
}

impl Authority {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the console's model asks for something that the gateway does not know.
    pub fn new(
        administrators: Administrators,
        policy: Arc<Snapshot>,
        host: &str,
        model: &std::path::Path,
    ) -> Result<Self, Mistake> {
        let authority = Self {
            administrators,
            revision: policy.revision().to_string(),
            policy,
            host: host.to_owned(),
        };
        let time = LocalTime {
            minute: 0,
            weekday: 1,
        };
        let probe = Asked {
            role: Role::Auditor,
            method: "GET",
            path: "/",
            aal: 0,
            dev: 0,
            risk: 0,
            time,
            cert: false,
        };
        authority.answer(&probe).map_err(|_| {
            Mistake::of_file(model, said!(
                "the console asks with `sub, dom, src, host, path, act, ctx`; the model wants something else",
                "控制台以 `sub, dom, src, host, path, act, ctx` 提问，模型的请求字段与此不符",
            ))
        })?;
        Ok(authority)
    }

    /// Asks the console's policy.
    ///
    /// # Errors
    /// `not-decided` when it cannot be asked.
    pub fn answer(&self, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        let subject = format!("role:{}", asked.role.name());
        let question = Question {
            sub: &subject,
            dom: DOMAIN,
            src: SOURCE,
            host: &self.host,
            path: asked.path,
            act: asked.method,
            aal: asked.aal,
            dev: asked.dev,
            risk: asked.risk,
            time: asked.time,
            cert: asked.cert,
        };
        let decision = question.ask(&self.policy)?;
        let place = |id: &hangu_policy::RuleId| {
            self.policy.rule(*id).map(|rule| {
                format!(
                    "{}:{}",
                    rule.file.rsplit('/').next().unwrap_or(rule.file),
                    rule.line
                )
            })
        };
        let rules = decision.rules.iter().filter_map(place).collect();
        let grounds = crate::stage::record::grounds(decision.grounds);
        Ok(Answer {
            allow: decision.into_permit().is_ok(),
            grounds,
            rules,
        })
    }

    /// Whether something may be done; no where that cannot be decided.
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        self.answer(asked).is_ok_and(|answer| answer.allow)
    }
}
