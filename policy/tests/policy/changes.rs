//! Changes of single rows: a snapshot that followed them is the one that a full load gives.

use std::collections::BTreeMap;

use hangu_policy::{Dialect, Line, Mistake, RowChange, Snapshot, Source, Value};

use crate::dice::Dice;
use crate::differential::{EFFECTS, gateway_rules, ours, path};
use crate::support::{GATEWAY_MODEL, GATEWAY_RULES, model_with, shown, snapshot};

const FILES: [&str; 3] = ["a.csv", "b.csv", "new.csv"];

/// The rows of a policy by file and line.
type Book = BTreeMap<(usize, u32), String>;

fn load(model: &str, book: &Book, files: usize) -> Result<Snapshot, Vec<Mistake>> {
    let mut texts = vec![String::new(); files];
    for ((file, line), row) in book {
        let text = &mut texts[*file];
        while u32::try_from(text.lines().count()).unwrap() + 1 < *line {
            text.push('\n');
        }
        text.push_str(row);
        text.push('\n');
    }
    let sources = FILES.iter().zip(&texts);
    let sources: Vec<Source<'_>> = sources.map(|(name, text)| Source { name, text }).collect();
    let model = Source {
        name: "model.conf",
        text: model,
    };
    Snapshot::load(model, &sources, Dialect::Strict)
}

/// A kind of policy: its model, rows that fit it, and requests.
struct Kind {
    model: String,
    rows: fn(&mut Dice) -> Vec<String>,
    ask: fn(&mut Dice, &Snapshot) -> String,
}

fn gateway_rows(dice: &mut Dice) -> Vec<String> {
    let (text, _) = gateway_rules(dice, EFFECTS[0]);
    ours(&text).lines().map(str::to_owned).collect()
}

/// What a snapshot answers, as text: effect, grounds, rows, obligations, revision.
fn ask_gateway(dice: &mut Dice, snapshot: &Snapshot) -> String {
    let patterns = ["/a/:id".to_owned(), "/*".to_owned(), "/办事/c.d".to_owned()];
    let path = path(dice, &patterns);
    let context = [
        ("aal", Value::Int(dice.int(5).into())),
        ("dev", Value::Int(dice.int(101).into())),
        ("risk", Value::Int(dice.int(101).into())),
        ("min", Value::Int(dice.int(1440).into())),
        ("dow", Value::Int(3)),
        ("cert", Value::Bool(dice.below(2) == 0)),
    ];
    let text = Value::Str;
    let request = [
        text(dice.pick(&["u:0", "u:1", "u:2", "u:x", "role:1"])),
        text(dice.pick(&["d0", "d0", "d1", "dx"])),
        text(dice.pick(&["zone:0", "zone:1", "zone:x"])),
        text(dice.pick(&["h.0", "h.0", "h.1"])),
        text(&path),
        text(dice.pick(&["GET", "GET", "PUT", "POST", "T"])),
        Value::Map(&context),
    ];
    answer(snapshot, &request)
}

fn small_rows(dice: &mut Dice) -> Vec<String> {
    let mut rows = Vec::new();
    for _ in 0..12 {
        rows.push(format!(
            "p, {}, {}, {}, {}",
            dice.pick(&["a", "b", "r0", "r1", "r2"]),
            dice.pick(&["/a", "/*", "/:x", "/a/:x", "/a/*", "/a/b/c/d"]),
            dice.pick(&["read", "write", "^read$", "^w.*$", "(read"]),
            dice.pick(&["allow", "allow", "deny"]),
        ));
        rows.push(format!(
            "{}, {}, {}",
            dice.pick(&["g", "g", "g2"]),
            dice.pick(&["a", "b", "r0", "r1", "r2", "r3"]),
            dice.pick(&["r0", "r1", "r2", "r3"]),
        ));
    }
    rows
}

fn ask_small(dice: &mut Dice, snapshot: &Snapshot) -> String {
    let request = [
        dice.pick(&["a", "b", "r0", "r3", "x"]),
        dice.pick(&["/a", "/a/b", "/a/b/c/d", "/", "x"]),
        dice.pick(&["read", "write", "x"]),
    ];
    answer(snapshot, &request.map(Value::Str))
}

fn ranked_rows(dice: &mut Dice) -> Vec<String> {
    let mut rows = Vec::new();
    for row in small_rows(dice) {
        rows.push(match row.strip_prefix("p, ") {
            Some(rest) => format!("p, {}, {rest}", dice.int(7) - 3),
            None => row,
        });
    }
    rows
}

fn answer(snapshot: &Snapshot, request: &[Value<'_>]) -> String {
    let decision = snapshot.decide(request).unwrap();
    let explained = snapshot.explain(request).unwrap();
    assert_eq!(decision.rules, explained.decision.rules);
    assert_eq!(decision.effect, explained.decision.effect);
    format!("{decision:?} {explained:?}")
}

fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = EFFECTS
        .iter()
        .map(|effect| Kind {
            model: GATEWAY_MODEL.replace(EFFECTS[0], effect),
            rows: gateway_rows,
            ask: ask_gateway,
        })
        .collect();
    for matcher in [
        "g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)",
        "(p.obj == \"/*\" || keyMatch2(r.obj, p.obj)) && g(r.sub, p.sub) && !(p.act == r.act)",
        "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
        "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act",
        "g(p.sub, r.sub) && keyMatch2(r.obj, p.obj)",
    ] {
        kinds.push(Kind {
            model: model_with(EFFECTS[0], "sub, obj, act, eft", matcher),
            rows: small_rows,
            ask: ask_small,
        });
        kinds.push(Kind {
            model: model_with(EFFECTS[2], "priority, sub, obj, act, eft", matcher),
            rows: ranked_rows,
            ask: ask_small,
        });
    }
    kinds
}

#[test]
fn a_snapshot_that_followed_changes_is_that_of_a_full_load() {
    let kinds = kinds();
    let (mut followed, mut refused) = (0, 0);
    for seed in 1..=100_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let kind = &kinds[dice.below(kinds.len())];
        let mut book = Book::new();
        let mut files = 2;
        let first = loop {
            for row in (kind.rows)(&mut dice).into_iter().take(4) {
                let place = (dice.below(2), 1 + dice.int(40).cast_unsigned());
                book.insert(place, row);
            }
            match load(&kind.model, &book, files) {
                Ok(snapshot) => break snapshot,
                Err(_) => book.clear(),
            }
        };
        let mut current = first;
        for _ in 0..24 {
            let mut next = book.clone();
            let mut next_files = files;
            let mut changes: Vec<(bool, usize, u32, String)> = Vec::new();
            let pool = (kind.rows)(&mut dice);
            for _ in 0..1 + dice.below(4) {
                if dice.below(5) < 2 && !next.is_empty() {
                    let at = dice.below(next.len());
                    let ((file, line), row) = next.iter().nth(at).unwrap();
                    let change = (false, *file, *line, row.clone());
                    if changes
                        .iter()
                        .any(|known| known.0 && (known.1, known.2) == (change.1, change.2))
                    {
                        continue;
                    }
                    next.remove(&(change.1, change.2));
                    changes.push(change);
                } else {
                    let row = pool[dice.below(pool.len())].clone();
                    let bound = dice.pick(&[60, 700]);
                    let line = 1 + dice_line(&mut dice, bound);
                    let file = dice.below(3);
                    if next.contains_key(&(file, line)) {
                        continue;
                    }
                    if file == 2 {
                        next_files = 3;
                    }
                    next.insert((file, line), row.clone());
                    changes.push((true, file, line, row));
                }
            }
            // Additions may come first; removals are done before them all the same.
            if dice.below(2) == 0 {
                changes.reverse();
            }
            let rows: Vec<RowChange<'_>> = changes
                .iter()
                .map(|(add, file, line, text)| {
                    let line = Line {
                        file: FILES[*file],
                        number: *line,
                        text,
                    };
                    if *add {
                        RowChange::Add(line)
                    } else {
                        RowChange::Remove(line)
                    }
                })
                .collect();
            let before = current.revision().hex();
            match (current.apply(&rows), load(&kind.model, &next, next_files)) {
                (Ok(changed), Ok(loaded)) => {
                    same(&mut dice, kind, &changed, &loaded);
                    (current, book, files) = (changed, next, next_files);
                    followed += 1;
                }
                (Err(_), Err(_)) => refused += 1,
                (Ok(_), Err(mistakes)) => {
                    panic!("only a load refuses: {}\n{rows:?}", shown(&mistakes))
                }
                (Err(mistakes), Ok(_)) => {
                    panic!("only apply refuses: {}\n{rows:?}", shown(&mistakes))
                }
            }
            if followed % 7 == 0 {
                let again = load(&kind.model, &book, files).unwrap();
                assert_eq!(current.revision(), again.revision());
            }
            assert!(current.revision().hex() == before || current.revision().hex().len() == 64);
        }
    }
    println!("{followed} changes followed, {refused} refused");
    assert!(followed > 800 && refused > 80, "{followed} {refused}");
}

fn dice_line(dice: &mut Dice, bound: usize) -> u32 {
    dice.int(bound).cast_unsigned()
}

fn same(dice: &mut Dice, kind: &Kind, changed: &Snapshot, loaded: &Snapshot) {
    assert_eq!(changed.revision(), loaded.revision());
    let rules = |snapshot: &Snapshot| format!("{:?}", snapshot.rules().collect::<Vec<_>>());
    assert_eq!(rules(changed), rules(loaded));
    let roles = |snapshot: &Snapshot| format!("{:?}", snapshot.roles().collect::<Vec<_>>());
    assert_eq!(roles(changed), roles(loaded));
    assert_eq!(changed.warnings(), loaded.warnings());
    for _ in 0..12 {
        let seed = dice.0;
        let wanted = (kind.ask)(dice, loaded);
        dice.0 = seed;
        assert_eq!((kind.ask)(dice, changed), wanted);
    }
}

fn line(number: u32, text: &str) -> Line<'_> {
    Line {
        file: "rules.csv",
        number,
        text,
    }
}

fn refusal(changes: &[RowChange<'_>]) -> String {
    let snapshot = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    shown(&snapshot.apply(changes).unwrap_err())
}

#[test]
fn what_cannot_be_changed_is_said_with_its_line() {
    let first = GATEWAY_RULES.lines().next().unwrap();
    let (at, known) = (1..)
        .zip(GATEWAY_RULES.lines())
        .find(|(_, row)| row.starts_with("g,"))
        .unwrap();
    let add = |number, text| RowChange::Add(line(number, text));
    let remove = |number, text| RowChange::Remove(line(number, text));
    let wide = "p, *, *, *, *, /only/here, *, true, allow, ";
    assert_eq!(
        refusal(&[add(1, wide)]),
        "rules.csv:1:1: a row stands on this line already; take a free line, or remove that row with the same change"
    );
    assert_eq!(
        refusal(&[add(0, wide), add(90, "# nothing"), add(91, "")]),
        "rules.csv:0:1: lines are counted from 1; give the line of the row\n\
         rules.csv:90:1: the line holds no row; write `p, …` or `g, …`\n\
         rules.csv:91:1: the line holds no row; write `p, …` or `g, …`"
    );
    assert_eq!(
        refusal(&[add(90, first)]),
        "rules.csv:90:1: the same row stands at rules.csv:1; remove one; a second copy moves a row to the back in one reference"
    );
    assert_eq!(
        refusal(&[add(90, known)]),
        format!(
            "rules.csv:90:1: the same row stands at rules.csv:{at}; remove one; a second copy moves a row to the back in one reference"
        )
    );
    let gone = "this row does not stand here, so it cannot be removed; read the rules again; somebody else may have changed them";
    assert_eq!(
        refusal(&[remove(1, wide)]),
        format!("rules.csv:1:1: {gone}")
    );
    assert_eq!(
        refusal(&[remove(77, first)]),
        format!("rules.csv:77:1: {gone}")
    );
    assert_eq!(
        refusal(&[remove(1, first), remove(1, first)]),
        format!("rules.csv:1:1: {gone}")
    );
    assert_eq!(
        refusal(&[remove(at, first)]),
        format!("rules.csv:{at}:1: {gone}")
    );
    assert!(refusal(&[add(90, "p, a\nb")]).starts_with("rules.csv:90:5: control character"));
    assert!(refusal(&[add(90, "p, a")]).starts_with("rules.csv:90:1: the row has 1 fields"));
}

#[test]
fn a_change_that_would_leave_no_rule_is_refused() {
    let model = model_with(
        EFFECTS[0],
        "sub, obj, act, eft",
        "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
    );
    let one = snapshot(&model, "p, a, b, c, allow\n");
    let taken = [RowChange::Remove(line(1, "p, a, b, c, allow"))];
    let mistakes = shown(&one.apply(&taken).unwrap_err());
    assert!(mistakes.contains("the policy has no rules"), "{mistakes}");
    let moved = [taken[0], RowChange::Add(line(1, "p, a, b, d, allow"))];
    assert_eq!(
        one.apply(&moved).unwrap().revision(),
        snapshot(&model, "p, a, b, d, allow\n").revision()
    );
}

#[test]
fn where_rows_stand_is_not_in_the_revision_and_their_order_is() {
    let model = model_with(
        EFFECTS[2],
        "sub, obj, act, eft",
        "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
    );
    let of = |rules: &str| *snapshot(&model, rules).revision();
    let (one, other) = ("p, a, b, c, allow\n", "p, a, b, d, deny\n");
    assert_eq!(
        of(&format!("{one}{other}")),
        of(&format!("# c\n\n{one}\n\n{other}#\n"))
    );
    assert_ne!(of(&format!("{one}{other}")), of(&format!("{other}{one}")));
    assert_ne!(of(one), of(other));
    assert_ne!(
        of(&format!("{one}g, a, b\n")),
        of(&format!("{one}g2, a, b\n"))
    );
}

#[test]
fn names_patterns_and_conditions_that_nothing_names_any_more_are_forgotten() {
    let mut current = snapshot(GATEWAY_MODEL, GATEWAY_RULES);
    let revision = *current.revision();
    let mut sizes = Vec::new();
    for turn in 0..600 {
        let rule = format!(
            "p, u:{turn}, d{turn}, z{turn}, h{turn}, /x/{turn}, ^A{turn}.$, r.ctx.aal > {turn}, allow, quota:{turn}"
        );
        let role = format!("g, u:{turn}, role:{turn}, d{turn}");
        let changes = [line(9_000 + turn, &rule), line(19_000 + turn, &role)];
        current = current.apply(&changes.map(RowChange::Add)).unwrap();
        current = current.apply(&changes.map(RowChange::Remove)).unwrap();
        sizes.push(format!("{current:?}").len());
    }
    assert_eq!(*current.revision(), revision);
    // Gaps grow until a shard is copied without them.
    let most = |sizes: &[usize]| sizes.iter().max().copied().unwrap();
    let (early, late) = (most(&sizes[..300]), most(&sizes[300..]));
    assert!(late < early + early / 20, "{early} {late}");
}
