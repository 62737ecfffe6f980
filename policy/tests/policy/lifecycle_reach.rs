//! How many must agree grows with what a change does.

use std::collections::BTreeSet;

use hangu_policy::lifecycle::reach::{Audience, Protected, Widened};
use hangu_policy::lifecycle::store::memory::MemoryStore;
use hangu_policy::lifecycle::{Bundle, Needed, Reach, Registry, Settings, Text};
use hangu_policy::{Effect, Value};
use proptest::prelude::*;

use crate::lifecycle_support::{founded_in, founding, key, of_rules, with_rows, without};
use crate::support::{GATEWAY_MODEL, GATEWAY_RULES};

fn settings() -> Settings {
    let place = |field: &str, value: &str, owner: Option<&str>| Protected {
        field: field.to_owned(),
        value: value.to_owned(),
        owner: owner.map(str::to_owned),
    };
    Settings {
        wide_above: 3,
        protected: vec![
            place("dom", "tax", Some("di")),
            place("host", "secret.city.example", None),
        ],
        ..Settings::default()
    }
}

fn registry() -> Registry<MemoryStore> {
    founded_in(MemoryStore::new(), &key(), settings())
}

fn reach_of(after: &Bundle) -> (Reach, Needed) {
    let mut registry = registry();
    let reach = registry.reach(&founding().id(), after).unwrap();
    let needed = registry.settings().needed(&reach);
    (reach, needed)
}

fn replaced(from: &str, to: &str) -> Bundle {
    assert!(GATEWAY_RULES.contains(from), "{from}");
    of_rules(&GATEWAY_RULES.replacen(from, to, 1))
}

#[derive(Debug, PartialEq)]
struct Shown {
    gaining: Audience,
    losing: Audience,
    widened: Vec<Widened>,
    protected: Vec<String>,
    approvals: u32,
}

fn shown(after: &Bundle) -> Shown {
    let (reach, needed) = reach_of(after);
    Shown {
        gaining: reach.gaining,
        losing: reach.losing,
        widened: reach.widened.into_iter().collect(),
        protected: reach.protected,
        approvals: needed.approvals,
    }
}

fn nothing() -> Shown {
    Shown {
        gaining: Audience::Callers(0),
        losing: Audience::Callers(0),
        widened: vec![],
        protected: vec![],
        approvals: 1,
    }
}

const STAFF: &str = "p, role:clerk, staff, *, staff.city.example,";

#[test]
fn a_remark_reaches_nobody() {
    assert_eq!(shown(&with_rows("# a remark\n")), nothing());
}

#[test]
fn a_row_for_one_caller_needs_one_approval() {
    let after = with_rows("p, u:ann, web, *, www.city.example, /x, ^GET$, true, allow, \n");
    let gaining = Audience::Callers(1);
    assert_eq!(
        shown(&after),
        Shown {
            gaining,
            ..nothing()
        }
    );
}

#[test]
fn a_row_for_everybody_needs_two() {
    let after = with_rows("p, *, web, *, www.city.example, /x, ^GET$, true, allow, \n");
    let gaining = Audience::Everybody;
    assert_eq!(
        shown(&after),
        Shown {
            gaining,
            approvals: 2,
            ..nothing()
        }
    );
}

#[test]
fn a_row_for_more_callers_than_settings_say_needs_two() {
    let mut rows = String::new();
    for number in 0..3 {
        rows.push_str(&format!("g, u:n{number}, role:clerk, staff\n"));
    }
    // Bo, Cy and Mallory are clerks already.
    let before = with_rows(&rows);
    let row = format!("{STAFF} /x, ^GET$, true, allow, redact:L3;watermark:on\n");
    let after = with_rows(&format!("{rows}{row}"));
    let mut registry = registry();
    let id = crate::lifecycle_support::live(&mut registry, &before);
    let parent = registry.change(id).unwrap().bundle;
    let reach = registry.reach(&parent, &after).unwrap();
    let Audience::Callers(gaining) = reach.gaining else {
        panic!("{reach:?}");
    };
    assert!((6..=7).contains(&gaining), "{gaining}");
    assert_eq!(registry.settings().needed(&reach).approvals, 2);
}

#[test]
fn narrowing_needs_one() {
    let (everybody, some) = (Audience::Everybody, |count| Audience::Callers(count));
    let table = [
        (without("p, svc:etl"), some(1)),
        (
            with_rows("p, *, *, *, *, /*, *, r.ctx.risk >= 50, deny, log:full\n"),
            everybody,
        ),
        (
            replaced("r.ctx.aal >= 1, allow", "r.ctx.aal >= 2, allow"),
            some(1),
        ),
        (replaced("^(GET|POST)$", "^GET$"), some(1)),
        (
            replaced(
                "www.city.example, /assets/*",
                "www.city.example, /assets/public/*",
            ),
            everybody,
        ),
        (
            replaced("r.ctx.risk >= 80, deny", "r.ctx.risk >= 70, deny"),
            everybody,
        ),
        (without("g, u:ann, role:resident"), some(1)),
        (with_rows("g, u:bo, role:blocked, staff\n"), some(1)),
    ];
    for (after, losing) in table {
        let text = &after.rules[0].text;
        assert_eq!(
            shown(&after),
            Shown {
                losing,
                ..nothing()
            },
            "{text}"
        );
    }
}

#[test]
fn a_deny_that_goes_away_or_asks_for_more_needs_two() {
    for after in [
        without("role:blocked, *, *, *, /*"),
        replaced("r.ctx.risk >= 80, deny", "r.ctx.risk >= 90, deny"),
        replaced("/admin/*, *, true, deny", "/admin/keys/*, *, true, deny"),
    ] {
        let (reach, needed) = reach_of(&after);
        assert!(reach.widened.contains(&Widened::DenyRemoved));
        assert_eq!(needed.approvals, 2);
    }
}

#[test]
fn widening_a_row_is_a_gain_and_no_narrowing() {
    for after in [
        replaced("r.ctx.aal >= 1, allow", "r.ctx.aal >= 0, allow"),
        replaced("r.ctx.aal >= 1, allow", "true, allow"),
        replaced("^(GET|POST)$", "^(GET|POST|PUT)$"),
        replaced("/services/:item", "/services/*"),
    ] {
        let shown = shown(&after);
        assert_ne!(
            shown.gaining,
            Audience::Callers(0),
            "{}",
            after.rules[0].text
        );
    }
}

#[test]
fn weaker_obligations_need_two() {
    let weakened = BTreeSet::from([Widened::ObligationsWeakened]);
    for after in [
        replaced("redact:L3;watermark:on", "redact:L2;watermark:on"),
        replaced("redact:L3;watermark:on", "redact:L3"),
        replaced("redact:L1;rate:gold;log:full", "redact:L1;rate:gold"),
        replaced("quota:50", "quota:51"),
        replaced("fields:taxno;", "fields:taxno|name;"),
        replaced("redact:L2", "redact:L1"),
        // An officer is a clerk: what is looser for officers is looser for some clerk.
        with_rows(
            "p, role:clerk, staff, zone:office, staff.city.example, /people/:id, ^GET$, true, allow, redact:L1\n",
        ),
        // Without the officers' row, officers keep the clerks' row, which asks for no full log.
        without("p, role:officer"),
    ] {
        let (reach, needed) = reach_of(&after);
        assert_eq!(reach.widened, weakened, "{}", after.rules[0].text);
        assert_eq!(needed.approvals, 2);
    }
}

#[test]
fn a_row_that_was_merged_into_another_takes_its_obligations_along_or_weakens() {
    let row = |obligations: &str, act: &str| {
        format!("p, u:ann, web, *, www.city.example, /x, {act}, true, allow, {obligations}\n")
    };
    let before = with_rows(&[row("redact:L3", "*"), row("log:full", "^GET$")].concat());
    let mut registry = registry();
    let id = crate::lifecycle_support::live(&mut registry, &before);
    let parent = registry.change(id).unwrap().bundle;
    let mut widened = |obligations: &str| {
        let after = with_rows(&row(obligations, "*"));
        registry.reach(&parent, &after).unwrap().widened
    };
    assert_eq!(
        widened("redact:L3;rate:gold"),
        BTreeSet::from([Widened::ObligationsWeakened])
    );
    assert_eq!(widened("redact:L3;log:full"), BTreeSet::new());
}

#[test]
fn stronger_obligations_and_better_rates_do_not_count_as_weaker() {
    for after in [
        replaced("redact:L3;watermark:on", "redact:L4;watermark:on"),
        replaced("rate:bronze", "rate:gold"),
        replaced("quota:50", "quota:49;log:full"),
        with_rows(
            "p, role:resident, web, *, www.city.example, /other/:x, ^GET$, true, allow, redact:L1\n",
        ),
        with_rows(
            "p, role:clerk, depot, *, depot.city.example, /people/:id, ^GET$, true, allow, redact:L1\n",
        ),
    ] {
        let (reach, _) = reach_of(&after);
        assert!(
            reach.widened.is_empty(),
            "{reach:?} {}",
            after.rules[0].text
        );
    }
}

#[test]
fn something_new_in_a_protected_place_needs_two_and_its_owner() {
    let owner = |needed: Needed| (needed.approvals, needed.owners);
    let in_tax = with_rows("p, u:ann, tax, *, *, /x, ^GET$, r.ctx.cert, allow, \n");
    assert_eq!(owner(reach_of(&in_tax).1), (2, vec!["di".to_owned()]));
    let anywhere = with_rows("p, u:ann, *, *, *, /x, ^GET$, r.ctx.cert, allow, \n");
    assert_eq!(
        shown(&anywhere).protected,
        ["dom=tax", "host=secret.city.example"]
    );
    let denied = with_rows("p, u:ann, tax, *, *, /x, ^GET$, true, deny, \n");
    assert_eq!(shown(&denied).protected, [""; 0]);
    let elsewhere = with_rows("p, u:ann, web, *, www.city.example, /x, ^GET$, true, allow, \n");
    assert_eq!(shown(&elsewhere).protected, [""; 0]);
    // A deny that goes away opens what it covered.
    assert_eq!(
        shown(&without("role:blocked, *, *, *, /*")).protected.len(),
        2
    );
}

#[test]
fn a_role_counts_through_the_rows_that_ask_for_it() {
    let given = shown(&with_rows("g, u:eve, role:officer, staff\n"));
    assert_eq!(
        (given.gaining, given.losing),
        (Audience::Callers(1), Audience::Callers(0))
    );
    assert_eq!(given.approvals, 1);
    let unblocked = shown(&without("g, u:mallory, role:blocked"));
    assert_ne!(unblocked.gaining, Audience::Callers(0));
    // He was blocked in staff alone, which is not the tax department but may have the secret host.
    assert_eq!(unblocked.protected, ["host=secret.city.example"]);
    let zone = shown(&with_rows("g2, zone:internet, zone:office\n"));
    assert_eq!((zone.gaining, zone.approvals), (Audience::Everybody, 2));
}

#[test]
fn another_model_or_other_statements_need_two() {
    let mut other = founding();
    other.model.text = GATEWAY_MODEL.replace(" && eval(p.cond)", "");
    let opened = other.snapshot();
    if opened.is_ok() {
        let (reach, needed) = reach_of(&other);
        assert!(reach.widened.contains(&Widened::ModelChanged));
        assert_eq!(
            (reach.gaining, reach.protected.len()),
            (Audience::Everybody, 2)
        );
        assert_eq!(needed.approvals, 2);
    }
    let mut unstated = founding();
    unstated
        .statements
        .push(Text::new("zones", "nothing passes"));
    let (reach, needed) = reach_of(&unstated);
    assert_eq!(reach.widened, BTreeSet::from([Widened::StatementsChanged]));
    assert_eq!(needed.approvals, 2);
}

#[test]
fn roles_asked_for_in_a_condition_count_for_everybody() {
    let mut registry = registry();
    let model = "[request_definition]\nr = sub, act\n[policy_definition]\np = sub, act, eft\n[role_definition]\ng = _, _\n\
        [policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\n\
        m = !g(r.sub, \"role:shut\") && (p.sub == \"*\" || r.sub == p.sub) && r.act == p.act\n";
    let bundle = |rules: &str| Bundle {
        model: Text::new("m", model),
        rules: vec![Text::new("r", rules)],
        ..Bundle::default()
    };
    let before = bundle("p, *, read, allow\ng, u:eve, role:shut\n");
    let parent = registry
        .draft(&before, &crate::lifecycle_support::ann(), "x", 1)
        .unwrap();
    let parent = registry.change(parent).unwrap().bundle;
    let reach = registry
        .reach(&parent, &bundle("p, *, read, allow\n"))
        .unwrap();
    assert_eq!(reach.gaining, Audience::Everybody);
}

/// Rows and roles of a small world in which two callers, two departments and a few paths meet.
fn world() -> impl Strategy<Value = String> {
    let pick = |list: &'static [&'static str]| prop::sample::select(list);
    let row = (
        pick(&["*", "u:ann", "role:clerk", "role:officer"]),
        pick(&["*", "tax", "web"]),
        pick(&["/x", "/:id", "/*"]),
        pick(&["*", "^GET$"]),
        pick(&["true", "r.ctx.aal >= 1", "r.ctx.aal >= 2"]),
        prop_oneof![
            Just("allow, "),
            Just("allow, redact:L3"),
            Just("allow, redact:L1;log:full"),
            Just("allow, watermark:on;quota:5"),
            Just("deny, "),
        ],
    );
    let row = row.prop_map(|(sub, dom, path, act, cond, end)| {
        format!("p, {sub}, {dom}, *, *, {path}, {act}, {cond}, {end}")
    });
    let roles = [
        "g, u:ann, role:clerk, tax",
        "g, u:ann, role:officer, web",
        "g, u:bo, role:clerk, web",
        "g, role:officer, role:clerk, tax",
        "g, role:officer, role:clerk, web",
        "g, u:bo, role:officer, tax",
    ];
    let roles = prop::sample::subsequence(roles.to_vec(), 0..=6);
    (prop::collection::btree_set(row, 0..6), roles).prop_map(|(rows, roles)| {
        let rows = rows.into_iter().chain(roles.into_iter().map(str::to_owned));
        rows.collect::<Vec<_>>().join("\n")
    })
}

/// A step that keeps some lines of one world and takes some of another.
fn two_worlds() -> impl Strategy<Value = (String, String)> {
    (world(), world(), prop::collection::vec(any::<bool>(), 24)).prop_map(|(one, other, keep)| {
        let mut lines: BTreeSet<&str> = BTreeSet::new();
        let all = one.lines().chain(other.lines());
        lines.extend(
            all.zip(keep)
                .filter(|(_, keep)| *keep)
                .map(|(line, _)| line),
        );
        let after = lines.into_iter().collect::<Vec<_>>().join("\n");
        (one, after)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_that_is_newly_allowed_or_costs_less_is_missing_from_the_reach((before, after) in two_worlds()) {
        let (before, after) = (of_rules(&before), of_rules(&after));
        let (Ok(old), Ok(new)) = (before.snapshot(), after.snapshot()) else {
            return Ok(());
        };
        let settings = settings();
        let der = key();
        let mut registry = founded_in(MemoryStore::new(), &der, settings);
        if before.id() != founding().id() {
            registry.draft(&before, &crate::lifecycle_support::ann(), "x", 1).unwrap();
        }
        let reach = registry.reach(&before.id(), &after).unwrap();
        let roles_differ = old.roles().map(|role| role.fields.join(",")).ne(new.roles().map(|role| role.fields.join(",")));
        for caller in ["u:ann", "u:bo", "u:eve"] {
            for (dom, path, act, aal) in [
                ("tax", "/x", "GET", 1), ("tax", "/y", "PUT", 2), ("web", "/x", "GET", 0), ("web", "/x", "PUT", 2),
                ("web", "/y/z", "GET", 2), ("tax", "/y/z", "GET", 0), ("tax", "/x", "GET", 2), ("web", "/y", "GET", 1),
            ] {
                let text = Value::Str;
                let ctx = [("aal", Value::Int(aal)), ("dev", Value::Int(0)), ("risk", Value::Int(0)), ("cert", Value::Bool(false))];
                let request = [text(caller), text(dom), text("z"), text("h"), text(path), text(act), Value::Map(&ctx)];
                let (was, is) = (old.decide(&request).unwrap(), new.decide(&request).unwrap());
                match (was.effect, is.effect) {
                    (Effect::Deny, Effect::Allow) => {
                        prop_assert_ne!(reach.gaining, Audience::Callers(0), "{} {:?}", caller, reach);
                        let named = reach.protected.contains(&"dom=tax".to_owned());
                        prop_assert!(dom != "tax" || named, "{} {:?}", caller, reach);
                    }
                    (Effect::Allow, Effect::Deny) => {
                        prop_assert_ne!(reach.losing, Audience::Callers(0), "{} {:?}", caller, reach);
                    }
                    (Effect::Allow, Effect::Allow) => {
                        let (had, has) = (was.obligations, is.obligations);
                        let weaker = had.redact > has.redact
                            || had.log_full && !has.log_full
                            || had.watermark && !has.watermark
                            || had.quota.is_some() && has.quota.is_none();
                        let told = reach.widened.contains(&Widened::ObligationsWeakened);
                        prop_assert!(!weaker || told || roles_differ, "{} {:?}", caller, reach);
                    }
                    (Effect::Deny, Effect::Deny) => {}
                }
            }
        }
    }
}
