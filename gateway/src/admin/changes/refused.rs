//! Why a step of a change is not taken, as a problem document.

use axum::http::StatusCode;
use hangu_policy::lifecycle::{Failed, Refused};

use crate::admin::problem::Problem;
use crate::policy::office::Fault;

/// The problem that a fault is.
pub(super) fn problem(fault: &Fault) -> Problem {
    match fault {
        Fault::Failed(Failed::Refused(refused)) => step(refused),
        Fault::Failed(Failed::Mistakes(mistakes)) => unloadable().mistakes(mistakes.clone()),
        Fault::Unfit(mistakes) => unloadable().errors(mistakes.clone()),
        Fault::Failed(Failed::Cases(failing)) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "tests-fail",
            "tests of the policy do not hold",
            "策略的用例未通过",
        )
        .mistakes(failing.clone()),
        Fault::Failed(
            Failed::Broken { .. }
            | Failed::Illegal { .. }
            | Failed::SetBack { .. }
            | Failed::Lost { .. }
            | Failed::Store(_)
            | Failed::Key(_),
        )
        | Fault::Anchor(_) => Problem::failed(fault),
    }
}

fn unloadable() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "policy-refused",
        "the policy has mistakes; the live one stays",
        "策略有误，仍使用当前策略",
    )
}

fn step(refused: &Refused) -> Problem {
    if matches!(refused, Refused::Unknown(_)) {
        return Problem::not_found();
    }
    let (status, reason, zh) = match refused {
        Refused::Nobody => (422, "actor-unusable", "操作者标识不可用".to_owned()),
        Refused::Role { .. } => (
            403,
            "role-may-not",
            "您的角色不能执行此操作，需要安全管理员".to_owned(),
        ),
        Refused::Reason => (
            422,
            "reason-missing",
            "请填写理由，最长 4096 字节".to_owned(),
        ),
        Refused::Canary => (
            422,
            "canary-unusable",
            "灰度比例应为 1 到 100，部门最多 64 个且不得为空".to_owned(),
        ),
        Refused::NotFounded => (409, "no-live-policy", "尚无生效的策略".to_owned()),
        Refused::Founded => (409, "already-founded", "策略记录已经建立".to_owned()),
        Refused::Unknown(id) | Refused::Numbered(id) => {
            (409, "change-unknown", format!("变更 {id} 不存在"))
        }
        Refused::Stage { change, stage, .. } => (
            409,
            "wrong-stage",
            format!(
                "变更 {change} 当前处于“{}”，不能执行此操作",
                stage_zh(stage)
            ),
        ),
        Refused::NothingChanges => (
            409,
            "nothing-changes",
            "与当前生效的策略完全相同".to_owned(),
        ),
        Refused::NotAuthor { change, author } => (
            403,
            "not-author",
            format!("变更 {change} 由 {author} 提出，只有提出者可以执行此操作"),
        ),
        Refused::OwnChange { change, author } => (
            403,
            "own-change",
            format!("变更 {change} 由 {author} 提出，须由他人执行此操作"),
        ),
        Refused::ApprovedTwice { change, .. } => (
            409,
            "approved-twice",
            format!("您已批准过变更 {change}，每人只计一次"),
        ),
        Refused::OtherBundle { change, .. } => (
            409,
            "changed-meanwhile",
            format!("变更 {change} 的内容已更新，请先查看最新内容"),
        ),
        Refused::Approvals {
            change,
            have,
            needed,
            missing,
        } => {
            let owners = if missing.is_empty() {
                String::new()
            } else {
                format!("，还须以下负责人批准：{}", missing.join("、"))
            };
            (
                409,
                "approvals-missing",
                format!("变更 {change} 已获 {have} 人批准，需要 {needed} 人{owners}"),
            )
        }
        Refused::NeedsRebase { change, .. } => (
            409,
            "live-policy-moved-on",
            format!("变更 {change} 提出后生效策略已变化，请在当前策略上重新提交"),
        ),
        Refused::CandidateBusy(change) => (
            409,
            "candidate-busy",
            format!("变更 {change} 正在试运行或灰度，请先结束它"),
        ),
        Refused::EmergencyTime { .. } => (
            422,
            "emergency-time",
            "紧急变更的结束时间须晚于现在，且不超过允许的最长时间".to_owned(),
        ),
        Refused::ReviewOwed(change) => (
            409,
            "review-owed",
            format!("您此前的紧急变更 {change} 尚待他人复核"),
        ),
        Refused::NoReviewOwed(change) => (409, "no-review-owed", format!("变更 {change} 无需复核")),
        Refused::NotDue(change) => (409, "not-due", format!("变更 {change} 尚未到期")),
        Refused::NothingBefore => (409, "nothing-before", "没有可以回退到的策略".to_owned()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT);
    Problem::new(
        status,
        reason,
        "this step of the change is not possible",
        "不能执行变更的这一步",
    )
    .detail(refused.to_string(), zh)
}

fn stage_zh(stage: &str) -> &str {
    match stage {
        "draft" => "草稿",
        "review" => "待评审",
        "approved" => "已批准",
        "shadow" => "试运行",
        "canary" => "灰度",
        "live" => "生效",
        "rejected" => "已否决",
        "withdrawn" => "已撤回",
        "rolled-back" => "已回退",
        "superseded" => "已被取代",
        "expired" => "已到期",
        other => other,
    }
}
