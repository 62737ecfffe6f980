use super::*;

fn rules(text: &str) -> Result<CertificateRules, Vec<CertificateRuleError>> {
    #[derive(Deserialize)]
    struct File {
        rule: Vec<CertificateRuleFile>,
    }
    CertificateRules::new(toml::from_str::<File>(text).unwrap().rule)
}

fn facts() -> CertificateFacts {
    CertificateFacts {
        subject: "CN=tax-etl,O=税务局".into(),
        common_name: Some("tax-etl".into()),
        issuer: "CN=Hangu Issuing CA".into(),
        serial: "0a1b".into(),
        dns: vec!["Tax.Gov.Example".into()],
        uris: vec!["spiffe://gov.example/svc/tax-etl".into()],
        emails: vec!["ops@TAX.example".into()],
        spiffe_id: Some("spiffe://gov.example/svc/tax-etl".into()),
        fingerprint: "ab".repeat(32),
    }
}

fn id(text: &str, facts: &CertificateFacts) -> Option<String> {
    rules(text)
        .unwrap()
        .caller(facts)
        .map(|caller| caller.id.clone())
}

fn rule(matches: &str, id: &str) -> String {
    format!("[[rule]]\nmatch = {{ {matches} }}\ncaller = {{ id = '{id}', kind = 'service' }}\n")
}

#[test]
fn each_name_matches_what_it_says() {
    let fingerprint = format!("fingerprint = '{}'", vec!["AB"; 32].join(":"));
    for (matches, id_as_written, expect) in [
        (fingerprint.as_str(), "svc:f", "svc:f"),
        (
            "spiffe-id = 'spiffe://gov.example/svc/tax-etl'",
            "svc:s",
            "svc:s",
        ),
        (
            "spiffe-prefix = 'spiffe://gov.example/svc/'",
            "svc:{value}",
            "svc:tax-etl",
        ),
        ("uri = 'spiffe://gov.example/svc/tax-etl'", "svc:u", "svc:u"),
        ("dns = 'tax.gov.example'", "svc:d", "svc:d"),
        ("email = 'ops@tax.example'", "svc:e", "svc:e"),
        (
            "common-name = 'tax-etl', issuer = 'CN=Hangu Issuing CA'",
            "svc:c",
            "svc:c",
        ),
        (
            "any-common-name = true, issuer = 'CN=Hangu Issuing CA'",
            "dev:{cn}-{serial}",
            "dev:tax-etl-0a1b",
        ),
    ] {
        assert_eq!(
            id(&rule(matches, id_as_written), &facts()).as_deref(),
            Some(expect),
            "{matches}"
        );
    }
}

#[test]
fn look_alikes_belong_to_nobody() {
    let by_name = rule(
        "common-name = 'tax-etl', issuer = 'CN=Hangu Issuing CA'",
        "svc:c",
    );
    for look_alike in ["tax-etl ", "Tax-etl", "tax-etl\u{200b}", "tаx-etl"] {
        let facts = CertificateFacts {
            common_name: Some(look_alike.into()),
            ..facts()
        };
        assert_eq!(id(&by_name, &facts), None, "{look_alike:?}");
    }
    let foreign = CertificateFacts {
        issuer: "CN=Hangu Issuing CA,O=Other".into(),
        ..facts()
    };
    assert_eq!(id(&by_name, &foreign), None);

    let by_prefix = rule("spiffe-prefix = 'spiffe://gov.example/svc/'", "svc:{value}");
    for other in [
        "spiffe://gov.example/svc/../admin",
        "spiffe://gov.example/svcs/x",
        "spiffe://gov.example/svc/",
        "spiffe://gov.example/svc/a%2fb",
    ] {
        let facts = CertificateFacts {
            spiffe_id: Some(other.into()),
            ..facts()
        };
        assert_eq!(id(&by_prefix, &facts), None, "{other}");
    }
}

#[test]
fn a_common_name_cannot_bring_characters_an_id_may_not_have() {
    let any = rule(
        "any-common-name = true, issuer = 'CN=Hangu Issuing CA'",
        "dev:{cn}",
    );
    for name in ["a b", "a\nb", "", "{serial}", &"x".repeat(400)] {
        let facts = CertificateFacts {
            common_name: Some(name.into()),
            ..facts()
        };
        let expect = (name == "{serial}").then(|| "dev:{serial}".to_owned());
        assert_eq!(id(&any, &facts), expect, "{name:?}");
    }
}

#[test]
fn the_first_rule_that_holds_wins() {
    let text = rule("dns = 'other.example'", "svc:a")
        + &rule("dns = 'tax.gov.example'", "svc:b")
        + &rule("uri = 'spiffe://gov.example/svc/tax-etl'", "svc:c");
    assert_eq!(id(&text, &facts()).as_deref(), Some("svc:b"));
}

#[test]
fn no_rules_means_nobody() {
    assert!(CertificateRules::default().caller(&facts()).is_none());
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = [
        rule("issuer = 'CN=x'", "svc:a"),
        rule("dns = 'a', uri = 'b'", "svc:a"),
        rule("fingerprint = 'abcd'", "svc:a"),
        rule("spiffe-id = 'https://gov.example/x'", "svc:a"),
        rule("spiffe-prefix = 'spiffe://gov.example/svc'", "svc:{value}"),
        rule("common-name = 'x'", "svc:a"),
        rule("spiffe-prefix = 'spiffe://gov.example/svc/'", "svc:same"),
        rule("dns = 'x'", "anon"),
        rule("dns = 'ok'", "svc:ok"),
        rule("dns = 'ok', issuer = 'CN=y'", "svc:late"),
        rule("dns = ''", "svc:e"),
    ]
    .concat();
    let errors: Vec<String> = rules(&text)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    let indexes: Vec<&str> = errors.iter().filter_map(|e| e.split(' ').nth(2)).collect();
    assert_eq!(
        indexes,
        ["0:", "1:", "2:", "3:", "4:", "5:", "6:", "7:", "9:", "10:"],
        "{errors:#?}"
    );
    assert!(
        errors.iter().any(|e| e.contains("never reached")),
        "{errors:#?}"
    );
}

#[test]
fn facts_are_read_from_a_real_certificate() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["tax.gov.example".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "税务 ETL");
    params.subject_alt_names.push(rcgen::SanType::URI(
        "spiffe://gov.example/svc/tax".try_into().unwrap(),
    ));
    params.subject_alt_names.push(rcgen::SanType::Rfc822Name(
        "ops@gov.example".try_into().unwrap(),
    ));
    let certificate = params.self_signed(&key).unwrap();
    let facts = CertificateFacts::from_der(certificate.der()).unwrap();
    assert_eq!(facts.common_name.as_deref(), Some("税务 ETL"));
    assert_eq!(facts.dns, ["tax.gov.example"]);
    assert_eq!(facts.emails, ["ops@gov.example"]);
    assert_eq!(
        facts.spiffe_id.as_deref(),
        Some("spiffe://gov.example/svc/tax")
    );
    assert_eq!(facts.fingerprint.len(), 64);
    assert_eq!(facts.subject, facts.issuer);

    let mut longer = certificate.der().to_vec();
    longer.push(0);
    assert!(CertificateFacts::from_der(&longer).is_err());
}

#[test]
fn a_distinguished_name_has_one_reading() {
    let name = |parts: &[(rcgen::DnType, &str)]| {
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params
            .self_signed(&rcgen::KeyPair::generate().unwrap())
            .unwrap();
        CertificateFacts::from_der(certificate.der())
            .unwrap()
            .subject
    };
    use rcgen::DnType::{CommonName, CountryName, OrganizationName};
    let honest = name(&[
        (CountryName, "CN"),
        (OrganizationName, "Gov"),
        (CommonName, "Trusted CA"),
    ]);
    assert_eq!(honest, "CN=Trusted CA,O=Gov,C=CN");
    let forged = name(&[(CountryName, "CN"), (CommonName, "Trusted CA,O=Gov")]);
    assert_eq!(forged, r"CN=Trusted CA\,O\=Gov,C=CN");
    assert_eq!(
        name(&[(CommonName, r##"# a"+;<>\ "##)]),
        r##"CN=\# a\"\+\;\<\>\\\ "##
    );
    assert_eq!(
        name(&[(rcgen::DnType::CustomDnType(vec![1, 2, 3]), "x")]),
        "1.2.3=#78"
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_as_a_certificate(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        proptest::prop_assert!(CertificateFacts::from_der(&bytes).is_err());
    }
}
