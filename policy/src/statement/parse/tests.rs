use super::read;
use crate::obligation::RedactLevel;
use crate::source::Source;
use crate::statement::written::{
    Charge, Claim, Demand, From, Methods, Name, Need, Scope, Statement, Target, Who,
};

fn text(text: &str) -> Result<Vec<Statement>, String> {
    let read = read(&[Source { name: "s", text }]);
    read.map_err(|mistakes| {
        mistakes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn one(sentence: &str) -> Claim {
    text(sentence).unwrap().remove(0).claim
}

fn scope(sentence: &str) -> (Scope, Demand) {
    match one(sentence) {
        Claim::Requests(scope, demand) => (scope, demand),
        claim @ Claim::Exclude { .. } => panic!("{claim:?}"),
    }
}

fn texts(names: &[Name]) -> Vec<&str> {
    names.iter().map(|name| name.text.as_str()).collect()
}

#[test]
fn the_sentence_of_the_policy_that_shipped_first_reads_as_meant() {
    let (scope, demand) = scope(
        "nothing from internet reaches an intranet portal without a certificate and assurance 3",
    );
    assert_eq!(scope.who, Who::Anyone);
    let (From::Zones(from), Target::Zones(to)) = (&scope.from, &scope.target) else {
        panic!("{scope:?}")
    };
    assert_eq!(
        (texts(from), texts(to)),
        (vec!["internet"], vec!["intranet"])
    );
    let Demand::Needs(needs) = demand else {
        panic!("{demand:?}")
    };
    assert!(matches!(
        needs.as_slice(),
        [
            Need::Certificate { .. },
            Need::Within {
                fact: "aal",
                low: 3,
                high: 4,
                ..
            }
        ]
    ));
}

#[test]
fn a_target_may_stand_first() {
    let (first, demand) =
        scope("portal a, b and \"any\" is written only by role:x, role:y at /p/*");
    assert_eq!(first.methods, Methods::Write);
    assert_eq!(demand, Demand::Refused);
    let (Who::But(names), Target::Portals(portals)) = (&first.who, &first.target) else {
        panic!("{first:?}")
    };
    assert_eq!(
        (texts(names), texts(portals)),
        (vec!["role:x", "role:y"], vec!["a", "b", "any"])
    );
    assert_eq!(texts(&first.paths), ["/p/*"]);
    let (second, _) = scope("host h is reached only from z");
    assert!(matches!(second.from, From::Others(_)));
    let (third, demand) = scope("any portal always carries redact at least L2 from z");
    assert_eq!(demand, Demand::Carries(Charge::Redact(RedactLevel::L2)));
    assert!(matches!(
        (third.from, third.target),
        (From::Zones(_), Target::Anything)
    ));
}

#[test]
fn a_statement_goes_on_in_lines_that_begin_with_a_blank() {
    let statements = text(
        "# why\nnobody but role:x   # and more\n\treaches\n  any portal\nu:a never reads host h\n",
    )
    .unwrap();
    assert_eq!(statements.len(), 2);
    let wrong = text("nobody but role:x\n  raeches any portal").unwrap_err();
    assert_eq!(
        wrong,
        "s:2:3: unknown word `raeches`; did you mean `reaches`?"
    );
    assert!(
        text("  nobody reaches any portal")
            .unwrap_err()
            .starts_with("s:1:3: ")
    );
}

#[test]
fn what_is_mistyped_is_refused_where_it_stands() {
    let table = [
        (
            "nothng reaches any portal",
            "s:1:1: unknown word `nothng`; did you mean `nothing`?",
        ),
        (
            "nobody but from x reaches any portal",
            "s:1:12: `from` stands where a role or a caller is expected",
        ),
        (
            "nobody writes any portal",
            "s:1:15: unknown word `any`; known are `to`",
        ),
        (
            "nobody reaches any portal without asurance 3",
            "s:1:35: unknown word `asurance`; did you mean `assurance`?",
        ),
        (
            "nobody reaches any portal without assurance 5",
            "s:1:45: `5` does not fit here; write a whole number from 1 to 4",
        ),
        (
            "nobody reaches any portal without assurance",
            "s:1:44: the statement ends where a number is expected",
        ),
        (
            "nobody reaches any portal at a/b",
            "s:1:30: path pattern `a/b` does not begin with `/`",
        ),
        (
            "nobody reaches any portal at /a at /b",
            "s:1:33: the clause stands twice",
        ),
        (
            "nobody reaches any portal or else",
            "s:1:27: unknown word `or`",
        ),
        (
            "nobody reaches any portal without hours 18:00-09:00",
            "s:1:41: `18:00-09:00` are no hours",
        ),
        (
            "nobody reaches any portal without hours 1é:00-09:00",
            "s:1:41: `1é:00-09:00` are no hours",
        ),
        (
            "role:a exclude one another",
            "s:1:1: one role cannot exclude itself",
        ),
        (
            "role:a, role:a exclude one another",
            "s:1:9: `role:a` stands twice",
        ),
        (
            "portal p is reached only from a from b",
            "s:1:33: unknown word `from`",
        ),
        (
            "portal p from a is reached only from b",
            "s:1:33: `from` stands twice",
        ),
        (
            "portal p carries redact L5",
            "s:1:25: unknown word `L5`; did you mean `L1`?",
        ),
        (
            "portal \"p is reached",
            "s:1:8: the quoted name is not closed",
        ),
        ("portal \"\" is reached", "s:1:8: empty name"),
        ("portal p \u{7} is", "s:1:10: control character"),
        ("nobody reaches", "s:1:15: the statement is not complete"),
    ];
    for (sentence, expected) in table {
        let wrong = text(sentence).unwrap_err();
        assert!(wrong.starts_with(expected), "{sentence}\n{wrong}");
    }
}

#[test]
fn hours_end_before_their_end() {
    let (_, demand) =
        scope("nobody reaches any portal without hours 09:00-24:00 and weekdays and risk below 50");
    let Demand::Needs(needs) = demand else {
        panic!("{demand:?}")
    };
    let bounds: Vec<(&str, i64, i64)> = needs
        .iter()
        .filter_map(|need| match need {
            Need::Within {
                fact, low, high, ..
            } => Some((*fact, *low, *high)),
            Need::Certificate { .. } => None,
        })
        .collect();
    assert_eq!(bounds, [("min", 540, 1439), ("dow", 1, 5), ("risk", 0, 49)]);
}
