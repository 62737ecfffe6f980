//! Statements over whole policies: each verdict held against decisions.

use hangu_policy::analysis::patience::Patience;
use hangu_policy::cli::tools::{self, Form};
use hangu_policy::statement::{
    Certificates, Crossing, Finding, Portal, Verdict, World, Zone, prove,
};
use hangu_policy::{Effect, RedactLevel, Snapshot, Source, Value};
use serde_json::Value as Json;

use crate::dice::Dice;
use crate::support::{GATEWAY_MODEL, GATEWAY_RULES, decide, model, shown, snapshot};

fn world() -> World {
    let zone = |name: &str, certificates| Zone {
        name: name.to_owned(),
        certificates,
    };
    let crossing = |from: &str, to: &str, assurance, redact| Crossing {
        from: from.to_owned(),
        to: to.to_owned(),
        assurance,
        redact,
    };
    let portal =
        |name: &str, zone: &str, department: &str, hosts: &[&str], paths: &[&str]| Portal {
            name: name.to_owned(),
            zone: zone.to_owned(),
            department: department.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
    World {
        zones: vec![
            zone("internet", Certificates::Off),
            zone("extranet", Certificates::Optional),
            zone("intranet", Certificates::Required),
        ],
        crossings: vec![
            crossing("internet", "extranet", 2, Some(RedactLevel::L2)),
            crossing("extranet", "intranet", 1, None),
            crossing("intranet", "internet", 0, None),
        ],
        portals: vec![
            portal("web", "internet", "web", &["www.city.example"], &["/"]),
            portal(
                "staff",
                "intranet",
                "staff",
                &["staff.city.example"],
                &["/people"],
            ),
            portal(
                "exchange",
                "extranet",
                "exchange",
                &["*.exchange.example"],
                &["/"],
            ),
        ],
    }
}

fn judged(policy: &Snapshot, sentences: &str, world: Option<&World>) -> Vec<Finding> {
    let source = Source {
        name: "s",
        text: sentences,
    };
    prove(policy, &[source], world).unwrap_or_else(|mistakes| panic!("{}", shown(&mistakes)))
}

fn one(rules: &str, sentence: &str) -> Finding {
    let policy = snapshot(GATEWAY_MODEL, rules);
    judged(&policy, sentence, Some(&world())).remove(0)
}

fn word(finding: &Finding) -> &'static str {
    match finding.verdict {
        Verdict::Proved { .. } => "proved",
        Verdict::Refuted { .. } => "refuted",
        Verdict::Undecided { .. } => "undecided",
    }
}

#[test]
fn each_kind_of_statement_is_proved_or_refuted() {
    let table = [
        (
            "nothing from internet reaches an intranet portal without a certificate and assurance 3",
            "proved",
        ),
        (
            "nothing from extranet reaches an intranet portal without a certificate and assurance 3",
            "refuted",
        ),
        (
            "nothing from extranet reaches an intranet portal without assurance 2",
            "proved",
        ),
        (
            "nothing from intranet reaches an intranet portal without assurance 2",
            "refuted",
        ),
        (
            "nobody but role:clerk, svc:etl reaches portal staff",
            "proved",
        ),
        ("nobody but role:officer reads portal staff", "refuted"),
        ("nobody but role:officer writes to portal staff", "proved"),
        ("role:blocked never reaches any portal", "proved"),
        ("u:mallory never reaches portal staff", "proved"),
        ("u:bo never reaches portal staff", "refuted"),
        ("u:bo never writes to portal staff", "proved"),
        ("anon never reaches portal staff", "proved"),
        ("anon never reaches portal web", "refuted"),
        (
            "portal staff is reached only from extranet, intranet",
            "proved",
        ),
        ("portal staff is reached only from extranet", "refuted"),
        ("portal staff is reached only with assurance 2", "refuted"),
        (
            "portal staff is read at /people/:id only with assurance 2 and risk below 80",
            "proved",
        ),
        (
            "portal staff is read at /people/:id only with assurance 2 and risk below 79",
            "refuted",
        ),
        (
            "portal staff always carries redact at least L1 at /people/:id",
            "proved",
        ),
        (
            "portal staff always carries redact at least L3 at /people/:id",
            "refuted",
        ),
        (
            "portal web at /services/:item always carries redact L2",
            "proved",
        ),
        ("portal web always carries redact L2", "refuted"),
        ("portal staff is written only by role:officer", "proved"),
        ("any portal at /admin/* always carries log full", "proved"),
        ("nothing sends DELETE to any portal", "proved"),
        (
            "nothing sends PUT, GET to portal staff without device 60",
            "refuted",
        ),
        ("role:clerk and role:blocked exclude one another", "refuted"),
        (
            "role:resident and role:blocked exclude one another",
            "proved",
        ),
        (
            "role:resident, role:blocked exclude one another in staff",
            "proved",
        ),
        ("nothing reaches portal exchange", "proved"),
        (
            "nothing reaches host staff.city.example without certificate",
            "refuted",
        ),
        (
            "nothing from intranet reaches host staff.city.example without certificate",
            "proved",
        ),
    ];
    for (sentence, expected) in table {
        let finding = one(GATEWAY_RULES, sentence);
        assert_eq!(word(&finding), expected, "{sentence}\n{finding:#?}");
    }
}

#[test]
fn a_refutation_names_a_request_that_is_allowed_and_the_rows_that_allow_it() {
    let finding = one(
        GATEWAY_RULES,
        "# why\nnobody but role:officer reads portal staff",
    );
    assert_eq!(
        serde_json::to_string(&finding).unwrap(),
        r#"{"file":"s","line":2,"column":1,"statement":"nobody but role:officer reads portal staff","verdict":"refuted","witness":{"portal":"staff","from":"extranet","request":{"sub":"u:bo","dom":"staff","src":"zone:extranet","host":"staff.city.example","path":"/people/1","act":"GET","ctx":{"aal":2,"dev":60,"risk":0,"min":0,"dow":1,"cert":false}},"obligations":"redact:L3;rate:silver;watermark:on","rules":["rules.csv:6"]},"message":"does not hold: {\"sub\":\"u:bo\",\"dom\":\"staff\",\"src\":\"zone:extranet\",\"host\":\"staff.city.example\",\"path\":\"/people/1\",\"act\":\"GET\",\"ctx\":{\"aal\":2,\"dev\":60,\"risk\":0,\"min\":0,\"dow\":1,\"cert\":false}} at portal staff is allowed by rules.csv:6 with redact:L3;rate:silver;watermark:on","message_zh":"不成立:门户 staff 的请求 {\"sub\":\"u:bo\",\"dom\":\"staff\",\"src\":\"zone:extranet\",\"host\":\"staff.city.example\",\"path\":\"/people/1\",\"act\":\"GET\",\"ctx\":{\"aal\":2,\"dev\":60,\"risk\":0,\"min\":0,\"dow\":1,\"cert\":false}} 被 rules.csv:6 放行,附带义务 redact:L3;rate:silver;watermark:on"}"#
    );
}

#[test]
fn who_has_two_roles_is_named_with_the_rows_that_give_them() {
    let finding = one(
        GATEWAY_RULES,
        "role:blocked and role:clerk exclude one another in staff",
    );
    assert_eq!(
        finding.message,
        r#"does not hold: {"sub":"u:mallory","roles":["role:blocked","role:clerk"],"dom":"staff"} through rules.csv:13, rules.csv:14"#
    );
    // Inheriting a role is having it, and a role that includes another has both.
    let heir = one(
        GATEWAY_RULES,
        "role:officer and role:clerk exclude one another",
    );
    let Verdict::Refuted { witness } = heir.verdict else {
        panic!("{heir:?}")
    };
    assert!(
        witness.rules.contains(&"rules.csv:12".to_owned()),
        "{witness:?}"
    );
}

#[test]
fn a_clause_that_cannot_be_seen_through_is_named_and_never_taken_for_proved() {
    let row = |condition: &str| {
        format!("{GATEWAY_RULES}p, *, web, *, *, /odd, ^GET$, {condition}, allow, \n")
    };
    let sentence = "nothing reads portal web at /odd without assurance 1";
    for (condition, expected) in [
        // One fact alone is seen through, whatever is done with it.
        ("r.ctx.aal * 2 > 1", "proved"),
        ("r.ctx.aal * 2 >= 0", "refuted"),
        (
            "(r.ctx.aal > 2 || r.ctx.aal == 1) && r.ctx.dev % 7 == 3",
            "proved",
        ),
        ("!(r.ctx.aal == 0)", "proved"),
        // Two are not; a request may still be found.
        ("r.ctx.aal + r.ctx.dev > 200", "undecided"),
        ("r.ctx.aal < r.ctx.dow", "refuted"),
        ("r.sub == r.act", "undecided"),
        ("r.sub == r.dom && r.ctx.aal > 0", "proved"),
    ] {
        let finding = one(&row(condition), sentence);
        assert_eq!(word(&finding), expected, "{condition}\n{finding:#?}");
        if let Verdict::Undecided { because } = finding.verdict {
            assert_eq!(
                (because.rule.as_str(), because.clause.as_str()),
                ("rules.csv:17", condition)
            );
        }
    }
    // A row that denies under such a clause is not relied on.
    let denied = format!(
        "{}p, *, web, *, *, /odd, ^GET$, r.ctx.aal <= r.ctx.dev, deny, \n",
        row("true")
    );
    let finding = one(&denied, sentence);
    assert_ne!(word(&finding), "proved", "{finding:#?}");
}

#[test]
fn a_fact_that_the_gateway_never_gives_makes_a_deny_apply_and_an_allow_not() {
    let model = GATEWAY_MODEL.replace(
        "[policy_definition]",
        "[attribute_definition]\nctx = aal: int, dev: int, risk: int, min: int, dow: int, cert: bool, cls: int\n[policy_definition]",
    );
    let rules = |effect: &str, condition: &str| {
        let allow = "p, *, web, *, *, /, ^GET$, true, allow, \n";
        snapshot(
            &model,
            &format!("{allow}p, *, web, *, *, /, ^(GET|PUT)$, {condition}, {effect}, \n"),
        )
    };
    let verdict =
        |policy: &Snapshot, sentence: &str| word(&judged(policy, sentence, Some(&world()))[0]);
    let allow = rules("allow", "!(r.ctx.cls > 3)");
    assert_eq!(verdict(&allow, "nothing sends PUT to any portal"), "proved");
    let deny = rules("deny", "r.ctx.cls > 3");
    assert_eq!(verdict(&deny, "nothing reads any portal"), "proved");
}

#[test]
fn a_longer_prefix_of_another_portal_takes_its_paths_away() {
    let mut world = world();
    world.portals.push(Portal {
        name: "inner".to_owned(),
        zone: "intranet".to_owned(),
        department: "web".to_owned(),
        hosts: vec!["www.city.example".to_owned()],
        paths: vec!["/assets/inner".to_owned()],
    });
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let verdict = |sentence: &str| word(&judged(&policy, sentence, Some(&world))[0]);
    assert_eq!(
        verdict("nothing reads portal web at /assets/inner"),
        "proved"
    );
    assert_eq!(
        verdict("nothing reads portal web at /assets/innermost"),
        "refuted"
    );
    assert_eq!(verdict("nothing reads portal inner"), "refuted");
    assert_eq!(
        verdict("nothing from internet reads portal inner"),
        "proved"
    );
}

#[test]
fn a_wildcard_host_stands_for_names_that_no_rule_knows() {
    let rules = |host: &str| {
        format!("{GATEWAY_RULES}p, *, exchange, *, {host}, /x, ^GET$, true, allow, \n")
    };
    let sentence = "nothing reaches portal exchange";
    let host = |rules: &str| match one(rules, sentence).verdict {
        Verdict::Refuted { witness } => witness.request["host"].as_str().unwrap().to_owned(),
        verdict @ (Verdict::Proved { .. } | Verdict::Undecided { .. }) => panic!("{verdict:?}"),
    };
    assert_eq!(host(&rules("a.exchange.example")), "a.exchange.example");
    assert_eq!(host(&rules("*")), "any-0.exchange.example");
    assert_eq!(
        word(&one(&rules("a.b.exchange.example"), sentence)),
        "proved"
    );
    let other = "nothing reaches host b.exchange.example";
    assert_eq!(word(&one(&rules("a.exchange.example"), other)), "proved");
    assert_eq!(word(&one(&rules("*"), other)), "refuted");
}

#[test]
fn names_that_nobody_knows_are_refused_with_the_nearest_one() {
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let wrong = |sentence: &str, world: Option<&World>| {
        let source = Source {
            name: "s",
            text: sentence,
        };
        shown(&prove(&policy, &[source], world).unwrap_err())
    };
    let full = world();
    for (sentence, expected) in [
        (
            "nobody but role:clrk reaches portal staff",
            "s:1:12: there is no role or caller `role:clrk`; did you mean `role:clerk`?",
        ),
        (
            "nothing from intraet reaches portal staff",
            "s:1:14: there is no zone `intraet`; did you mean `intranet`?",
        ),
        (
            "nothing reaches portal staf",
            "s:1:24: there is no portal `staf`; did you mean `staff`?",
        ),
        (
            "nothing reaches department stff",
            "s:1:28: there is no department `stff`; did you mean `staff`?",
        ),
        (
            "nothing reaches host ww.city.example",
            "s:1:22: there is no host `ww.city.example`; did you mean `www.city.example`?",
        ),
        (
            "nothing sends GETT to any portal",
            "s:1:15: there is no method `GETT`; did you mean `GET`?",
        ),
        (
            "role:clerk, role:x exclude one another",
            "s:1:13: there is no role or caller `role:x`",
        ),
    ] {
        let message = wrong(sentence, Some(&full));
        assert!(message.starts_with(expected), "{sentence}\n{message}");
    }
    let message = wrong("nothing reaches portal staff", None);
    assert!(
        message.starts_with(
            "s:1:24: the statement asks about a portal, and no portals are known here"
        ),
        "{message}"
    );
}

#[test]
fn a_policy_without_portals_is_judged_over_everything_that_it_tells_apart() {
    let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let verdict = |sentence: &str| word(&judged(&policy, sentence, None)[0]);
    assert_eq!(
        verdict("nobody but role:clerk, svc:etl reaches department staff"),
        "proved"
    );
    assert_eq!(
        verdict("nobody but role:clerk reaches department staff"),
        "refuted"
    );
    assert_eq!(
        verdict("nothing from internet reaches host staff.city.example"),
        "proved"
    );
    assert_eq!(
        verdict("nothing from extranet reaches host staff.city.example"),
        "refuted"
    );
    assert_eq!(
        verdict("nothing reaches anything at /people/* without assurance 1"),
        "refuted"
    );
    assert_eq!(
        verdict("nothing reaches anything at /people/:id without assurance 1"),
        "proved"
    );
    let small = snapshot(
        &model("g(r.sub, p.sub) && r.obj == p.obj && (p.act == \"*\" || r.act == p.act)"),
        "p, role:a, data, read, allow\np, u:x, data, write, allow\np, *, data, write, deny\ng, u:y, role:a\n",
    );
    let small = |sentence: &str| word(&judged(&small, sentence, None)[0]);
    assert_eq!(small("nobody but role:a, u:x reaches anything"), "proved");
    assert_eq!(small("nobody but u:x reaches anything"), "refuted");
    assert_eq!(
        small("nobody but role:a sends write to anything"),
        "refuted"
    );
    assert_eq!(small("u:x and role:a exclude one another"), "proved");
}

/// A statement with what it says, so that a request can be held against it without the prover.
struct Said {
    sentence: String,
    but: Option<&'static str>,
    named: Option<&'static str>,
    from: Option<&'static str>,
    write: bool,
    portal: Option<&'static str>,
    path: Option<&'static str>,
    assurance: Option<i64>,
    certificate: bool,
    redact: Option<RedactLevel>,
}

fn said(dice: &mut Dice) -> Said {
    let names = ["u:0", "u:1", "role:0", "role:1", "role:2", "role:3"];
    let maybe =
        |dice: &mut Dice, list: &[&'static str]| (dice.below(3) == 0).then(|| dice.pick(list));
    let from = maybe(dice, &["0", "1"]);
    let portal = maybe(dice, &["p0", "p1", "p2"]);
    let path = maybe(dice, &["/a/*", "/a/:id", "/b", "/:id/*"]);
    let write = dice.below(4) == 0;
    let target = portal.map_or("any portal".to_owned(), |portal| format!("portal {portal}"));
    let mut tail = String::new();
    tail += &from.map_or(String::new(), |zone| format!(" from {zone}"));
    tail += &path.map_or(String::new(), |path| format!(" at {path}"));
    let mut one = Said {
        sentence: String::new(),
        but: None,
        named: None,
        from,
        write,
        portal,
        path,
        assurance: None,
        certificate: false,
        redact: None,
    };
    let verb = if write { "writes to" } else { "reaches" };
    one.sentence = match dice.below(4) {
        0 => {
            let but = dice.pick(&names);
            one.but = Some(but);
            format!("nobody but {but} {verb} {target}{tail}")
        }
        1 => {
            let named = dice.pick(&names);
            one.named = Some(named);
            format!("{named} never {verb} {target}{tail}")
        }
        2 => {
            let (level, certificate) = (1 + i64::from(dice.int(4)), dice.below(2) == 0);
            one.assurance = Some(level);
            one.certificate = certificate;
            let too = if certificate {
                " and a certificate"
            } else {
                ""
            };
            format!("nothing {verb} {target}{tail} without assurance {level}{too}")
        }
        _ => {
            one.write = false;
            let (level, name) = dice.pick(&[
                (RedactLevel::L1, "L1"),
                (RedactLevel::L2, "L2"),
                (RedactLevel::L3, "L3"),
            ]);
            one.redact = Some(level);
            format!("{target} always carries redact at least {name}{tail}")
        }
    };
    one
}

/// The world of random policies; what it asks is drawn anew.
fn random_world(dice: &mut Dice) -> World {
    let certificates = [
        Certificates::Off,
        Certificates::Optional,
        Certificates::Required,
    ];
    let zones = ["0", "1", "2"].map(|name| Zone {
        name: name.to_owned(),
        certificates: dice.pick(&certificates),
    });
    let mut crossings = Vec::new();
    for from in ["0", "1", "2"] {
        for to in ["0", "1", "2"] {
            if dice.below(3) > 0 {
                crossings.push(Crossing {
                    from: from.to_owned(),
                    to: to.to_owned(),
                    assurance: u8::try_from(dice.pick(&[0, 0, 1, 2])).unwrap(),
                    redact: dice.pick(&[
                        None,
                        None,
                        None,
                        Some(RedactLevel::L1),
                        Some(RedactLevel::L2),
                    ]),
                });
            }
        }
    }
    let portal = |name: &str, zone: &str, department: &str, host: &str, path: &str| Portal {
        name: name.to_owned(),
        zone: zone.to_owned(),
        department: department.to_owned(),
        hosts: vec![host.to_owned()],
        paths: vec![path.to_owned()],
    };
    World {
        zones: zones.into(),
        crossings,
        portals: vec![
            portal("p0", "0", "d0", "h.0", "/"),
            portal("p1", "1", "d1", "h.1", "/"),
            portal("p2", "2", "d1", "h.0", "/a/b"),
        ],
    }
}

/// Everything that has to be known of a request to hold a statement against it.
#[derive(Debug, Clone)]
struct Sampled {
    zone: &'static str,
    host: &'static str,
    sub: String,
    path: String,
    act: String,
    ctx: Vec<(&'static str, i64)>,
    cert: bool,
}

impl Sampled {
    fn fact(&self, name: &str) -> i64 {
        self.ctx.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn portal<'w>(&self, world: &'w World) -> &'w Portal {
        let name = match self.host {
            "h.1" => "p1",
            _ if self.path == "/a/b" || self.path.starts_with("/a/b/") => "p2",
            _ => "p0",
        };
        world
            .portals
            .iter()
            .find(|portal| portal.name == name)
            .unwrap()
    }

    fn crossing(&self, world: &World) -> Option<(u8, Option<RedactLevel>)> {
        let to = &self.portal(world).zone;
        let found = world
            .crossings
            .iter()
            .find(|crossing| crossing.from == self.zone && crossing.to == *to);
        found
            .map(|crossing| (crossing.assurance, crossing.redact))
            .or_else(|| (self.zone == to).then_some((0, None)))
    }

    /// Whether the gateway would ask the policy about this request at all.
    fn arrives(&self, world: &World) -> bool {
        let zone = world
            .zones
            .iter()
            .find(|zone| zone.name == self.zone)
            .unwrap();
        let presented = match zone.certificates {
            Certificates::Off => !self.cert,
            Certificates::Optional => true,
            Certificates::Required => self.cert,
        };
        presented
            && self
                .crossing(world)
                .is_some_and(|(least, _)| self.fact("aal") >= i64::from(least))
    }

    /// Whether the decision about this request breaks a statement.
    fn breaks(&self, policy: &Snapshot, world: &World, roles: &Roles, said: &Said) -> bool {
        let portal = self.portal(world);
        let has = |name: &str| roles.has(&self.sub, name, &portal.department);
        let segments: Vec<&str> = self.path.split('/').skip(1).collect();
        let at = match said.path {
            None => true,
            Some("/a/*") => segments.len() > 1 && segments[0] == "a",
            Some("/a/:id") => segments.len() == 2 && segments[0] == "a" && !segments[1].is_empty(),
            Some("/b") => segments == ["b"],
            Some(_) => segments.len() > 1 && !segments[0].is_empty(),
        };
        let inside = self.arrives(world)
            && at
            && said.from.is_none_or(|zone| zone == self.zone)
            && said.portal.is_none_or(|name| name == portal.name)
            && (!said.write || ["POST", "PUT", "PATCH", "DELETE"].contains(&self.act.as_str()))
            && said.but.is_none_or(|name| !has(name))
            && said.named.is_none_or(has)
            && said
                .assurance
                .is_none_or(|least| self.fact("aal") < least || (said.certificate && !self.cert));
        if !inside {
            return false;
        }
        let src = format!("zone:{}", self.zone);
        let mut ctx: Vec<(&str, Value<'_>)> = self
            .ctx
            .iter()
            .map(|(name, value)| (*name, Value::Int(*value)))
            .collect();
        ctx.push(("cert", Value::Bool(self.cert)));
        let decision = decide(
            policy,
            &[
                Value::Str(&self.sub),
                Value::Str(&portal.department),
                Value::Str(&src),
                Value::Str(self.host),
                Value::Str(&self.path),
                Value::Str(&self.act),
                Value::Map(&ctx),
            ],
        );
        let floor = self.crossing(world).and_then(|(_, redact)| redact);
        decision.effect == Effect::Allow
            && said
                .redact
                .is_none_or(|level| decision.obligations.redact.max(floor) < Some(level))
    }
}

/// The roles of a policy's text, closed the slow way.
struct Roles(Vec<(String, String, String)>);

impl Roles {
    fn of(rules: &str) -> Self {
        let rows = rules.lines().filter_map(|line| line.strip_prefix("g, "));
        Self(
            rows.map(|row| {
                let fields: Vec<&str> = row.split(", ").collect();
                (
                    fields[0].to_owned(),
                    fields[1].to_owned(),
                    fields[2].to_owned(),
                )
            })
            .collect(),
        )
    }

    fn has(&self, sub: &str, name: &str, department: &str) -> bool {
        sub == name
            || self.0.iter().any(|(member, role, domain)| {
                member == sub && domain == department && self.has(role, name, department)
            })
    }
}

fn sampled(dice: &mut Dice, patterns: &[String]) -> Option<Sampled> {
    let path = crate::differential::path(dice, patterns);
    let inner = &path[1..];
    let canonical = !inner.trim_end_matches('/').contains("//")
        && !inner.starts_with('/')
        && !path.ends_with("//");
    canonical.then(|| Sampled {
        zone: dice.pick(&["0", "0", "1", "2"]),
        host: dice.pick(&["h.0", "h.0", "h.1"]),
        sub: dice
            .pick(&[
                "u:0", "u:1", "u:2", "u:9", "anon", "role:0", "role:1", "role:2", "role:3",
            ])
            .to_owned(),
        path,
        act: dice
            .pick(&[
                "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
            ])
            .to_owned(),
        ctx: vec![
            ("aal", dice.int(5).into()),
            ("dev", dice.pick(&[0, 3, 59, 60, 100])),
            ("risk", dice.pick(&[0, 49, 50, 79, 80, 100])),
            ("min", dice.pick(&[0, 539, 540, 1079, 1080])),
            ("dow", dice.pick(&[1, 5, 6, 7])),
        ],
        cert: dice.below(2) == 0,
    })
}

/// A witness as a request that was sampled.
fn witnessed(request: &Json, from: &str) -> Sampled {
    let text = |name: &str| request[name].as_str().unwrap().to_owned();
    let number = |name: &'static str| (name, request["ctx"][name].as_i64().unwrap());
    Sampled {
        zone: ["0", "1", "2"]
            .into_iter()
            .find(|zone| *zone == from)
            .unwrap(),
        host: ["h.0", "h.1"]
            .into_iter()
            .find(|host| *host == text("host"))
            .unwrap(),
        sub: text("sub"),
        path: text("path"),
        act: text("act"),
        ctx: ["aal", "dev", "risk", "min", "dow"].map(number).into(),
        cert: request["ctx"]["cert"].as_bool().unwrap(),
    }
}

#[test]
fn no_request_breaks_what_is_proved_and_every_witness_breaks_what_is_refuted() {
    const EFFECTS: [&str; 4] = [
        "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
        "some(where (p.eft == allow))",
        "priority(p.eft) || deny",
        "!some(where (p.eft == deny))",
    ];
    let (mut proved, mut refuted, mut undecided, mut missed) = (0, 0, 0, 0);
    for seed in 1..=240_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let effect = EFFECTS[dice.pick(&[0, 0, 0, 0, 1, 2, 3])];
        let (rules, patterns) = crate::differential::gateway_rules(&mut dice, effect);
        let mut text: String = rules
            .lines()
            .map(|row| {
                let cost = if row.contains("deny, -") {
                    ""
                } else {
                    dice.pick(&["", "", "redact:L1", "redact:L2", "redact:L3", "log:full"])
                };
                row.strip_suffix("-")
                    .map_or_else(|| row.to_owned(), |row| format!("{row}{cost}"))
                    + "\n"
            })
            .collect();
        // Every name that statements use is known, without any role where portals are.
        text += "g, u:0, role:0, dz\ng, u:1, role:1, dz\ng, u:2, role:2, dz\ng, u:2, role:3, dz\n";
        let open = if effect == EFFECTS[3] {
            "\n[options]\nallow_unmatched = true\n"
        } else {
            ""
        };
        let policy = snapshot(&(GATEWAY_MODEL.replace(EFFECTS[0], effect) + open), &text);
        let (world, roles) = (random_world(&mut dice), Roles::of(&text));
        let samples: Vec<Sampled> = (0..500)
            .filter_map(|_| sampled(&mut dice, &patterns))
            .collect();
        for _ in 0..8 {
            let said = said(&mut dice);
            let finding = judged(&policy, &said.sentence, Some(&world)).remove(0);
            let breaking = samples
                .iter()
                .find(|sample| sample.breaks(&policy, &world, &roles, &said));
            let context = || {
                format!(
                    "{}\n{finding:#?}\n{world:#?}\n{effect}\n{text}",
                    said.sentence
                )
            };
            match &finding.verdict {
                Verdict::Proved { .. } => {
                    assert!(breaking.is_none(), "{breaking:?}\n{}", context());
                    proved += 1;
                }
                Verdict::Refuted { witness } => {
                    let witness = witnessed(&witness.request, witness.from.as_deref().unwrap());
                    assert!(
                        witness.breaks(&policy, &world, &roles, &said),
                        "{witness:?}\n{}",
                        context()
                    );
                    refuted += 1;
                }
                Verdict::Undecided { .. } => {
                    undecided += 1;
                    missed += u32::from(breaking.is_some());
                }
            }
        }
    }
    println!(
        "proved {proved}, refuted {refuted}, undecided {undecided}, of which a sample refutes {missed}"
    );
    assert!(proved > 300 && refuted > 300, "{proved} {refuted}");
    assert!(undecided < (proved + refuted) / 10, "{undecided}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(nothing|nobody|but|portal|zone|from|at|without|hours|redact|[a-z:/\", #\u{4e2d}\n-]{1,6}| ){0,24}") {
        let policy = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
        let source = Source { name: "s", text: &text };
        if let Err(mistakes) = prove(&policy, &[source], Some(&world())) {
            proptest::prop_assert!(mistakes.iter().all(|mistake| mistake.line > 0 && mistake.column > 0));
        }
    }
}

/// A hundred departments with a portal and a hundred rows each, and twenty statements about them.
#[test]
fn ten_thousand_rules_are_judged_as_a_few_are() {
    let mut world = world();
    let mut rules = String::from(
        "p, *, *, *, *, /*, *, r.ctx.risk >= 80, deny, log:full\np, *, *, zone:internet, *, /d/:x/admin/*, *, true, deny, log:full\n",
    );
    world.portals.clear();
    for department in 0..100 {
        world.portals.push(Portal {
            name: format!("p{department}"),
            zone: if department % 2 == 0 {
                "intranet"
            } else {
                "extranet"
            }
            .to_owned(),
            department: format!("d{department}"),
            hosts: vec![format!("h{department}.example")],
            paths: vec!["/".to_owned()],
        });
        for row in 0..100 {
            rules += &format!(
                "p, role:{}, d{department}, *, h{department}.example, /d/{}/r{row}/:id, ^({})$, r.ctx.aal >= {} && r.ctx.dev >= 10, allow, redact:L{};rate:gold\n",
                row % 10,
                row % 7,
                ["GET|HEAD", "GET", "PUT", "POST|DELETE"][row % 4],
                2 + row % 2,
                2 + row % 3,
            );
        }
        for person in 0..20 {
            rules += &format!(
                "g, u:{department}-{person}, role:{}, d{department}\n",
                person % 10
            );
        }
    }
    let mut sentences = String::new();
    for (number, verdict) in [
        "nothing reaches any portal without assurance 2",
        "any portal always carries redact at least L2",
        "nothing from internet reaches any portal at /d/:x/admin/*",
        "nothing from internet reaches an intranet portal",
        "nothing reaches any portal without risk below 80",
        "nothing reaches any portal without device 10",
        "anon never reaches any portal",
        "nobody but role:0, role:1, role:2, role:3, role:4, role:5, role:6, role:7, role:8, role:9 reaches any portal",
        "portal p7, p8, p9 is reached only with assurance 2 and device 5",
        "portal p10 is reached only by role:0, role:1, role:2, role:3, role:4, role:5, role:6, role:7, role:8, role:9",
        "nothing sends PATCH, OPTIONS to any portal",
        "zone extranet is written only with assurance 2",
        "nothing reaches any portal at /x/*",
        "nothing reaches any portal at /d/:x",
        "role:8 never writes to any portal at /d/1/r3/:id",
        "role:0 and role:1 exclude one another",
        "role:5, role:6, role:7 exclude one another",
        "nobody reaches any portal without assurance 3",
        "any portal always carries redact at least L3",
        "nobody but role:1 writes to any portal",
    ]
    .iter()
    .enumerate()
    {
        sentences += &format!("{verdict} # {number}\n");
    }
    let policy = snapshot(GATEWAY_MODEL, &rules);
    let started = std::time::Instant::now();
    let findings = judged(&policy, &sentences, Some(&world));
    println!(
        "{} rules, {} statements: {:?}",
        policy.rules().count(),
        findings.len(),
        started.elapsed()
    );
    let words: Vec<&str> = findings.iter().map(word).collect();
    assert_eq!(words[..17], ["proved"; 17], "{findings:#?}");
    assert_eq!(words[17..], ["refuted"; 3], "{findings:#?}");
}

#[test]
fn the_command_says_no_if_one_statement_is_not_proved() {
    let (model, rules) = (
        Source {
            name: "model.conf",
            text: GATEWAY_MODEL,
        },
        [Source {
            name: "rules.csv",
            text: GATEWAY_RULES,
        }],
    );
    let policy = tools::load(model, &rules).unwrap();
    let run = |sentences: &str, form| {
        let statements = [Source {
            name: "s",
            text: sentences,
        }];
        let mut output = Vec::new();
        let inquiry = tools::Inquiry {
            policy: &policy,
            form,
            patience: &Patience::endless(),
        };
        let verdict = inquiry.prove(&statements, Some(&world()), &mut output);
        (verdict.unwrap(), String::from_utf8(output).unwrap())
    };
    let holds = "nothing sends DELETE to any portal\n";
    let (yes, output) = run(holds, Form::Json);
    assert_eq!(yes, tools::Verdict::Yes);
    let line: Json = serde_json::from_str(output.trim()).unwrap();
    assert_eq!(line["verdict"], "proved");
    let (no, output) = run(
        &format!("{holds}role:clerk and role:officer exclude one another"),
        Form::Text,
    );
    assert_eq!(no, tools::Verdict::No);
    assert_eq!(
        output,
        "s:1:1: 成立 proved: nothing sends DELETE to any portal\n\
         s:2:1: 不成立 refuted: role:clerk and role:officer exclude one another\n    \
         不成立:{\"sub\":\"role:officer\",\"roles\":[\"role:officer\",\"role:clerk\"],\"dom\":\"staff\"},依据 rules.csv:12\n    \
         does not hold: {\"sub\":\"role:officer\",\"roles\":[\"role:officer\",\"role:clerk\"],\"dom\":\"staff\"} through rules.csv:12\n"
    );
    let statements = [Source {
        name: "s",
        text: "nothing at all",
    }];
    let inquiry = tools::Inquiry {
        policy: &policy,
        form: Form::Json,
        patience: &Patience::endless(),
    };
    let error = inquiry.prove(&statements, None, Vec::new()).unwrap_err();
    assert!(
        error.to_string().starts_with("s:1:9: unknown word `at`"),
        "{error}"
    );
}
