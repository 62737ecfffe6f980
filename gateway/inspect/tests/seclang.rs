//! Rules in SecLang: what each construct means, and what is refused.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hangu_inspect::seclang::{
    Connection, Interruption, LoadError, Outcome, RequestHead, ResponseHead, RuleSet, Source,
};
use proptest::prelude::*;

#[test]
fn a_chain_matches_only_whole_and_its_conditions_act_on_their_own() {
    let rules = rules(
        r#"SecRule ARGS:a "@rx ^x(.)" "id:1,phase:2,pass,capture,msg:'got %{tx.1}',setvar:tx.first=1,chain"
             SecRule ARGS:b "@streq %{tx.1}" "setvar:tx.second=1"
           SecRule TX:first "@eq 1" "id:2,phase:2,pass,msg:'first'"
           SecRule &TX:second "@eq 0" "id:3,phase:2,pass,msg:'no second'""#,
    );
    let whole = get(&rules, "/?a=xy&b=y");
    assert_eq!(ids(&whole), [1, 2]);
    assert_eq!(whole.matches[0].message, "got y");
    assert_eq!(whole.matches[0].place, "ARGS:b");
    assert_eq!(ids(&get(&rules, "/?a=xy&b=z")), [2, 3]);
    assert_eq!(ids(&get(&rules, "/?a=y")), [3]);
}

#[test]
fn a_condition_acts_once_for_each_value_that_meets_it() {
    let rules = rules(
        r#"SecRule ARGS|!ARGS:free "@contains x" "id:1,phase:2,pass,nolog,setvar:tx.n=+2"
           SecRule TX:n "@ge 4" "id:2,phase:2,deny,status:418,msg:'n is %{tx.n}'""#,
    );
    assert_eq!(get(&rules, "/?a=x&free=x&b=y").interruption, None);
    let two = get(&rules, "/?a=x&free=x&b=xx");
    assert_eq!(
        two.interruption,
        Some(Interruption {
            rule: 2,
            status: 418,
            redirect: None
        })
    );
    assert_eq!(two.matches[0].message, "n is 4");
}

#[test]
fn jumps_pass_over_rules_of_the_phase_and_markers_end_them() {
    let rules = rules(
        r#"SecRule ARGS:to "@streq end" "id:1,phase:1,pass,nolog,skipAfter:END"
           SecRule ARGS:to "@streq two" "id:2,phase:1,pass,nolog,skip:1"
           SecAction "id:3,phase:1,pass,msg:'3'"
           SecAction "id:4,phase:1,pass,msg:'4'"
           SecAction "id:5,phase:2,pass,msg:'5'"
           SecMarker END
           SecAction "id:6,phase:1,pass,msg:'6'""#,
    );
    assert_eq!(ids(&get(&rules, "/")), [3, 4, 6, 5]);
    assert_eq!(ids(&get(&rules, "/?to=two")), [4, 6, 5]);
    assert_eq!(ids(&get(&rules, "/?to=end")), [6, 5]);
}

#[test]
fn controls_remove_rules_targets_and_blocking_for_one_exchange() {
    let rules = rules(
        r#"SecRule ARGS:ctl "@streq id" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=10-11"
           SecRule ARGS:ctl "@streq tag" "id:2,phase:1,pass,nolog,ctl:ruleRemoveByTag=^attack"
           SecRule ARGS:ctl "@streq target" "id:3,phase:1,pass,nolog,ctl:ruleRemoveTargetById=10;ARGS:v"
           SecRule ARGS:ctl "@streq quiet" "id:4,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"
           SecRule ARGS:ctl "@streq off" "id:5,phase:1,pass,nolog,ctl:ruleEngine=Off"
           SecRule ARGS "@contains bad" "id:10,phase:2,deny,tag:'attack/x',msg:'bad'""#,
    );
    for ctl in ["id", "tag", "target", "off"] {
        assert_eq!(
            ids(&get(&rules, &format!("/?ctl={ctl}&v=bad"))),
            Vec::<u64>::new(),
            "{ctl}"
        );
    }
    let target = get(&rules, "/?ctl=target&v=bad&w=bad");
    assert_eq!(
        (ids(&target), target.matches[0].place.as_str()),
        (vec![10], "ARGS:w")
    );
    let quiet = get(&rules, "/?ctl=quiet&v=bad");
    assert_eq!((ids(&quiet), quiet.interruption), (vec![10], None));
    assert!(get(&rules, "/?v=bad").interruption.is_some());
}

#[test]
fn directives_change_rules_that_stand_before_them() {
    let rules = rules(
        r#"SecDefaultAction "phase:2,log,deny,status:406,t:lowercase"
           SecRule ARGS "@streq a" "id:1,phase:2,block,msg:'one'"
           SecRule ARGS "@streq b" "id:2,phase:2,block,t:none,tag:'x',msg:'two'"
           SecRule ARGS "@streq c" "id:3,phase:2,block,msg:'three'"
           SecRule ARGS "@streq d" "id:4,phase:2,block,msg:'four'"
           SecRuleUpdateTargetById 1 "!ARGS:free"
           SecRuleUpdateActionById 2 "pass,msg:'changed'"
           SecRuleRemoveById 3
           SecRuleRemoveByMsg "^four$""#,
    );
    assert_eq!(
        get(&rules, "/?q=A")
            .interruption
            .map(|i| (i.rule, i.status)),
        Some((1, 406))
    );
    assert_eq!(ids(&get(&rules, "/?free=A&q=B&r=c&s=d")), Vec::<u64>::new());
    let two = get(&rules, "/?q=b");
    assert_eq!(
        (two.interruption, two.matches[0].message.as_str()),
        (None, "changed")
    );
}

#[test]
fn what_matched_can_be_asked_again() {
    let rules = rules(
        r#"SecRule ARGS "@rx ^[0-9]+$" "id:1,phase:2,pass,logdata:'%{MATCHED_VAR_NAME}=%{MATCHED_VAR}',chain"
             SecRule MATCHED_VARS "@gt 10" "chain"
               SecRule MATCHED_VARS_NAMES "@endsWith b" "t:none"
           SecRule REQUEST_HEADERS:/^x-/|TX:/^no/ "@pm left right" "id:2,phase:1,pass,multiMatch,capture,logdata:'%{TX.0}'""#,
    );
    let outcome = get(&rules, "/?a=11&b=12&c=3");
    assert_eq!(ids(&outcome), [1]);
    let head = [("X-Way", &b"to the LEFT"[..]), ("Host", b"right")];
    let outcome = run(&rules, "/", &head, b"", None);
    assert_eq!(
        (ids(&outcome), outcome.matches[0].data.as_str()),
        (vec![2], "LEFT")
    );
}

#[test]
fn bodies_become_collections_by_their_type() {
    let rules = rules(
        r#"SecRule ARGS:json.a.b "@streq 中" "id:1,phase:2,pass,msg:'json'"
           SecRule XML:/* "@contains hidden" "id:2,phase:2,pass,msg:'text'"
           SecRule XML://@* "@streq <" "id:3,phase:2,pass,msg:'attribute'"
           SecRule FILES "@endsWith .php" "id:4,phase:2,pass,msg:'file'"
           SecRule MULTIPART_PART_HEADERS "@contains text/x" "id:5,phase:2,pass,msg:'header'"
           SecRule ARGS_POST:f "@streq a b" "id:6,phase:2,pass,msg:'form'"
           SecRule REQBODY_ERROR "!@eq 0" "id:7,phase:2,deny,status:400,msg:'%{REQBODY_ERROR_MSG}'"
           SecRule REQUEST_BODY "@contains f=" "id:8,phase:2,pass,msg:'body'"
           SecRule REQBODY_PROCESSOR "!@rx ." "id:9,phase:1,pass,msg:'none'""#,
    );
    let send = |media: &str, body: &str| {
        run(
            &rules,
            "/",
            &[("Content-Type", media.as_bytes())],
            body.as_bytes(),
            None,
        )
    };
    assert_eq!(
        ids(&send("application/json", r#"{"a":{"b":["\u4e2d"]}}"#)),
        [1]
    );
    assert_eq!(
        ids(&send("text/xml", "<a x='&lt;'>so hi<b>dden</b></a>")),
        [2, 3]
    );
    let form = "--b\r\nContent-Disposition: form-data; name=\"u\"; filename=\"x.php\"\r\nContent-Type: text/x\r\n\r\nhi\r\n--b--\r\n";
    assert_eq!(ids(&send("multipart/form-data; boundary=b", form)), [4, 5]);
    assert_eq!(
        ids(&send("application/x-www-form-urlencoded", "f=a+b")),
        [6, 8]
    );
    let broken = send("application/json", "{\"a\":");
    assert_eq!(broken.interruption.map(|i| i.status), Some(400));
    assert!(
        broken
            .unreadable
            .is_some_and(|reason| reason == broken.matches[0].message)
    );
    assert_eq!(ids(&send("text/plain", "f=1")), [9]);
}

#[test]
fn responses_are_judged_and_an_allowed_exchange_is_not() {
    let rules = rules(
        r#"SecRule ARGS:skip "@streq all" "id:1,phase:1,allow,nolog"
           SecRule ARGS:skip "@streq request" "id:2,phase:1,allow:request,nolog"
           SecRule ARGS:q "@streq bad" "id:3,phase:2,pass,msg:'request'"
           SecRule RESPONSE_STATUS "@streq 500" "id:4,phase:3,pass,msg:'status'"
           SecRule RESPONSE_BODY "@contains secret" "id:5,phase:4,redirect:'https://example.org/',msg:'body'"
           SecAction "id:6,phase:5,pass,msg:'end'""#,
    );
    let send = |target: &str| run(&rules, target, &[], b"", Some((500, b"a secret")));
    let outcome = send("/?q=bad");
    assert_eq!(ids(&outcome), [3, 4, 5, 6]);
    let ended = outcome.interruption.unwrap();
    assert_eq!(
        (ended.rule, ended.status, ended.redirect.as_deref()),
        (5, 302, Some("https://example.org/"))
    );
    assert_eq!(ids(&send("/?q=bad&skip=request")), [4, 5, 6]);
    assert_eq!(ids(&send("/?q=bad&skip=all")), [6]);
}

#[test]
fn a_collection_of_a_client_outlives_its_exchanges_and_no_other_client_sees_it() {
    let rules = rules(
        r#"SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1,expirevar:ip.n=60"
           SecRule IP:n "@gt 2" "id:2,phase:1,deny,status:429,msg:'%{ip.n}'""#,
    );
    let ask = |client: u8, second: u64| {
        let mut transaction = rules.begin(&connection(client, second));
        transaction.request_head(&RequestHead {
            method: b"GET",
            target: b"/",
            protocol: b"HTTP/1.1",
            headers: &[],
        });
        transaction.finish().interruption.map(|i| i.status)
    };
    assert_eq!(
        [ask(1, 0), ask(1, 1), ask(1, 2), ask(2, 2)],
        [None, None, Some(429), None]
    );
    assert_eq!(ask(1, 100), None);
}

#[test]
fn a_test_that_is_turned_round_reads_whole_values_and_others_read_lines() {
    let rules = rules(
        r#"SecRule ARGS:a "!@rx ^[a-z]+$" "id:1,phase:2,pass,msg:'odd'"
           SecRule ARGS:a "@rx ^evil" "id:2,phase:2,pass,msg:'line'""#,
    );
    assert_eq!(ids(&get(&rules, "/?a=good")), Vec::<u64>::new());
    assert_eq!(ids(&get(&rules, "/?a=good%0Aevil")), [1, 2]);
    assert_eq!(
        ids(&get(&rules, "/?b=x")),
        Vec::<u64>::new(),
        "a value that is not there is not tested"
    );
}

#[test]
fn expressions_that_go_back_are_bounded_and_never_pass_what_tires_them() {
    let rules = rules(
        r#"SecRule ARGS:a "@rx ^<\?(?!xml)" "id:1,phase:2,pass,msg:'ahead'"
           SecRule ARGS:b "@rx \b(\w+)\b=\1$" "id:2,phase:2,pass,capture,msg:'again %{tx.1}'"
           SecRule ARGS:c "@rx ^(?:(x+)x+)+(?=y)$" "id:3,phase:2,pass,msg:'tired'"
           SecRule ARGS:c "!@rx ^(?:(x+)x+)+(?!y)z$" "id:4,phase:2,pass,msg:'tired too'""#,
    );
    assert_eq!(ids(&get(&rules, "/?a=%3C?php&b=7=7")), [1, 2]);
    assert_eq!(get(&rules, "/?b=ab=ab").matches[0].message, "again ab");
    assert_eq!(ids(&get(&rules, "/?a=%3C?xml&b=7=8")), Vec::<u64>::new());
    assert_eq!(
        ids(&get(&rules, "/?a=%ff%3C?php")),
        Vec::<u64>::new(),
        "bytes are bytes"
    );
    let long = "x".repeat(5000);
    let started = std::time::Instant::now();
    assert_eq!(ids(&get(&rules, &format!("/?c={long}"))), [3, 4]);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_expression_is_filled_in_and_a_variable_never_switches_it_off() {
    let rules = rules(
        r#"SecAction "id:1,phase:1,pass,nolog,setvar:tx.types=text|json"
           SecRule ARGS:type "!@rx ^(?:%{tx.types})$" "id:2,phase:2,pass,msg:'type'"
           SecRule ARGS:find "@rx ^%{ARGS.expression}$" "id:3,phase:2,pass,msg:'found'"
           SecRule ARGS:find "!@rx ^%{ARGS.expression}$" "id:4,phase:2,pass,msg:'not found'""#,
    );
    assert_eq!(ids(&get(&rules, "/?type=json")), Vec::<u64>::new());
    assert_eq!(ids(&get(&rules, "/?type=xml")), [2]);
    assert_eq!(ids(&get(&rules, "/?find=abc&expression=a.c")), [3]);
    assert_eq!(ids(&get(&rules, "/?find=abc&expression=d")), [4]);
    assert_eq!(
        ids(&get(&rules, "/?find=abc&expression=(")),
        [3, 4],
        "no expression"
    );
    for n in 0..100 {
        assert_eq!(
            ids(&get(&rules, &format!("/?find=v{n}&expression=v{n}"))),
            [3]
        );
    }
}

#[test]
fn lists_and_places_are_what_the_connection_says_of_the_client() {
    let rules = rules(
        r#"SecRule REMOTE_ADDR "@rbl bl.example.org" "id:1,phase:1,pass,capture,msg:'%{tx.0}'"
           SecRule ARGS:ip "@rbl bl.example.org" "id:2,phase:1,pass,msg:'other'"
           SecRule REMOTE_ADDR "@geoLookup" "id:3,phase:1,pass,msg:'%{geo.country_code}',chain"
             SecRule GEO:COUNTRY_CODE "@streq XB""#,
    );
    assert!(rules.wants_place());
    assert!(rules.wants_lists().contains("bl.example.org"));
    let ask = |place, listed, target: &str| {
        let mut transaction = rules.begin(&Connection {
            place,
            listed,
            ..connection(7, 0)
        });
        transaction.request_head(&RequestHead {
            method: b"GET",
            target: target.as_bytes(),
            protocol: b"HTTP/1.1",
            headers: &[],
        });
        transaction.finish()
    };
    let all = ask(
        &[("COUNTRY_CODE", "XB")],
        &[("bl.example.org", "sends spam")],
        "/?ip=192.0.2.8",
    );
    assert_eq!(ids(&all), [1, 3]);
    assert_eq!(
        all.matches[0].message,
        "RBL lookup of 192.0.2.7.bl.example.org succeeded. sends spam"
    );
    assert_eq!(all.matches[1].message, "XB");
    assert_eq!(
        ids(&ask(&[], &[("other.example", "")], "/")),
        Vec::<u64>::new()
    );
}

#[test]
fn what_is_not_supported_refuses_the_load_with_its_place() {
    for (text, line, column, says) in [
        ("\n  SecFancy On", 2, 3, "`SecFancy` is not supported"),
        (
            "SecRule ARGS \"@inspectFile x\" \"id:1\"",
            1,
            15,
            "`@inspectFile` is not supported",
        ),
        (
            "SecRule ARGS|GEOS \"@rx a\" \"id:1\"",
            1,
            14,
            "variable `GEOS`",
        ),
        (
            "SecRule ARGS \"@rx a\" \"id:1,t:none,\\\n  t:rot13\"",
            2,
            3,
            "`rot13`",
        ),
        ("SecRule ARGS \"@rx a\" \"phase:1\"", 1, 23, "no `id`"),
        ("SecAction \"id:1\"\nSecAction \"id:1\"", 2, 12, "taken"),
        ("SecAction \"id:1,skipAfter:NOWHERE\"", 1, 1, "NOWHERE"),
        ("SecAction \"id:1,chain\"", 1, 1, "no end"),
        (
            "SecAction \"id:1,chain\"\nSecMarker X",
            2,
            1,
            "a `SecRule` belongs here",
        ),
        ("SecRule XML:/a/b \"@rx a\" \"id:1\"", 1, 9, "XML:/*"),
        (
            "SecRule ARGS \"@pmFromFile missing.data\" \"id:1\"",
            1,
            27,
            "missing.data",
        ),
        ("SecRule ARGS \"@rx a[\" \"id:1\"", 1, 20, "never closed"),
    ] {
        match load(text) {
            Err(LoadError::Refused { at, message }) => {
                assert_eq!((at.line, at.column), (line, column), "{text}: {message}");
                assert!(message.contains(says), "{message}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn variables_that_double_each_other_stay_bounded() {
    let doubled = (2..60).map(|n| {
        format!("SecAction \"id:{n},phase:1,pass,nolog,setvar:'tx.a=%{{tx.a}}%{{tx.a}}'\"\n")
    });
    let text: String =
        std::iter::once("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.a=xxxxxxxx\"\n".to_owned())
            .chain(doubled)
            .chain([
                "SecRule TX:a \"@gt 1000\" \"id:98,phase:1,pass,t:length,msg:'grew'\"\n\
            SecRule TX:a \"@gt 65536\" \"id:99,phase:1,pass,t:length,msg:'unbounded'\""
                    .to_owned(),
            ])
            .collect();
    assert_eq!(ids(&get(&rules(&text), "/")), [98]);
}

#[test]
fn ordinary_chinese_requests_pass_the_core_rule_set_at_level_one() {
    let Some(rules) = crs() else { return };
    for text in [
        "材料已备齐，请尽快办理；谢谢！",
        "国库支付中心（北京）主任办公室",
        "异常情况说明：户口迁移、社保转移",
        "张三 李四 王五 -- 备注：无",
        "请在大厅一层办理，工作时间 9:00-17:00",
        "选择《数据库原理》与更新后的目录",
    ] {
        let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        let outcome = ordinary(
            &rules,
            &format!("/search?q={encoded}&page=2"),
            format!("remark={encoded}").as_bytes(),
        );
        assert_eq!(outcome.interruption, None, "{text}: {:?}", outcome.matches);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_rules_panic_the_loader(text in r#"(SecRule |SecAction |SecMarker |"|'|@rx |@pm |\||id:1|,|phase:2|chain|setvar:tx.a=|%\{|\}|ARGS|XML:/\*|[a-z:!&\\\n(*\[]){0,24}"#) {
        let _ = load(&text);
    }

    #[test]
    fn no_request_panics_the_rules(
        target in proptest::collection::vec(any::<u8>(), 0..80),
        header in proptest::collection::vec(any::<u8>(), 0..40),
        body in proptest::collection::vec(any::<u8>(), 0..120),
        media in proptest::sample::select(&["application/json", "text/xml", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "x"][..]),
    ) {
        thread_local!(static RULES: Option<RuleSet> = crs());
        RULES.with(|rules| {
            if let Some(rules) = rules {
                let headers = [("Content-Type", media.as_bytes()), ("Cookie", header.as_slice()), ("Host", b"h")];
                let mut transaction = rules.begin(&connection(1, 0));
                transaction.request_head(&RequestHead { method: b"POST", target: &target, protocol: b"HTTP/1.1", headers: &headers });
                transaction.request_body(&body);
                let _ = transaction.finish();
            }
        });
    }
}

fn crs() -> Option<RuleSet> {
    let shared = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = shared.join("crs");
    if !folder.is_dir() {
        eprintln!(
            "skipped: `crs` is not there; set HANGU_SHARED_DATA to the folder of conformance data"
        );
        return None;
    }
    Some(RuleSet::load(&[Source::Path(folder)]).unwrap_or_else(|error| panic!("{error}")))
}

fn ordinary(rules: &RuleSet, target: &str, body: &[u8]) -> Outcome {
    let length = body.len().to_string();
    let headers = [
        ("host", &b"service.example.gov.cn"[..]),
        (
            "user-agent",
            b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        ("accept", b"text/html,application/xhtml+xml"),
        ("content-type", b"application/x-www-form-urlencoded"),
        ("content-length", length.as_bytes()),
    ];
    run(rules, target, &headers, body, None)
}

fn load(text: &str) -> Result<RuleSet, LoadError> {
    RuleSet::load(&[Source::Text {
        name: "test.conf".into(),
        text: text.to_owned(),
    }])
}

fn rules(text: &str) -> RuleSet {
    load(text).unwrap_or_else(|error| panic!("{error}"))
}

fn ids(outcome: &Outcome) -> Vec<u64> {
    outcome.matches.iter().map(|m| m.rule).collect()
}

fn get(rules: &RuleSet, target: &str) -> Outcome {
    run(rules, target, &[], b"", None)
}

fn connection(client: u8, second: u64) -> Connection<'static> {
    Connection {
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, client)),
        client_port: 1,
        server: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
        server_port: 443,
        now: Duration::from_secs(1_700_000_000 + second),
        id: "x",
        place: &[],
        listed: &[],
    }
}

fn run(
    rules: &RuleSet,
    target: &str,
    headers: &[(&str, &[u8])],
    body: &[u8],
    response: Option<(u16, &[u8])>,
) -> Outcome {
    let mut transaction = rules.begin(&connection(1, 0));
    transaction.request_head(&RequestHead {
        method: b"POST",
        target: target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers,
    });
    transaction.request_body(body);
    if let Some((status, body)) = response {
        transaction.response_head(&ResponseHead {
            status,
            protocol: b"HTTP/1.1",
            headers: &[],
        });
        transaction.response_body(body);
    }
    transaction.finish()
}
