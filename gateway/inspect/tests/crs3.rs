//! The Core Rule Set of version 3.3, as Debian's `modsecurity-crs` installs it; skipped where it is not installed.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use hangu_inspect::seclang::{Connection, Outcome, RequestHead, ResponseHead, RuleSet, Source};

#[test]
fn attacks_of_every_kind_are_blocked_and_ordinary_requests_pass() {
    let Some(rules) = rules("") else { return };
    assert!(rules.len() > 500, "{}", rules.len());
    assert!(rules.wants_place());
    assert_eq!(
        rules.wants_lists().into_iter().collect::<Vec<_>>(),
        ["dnsbl.httpbl.org"]
    );
    for (target, rule) in [
        ("/?id=1%27%20or%20%271%27=%271", 942100),
        ("/?q=%3Cscript%3Ealert(1)%3C/script%3E", 941100),
        ("/?file=../../../../etc/passwd", 930100),
        ("/?cmd=;cat%20/etc/passwd", 932160),
        ("/?u=http://192.0.2.7/x.php", 931100),
        ("/?p=%3C?php%20system($_GET[1]);", 933100),
        ("/?x=java.lang.Runtime", 944130),
        ("/?x=%0d%0aSet-Cookie:%20a=b", 921120),
    ] {
        let outcome = get(&rules, target);
        assert!(
            ids(&outcome).contains(&rule),
            "{target}: {:?}",
            ids(&outcome)
        );
        let end = outcome
            .interruption
            .unwrap_or_else(|| panic!("{target} passes"));
        assert_eq!((end.rule, end.status), (949110, 403), "{target}");
        assert!(outcome.inbound_score.is_some_and(|score| score >= 5));
    }
    for target in [
        "/guide/list?category=household&page=2&q=%E6%88%B7%E5%8F%A3",
        "/search?q=how+to+apply+for+a+passport&lang=en",
        "/static/app.3f2a.js",
    ] {
        let outcome = get(&rules, target);
        assert_eq!(
            outcome.interruption, None,
            "{target}: {:?}",
            outcome.matches
        );
    }
}

#[test]
fn an_exclusion_and_a_higher_level_change_what_matches() {
    let level = "SecAction \"id:900000,phase:1,nolog,pass,setvar:tx.paranoia_level=3\"";
    let Some(strict) = rules(level) else { return };
    let plain = rules("").unwrap();
    let target = "/?q=a%20%23%20b%20%26%20c%20%3B%20d";
    assert!(ids(&get(&strict, target)).len() > ids(&get(&plain, target)).len());
    let without = rules(
        "SecRule REQUEST_FILENAME \"@beginsWith /editor\" \"id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=941100-941999;ARGS:html,ctl:ruleRemoveTargetById=932000-933999;ARGS:html\"",
    )
    .unwrap();
    let body = "html=%3Cscript%3Ealert(1)%3C/script%3E";
    assert_eq!(get(&without, &format!("/editor?{body}")).interruption, None);
    assert!(
        get(&without, &format!("/other?{body}"))
            .interruption
            .is_some()
    );
}

#[test]
fn errors_in_responses_are_seen() {
    let Some(rules) = rules("SecResponseBodyAccess On\n") else {
        return;
    };
    for (status, body, rule) in [
        (
            500,
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version",
            951230,
        ),
        (
            200,
            "<b>Warning</b>: open_basedir restriction in effect. File(/etc) is not within the allowed path(s)",
            953100,
        ),
        (
            200,
            "<html><title>Index of /backup</title><h1>Index of /backup</h1><a href=\"?C=N;O=D\">",
            950130,
        ),
    ] {
        let outcome = exchange(&rules, &[], "/", Some((status, body)));
        assert!(ids(&outcome).contains(&rule), "{rule}: {:?}", ids(&outcome));
    }
    let outcome = exchange(&rules, &[], "/", Some((200, "<html>Welcome</html>")));
    assert_eq!(outcome.interruption, None, "{:?}", outcome.matches);
}

#[test]
fn where_a_client_is_counts_once_it_is_known() {
    let own =
        "SecAction \"id:900600,phase:1,nolog,pass,setvar:'tx.high_risk_country_codes=XA XB'\"";
    let Some(rules) = rules(own) else { return };
    assert!(ids(&exchange(&rules, &[("COUNTRY_CODE", "XB")], "/", None)).contains(&910100));
    for place in [&[("COUNTRY_CODE", "XC")][..], &[]] {
        assert!(
            !ids(&exchange(&rules, place, "/", None)).contains(&910100),
            "{place:?}"
        );
    }
}

/// The rules, with lines of one's own between the settings and the rules.
fn rules(own: &str) -> Option<RuleSet> {
    let root = std::env::var_os("HANGU_CRS3").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    let folder = root.join("usr/share/modsecurity-crs/rules");
    let setup = root.join("etc/modsecurity/crs/crs-setup.conf");
    if !folder.is_dir() || !setup.is_file() {
        eprintln!(
            "skipped: `modsecurity-crs` is not installed; unpack it and set HANGU_CRS3 to that folder"
        );
        return None;
    }
    let sources = [
        Source::Path(setup),
        Source::Text {
            name: PathBuf::from("own.conf"),
            text: own.to_owned(),
        },
        Source::Path(folder.join("*.conf")),
    ];
    Some(RuleSet::load(&sources).unwrap_or_else(|error| panic!("{error}")))
}

fn ids(outcome: &Outcome) -> Vec<u64> {
    outcome.matches.iter().map(|m| m.rule).collect()
}

fn get(rules: &RuleSet, target: &str) -> Outcome {
    exchange(rules, &[], target, None)
}

fn exchange(
    rules: &RuleSet,
    place: &[(&str, &str)],
    target: &str,
    response: Option<(u16, &str)>,
) -> Outcome {
    let mut transaction = rules.begin(&Connection {
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        client_port: 1,
        server: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
        server_port: 443,
        now: Duration::from_secs(1_780_000_000),
        id: "x",
        place,
        listed: &[],
    });
    transaction.request_head(&RequestHead {
        method: b"GET",
        target: target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &[
            ("Host", b"service.example.gov.cn"),
            (
                "User-Agent",
                b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
            ("Accept", b"text/html"),
        ],
    });
    transaction.request_body(b"");
    if let Some((status, body)) = response {
        transaction.response_head(&ResponseHead {
            status,
            protocol: b"HTTP/1.1",
            headers: &[("Content-Type", b"text/html")],
        });
        transaction.response_body(body.as_bytes());
    }
    transaction.finish()
}
