//! What is proved held against requests by the thousand: nothing may break it, and every witness must.

use hangu_policy::statement::{Certificates, Crossing, Portal, Verdict, World, Zone};
use hangu_policy::{Effect, RedactLevel, Snapshot, Value};
use serde_json::Value as Json;

use crate::dice::Dice;
use crate::statements::judged;
use crate::support::{GATEWAY_MODEL, decide, snapshot};

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
