use super::*;
use crate::token::tests::at;

fn caller() -> CallerFile {
    toml::from_str("id = 'svc:tax-etl'\nkind = 'service'\nassurance = 2").unwrap()
}

fn pepper() -> Pepper {
    Pepper::new(&[7; 32]).unwrap()
}

fn key(expires: Option<Timestamp>) -> (Zeroizing<String>, ApiKeyRecord) {
    generate("etl", caller(), expires, &pepper(), at(0)).unwrap()
}

#[test]
fn a_generated_key_is_accepted_and_its_record_does_not_contain_it() {
    let (key, record) = key(None);
    assert_eq!(key.len(), LENGTH);
    let written = toml::to_string(&record).unwrap();
    assert!(!written.contains(&key[4..36]), "{written}");
    let keys = ApiKeys::new(pepper(), vec![toml::from_str(&written).unwrap()]).unwrap();
    let caller = keys.verify(&key, at(1)).unwrap();
    assert_eq!(
        (caller.id.as_str(), caller.proof),
        ("svc:tax-etl", Proof::ApiKey)
    );
    assert_eq!(keys.last_used(), [("etl", at(1))]);
}

#[test]
fn a_key_under_another_pepper_is_unknown() {
    let (key, record) = key(None);
    let keys = ApiKeys::new(Pepper::new(&[8; 32]).unwrap(), vec![record]).unwrap();
    assert_eq!(keys.verify(&key, at(1)), Err(ApiKeyRefusal::Unknown));
    assert!(keys.last_used().is_empty());
    assert_eq!(Pepper::new(&[1; 31]).unwrap_err(), WeakPepper(31));
}

#[test]
fn an_expired_or_disabled_key_is_refused_from_that_moment() {
    let (key_text, record) = key(Some(at(100)));
    let keys = ApiKeys::new(pepper(), vec![record.clone()]).unwrap();
    assert!(keys.verify(&key_text, at(99)).is_ok());
    assert_eq!(
        keys.verify(&key_text, at(100)),
        Err(ApiKeyRefusal::Expired("etl".into()))
    );
    let keys = ApiKeys::new(
        pepper(),
        vec![ApiKeyRecord {
            disabled: true,
            ..record
        }],
    )
    .unwrap();
    assert_eq!(
        keys.verify(&key_text, at(1)),
        Err(ApiKeyRefusal::Disabled("etl".into()))
    );
}

#[test]
fn a_slip_in_any_character_is_noticed_before_the_look_up() {
    let (key, record) = key(None);
    let keys = ApiKeys::new(pepper(), vec![record]).unwrap();
    for index in 0..key.len() {
        let mut slip = key.to_string();
        let other = if slip.as_bytes()[index] == b'x' {
            "y"
        } else {
            "x"
        };
        slip.replace_range(index..=index, other);
        assert_eq!(
            keys.verify(&slip, at(1)),
            Err(ApiKeyRefusal::Malformed),
            "{index}"
        );
    }
    for bad in [
        "",
        "hgk_",
        "hgk__",
        &key[1..],
        &key[..key.len() - 1],
        &format!("{}x", &*key),
        &format!(" {}", &*key),
    ] {
        assert_eq!(
            keys.verify(bad, at(1)),
            Err(ApiKeyRefusal::Malformed),
            "{bad:?}"
        );
    }
}

#[test]
fn no_keys_means_every_key_is_unknown() {
    let (key, _) = key(None);
    assert_eq!(
        ApiKeys::new(pepper(), vec![]).unwrap().verify(&key, at(1)),
        Err(ApiKeyRefusal::Unknown)
    );
}

#[test]
fn every_mistake_in_the_records_is_reported() {
    let (_, record) = key(None);
    let with_name = |name: &str| ApiKeyRecord {
        name: name.into(),
        ..key(None).1
    };
    let records = vec![
        record.clone(),
        with_name("etl"),
        ApiKeyRecord {
            name: "again".into(),
            ..record.clone()
        },
        ApiKeyRecord {
            digest: "+1".repeat(32),
            ..with_name("b")
        },
        ApiKeyRecord {
            caller: CallerFile {
                id: "anon".into(),
                ..caller()
            },
            ..with_name("c")
        },
        with_name(""),
    ];
    let problems: Vec<_> = ApiKeys::new(pepper(), records)
        .unwrap_err()
        .into_iter()
        .map(|e| e.problem)
        .collect();
    assert!(
        matches!(
            problems.as_slice(),
            [
                ApiKeyProblem::DuplicateName,
                ApiKeyProblem::DuplicateDigest,
                ApiKeyProblem::Digest,
                ApiKeyProblem::Caller(_),
                ApiKeyProblem::Nameless
            ]
        ),
        "{problems:?}"
    );
    let misspelt = toml::to_string(&record)
        .unwrap()
        .replace("disabled", "disable");
    assert!(toml::from_str::<ApiKeyRecord>(&misspelt).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_panics_as_a_key(text in ".{0,60}|hgk_[0-9A-Za-z]{30,34}_[0-9A-Za-z]{4,8}") {
        proptest::prop_assert!(ApiKeys::new(pepper(), vec![]).unwrap().verify(&text, at(0)).is_err());
    }
}
