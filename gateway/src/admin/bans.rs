//! Bans, made and lifted by hand.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use hangu_audit::event::Countermeasure;
use hangu_identity::Caller;
use hangu_limit::{Ban, BanError, BanId, BanTarget, Fingerprint, NewBan};
use hangu_situational::{Action, Order};
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::act;
use crate::admin::alerts::keep;
use crate::admin::context::{Context, Who, blocking};
use crate::admin::problem::Problem;
use crate::admin::strict::{Asking, Named, Strict};
use crate::clock;
use crate::gateway::Gateway;
use crate::watch::{self, record_remedy};

/// The longest reason, in bytes.
const LONGEST_REASON: usize = 4096;
/// The longest ban, in minutes: 366 days.
const LONGEST: u64 = 366 * 24 * 60;

/// A ban as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    kind: Kind,
    value: String,
    reason: String,
    minutes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Address,
    Caller,
    Certificate,
}

/// Why a ban is lifted, or another response taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    #[serde(default)]
    reason: String,
}

impl Why {
    /// The reason.
    ///
    /// # Errors
    /// Where there is none, or it is too long.
    pub fn reason(&self) -> Result<&str, Problem> {
        reason(&self.reason)
    }
}

/// Whom a target names, in the words of the console.
fn shown(target: &BanTarget) -> (&'static str, String) {
    match target {
        BanTarget::Network(net) if net.prefix_len() == net.max_prefix_len() => {
            ("address", net.addr().to_string())
        }
        BanTarget::Network(net) => ("address", net.to_string()),
        BanTarget::Caller(id) => ("caller", id.clone()),
        BanTarget::Certificate(fingerprint) => ("certificate", fingerprint.to_string()),
    }
}

fn told(ban: &Ban) -> Value {
    let (kind, value) = shown(&ban.terms.target);
    json!({
        "id": ban.id,
        "kind": kind,
        "value": value,
        "reason": ban.terms.reason,
        "by": ban.terms.by,
        "created_ms": ban.created,
        "until_ms": ban.terms.until,
        "alert": ban.terms.evidence.as_deref().and_then(|id| id.parse::<u64>().ok()),
    })
}

/// Lists the bans in force, newest first.
pub fn list(context: &Context) -> Response {
    let bans = context.admin.gateway.bans.list(clock::wall_ms());
    Json(json!({ "bans": bans.iter().map(|ban| told(ban)).collect::<Vec<_>>() })).into_response()
}

impl Wanted {
    fn target(&self) -> Result<BanTarget, Problem> {
        let value = self.value.trim();
        match self.kind {
            Kind::Address => {
                let address = value
                    .parse::<IpAddr>()
                    .map(IpNet::from)
                    .or_else(|_| value.parse::<IpNet>());
                address.map(BanTarget::Network).map_err(|_| {
                    Problem::malformed(
                        format!(
                            "`{value}` is neither an address nor a network such as `203.0.113.0/24`"
                        ),
                        format!("“{value}”不是地址，也不是 203.0.113.0/24 这样的网段"),
                    )
                })
            }
            Kind::Caller if value.is_empty() => Err(Problem::malformed(
                "`value` is empty; give the caller's id",
                "请填写调用者标识",
            )),
            Kind::Caller if value == Caller::nobody().id => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "ban-covers-everybody",
                "this would ban everybody who has not signed in",
                "这会封禁所有没有登录的人",
            )
            .detail(
                format!("`{value}` stands for everybody who has not signed in; ban an address or a network instead"),
                format!("“{value}”代表所有没有登录的人；请改为封禁地址或网段"),
            )),
            Kind::Caller => Ok(BanTarget::Caller(value.to_owned())),
            Kind::Certificate => value
                .parse::<Fingerprint>()
                .map(BanTarget::Certificate)
                .map_err(|error| {
                    Problem::malformed(error.to_string(), "证书指纹应为 SHA-256 的 64 位十六进制数")
                }),
        }
    }

    fn terms(&self, by: &str, peer: IpAddr, now: u64) -> Result<NewBan, Problem> {
        let reason = reason(&self.reason)?;
        if self.minutes == 0 || self.minutes > LONGEST {
            return Err(Problem::malformed(
                format!(
                    "`minutes` is {}; a ban lasts from one minute to 366 days",
                    self.minutes
                ),
                "封禁时长应为 1 分钟至 366 天",
            ));
        }
        let target = self.target()?;
        if let BanTarget::Network(net) = &target
            && net.contains(&peer)
        {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "ban-covers-yourself",
                "this would ban the address you work from",
                "这会封禁您当前使用的地址",
            ));
        }
        let until = now.saturating_add(self.minutes.saturating_mul(60_000));
        Ok(NewBan {
            target,
            reason: reason.to_owned(),
            until,
            by: by.to_owned(),
            evidence: None,
        })
    }
}

/// A reason that somebody gave.
///
/// # Errors
/// Where there is none, or it is too long.
pub fn reason(text: &str) -> Result<&str, Problem> {
    match text.trim() {
        "" => Err(Problem::malformed(
            "`reason` is empty; say why",
            "请填写理由",
        )),
        long if long.len() > LONGEST_REASON => Err(Problem::malformed(
            "`reason` has at most 4096 bytes",
            "理由不超过 4096 字节",
        )),
        reason => Ok(reason),
    }
}

fn refused(error: &BanError) -> Problem {
    match error {
        BanError::Unknown { .. } => Problem::not_found(),
        BanError::Full { .. } => Problem::new(
            StatusCode::CONFLICT,
            "bans-full",
            "there are as many bans as there may be",
            "封禁数量已达上限",
        )
        .detail(
            error.to_string(),
            "封禁数量已达上限；请先解除一些，或改为封禁网段",
        ),
        BanError::NotKept(_) => Problem::failed(error),
        BanError::EndsInThePast
        | BanError::TooLong
        | BanError::TooWide { .. }
        | BanError::NoCaller
        | BanError::TextTooLong { .. }
        | BanError::Fingerprint { .. } => {
            Problem::malformed(error.to_string(), format!("封禁条件不可用：{error}"))
        }
    }
}

/// Makes a ban.
pub async fn create(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(wanted): Strict<Wanted>,
) -> Result<Response, Problem> {
    let now = clock::wall_ms();
    let terms = wanted.terms(&who.caller.id, context.peer.ip(), now)?;
    let (_, subject) = shown(&terms.target);
    let change = format!("{} min: {}", wanted.minutes, terms.reason);
    act::begins(&context, &who, &subject, Some(&change)).await?;
    let gateway = Arc::clone(&context.admin.gateway);
    let made = blocking(move || {
        let until = terms.until;
        let id = watch::ban(&gateway, terms).map_err(|error| refused(&error))?;
        record_remedy(
            &gateway,
            Countermeasure::Isolate,
            "ban",
            &subject,
            Some(until),
            None,
        );
        let bans = gateway.bans.list(clock::wall_ms());
        bans.into_iter()
            .find(|ban| ban.id.0 == id)
            .ok_or_else(Problem::not_found)
    });
    Ok(Json(told(&*made.await?)).into_response())
}

/// Lifts a ban. Where it answered an alert, that knows of it.
pub async fn lift(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Asking(why): Asking<Why>,
) -> Result<Response, Problem> {
    let why = why.reason()?.to_owned();
    let gateway = Arc::clone(&context.admin.gateway);
    let bans = gateway.bans.list(clock::wall_ms());
    let ban = bans
        .into_iter()
        .find(|ban| ban.id.0 == id)
        .ok_or_else(Problem::not_found)?;
    let (_, subject) = shown(&ban.terms.target);
    act::begins(&context, &who, &subject, Some(&why)).await?;
    let by = who.caller.id.clone();
    let lifted = blocking(move || {
        let now = clock::wall_ms();
        let ban = gateway
            .bans
            .lift(BanId(id), &by, &why, now)
            .map_err(|error| refused(&error))?;
        let because = ban.terms.evidence.as_deref();
        record_remedy(
            &gateway,
            Countermeasure::Restore,
            "undo",
            &subject,
            None,
            because,
        );
        let Some(alert) = because.and_then(|id| id.parse::<u64>().ok()) else {
            return Ok(());
        };
        let orders = gateway.tower.situation().undo(alert, &by, &why, now);
        lift_answering(&gateway, alert, &by, &why, &orders)?;
        let changed = gateway.tower.situation().alerts().get(alert).cloned();
        if let Some(changed) = changed {
            keep(&gateway, &changed);
        }
        Ok(())
    });
    lifted.await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Lifts the bans that answer an alert, and records what else was taken back with it.
///
/// # Errors
/// When a ban could not be lifted for good.
pub fn lift_answering(
    gateway: &Arc<Gateway>,
    alert: u64,
    by: &str,
    why: &str,
    orders: &[Order],
) -> Result<(), Problem> {
    let (alert, now) = (alert.to_string(), clock::wall_ms());
    for ban in gateway
        .bans
        .list(now)
        .into_iter()
        .filter(|ban| ban.terms.evidence.as_deref() == Some(&alert))
    {
        match gateway.bans.lift(ban.id, by, why, now) {
            Ok(_) | Err(BanError::Unknown { .. }) => {}
            Err(error) => return Err(refused(&error)),
        }
        let (_, subject) = shown(&ban.terms.target);
        record_remedy(
            gateway,
            Countermeasure::Restore,
            "undo",
            &subject,
            None,
            Some(&alert),
        );
    }
    for order in orders
        .iter()
        .filter(|order| matches!(order.action, Action::Throttle { .. }))
    {
        record_remedy(
            gateway,
            Countermeasure::Restore,
            "undo",
            &order.entity.to_string(),
            None,
            Some(&alert),
        );
    }
    Ok(())
}
