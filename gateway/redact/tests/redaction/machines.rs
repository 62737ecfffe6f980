//! Addresses of machines and keys, among the punctuation that logs put around them.

use hangu_redact::{Level, Media};

use crate::support::{redact_chunks, redact_text};

/// Redacts a body at once and cut everywhere, which must be the same.
fn everywhere(media: Media, body: &str) -> String {
    let whole = redact_text(Level::L2, media, body);
    for cut in 0..=body.len() {
        let (head, tail) = body.as_bytes().split_at(cut);
        let (out, _) = redact_chunks(Level::L2, media, [head, tail]);
        assert_eq!(String::from_utf8_lossy(&out), whole, "{body} cut at {cut}");
    }
    let (out, _) = redact_chunks(Level::L2, media, body.as_bytes().chunks(1));
    assert_eq!(String::from_utf8_lossy(&out), whole, "{body} byte by byte");
    whole
}

#[test]
fn an_address_with_colons_is_found_among_punctuation() {
    for (media, body, expected) in [
        (Media::Text, "peer fe80::1: down", "peer fe80:*: down"),
        (Media::Text, "from fe80::1%eth0", "from fe80:*%eth0"),
        (Media::Text, "node:fe80::1", "node:fe80:*"),
        (Media::Text, "MAC:00:1A:2B:3C:4D:5E:", "MAC:00:1A:2B:*:*:*:"),
        (
            Media::Text,
            "2001:db8::1-2001:db8::9",
            "2001:db8:*-2001:db8:*",
        ),
        (
            Media::Json,
            r#"{"a":"x\n2001:db8::1\n"}"#,
            r#"{"a":"x\n2001:db8:*\n"}"#,
        ),
        (Media::Form, "a=2001:db8::1%20", "a=2001:db8:*%20"),
        (Media::Markup, "<b>fe80::1:</b>", "<b>fe80:*:</b>"),
    ] {
        assert_eq!(everywhere(media, body), expected);
    }
}

#[test]
fn paths_of_programs_and_times_are_no_addresses() {
    for body in [
        "std::fade::cafe case::dead:beef",
        "12:30:45 a::b fade::",
        "fe80:*: x 2001:db8:* y",
        "%4001:0:a:b:c:d:8::1 x",
    ] {
        assert_eq!(everywhere(Media::Text, body), body);
    }
}

#[test]
fn a_key_ends_where_its_string_does() {
    for (body, expected) in [
        (
            r#"["\"-----BEGIN PRIVATE KEY-----\"",1]"#,
            r#"["\"-----BEGIN PRIVATE KEY-----***\"",1]"#,
        ),
        (
            r#"{"k":"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n\"x"}"#,
            r#"{"k":"-----BEGIN PRIVATE KEY-----***\\n\"x"}"#,
        ),
        (
            r#"{"k":"- -----BEGIN PRIVATE KEY-----\nMIIE"}"#,
            r#"{"k":"- -----BEGIN PRIVATE KEY-----***"}"#,
        ),
    ] {
        assert_eq!(everywhere(Media::Json, body), expected);
    }
}

/// Processor time of this thread in nanoseconds where Linux tells it: a busy machine does not distort it.
fn processor() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

#[test]
fn runs_of_marks_cost_no_more_than_other_bytes() {
    for run in [
        ":", "<", "-", "::", ":a", "a:", "-----", "<A", ":1", "=", "@",
    ] {
        let body = run.repeat(200_000 / run.len());
        let cost = (0..3).filter_map(|_| {
            let start = processor()?;
            redact_chunks(Level::L2, Media::Text, [body.as_bytes()]);
            Some((processor()? - start) / body.len() as u64)
        });
        // Loose; a mark that asked about all marks around it cost 88 at least.
        let least = cost.min().unwrap_or(0);
        assert!(least < 70, "{run}: {least} ns a byte");
    }
}

#[test]
fn an_address_behind_digits_that_are_written_otherwise_is_found() {
    for text in [
        "１ 2001:db8::1 x",
        "电话１３８００１３８０００ 2001:db8::1 x",
        "\\u0031 13800138000 2001:db8::1 x",
    ] {
        let out = everywhere(Media::Text, text);
        assert!(!out.contains("db8::1"), "{text}: {out}");
    }
}
