//! Requests made by hand to keep rules busy. Work is counted in bytes looked at, and memory in bytes of texts.

use std::path::{Path, PathBuf};

use super::{RuleSet, Source, ask};
use crate::nasty::PIECES;
use crate::raw::RawRequest;
use crate::text::steps;

/// Bytes of the longer input; the shorter is half of it.
const SIZE: usize = 32 << 10;
/// Bytes looked at for each byte of input, over all values, transformations and tests. The worst needs about half.
const PER_BYTE: usize = 2000;

/// Rules that use what makes work, for where the Core Rule Set is not there.
const RULES: &str = r#"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES "@rx (?i)<[^>]*script" "id:1,phase:2,pass,t:none,t:utf8toUnicode,t:urlDecodeUni,t:htmlEntityDecode,t:jsDecode,t:cssDecode,t:removeNulls,setvar:tx.n=+1,setvar:tx.%{MATCHED_VAR_NAME}=1"
SecRule ARGS|REQUEST_COOKIES "@rx (?i)select.+from" "id:2,phase:2,pass,t:none,t:replaceComments,t:compressWhitespace,ctl:ruleRemoveTargetById=1;ARGS:free"
SecRule ARGS "@pm passwd shadow etc" "id:3,phase:2,pass,t:none,t:normalizePathWin,t:cmdLine,multiMatch"
SecRule ARGS "@detectSQLi" "id:4,phase:2,pass,t:none,t:base64Decode,t:removeComments,t:removeCommentsChar"
SecRule ARGS "@detectXSS" "id:5,phase:2,pass,t:none,t:escapeSeqDecode,t:sqlHexDecode"
SecRule MATCHED_VARS "@contains a" "id:6,phase:2,pass"
"#;

#[test]
fn no_request_makes_work_grow_faster_than_its_length() {
    let shared = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = shared.join("crs");
    let source = if folder.is_dir() {
        Source::Path(folder)
    } else {
        eprintln!("without the Core Rule Set: rules of the test's own stand in");
        Source::Text {
            name: PathBuf::from("hostile.conf"),
            text: RULES.to_owned(),
        }
    };
    let rules = RuleSet::load(&[source]).unwrap_or_else(|error| panic!("{error}"));
    let mut worst = (0, "");
    for piece in PIECES {
        let (short, long) = (work(&rules, piece, SIZE / 2), work(&rules, piece, SIZE));
        assert!(
            long <= short * 23 / 10 + 200_000,
            "`{}`: {short} steps for half, {long} for the whole",
            piece.escape_debug()
        );
        worst = worst.max((long, piece));
    }
    let (steps, piece) = worst;
    let bytes = SIZE * REQUESTS.len();
    assert!(
        steps <= PER_BYTE * bytes,
        "`{}` needs {} steps a byte",
        piece.escape_debug(),
        steps / bytes
    );
}

/// Makes of a value the type and the body of a request.
type Request = fn(&str) -> (&'static str, Vec<u8>);

/// The ways in which a request carries a value.
const REQUESTS: [Request; 4] = [
    |value| {
        let encoded: String = value.bytes().map(|b| format!("%{b:02x}")).collect();
        (
            "application/x-www-form-urlencoded",
            format!("a={encoded}").into_bytes(),
        )
    },
    |value| {
        (
            "application/x-www-form-urlencoded",
            format!("a={value}").into_bytes(),
        )
    },
    |value| {
        let values: Vec<_> = value.split_inclusive(' ').collect();
        (
            "application/json",
            serde_json::json!({ "a": values }).to_string().into_bytes(),
        )
    },
    |value| ("application/xml", format!("<a>{value}</a>").into_bytes()),
];

/// Sends a value in every way, and returns the bytes looked at.
fn work(rules: &RuleSet, piece: &str, size: usize) -> usize {
    let value = piece.repeat(size / piece.len());
    steps::take();
    for request in REQUESTS {
        let (media, body) = request(&value);
        drop(ask(
            rules,
            &RawRequest {
                method: "POST".to_owned(),
                path: b"/a".to_vec(),
                query: None,
                headers: vec![("content-type".to_owned(), media.into())],
                body,
            },
        ));
    }
    steps::take()
}
