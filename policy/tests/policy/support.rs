//! Words that the tests share.

use std::path::PathBuf;

use hangu_policy::{Decision, Dialect, Mistake, Snapshot, Source, Value};

pub(crate) const GATEWAY_MODEL: &str = include_str!("gateway.conf");
pub(crate) const GATEWAY_RULES: &str = include_str!("gateway.csv");

pub(crate) fn load(model: &str, rules: &str) -> Result<Snapshot, Vec<Mistake>> {
    let rules = Source {
        name: "rules.csv",
        text: rules,
    };
    Snapshot::load(
        Source {
            name: "model.conf",
            text: model,
        },
        &[rules],
        Dialect::Strict,
    )
}

/// A policy that loads; the panic shows why it does not.
pub(crate) fn snapshot(model: &str, rules: &str) -> Snapshot {
    load(model, rules).unwrap_or_else(|mistakes| panic!("{}", shown(&mistakes)))
}

/// Mistakes as lines in English; each must be told in Chinese as well.
pub(crate) fn shown(mistakes: &[Mistake]) -> String {
    mistakes.iter().for_each(in_both_languages);
    mistakes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Holds the Chinese text of a mistake against the English one: it is Chinese, and quotes what that quotes.
#[track_caller]
pub(crate) fn in_both_languages(mistake: &Mistake) {
    for (en, zh) in [
        (&mistake.message, &mistake.message_zh),
        (&mistake.help, &mistake.help_zh),
    ] {
        assert_eq!(en.is_empty(), zh.is_empty(), "{mistake:?}");
        let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(zh.is_empty() || zh.contains(chinese), "{mistake:?}");
        // Where what is quoted holds a backtick itself, nobody can tell the quotes apart.
        if en.matches('`').count() % 2 == 0 {
            for quoted in en.split('`').skip(1).step_by(2) {
                assert!(zh.contains(&format!("`{quoted}`")), "{quoted}: {mistake:?}");
            }
        }
    }
    assert!(!mistake.message.is_empty(), "{mistake:?}");
}

/// The mistakes of a policy that must not load.
pub(crate) fn mistakes(model: &str, rules: &str) -> String {
    match load(model, rules) {
        Ok(_) => panic!("the policy loads"),
        Err(mistakes) => shown(&mistakes),
    }
}

/// A model with `r = sub, obj, act` and allow-and-deny over rows `sub, obj, act, eft`.
pub(crate) fn model(matcher: &str) -> String {
    model_with(
        "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
        "sub, obj, act, eft",
        matcher,
    )
}

pub(crate) fn model_with(effect: &str, columns: &str, matcher: &str) -> String {
    format!(
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = {columns}\n[role_definition]\ng = _, _\ng2 = _, _\n[policy_effect]\ne = {effect}\n[matchers]\nm = {matcher}\n"
    )
}

pub(crate) fn allows(snapshot: &Snapshot, request: [&str; 3]) -> bool {
    decide(snapshot, &request.map(Value::Str))
        .into_permit()
        .is_ok()
}

pub(crate) fn decide(snapshot: &Snapshot, request: &[Value<'_>]) -> Decision {
    snapshot
        .decide(request)
        .expect("the request fits the model")
}

/// The folder that stands beside the workspace, if this machine has it.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let found = match std::env::var_os("HANGU_SHARED_DATA") {
        Some(data) => PathBuf::from(data).join("..").join(name),
        None => beside.join(name),
    };
    if found.exists() {
        return Some(found);
    }
    println!("skipped: {name} is not beside the workspace");
    None
}
