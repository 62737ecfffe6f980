//! What inspection is told beyond how strict it is: rules in SecLang, and what is no attack in a place.

use std::path::PathBuf;

use hangu_inspect::{Exception, Exempt, Honeypots, Subject};
use hangu_policy::said;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::mistake::unusable;
use super::resolve::{Desk, Zone, zone_index};

/// What the inspection of portals shares.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Inspection {
    /// Rules in SecLang, such as the OWASP Core Rule Set, that portals name.
    #[serde(default)]
    pub rules: Vec<RuleFiles>,
}

/// Rules in SecLang under a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RuleFiles {
    /// The name by which portals ask for them.
    pub name: At<String>,
    /// Files; folders, of which `crs-setup.conf`, `*.conf` and `rules/*.conf` are read; or paths that end in `*.conf`.
    /// They are read in this order.
    pub files: Vec<At<PathBuf>>,
    /// What they find is recorded, adds nothing to a score and refuses nothing: for rules that are new. Default: false.
    #[serde(default)]
    pub shadow: bool,
}

/// What is no attack in a place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Except {
    /// A rule such as `xss-markup`, a category such as `cross-site`, or `*`.
    pub rule: At<String>,
    /// A path prefix on whole segments. Default: every path.
    pub path: Option<At<String>>,
    /// The name of a parameter, cookie or header; in JSON a pointer such as `/items/*/text`. Default: everywhere.
    pub parameter: Option<String>,
    /// The zone that requests come from. Default: every zone.
    pub from: Option<At<String>>,
    /// `off`: nothing is said of it. `observe`: it is recorded and does not count. Default: `off`.
    pub mode: Option<ExceptMode>,
    /// The last day, such as `2027-03-31`, in the gateway's time zone. Needed for `off`.
    pub until: Option<At<String>>,
    /// Why.
    pub reason: At<String>,
}

/// Traps for programs that try what they find.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Honeypot {
    /// Paths that nothing links to, such as `/old-admin`; whatever lies below one belongs to it. Default: none.
    #[serde(default)]
    pub paths: Vec<At<String>>,
    /// Fields of forms, of queries and of JSON that no person sees and that are sent empty. Default: none.
    #[serde(default)]
    pub fields: Vec<At<String>>,
}

/// What becomes of findings that are excepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ExceptMode {
    /// Nothing is said of them.
    Off,
    /// They are recorded and do not count.
    Observe,
}

/// Rules in SecLang under a name, as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// The name.
    pub name: String,
    /// The file that names them.
    pub named_in: PathBuf,
    /// Files, folders, or paths that end in `*.conf`.
    pub paths: Vec<PathBuf>,
    /// What becomes of what they find.
    pub effect: RuleEffect,
}

/// What becomes of what rules in SecLang find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEffect {
    /// It counts, and may refuse.
    Counts,
    /// It is recorded.
    Shadow,
}

/// What is no attack in a place, as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excepted {
    /// A path prefix on whole segments.
    pub path: Option<String>,
    /// Index of the zone that requests come from.
    pub from: Option<usize>,
    /// The last day.
    pub until: Option<Date>,
    /// What is excepted.
    pub exception: Exception,
    /// Why.
    pub reason: String,
}

/// Checks names and makes paths whole.
pub(super) fn resolve_rules(
    desk: &mut Desk<'_>,
    known: &mut Vec<RuleSource>,
    written: &Inspection,
) {
    for rules in &written.rules {
        if known.iter().any(|other| other.name == *rules.name) {
            desk.wrong(
                &rules.name.span(),
                said!(
                    "rules `{}` are declared twice",
                    "规则 `{}` 声明了两次",
                    *rules.name
                ),
            );
        }
        if rules.files.is_empty() {
            desk.wrong(
                &rules.name.span(),
                said!(
                    "`files` is empty, so there are no rules",
                    "`files` 为空，没有任何规则"
                ),
            );
        }
        known.push(RuleSource {
            name: (*rules.name).clone(),
            named_in: desk.named_in(),
            paths: rules.files.iter().map(|path| desk.path(path)).collect(),
            effect: if rules.shadow {
                RuleEffect::Shadow
            } else {
                RuleEffect::Counts
            },
        });
    }
}

/// Lays the traps, each checked by itself.
pub(super) fn resolve_honeypot(desk: &mut Desk<'_>, written: &Honeypot) -> Honeypots {
    let none: [&str; 0] = [];
    let mut paths: Vec<&str> = Vec::new();
    for path in &written.paths {
        match Honeypots::new([path.as_str()], none) {
            Ok(_) => paths.push(path),
            Err(_) => desk.wrong(
                &path.span(),
                said!(
                    "the path `{}` of a honeypot has to begin with `/` and name something, such as `/old-admin`",
                    "蜜罐路径 `{}` 须以 `/` 开头并指明具体位置，例如 `/old-admin`",
                    **path
                ),
            ),
        }
    }
    let mut fields: Vec<&str> = Vec::new();
    for field in &written.fields {
        match Honeypots::new(none, [field.as_str()]) {
            Ok(_) => fields.push(field),
            Err(_) => desk.wrong(
                &field.span(),
                said!(
                    "a field of a honeypot needs a name, such as `homepage`",
                    "蜜罐字段须有名称，例如 `homepage`"
                ),
            ),
        }
    }
    // Each is good by itself, so all are.
    Honeypots::new(paths, fields).unwrap_or_default()
}

/// Checks names and dates.
pub(super) fn resolve_excepted(
    desk: &mut Desk<'_>,
    zones: &[Zone],
    written: &Except,
) -> Option<Excepted> {
    let subject = written.rule.parse::<Subject>();
    if let Err(wrong) = &subject {
        desk.wrong(&written.rule.span(), unusable(wrong));
    }
    let path = written.path.as_ref().map(|path| {
        if crate::canon::path(path.as_bytes()).as_deref().ok() != Some(path.as_str()) {
            desk.wrong(
                &path.span(),
                said!(
                    "`{}` is no canonical path that begins with `/`",
                    "`{}` 不是以 `/` 开头的规范路径",
                    **path
                ),
            );
        }
        (**path).clone()
    });
    let from = written
        .from
        .as_ref()
        .map(|zone| zone_index(desk, zones, zone));
    let exempt = match written.mode {
        None | Some(ExceptMode::Off) => Exempt::Off,
        Some(ExceptMode::Observe) => Exempt::Observe,
    };
    let until = written.until.as_ref().map(|until| {
        let date = until.parse::<Date>();
        if date.is_err() {
            desk.wrong(
                &until.span(),
                said!(
                    "`{}` is no date; write for example `2027-03-31`",
                    "`{}` 不是日期；写成 `2027-03-31` 这样",
                    **until
                ),
            );
        }
        date.ok()
    });
    if until.is_none() && exempt == Exempt::Off {
        desk.wrong(
            &written.rule.span(),
            said!(
                "an exception that is `off` needs `until`, its last day",
                "模式为 `off` 的例外须用 `until` 写明最后一天"
            ),
        );
    }
    if written.reason.trim().is_empty() {
        desk.wrong(
            &written.reason.span(),
            said!("`reason` is empty; say why", "`reason` 为空；请写明理由"),
        );
    }
    Some(Excepted {
        path,
        from: match from {
            None => None,
            Some(zone) => Some(zone?),
        },
        until: match until {
            None => None,
            Some(date) => Some(date?),
        },
        exception: Exception {
            subject: subject.ok()?,
            parameter: written.parameter.clone(),
            exempt,
        },
        reason: (*written.reason).clone(),
    })
}
