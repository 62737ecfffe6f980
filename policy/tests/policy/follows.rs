//! Texts that were edited: following them from the snapshot before gives the one of a full load.

use hangu_policy::lifecycle::{Bundle, Text};
use hangu_policy::{Dialect, Snapshot, Source};

use crate::dice::Dice;
use crate::support::{GATEWAY_MODEL, GATEWAY_RULES};

fn row(dice: &mut Dice) -> String {
    let (who, zone) = (dice.int(9), dice.int(3));
    match dice.below(9) {
        0 => String::new(),
        1 => "# a comment".to_owned(),
        2 => "   ".to_owned(),
        3 => format!("g, u:{who}, role:{zone}, d0"),
        4 => "p, u:1, d0".to_owned(),
        _ => format!(
            "p, role:{who}, d{zone}, internet, h.{who}, /a/{who}/:id, ^GET$, true, {}, ",
            dice.pick(&["allow", "allow", "deny"])
        ),
    }
}

fn edit(dice: &mut Dice, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(lines.len() + 1);
        match dice.below(6) {
            0 => lines.insert(at, row(dice)),
            1 if at < lines.len() => drop(lines.remove(at)),
            2 => lines.push(row(dice)),
            3 => drop(lines.pop()),
            4 => lines.retain(|line| !line.starts_with('#')),
            _ if at < lines.len() => lines[at] = row(dice),
            _ => {}
        }
    }
    let end = dice.pick(&["\n", "\n", "\r\n"]);
    let mut text = lines.join(end);
    if dice.below(3) > 0 {
        text.push_str(end);
    }
    text
}

fn load(texts: &[String]) -> Result<Snapshot, Vec<hangu_policy::Mistake>> {
    let model = Source {
        name: "model.conf",
        text: GATEWAY_MODEL,
    };
    Snapshot::load(model, &sources(texts), Dialect::Strict)
}

fn sources(texts: &[String]) -> Vec<Source<'_>> {
    let names = ["a.csv", "b.csv"].into_iter();
    names
        .zip(texts)
        .map(|(name, text)| Source { name, text })
        .collect()
}

#[test]
fn edited_texts_are_followed_to_what_a_full_load_gives() {
    let mut dice = Dice(7);
    let (mut followed, mut refused) = (0, 0);
    let mut texts = vec![GATEWAY_RULES.to_owned(), String::new()];
    let mut current = load(&texts).unwrap();
    for step in 0..2_000 {
        let mut next = texts.clone();
        let which = dice.below(2);
        next[which] = edit(&mut dice, &texts[which]);
        let follows = current.follow(&sources(&texts), &sources(&next));
        match (follows, load(&next)) {
            (Some(follows), Ok(loaded)) => {
                assert_eq!(follows.revision(), loaded.revision(), "{step}: {next:?}");
                let rules =
                    |snapshot: &Snapshot| format!("{:?}", snapshot.rules().collect::<Vec<_>>());
                assert_eq!(rules(&follows), rules(&loaded), "{step}");
                let roles =
                    |snapshot: &Snapshot| format!("{:?}", snapshot.roles().collect::<Vec<_>>());
                assert_eq!(roles(&follows), roles(&loaded), "{step}");
                assert_eq!(follows.warnings(), loaded.warnings(), "{step}");
                (current, texts) = (follows, next);
                followed += 1;
            }
            (None, Err(_)) => refused += 1,
            (None, Ok(_)) => panic!("{step}: not followed: {next:?}"),
            (Some(_), Err(mistakes)) => panic!("{step}: {mistakes:?}\n{next:?}"),
        }
    }
    println!("{followed} edits followed, {refused} refused");
    assert!(followed > 500 && refused > 200, "{followed} {refused}");
}

#[test]
fn what_is_not_a_few_rows_is_left_to_a_full_load() {
    let many = |from: usize, to: usize| -> String {
        (from..to)
            .map(|row| format!("p, u:{row}, d0, *, h, /{row}, ^GET$, true, allow, \n"))
            .collect()
    };
    let old = [many(0, 1_000), String::new()];
    let compiled = load(&old).unwrap();
    let follow = |new: [String; 2]| compiled.follow(&sources(&old), &sources(&new));
    assert!(follow([many(0, 1_512), String::new()]).is_some());
    assert!(follow([many(0, 1_513), String::new()]).is_none());
    assert!(follow([many(1, 1_000), String::new()]).is_none());
    assert!(
        compiled
            .follow(&sources(&old), &sources(&old[..1]))
            .is_none()
    );
    let renamed = [
        sources(&old)[0],
        Source {
            name: "c.csv",
            text: "",
        },
    ];
    assert!(compiled.follow(&sources(&old), &renamed).is_none());
}

#[test]
fn a_bundle_near_another_is_compiled_from_it_or_refused_as_by_itself() {
    let bundle = |model: &str, rules: &str| Bundle {
        model: Text::new("model.conf", model),
        rules: vec![Text::new("rules.csv", rules)],
        ..Bundle::default()
    };
    let old = bundle(GATEWAY_MODEL, GATEWAY_RULES);
    let compiled = old.snapshot().unwrap();
    let more = format!("{GATEWAY_RULES}\np, u:new, *, *, *, /new, ^GET$, true, allow, \n");
    for new in [
        bundle(GATEWAY_MODEL, &more),
        bundle(
            &GATEWAY_MODEL.replace("p.eft == allow)) && !", "p.eft == allow)) &&  !"),
            &more,
        ),
    ] {
        let near = new.snapshot_near(&old, &compiled).unwrap();
        assert_eq!(near.revision(), new.snapshot().unwrap().revision());
    }
    let broken = bundle(GATEWAY_MODEL, &format!("{more}p, u:new\n"));
    assert_eq!(
        broken.snapshot_near(&old, &compiled).unwrap_err(),
        broken.snapshot().unwrap_err()
    );
}
