//! From events to orders and back again: what is done, what is withheld, and how it ends.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::alert::AlertStatus;
use crate::entity::Source;
use crate::observation::{Cause, Findings, Outcome, Personal, SignIn};
use crate::rule::{Rule, Severity};
use crate::settings::{Mode, Responses};

const START: u64 = 1_790_000_000_000;
const MINUTE: u64 = 60_000;

#[test]
fn guessing_passwords_ends_in_a_ban_with_an_end_an_alert_and_an_undo() {
    let mut situation = Situation::new(Settings::default());
    let reaction = guess(&mut situation, "203.0.113.9", START).pop().unwrap();
    let order = reaction.order.unwrap();
    assert_eq!(order.entity, address("203.0.113.9"));
    assert_eq!(
        order.action,
        Action::Ban {
            until_ms: START + 10 + 15 * MINUTE
        }
    );
    assert_eq!(situation.alerts().get(order.alert).unwrap().response, None);
    let alert = situation.carried_out(order.id, 77).unwrap();
    assert_eq!(
        alert.response,
        Some(Taken {
            kind: "ban".into(),
            until_ms: order.action.until_ms(),
            id: 77
        })
    );
    let undone = situation.undo(order.alert, "wang", "自家巡检", START + MINUTE);
    assert_eq!(undone, std::slice::from_ref(&order));
    let alert = situation.alerts().get(order.alert).unwrap();
    assert_eq!(
        (&alert.response, alert.notes[0].by.as_str()),
        (&None, "wang")
    );
    assert_eq!(
        situation.undo(order.alert, "wang", "again", START + MINUTE),
        []
    );
}

#[test]
fn an_alert_raises_the_risk_that_the_next_decision_reads() {
    let mut situation = Situation::new(Settings::default());
    let risk = situation.risk();
    assert_eq!(risk.of("", ip("203.0.113.9"), START), 0);
    let reaction = guess(&mut situation, "203.0.113.9", START).pop().unwrap();
    assert_eq!(reaction.risk, Some(25));
    assert_eq!(risk.of("", ip("203.0.113.9"), START + 10), 25);
    assert_eq!(risk.of("", ip("203.0.113.10"), START + 10), 0);
}

#[test]
fn the_victim_of_guessing_is_neither_punished_nor_suspected() {
    let mut situation = Situation::new(Settings::default());
    let mut reactions = Vec::new();
    for n in 0..40u8 {
        let from = IpAddr::from([203, 0, 113, n]);
        reactions.extend(situation.observe(&sign_in(from, "wang", false, START + u64::from(n))));
    }
    let about: Vec<_> = reactions
        .iter()
        .filter(|r| r.raised.alert().entity == caller("wang"))
        .collect();
    assert_eq!(about.len(), 2);
    assert!(
        about
            .iter()
            .all(|reaction| reaction.order.is_none() && reaction.risk.is_none())
    );
    assert_eq!(situation.risk().of("wang", ip("198.51.100.1"), START), 0);
}

#[test]
fn refusals_by_us_alone_never_ban() {
    let mut situation = Situation::new(Settings::default());
    let causes = [
        Cause::Denied,
        Cause::Unidentified,
        Cause::BadCredential,
        Cause::Limited,
        Cause::Banned,
        Cause::Inspected,
        Cause::Malformed,
        Cause::NotFound,
        Cause::Fault,
    ];
    let mut orders = Vec::new();
    for n in 0..20_000u64 {
        let path = format!("/p/{n}");
        let cause = causes[usize::try_from(n % 9).unwrap()];
        let observation = Observation {
            caller: if n % 2 == 0 { "clerk" } else { "" },
            outcome: Outcome::Refused {
                reason: "ours",
                cause,
            },
            status: 403,
            ..observation(ip("203.0.113.9"), &path, START + n)
        };
        orders.extend(
            situation
                .observe(&observation)
                .into_iter()
                .filter_map(|reaction| reaction.order),
        );
    }
    assert!(!orders.is_empty());
    assert!(
        orders
            .iter()
            .all(|order| matches!(order.action, Action::Throttle { .. })),
        "{orders:?}"
    );
}

#[test]
fn an_address_that_many_callers_share_is_throttled_and_not_banned() {
    let mut situation = Situation::new(Settings::default());
    for n in 0..10u64 {
        let caller = format!("user-{n}");
        let seen = Observation {
            caller: &caller,
            ..observation(ip("203.0.113.9"), "/", START + n)
        };
        assert_eq!(situation.observe(&seen), []);
    }
    let order = guess(&mut situation, "203.0.113.9", START + 100)
        .pop()
        .unwrap()
        .order
        .unwrap();
    assert!(matches!(order.action, Action::Throttle { .. }));
    assert!(
        situation
            .risk()
            .standing("", ip("203.0.113.9"), START + 200)
            .throttled
    );
    assert_eq!(
        situation
            .alerts()
            .get(order.alert)
            .unwrap()
            .response
            .as_ref()
            .unwrap()
            .kind,
        "throttle"
    );
}

#[test]
fn the_spared_are_alerted_on_and_left_alone() {
    let responses = Responses {
        spare_networks: vec!["203.0.113.0/24".parse().unwrap()],
        spare_callers: vec!["tongji".into()],
        ..Responses::default()
    };
    let mut situation = Situation::new(Settings {
        responses,
        ..Settings::default()
    });
    let reaction = guess(&mut situation, "203.0.113.9", START).pop().unwrap();
    assert_eq!(
        (reaction.order, reaction.withheld),
        (None, Some(Withheld::Spared))
    );
    let reaction = read(&mut situation, "tongji", START).pop().unwrap();
    assert_eq!(
        (reaction.order, reaction.withheld),
        (None, Some(Withheld::Spared))
    );
    assert_eq!(situation.alerts().list(None).count(), 2);
}

#[test]
fn the_same_thing_is_not_done_twice_while_it_is_in_force() {
    let mut situation = Situation::new(Settings::default());
    let first = guess(&mut situation, "203.0.113.9", START)
        .pop()
        .unwrap()
        .order
        .unwrap();
    let again = guess(&mut situation, "203.0.113.9", START + 100)
        .pop()
        .unwrap();
    assert_eq!(
        (again.order, again.withheld),
        (None, Some(Withheld::InForce(first.id)))
    );
    let end = first.action.until_ms().unwrap();
    let later = guess(&mut situation, "203.0.113.9", end)
        .pop()
        .unwrap()
        .order
        .unwrap();
    assert_eq!(
        later.action,
        Action::Ban {
            until_ms: end + 10 + 30 * MINUTE
        }
    );
}

#[test]
fn an_order_that_failed_is_given_again() {
    let mut situation = Situation::new(Settings::default());
    let first = guess(&mut situation, "203.0.113.9", START)
        .pop()
        .unwrap()
        .order
        .unwrap();
    let alert = situation
        .failed(first.id, "the list is full", START + 50)
        .unwrap();
    assert_eq!(
        (alert.rule, alert.severity),
        (Rule::ResponseFailed, Severity::Critical)
    );
    assert_eq!(
        alert.description.zh,
        "对“203.0.113.9”的处置（ban，告警 1）未能执行：the list is full"
    );
    assert_eq!(situation.failed(first.id, "again", START + 60), None);
    assert!(
        guess(&mut situation, "203.0.113.9", START + 100)
            .pop()
            .unwrap()
            .order
            .is_some()
    );
}

#[test]
fn bans_grow_up_to_the_longest_and_shrink_after_a_quiet_week() {
    let mut situation = Situation::new(Settings::default());
    let (mut now, mut minutes) = (START, Vec::new());
    for _ in 0..9 {
        let order = guess(&mut situation, "203.0.113.9", now)
            .pop()
            .unwrap()
            .order
            .unwrap();
        let until = order.action.until_ms().unwrap();
        minutes.push((until - now) / MINUTE);
        now = until;
    }
    assert_eq!(minutes, [15, 30, 60, 120, 240, 480, 960, 1_440, 1_440]);
    now += 7 * 1_440 * MINUTE;
    let order = guess(&mut situation, "203.0.113.9", now)
        .pop()
        .unwrap()
        .order
        .unwrap();
    assert_eq!((order.action.until_ms().unwrap() - now) / MINUTE, 15);
}

#[test]
fn no_more_is_done_in_a_minute_than_the_limit_and_people_still_see_the_alerts() {
    let responses = Responses {
        per_minute: 5,
        ..Responses::default()
    };
    let mut situation = Situation::new(Settings {
        responses,
        ..Settings::default()
    });
    let mut orders = 0;
    for n in 0..50u8 {
        let reaction = guess(
            &mut situation,
            &format!("203.0.113.{n}"),
            START + u64::from(n),
        )
        .pop()
        .unwrap();
        orders += usize::from(reaction.order.is_some());
        assert_eq!(reaction.withheld.is_some(), n >= 5);
    }
    let alerts = situation
        .alerts()
        .list(None)
        .filter(|alert| alert.rule == Rule::PasswordGuessing);
    assert_eq!((orders, alerts.count()), (5, 50));
    let own: Vec<_> = situation
        .alerts()
        .list(None)
        .filter(|alert| alert.rule == Rule::ResponsesLimited)
        .collect();
    assert_eq!((own.len(), own[0].count), (1, 45));
    let later = guess(&mut situation, "203.0.113.77", START + 2 * MINUTE)
        .pop()
        .unwrap();
    assert!(later.order.is_some());
    let responses = Responses {
        per_minute: 0,
        ..Responses::default()
    };
    let mut situation = Situation::new(Settings {
        responses,
        ..Settings::default()
    });
    assert_eq!(
        guess(&mut situation, "203.0.113.9", START)
            .pop()
            .unwrap()
            .withheld,
        Some(Withheld::TooMany)
    );
}

#[test]
fn a_rehearsal_shows_what_would_be_done_and_does_nothing() {
    let responses = Responses {
        mode: Mode::Rehearse,
        ..Responses::default()
    };
    let mut situation = Situation::new(Settings {
        responses,
        ..Settings::default()
    });
    let reaction = guess(&mut situation, "203.0.113.9", START).pop().unwrap();
    let until_ms = START + 10 + 15 * MINUTE;
    assert_eq!(
        reaction.withheld,
        Some(Withheld::Rehearsed(Action::Ban { until_ms }))
    );
    let reaction = read(&mut situation, "clerk", START).pop().unwrap();
    assert!(matches!(
        reaction.withheld,
        Some(Withheld::Rehearsed(Action::Throttle { .. }))
    ));
    assert!(
        !situation
            .risk()
            .standing("clerk", ip("198.51.100.1"), START + 400)
            .throttled
    );
    assert_eq!(situation.responder().in_force(START).count(), 0);
}

#[test]
fn a_rule_does_what_the_configuration_says() {
    let settings = toml::from_str(
        "[responses.rules]\npassword-guessing = { do = \"nothing\" }\nmass-reading = { do = \"ban\", for = \"2h\" }",
    );
    let mut situation = Situation::new(settings.unwrap());
    let reaction = guess(&mut situation, "203.0.113.9", START).pop().unwrap();
    assert_eq!((reaction.order, reaction.withheld), (None, None));
    let order = read(&mut situation, "clerk", START)
        .pop()
        .unwrap()
        .order
        .unwrap();
    assert_eq!(
        (order.entity, order.action.name()),
        (caller("clerk"), "ban")
    );
}

#[test]
fn a_guessed_password_ends_the_sessions() {
    let mut situation = Situation::new(Settings::default());
    guess(&mut situation, "203.0.113.9", START);
    let reaction = situation
        .observe(&sign_in(ip("203.0.113.9"), "wang", true, START + 20))
        .pop()
        .unwrap();
    let order = reaction.order.unwrap();
    assert_eq!(
        (order.entity.clone(), order.action),
        (caller("wang"), Action::EndSession)
    );
    assert_eq!(reaction.risk, Some(85));
    let alert = situation.carried_out(order.id, order.id).unwrap();
    assert_eq!(alert.response.as_ref().unwrap().until_ms, None);
}

#[test]
fn mass_reading_slows_the_reader_at_once() {
    let mut situation = Situation::new(Settings::default());
    let reaction = read(&mut situation, "clerk", START).pop().unwrap();
    assert!(matches!(
        reaction.order.unwrap().action,
        Action::Throttle { .. }
    ));
    assert_eq!(
        reaction.raised.alert().response.as_ref().unwrap().kind,
        "throttle"
    );
    let standing = situation
        .risk()
        .standing("clerk", ip("198.51.100.1"), START + MINUTE);
    assert_eq!((standing.risk > 40, standing.throttled), (true, true));
}

#[test]
fn a_false_alarm_gives_back_what_it_took_and_stays_silent() {
    let mut situation = Situation::new(Settings::default());
    let id = read(&mut situation, "clerk", START)
        .pop()
        .unwrap()
        .raised
        .alert()
        .id;
    let now = START + MINUTE;
    let (alert, undone) = situation
        .close(id, Verdict::FalsePositive, "wang", "年度核查", now)
        .unwrap();
    assert_eq!((alert.status, undone.len()), (AlertStatus::Closed, 1));
    assert_eq!(
        situation.risk().standing("clerk", ip("198.51.100.1"), now),
        Default::default()
    );
    for n in 1_000..1_600u64 {
        let path = format!("/citizen/{n}");
        for reaction in situation.observe(&reading("clerk", &path, now + n)) {
            assert!(matches!(reaction.raised, Raised::Muted(_)));
            assert_eq!((reaction.order, reaction.risk), (None, None));
        }
    }
    assert_eq!(situation.risk().of("clerk", ip("198.51.100.1"), now), 0);
}

#[test]
fn a_restart_knows_alerts_risks_and_responses() {
    let mut before = Situation::new(Settings::default());
    let mut record = vec![
        read(&mut before, "clerk", START)
            .pop()
            .unwrap()
            .raised
            .alert()
            .clone(),
    ];
    let ban = guess(&mut before, "203.0.113.9", START)
        .pop()
        .unwrap()
        .order
        .unwrap();
    record.push(before.carried_out(ban.id, 77).unwrap().clone());
    let mut after = restarted(&record, START + MINUTE);
    let (old, new, now, there) = (
        before.risk(),
        after.risk(),
        START + MINUTE,
        ip("198.51.100.1"),
    );
    assert_eq!(
        after.alerts().list(None).collect::<Vec<_>>(),
        before.alerts().list(None).collect::<Vec<_>>()
    );
    assert_eq!(
        old.standing("clerk", there, now),
        new.standing("clerk", there, now)
    );
    assert!(new.standing("clerk", there, now).throttled);
    assert_eq!(after.undo(record[0].id, "wang", "核实无误", now).len(), 1);
    assert!(!new.standing("clerk", there, now).throttled);
    let again = guess(&mut after, "203.0.113.9", now).pop().unwrap();
    assert!(matches!(again.withheld, Some(Withheld::InForce(_))));
    assert_eq!(
        after.undo(ban.alert, "wang", "误报", now)[0].action,
        ban.action
    );
    let later = restarted(&record, START + 60 * MINUTE);
    assert_eq!(later.responder().in_force(START + 60 * MINUTE).count(), 0);
}

#[test]
fn a_restart_does_not_bring_back_what_was_undone_or_false() {
    let mut before = Situation::new(Settings::default());
    let mut record = vec![
        read(&mut before, "clerk", START)
            .pop()
            .unwrap()
            .raised
            .alert()
            .clone(),
    ];
    before.undo(record[0].id, "wang", "核实无误", START + 1_000);
    record.push(before.alerts().get(record[0].id).unwrap().clone());
    record.push(
        read(&mut before, "clerk-2", START)
            .pop()
            .unwrap()
            .raised
            .alert()
            .clone(),
    );
    let (closed, _) = before
        .close(
            record[2].id,
            Verdict::FalsePositive,
            "wang",
            "误报",
            START + 1_000,
        )
        .unwrap();
    record.push(closed);
    let after = restarted(&record, START + MINUTE).risk();
    let there = ip("198.51.100.1");
    assert!(!after.standing("clerk", there, START + MINUTE).throttled);
    assert_eq!(
        after.standing("clerk-2", there, START + MINUTE),
        Default::default()
    );
}

#[test]
fn other_settings_hold_from_the_next_event_on_and_forget_nothing() {
    let mut situation = Situation::new(Settings::default());
    for n in 0..5 {
        assert_eq!(
            situation.observe(&sign_in(ip("203.0.113.9"), "wang", false, START + n)),
            []
        );
    }
    let mut settings = Settings::default();
    settings.guessing.address.capacity = 5.try_into().unwrap();
    situation.set(settings);
    let reaction = situation
        .observe(&sign_in(ip("203.0.113.9"), "wang", false, START + 5))
        .pop()
        .unwrap();
    assert_eq!(reaction.raised.alert().rule, Rule::PasswordGuessing);
}

/// A situation that has read what another one left in the log.
fn restarted(record: &[Alert], now: u64) -> Situation {
    let lines: Vec<String> = record
        .iter()
        .map(|alert| serde_json::to_string(alert).unwrap())
        .collect();
    let mut situation = Situation::new(Settings::default());
    situation.restore(
        lines.iter().map(|line| serde_json::from_str(line).unwrap()),
        now,
    );
    situation
}

/// Eleven failed sign-ins within eleven milliseconds; the reactions that are about the address.
fn guess(situation: &mut Situation, from: &str, start: u64) -> Vec<Reaction> {
    let mut reactions = Vec::new();
    for n in 0..11 {
        reactions.extend(situation.observe(&sign_in(ip(from), "wang", false, start + n)));
    }
    reactions.retain(|reaction| reaction.raised.alert().entity == address(from));
    reactions
}

/// The records of 301 people, read by one caller.
fn read(situation: &mut Situation, caller: &str, start: u64) -> Vec<Reaction> {
    (0..301u64)
        .flat_map(|n| situation.observe(&reading(caller, &format!("/citizen/{n}"), start + n)))
        .collect()
}

fn reading<'a>(caller: &'a str, path: &'a str, time_ms: u64) -> Observation<'a> {
    let personal = Personal {
        counts: &[("resident-id", 1)],
        subjects: 1,
        hashes: &[],
    };
    Observation {
        caller,
        personal,
        ..observation(ip("198.51.100.1"), path, time_ms)
    }
}

fn sign_in(address: IpAddr, user: &str, ok: bool, time_ms: u64) -> Observation<'_> {
    let outcome = match ok {
        true => Outcome::Allowed,
        false => Outcome::Refused {
            reason: "password",
            cause: Cause::BadCredential,
        },
    };
    let status = if ok { 303 } else { 401 };
    let sign_in = Some(SignIn { user, ok });
    Observation {
        outcome,
        status,
        sign_in,
        ..observation(address, "/.hangu/sign-in", time_ms)
    }
}

fn observation(address: IpAddr, path: &str, time_ms: u64) -> Observation<'_> {
    Observation {
        path,
        ..Observation::plain(address, time_ms)
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn address(text: &str) -> Entity {
    Entity::Address(Source::from(ip(text)))
}

fn caller(id: &str) -> Entity {
    Entity::Caller(id.into())
}

proptest! {
    /// Whatever comes: bounded lists, orders that end, no ban without a share of evidence from outside.
    #[test]
    fn no_sequence_of_events_breaks_a_bound(
        steps in prop::collection::vec((0u64..60_000, 0u8..6, 0u8..4, 0u8..12, 0u32..400, 0u8..16), 1..400),
    ) {
        let mut settings = Settings::default();
        settings.alerts.kept = 5.try_into().unwrap();
        settings.watched = 3.try_into().unwrap();
        settings.risk.kept = 3.try_into().unwrap();
        settings.responses.per_minute = 2;
        let mut situation = Situation::new(settings);
        let (mut now, mut recent) = (START, Vec::new());
        for (step, address, caller, kind, amount, path) in steps {
            now += step;
            let (path, caller) = (format!("/{path}-{amount}"), ["", "a", "b", "c"][usize::from(caller)]);
            let mut seen = Observation { caller, ..observation([203, 0, 113, address].into(), &path, now) };
            match kind {
                0..=8 => {
                    let causes = [
                        Cause::Denied, Cause::Unidentified, Cause::BadCredential, Cause::Limited, Cause::Banned,
                        Cause::Inspected, Cause::Malformed, Cause::NotFound, Cause::Fault,
                    ];
                    seen.outcome = Outcome::Refused { reason: "", cause: causes[usize::from(kind)] };
                }
                9 => seen.sign_in = Some(SignIn { user: "wang", ok: amount % 7 == 0 }),
                10 => seen.personal = Personal { counts: &[], subjects: amount, hashes: &[] },
                _ => seen.findings = Findings { score: amount, categories: &["xss"] },
            }
            for reaction in situation.observe(&seen) {
                if let Some(order) = reaction.order {
                    prop_assert!(order.action.until_ms().is_none_or(|until| until > now && until <= now + 86_400_000));
                    recent.retain(|at| at + MINUTE > now);
                    recent.push(now);
                    prop_assert!(recent.len() <= 2);
                }
            }
            prop_assert!(situation.alerts().list(None).count() <= 5);
            prop_assert!(situation.risk().list(now).iter().all(|(_, standing)| standing.risk <= 100));
        }
    }
}
