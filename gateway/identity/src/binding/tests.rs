use proptest::prelude::*;

use super::*;
use crate::token::tests::at;

const WINDOW: SignedDuration = SignedDuration::from_secs(30);

fn key() -> BindingKey {
    BindingKey::new(&[5; 32]).unwrap()
}

fn bound() -> Bound<'static> {
    Bound {
        assertion: &[1; 32],
        method: "POST",
        path: "/办事/提交?a=1",
        body: Some(&[2; 32]),
    }
}

#[test]
fn a_binding_holds_for_its_request() {
    let value = key().bind(bound(), "01JD-x", at(0)).unwrap();
    let expect = Binding {
        decision: "01JD-x".into(),
        at: at(0),
    };
    assert_eq!(
        key().verify(&value, bound(), at(30), WINDOW),
        Ok(expect.clone())
    );
    assert_eq!(key().verify(&value, bound(), at(-30), WINDOW), Ok(expect));
    let streamed = Bound {
        body: None,
        ..bound()
    };
    let value = key().bind(streamed, "d", at(0)).unwrap();
    assert!(value.contains(";b=-;"));
    assert!(key().verify(&value, streamed, at(0), WINDOW).is_ok());
}

#[test]
fn a_binding_replayed_on_anything_else_is_refused() {
    let value = key().bind(bound(), "01JD", at(0)).unwrap();
    let refused = |bound: Bound<'_>| key().verify(&value, bound, at(0), WINDOW).unwrap_err();
    assert_eq!(
        refused(Bound {
            assertion: &[9; 32],
            ..bound()
        }),
        BindingError::WrongMac
    );
    assert_eq!(
        refused(Bound {
            method: "PUT",
            ..bound()
        }),
        BindingError::WrongMac
    );
    assert_eq!(
        refused(Bound {
            path: "/办事/提交?a=2",
            ..bound()
        }),
        BindingError::WrongMac
    );
    assert_eq!(
        refused(Bound {
            method: "POS",
            path: "T/办事/提交?a=1",
            ..bound()
        }),
        BindingError::WrongMac
    );
    assert_eq!(
        refused(Bound {
            body: Some(&[3; 32]),
            ..bound()
        }),
        BindingError::OtherBody
    );
    assert_eq!(
        refused(Bound {
            body: None,
            ..bound()
        }),
        BindingError::OtherBody
    );
    assert_eq!(
        BindingKey::new(&[6; 32])
            .unwrap()
            .verify(&value, bound(), at(0), WINDOW),
        Err(BindingError::WrongMac)
    );
    assert_eq!(
        key().verify(&value, bound(), at(31), WINDOW),
        Err(BindingError::OutsideWindow)
    );
    assert_eq!(
        key().verify(&value, bound(), at(-31), WINDOW),
        Err(BindingError::OutsideWindow)
    );
}

#[test]
fn every_part_of_the_value_is_covered_and_has_one_spelling() {
    let value = key().bind(bound(), "01JD", at(0)).unwrap();
    for changed in [
        value.replace("01JD", "01JE"),
        value.replace("t=1800000000", "t=1800000001"),
        value.replace("t=1", "t=+1"),
        value.replace("t=1", "t=01"),
        value.replace("v1", "v2"),
        value.replace("v1;", "v1x;"),
        format!("{value};x=1"),
        format!("{value}="),
        value.replace(";b=", ";c="),
        String::new(),
        value.replace("d=01JD", "d="),
        value.replace("d=01JD", "d=a b"),
        "v1;t=9999999999999;d=a;b=-;m=".into(),
    ] {
        assert!(
            key().verify(&changed, bound(), at(0), WINDOW).is_err(),
            "{changed}"
        );
    }
    for bad in ["", "a;b", "a b", "a\n", &"x".repeat(129)] {
        assert_eq!(
            key().bind(bound(), bad, at(0)),
            Err(BindingError::DecisionId)
        );
    }
    assert_eq!(
        BindingKey::new(&[0; 31]).unwrap_err(),
        BindingError::WeakKey
    );
}

proptest! {
    #[test]
    fn no_text_panics_as_a_binding(value in "(v1;t=-?[0-9]{1,20};d=[a-z]{0,3};b=[-A-Za-z0-9_]{0,44};m=[A-Za-z0-9_-]{0,44})|.{0,80}") {
        prop_assert!(key().verify(&value, bound(), at(0), WINDOW).is_err());
    }
}
