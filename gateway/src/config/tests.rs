//! Mistakes in configurations, each as it is told in both languages.

use std::fs;

use super::{Mistake, load};

/// A zone that is right, before which and behind which others can stand.
const ZONE: &str = "[[zone]]\nname = \"internet\"\nlisten = [\"127.0.0.1:8443\"]\n";

/// Reads a configuration that must be refused.
fn refused(text: &str) -> Vec<Mistake> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hangu.toml");
    fs::write(&path, text).unwrap();
    load(&path).map(drop).unwrap_err()
}

/// Holds the Chinese text against the English one: it is Chinese, and quotes what that quotes.
#[track_caller]
fn in_both_languages(mistake: &Mistake) {
    let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    assert!(mistake.message_zh.contains(chinese), "{mistake:?}");
    for quoted in mistake.message.split('`').skip(1).step_by(2) {
        let quoted = format!("`{quoted}`");
        assert!(
            mistake.message_zh.contains(&quoted),
            "{quoted}: {mistake:?}"
        );
    }
}

/// A portal with these further lines, and something behind it.
fn portal(lines: &str) -> String {
    format!(
        "{ZONE}[[portal]]\nname = \"p\"\nzone = \"internet\"\nhosts = [\"a.example\"]\ndepartment = \"d\"\n{lines}\n[portal.upstream]\naddresses = [\"127.0.0.1:1\"]\n"
    )
}

#[test]
fn a_configuration_is_refused_in_english_and_in_chinese() {
    let table = [
        (String::new(), "没有 `[[zone]]`"),
        (ZONE.to_owned(), "没有 `[policy]`"),
        (format!("{ZONE}{ZONE}"), "区域 `internet` 声明了两次"),
        (
            ZONE.replace("internet", "in ter"),
            "区域的名称由字母、数字、`-` 和 `_` 组成",
        ),
        (
            format!("{ZONE}[[crossing]]\nfrom = \"internet\"\nto = \"intenet\"\n"),
            "没有区域 `intenet`；是否应为 `internet`？",
        ),
        (
            format!("{ZONE}[[crossing]]\nfrom = \"internet\"\nto = \"moon\"\n"),
            "没有区域 `moon`；请用 `[[zone]]` 声明",
        ),
        (
            format!(
                "{ZONE}{}",
                "[[crossing]]\nfrom = \"internet\"\nto = \"internet\"\n".repeat(2)
            ),
            "到 `internet` 的跨区声明了两次",
        ),
        (
            format!(
                "{ZONE}[[crossing]]\nfrom = \"internet\"\nto = \"internet\"\nredact = \"L9\"\n"
            ),
            "`L9` 不是脱敏级别",
        ),
        (
            format!("{ZONE}[zone.tls]\ncertificates = []\nclient-certificates = \"required\"\n"),
            "须用 `tls.client-anchors` 写明其根证书",
        ),
        (
            format!("{ZONE}[gateway]\ntime-zone = \"Mars\"\n"),
            "`Mars` 不是 IANA 时区",
        ),
        (
            format!("{ZONE}[policy]\nmodel = \"m\"\nrules = []\n"),
            "不是可以读取的文件",
        ),
        (
            format!(
                "{ZONE}[policy]\nmodel = \"m\"\nrules = []\n[policy.review]\nemergency-time = \"48h\"\nrollback-share = 101\n[[policy.review.protected]]\n"
            ),
            "紧急变更最长 `24h`",
        ),
        (
            format!("{ZONE}[identity]\napi-keys = \"k\"\n"),
            "`identity.api-keys` 需要 `identity.api-key-pepper`",
        ),
        (
            format!("{ZONE}[redact.level.L9]\n"),
            "`redact.level.L9` 不是脱敏级别",
        ),
        (
            format!("{ZONE}[[inspect.rules]]\nname = \"a\"\nfiles = []\n"),
            "`files` 为空",
        ),
        (
            portal("").replace("hosts = [\"a.example\"]", "hosts = []"),
            "`hosts` 为空",
        ),
        (
            portal("").replace("a.example", "A_b"),
            "`A_b` 不是小写的主机名",
        ),
        (
            portal("paths = [\"/a/../b\"]"),
            "`/a/../b` 不是以 `/` 开头的规范路径",
        ),
        (
            portal("").replace("\"127.0.0.1:1\"", ""),
            "`upstream.addresses` 为空",
        ),
        (
            portal("").replace("\"127.0.0.1:1\"", "\"127.0.0.1:1\", \"127.0.0.1:1\""),
            "`127.0.0.1:1` 写了两次",
        ),
        (
            format!("{}[portal.inspect]\nrules = [\"crs\"]\n", portal("")),
            "没有一个 `[[inspect.rules]]` 名为 `crs`",
        ),
        (
            format!(
                "{}[[portal.inspect.except]]\nrule = \"*\"\nuntil = \"soon\"\nreason = \" \"\n",
                portal("")
            ),
            "`soon` 不是日期",
        ),
        (
            format!("{}{}", portal(""), portal("").replace(ZONE, "")),
            "门户 `p` 声明了两次",
        ),
        (
            ZONE.replace("listen", "lsten"),
            "没有名为 `lsten` 的键；是否应为 `listen`？",
        ),
        (
            ZONE.replace("listen", "frequency"),
            "没有名为 `frequency` 的键；此处可用：",
        ),
        ("[[zone]]\nname = \"a\"\n".to_owned(), "缺少键 `listen`"),
        (
            ZONE.replace("\"internet\"", "7"),
            "类型不符：写的是 integer `7`",
        ),
        (
            format!("{ZONE}[zone.tls]\ncertificates = []\nclient-certificates = \"maybe\"\n"),
            "不能取 `maybe`；应为 `off`",
        ),
        (
            format!("{ZONE}[zone.bounds]\nhead-time = \"10\"\n"),
            "`10` 没有可用的单位；写成 `500ms`、`10s`、`5m`、`12h` 或 `30d` 这样",
        ),
        (
            format!("{ZONE}[limit.address]\nrate = \"0/s\"\n"),
            "`0/s` 没有可用的单位；写成 `100/s`、`600/m` 或 `5000/h` 这样",
        ),
        (format!("{ZONE}name = \"b\"\n"), "键写了两次"),
        (format!("{ZONE}name"), "TOML 的写法或取值有误："),
        (
            format!("include = [\"nowhere.toml\"]\n{ZONE}"),
            "无法读取：",
        ),
    ];
    for (text, chinese) in table {
        let mistakes = refused(&text);
        mistakes.iter().for_each(in_both_languages);
        assert!(
            mistakes.iter().any(|m| m.message_zh.contains(chinese)),
            "wanted {chinese}, found {mistakes:#?}"
        );
    }
}

#[test]
fn a_terminal_shows_the_chinese_text_below_the_english_one() {
    let mistakes = refused(&format!("{ZONE}[gateway]\ntime-zone = \"Mars\"\n"));
    let wrong = mistakes.iter().find(|m| m.line > 0).unwrap();
    let file = wrong.file.display();
    assert_eq!(
        wrong.lines(),
        format!(
            "{file}:5:13: `Mars` is no IANA time zone; write for example `Asia/Shanghai`\n    `Mars` 不是 IANA 时区；写成 `Asia/Shanghai` 这样"
        )
    );
}
