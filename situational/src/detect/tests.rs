//! For each detector a scenario that it must see and near misses that it must not.

use std::net::IpAddr;

use super::*;
use crate::observation::{Findings, Outcome, Personal, SignIn};

#[test]
fn guessing_one_users_password_is_seen_from_both_sides() {
    let mut scene = Scene::new();
    for second in 0..16 {
        scene.at(second).from("203.0.113.9").signs_in("wang", false);
    }
    assert_eq!(
        scene.rules(),
        [
            (Rule::PasswordGuessing, "203.0.113.9".into()),
            (Rule::PasswordGuessingUser, "wang".into())
        ]
    );
    assert_eq!(scene.found[0].events, (1..=11).collect::<Vec<_>>());
    assert_eq!(
        scene.found[0].description.en,
        "11 failed sign-ins from 203.0.113.9 within 10 s"
    );
    assert_eq!(
        scene.found[0].description.zh,
        "地址 203.0.113.9 在 10 秒内登录失败 11 次"
    );
}

#[test]
fn a_person_who_mistypes_and_then_gets_in_is_silent() {
    let mut scene = Scene::new();
    for day in 0..10 {
        for attempt in 0..5 {
            scene
                .at(day * 86_400 + attempt * 10)
                .from("203.0.113.9")
                .signs_in("wang", false);
        }
        scene
            .at(day * 86_400 + 60)
            .from("203.0.113.9")
            .signs_in("wang", true);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn an_office_behind_one_address_that_mistypes_all_day_is_silent() {
    let mut scene = Scene::new();
    for minute in 0..480 {
        scene
            .at(minute * 60)
            .from("203.0.113.9")
            .signs_in(&format!("clerk-{}", minute / 20), false);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn one_password_for_many_users_is_spraying_before_it_is_guessing() {
    let mut scene = Scene::new();
    for user in 0..7 {
        scene
            .at(user * 20)
            .from("2001:db8::9")
            .signs_in(&format!("user-{user}"), false);
    }
    assert_eq!(
        scene.rules(),
        [(Rule::PasswordSpraying, "2001:db8::/64".into())]
    );
}

#[test]
fn spraying_from_changing_addresses_of_one_subscriber_is_still_one_source() {
    let mut scene = Scene::new();
    for user in 0..7 {
        scene
            .at(user)
            .from(&format!("2001:db8::{user:x}"))
            .signs_in(&format!("user-{user}"), false);
    }
    assert_eq!(
        scene.rules(),
        [(Rule::PasswordSpraying, "2001:db8::/64".into())]
    );
}

#[test]
fn a_success_where_passwords_were_guessed_is_critical_and_the_owners_own_is_not() {
    let mut scene = Scene::new();
    for second in 0..16 {
        scene.at(second).from("203.0.113.9").signs_in("wang", false);
    }
    scene.found.clear();
    scene.at(60).from("198.51.100.1").signs_in("wang", true);
    assert_eq!(scene.rules(), []);
    scene.at(61).from("203.0.113.9").signs_in("wang", true);
    assert_eq!(scene.rules(), [(Rule::PasswordGuessed, "wang".into())]);
    scene.found.clear();
    scene
        .at(61 + 1_800)
        .from("203.0.113.9")
        .signs_in("wang", true);
    assert_eq!(scene.rules(), []);
}

#[test]
fn a_success_after_guessing_from_many_addresses_is_seen_at_one_that_took_part() {
    let mut scene = Scene::new();
    for second in 0..20 {
        scene
            .at(second)
            .from(&format!("203.0.113.{}", second % 4))
            .signs_in("wang", false);
    }
    assert_eq!(scene.rules(), [(Rule::PasswordGuessingUser, "wang".into())]);
    scene.found.clear();
    scene.at(20).from("198.51.100.1").signs_in("wang", false);
    scene.at(21).from("198.51.100.1").signs_in("wang", false);
    scene.at(22).from("198.51.100.1").signs_in("wang", true);
    assert_eq!(scene.rules(), [], "the owner mistypes as well");
    scene.at(23).from("203.0.113.2").signs_in("wang", true);
    assert_eq!(scene.rules(), [(Rule::PasswordGuessed, "wang".into())]);
}

#[test]
fn a_botnet_with_one_try_for_each_address_and_user_is_seen_once() {
    let mut scene = Scene::new();
    for n in 0..500u64 {
        let address = format!("198.18.{}.{}", n / 250, n % 250);
        scene
            .at(n)
            .from(&address)
            .signs_in(&format!("citizen-{n}"), n % 20 == 0);
    }
    assert_eq!(
        scene.rules(),
        [(Rule::CredentialStuffing, "sign-in".into())]
    );
    assert_eq!(scene.found[0].events.len(), 24);
}

#[test]
fn a_monday_morning_on_which_many_mistype_and_most_get_in_is_silent() {
    let mut scene = Scene::new();
    for n in 0..2_000u64 {
        let (address, user) = (
            format!("198.18.{}.{}", n / 250, n % 250),
            format!("citizen-{n}"),
        );
        scene.at(n / 10).from(&address).signs_in(&user, false);
        if n % 10 < 7 {
            scene.at(n / 10 + 1).from(&address).signs_in(&user, true);
        }
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn probing_for_paths_at_a_portal_is_scanning() {
    let mut scene = Scene::new();
    for n in 0..21 {
        scene
            .at(n / 5)
            .from("203.0.113.9")
            .gets(&format!("/backup-{n}.zip"), 404);
    }
    assert_eq!(scene.rules(), [(Rule::PathScanning, "203.0.113.9".into())]);
    assert!(scene.found[0].foreign > 0.99);
}

#[test]
fn a_page_with_a_broken_link_that_is_loaded_again_and_again_is_silent() {
    let mut scene = Scene::new();
    for n in 0..10_000 {
        scene
            .at(n)
            .from("203.0.113.9")
            .gets(&format!("/missing-{}.png", n % 15), 404);
        scene
            .at(n)
            .from("203.0.113.9")
            .gets(&format!("/page/{n}"), 200);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn a_slow_crawler_with_an_old_site_map_is_silent() {
    let mut scene = Scene::new();
    for n in 0..1_000 {
        scene
            .at(n * 10)
            .from("203.0.113.9")
            .gets(&format!("/old/{n}"), 404);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn a_scanner_that_says_so_is_seen_sooner() {
    let mut scene = Scene::new();
    for path in ["/a", "/b", "/c", "/d", "/e", "/f"] {
        let mut observation = scene.at(0).from("203.0.113.9").observation(path);
        observation.scanner = true;
        scene.see(&observation);
    }
    assert_eq!(scene.rules(), [(Rule::PathScanning, "203.0.113.9".into())]);
}

#[test]
fn refusals_by_us_alone_never_count_as_evidence_from_outside() {
    let mut scene = Scene::new();
    for n in 0..40 {
        scene
            .at(n / 10)
            .from("203.0.113.9")
            .is_refused(&format!("/x{n}"), Cause::NotFound);
    }
    assert_eq!(scene.rules(), [(Rule::PathScanning, "203.0.113.9".into())]);
    assert!(scene.found[0].foreign.abs() < f64::EPSILON);
    for cause in [
        Cause::Limited,
        Cause::Banned,
        Cause::Fault,
        Cause::Unidentified,
    ] {
        let mut scene = Scene::new();
        for n in 0..10_000 {
            scene
                .at(n / 1_000)
                .from("203.0.113.9")
                .is_refused(&format!("/x{n}"), cause);
        }
        assert_eq!(scene.rules(), [], "{cause:?}");
    }
}

#[test]
fn a_caller_that_tries_records_one_by_one_answers_for_itself() {
    let mut scene = Scene::new();
    for n in 0..21 {
        scene
            .at(n)
            .from("10.0.0.5")
            .caller("clerk")
            .gets(&format!("/citizen/{n}"), 403 + u16::from(n % 2 == 0));
    }
    assert_eq!(scene.rules(), [(Rule::RecordProbing, "clerk".into())]);
}

#[test]
fn a_caller_that_looks_up_a_list_with_some_gaps_is_silent() {
    let mut scene = Scene::new();
    for n in 0..3_000 {
        let status = if n % 12 == 0 { 404 } else { 200 };
        scene
            .at(n * 3)
            .from("10.0.0.5")
            .caller("clerk")
            .gets(&format!("/citizen/{n}"), status);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn what_a_limited_or_banned_client_goes_on_doing_is_not_counted_again() {
    let mut scene = Scene::new();
    for n in 0..2_000 {
        for cause in [Cause::Limited, Cause::Banned, Cause::Fault] {
            let mut observation = scene
                .at(n / 100)
                .from("203.0.113.9")
                .caller("clerk")
                .observation("/.hangu/sign-in");
            observation.sign_in = Some(SignIn {
                user: "wang",
                ok: false,
            });
            observation.findings = Findings {
                score: 5,
                categories: &["sqli"],
            };
            observation.outcome = Outcome::Refused {
                reason: "test",
                cause,
            };
            observation.scanner = true;
            scene.see(&observation);
        }
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn several_attacks_are_a_campaign_and_one_is_not() {
    let mut scene = Scene::new();
    let attack = |scene: &mut Scene, second, score| {
        let mut observation = scene.at(second).from("203.0.113.9").observation("/search");
        observation.findings = Findings {
            score,
            categories: &["sqli"],
        };
        observation.outcome = Outcome::Refused {
            reason: "attack",
            cause: Cause::Inspected,
        };
        observation.status = 403;
        scene.see(&observation);
    };
    attack(&mut scene, 0, 10_000);
    attack(&mut scene, 3_600, 10_000);
    assert_eq!(scene.rules(), []);
    for second in 0..5 {
        attack(&mut scene, 7_200 + second, 5);
    }
    assert_eq!(scene.rules(), [(Rule::AttackProbing, "203.0.113.9".into())]);
    assert!(scene.found[0].description.zh.contains("sqli"));
}

#[test]
fn records_of_many_people_read_by_one_caller_are_mass_reading() {
    let mut scene = Scene::new();
    for n in 0..301 {
        scene
            .at(n)
            .from("10.0.0.5")
            .caller("clerk")
            .reads(&format!("/citizen/{n}"), 1);
    }
    assert_eq!(scene.rules(), [(Rule::MassReading, "clerk".into())]);
    assert_eq!(
        scene.found[0].description.zh,
        "“clerk”一小时内读取了301 人的个人信息，阈值 300 人"
    );
    assert_eq!(scene.found[0].events.len(), 24);
}

#[test]
fn reading_the_same_records_again_is_silent() {
    let mut scene = Scene::new();
    for n in 0..5_000 {
        scene
            .at(n / 2)
            .from("10.0.0.5")
            .caller("clerk")
            .reads(&format!("/citizen/{}", n % 250), 1);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn a_busy_counter_is_silent_all_day_and_a_slow_thief_is_not() {
    let mut scene = Scene::new();
    for n in 0..1_500 {
        scene
            .at(n * 20)
            .from("10.0.0.5")
            .caller("clerk")
            .reads(&format!("/citizen/{n}"), 1);
    }
    assert_eq!(scene.rules(), []);
    for n in 0..2_300 {
        scene
            .at(n * 30)
            .from("10.0.0.6")
            .caller("thief")
            .reads(&format!("/citizen/{n}"), 1);
    }
    assert_eq!(scene.rules(), [(Rule::MassReadingDay, "thief".into())]);
}

#[test]
fn pages_of_many_people_count_each_of_them() {
    let mut scene = Scene::new();
    scene
        .at(0)
        .from("10.0.0.5")
        .caller("clerk")
        .reads("/export?page=1", 200);
    scene
        .at(1)
        .from("10.0.0.5")
        .caller("clerk")
        .reads("/export?page=1", 200);
    assert_eq!(scene.rules(), []);
    scene
        .at(2)
        .from("10.0.0.5")
        .caller("clerk")
        .reads("/export?page=2", 200);
    assert_eq!(scene.rules(), [(Rule::MassReading, "clerk".into())]);
}

#[test]
fn people_who_are_known_by_their_hash_count_once_wherever_they_are_read() {
    let mut scene = Scene::new();
    for n in 0..1_000u64 {
        let path = format!("/view/{n}");
        let hashes = [n % 200, (n + 1) % 200];
        let mut observation = scene
            .at(n)
            .from("10.0.0.5")
            .caller("clerk")
            .observation(&path);
        observation.personal = Personal {
            counts: &[("resident-id", 2)],
            subjects: 2,
            hashes: &hashes,
        };
        scene.see(&observation);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn reading_on_and_on_is_told_at_each_multiple_and_not_at_each_record() {
    let mut scene = Scene::new();
    for n in 0..1_000 {
        scene
            .at(n)
            .from("10.0.0.5")
            .caller("clerk")
            .reads(&format!("/citizen/{n}"), 1);
    }
    assert_eq!(scene.rules().len(), 3);
}

#[test]
fn a_caller_whose_work_is_reading_has_its_own_threshold() {
    let mut settings = Settings::default();
    settings
        .reading
        .callers
        .insert("tongji".into(), 5_000.try_into().unwrap());
    let mut scene = Scene::with(settings);
    for n in 0..4_000 {
        scene
            .at(n / 2)
            .from("10.0.0.5")
            .caller("tongji")
            .reads(&format!("/citizen/{n}"), 1);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn somebody_unknown_who_reads_many_records_is_known_by_the_address() {
    let mut scene = Scene::new();
    for n in 0..301 {
        scene
            .at(n)
            .from("10.0.0.5")
            .reads(&format!("/citizen/{n}"), 1);
    }
    assert_eq!(scene.rules(), [(Rule::MassReading, "10.0.0.5".into())]);
}

#[test]
fn trying_many_things_that_policy_forbids_is_seen() {
    let mut scene = Scene::new();
    for n in 0..11 {
        scene
            .at(n)
            .from("10.0.0.5")
            .caller("clerk")
            .is_refused(&format!("/admin/{n}"), Cause::Denied);
    }
    assert_eq!(scene.rules(), [(Rule::RepeatedDenials, "clerk".into())]);
    assert!(scene.found[0].foreign.abs() < f64::EPSILON);
}

#[test]
fn a_page_that_polls_something_forbidden_is_silent() {
    let mut scene = Scene::new();
    for n in 0..10_000 {
        scene
            .at(n)
            .from("10.0.0.5")
            .caller("clerk")
            .is_refused(&format!("/api/notices-{}", n % 8), Cause::Denied);
    }
    assert_eq!(scene.rules(), []);
}

#[test]
fn many_bad_credentials_are_seen_and_an_expired_one_that_is_retried_is_not() {
    let mut scene = Scene::new();
    for n in 0..100 {
        scene
            .at(n * 15)
            .from("203.0.113.8")
            .is_refused("/api", Cause::BadCredential);
    }
    assert_eq!(scene.rules(), []);
    for n in 0..21 {
        scene
            .at(n / 4)
            .from("203.0.113.9")
            .is_refused("/api", Cause::BadCredential);
    }
    assert_eq!(
        scene.rules(),
        [(Rule::RejectedCredentials, "203.0.113.9".into())]
    );
}

#[test]
fn a_flood_of_strangers_is_bounded_told_and_does_not_hide_who_was_watched() {
    let settings = Settings {
        watched: 1_000.try_into().unwrap(),
        ..Settings::default()
    };
    let mut scene = Scene::with(settings);
    for second in 0..8 {
        scene.at(second).from("203.0.113.9").signs_in("wang", false);
    }
    for n in 0..100_000u32 {
        let address = IpAddr::from((u128::from(n) << 64 | 0x2001_0db8 << 96).to_be_bytes());
        scene
            .at(8)
            .from(&address.to_string())
            .signs_in(&format!("user-{n}"), false);
    }
    let own: Vec<_> = scene
        .found
        .iter()
        .filter(|found| found.rule == Rule::WatchFull)
        .collect();
    assert!(!own.is_empty());
    assert_eq!(own[0].entity, Entity::Gateway("sign-ins".into()));
    assert!(scene.watch.guessing.size() <= 3_000);
    scene.found.clear();
    for second in 9..12 {
        scene.at(second).from("203.0.113.9").signs_in("wang", false);
    }
    assert!(
        scene
            .rules()
            .contains(&(Rule::PasswordGuessing, "203.0.113.9".into()))
    );
}

#[test]
fn strange_input_is_taken_in_without_harm() {
    let mut scene = Scene::new();
    let long = "张".repeat(10_000);
    for n in 0..50u64 {
        scene
            .at(u64::MAX / 1_000 - n)
            .from("203.0.113.9")
            .signs_in(&long, n % 2 == 0);
        scene.at(n).from("203.0.113.9").signs_in("", false);
        scene
            .at(n)
            .from("203.0.113.9")
            .caller(&long)
            .reads(&long, u32::MAX);
        let mut observation = scene.at(n).from("203.0.113.9").observation("");
        (observation.status, observation.time_ms) = (u16::MAX, u64::MAX);
        observation.findings = Findings {
            score: u32::MAX,
            categories: &[],
        };
        scene.see(&observation);
    }
    assert!(!scene.found.is_empty());
}

#[test]
fn an_address_used_by_many_callers_is_known_as_shared() {
    let mut scene = Scene::new();
    for n in 0..40 {
        scene
            .at(n)
            .from("203.0.113.9")
            .caller(&format!("user-{}", n % 20))
            .gets("/", 200);
    }
    let source = Source::from("203.0.113.9".parse::<IpAddr>().unwrap());
    assert_eq!(scene.watch.callers_behind(&source, 40_000), 20);
    assert_eq!(scene.watch.callers_behind(&source, 8_000_000), 0);
}

/// A watch, a clock and somebody in front of it.
struct Scene {
    watch: Watch,
    found: Vec<Detection>,
    event: u64,
    time_ms: u64,
    address: IpAddr,
    caller: String,
}

impl Scene {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        Self {
            watch: Watch::new(Arc::new(settings)),
            found: Vec::new(),
            event: 0,
            time_ms: 0,
            address: IpAddr::from([0; 4]),
            caller: String::new(),
        }
    }

    fn at(&mut self, second: u64) -> &mut Self {
        self.time_ms = second * 1_000;
        self.caller.clear();
        self
    }

    fn from(&mut self, address: &str) -> &mut Self {
        self.address = address.parse().unwrap();
        self
    }

    fn caller(&mut self, caller: &str) -> &mut Self {
        self.caller = caller.into();
        self
    }

    fn observation<'a>(&mut self, path: &'a str) -> Observation<'a> {
        self.event += 1;
        Observation {
            event: self.event,
            caller: Box::leak(self.caller.clone().into_boxed_str()),
            path,
            ..Observation::plain(self.address, self.time_ms)
        }
    }

    fn see(&mut self, observation: &Observation<'_>) {
        self.found.extend(self.watch.observe(observation));
    }

    fn signs_in(&mut self, user: &str, ok: bool) {
        let mut observation = self.observation("/.hangu/sign-in");
        observation.sign_in = Some(SignIn { user, ok });
        if !ok {
            observation.outcome = Outcome::Refused {
                reason: "password",
                cause: Cause::BadCredential,
            };
            observation.status = 401;
        }
        self.see(&observation);
    }

    fn gets(&mut self, path: &str, status: u16) {
        let mut observation = self.observation(path);
        observation.status = status;
        self.see(&observation);
    }

    fn reads(&mut self, path: &str, people: u32) {
        let mut observation = self.observation(path);
        observation.personal = Personal {
            counts: &[("resident-id", 1)],
            subjects: people,
            hashes: &[],
        };
        self.see(&observation);
    }

    fn is_refused(&mut self, path: &str, cause: Cause) {
        let mut observation = self.observation(path);
        observation.outcome = Outcome::Refused {
            reason: "test",
            cause,
        };
        observation.status = 403;
        self.see(&observation);
    }

    fn rules(&self) -> Vec<(Rule, String)> {
        self.found
            .iter()
            .map(|found| (found.rule, found.entity.to_string()))
            .collect()
    }
}
