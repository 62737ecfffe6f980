//! Places that an operator names.

use std::sync::Arc;

use hangu_redact::{Format, Kind, Level, Media, OwnKind, OwnKindFile, Redactor, Rules, Summary};

fn kind(paths: &[&str]) -> OwnKindFile {
    OwnKindFile {
        name: "place".to_owned(),
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
        ..OwnKindFile::default()
    }
}

fn rules(files: Vec<OwnKindFile>) -> Arc<Rules> {
    let mut rules = Rules::default();
    for file in files {
        rules.add_own(OwnKind::new(file).unwrap());
    }
    Arc::new(rules)
}

/// Redacts a body in chunks of every size, which must be the same.
fn redact(rules: &Arc<Rules>, media: Media, body: &str) -> (String, Summary) {
    let run = |size: usize| {
        let mut redactor = Redactor::with(Arc::clone(rules), Level::L2, Format::from(media));
        let mut out = Vec::new();
        for chunk in body.as_bytes().chunks(size) {
            redactor.feed(chunk, &mut out);
        }
        let summary = redactor.finish(&mut out);
        (String::from_utf8(out).unwrap(), summary)
    };
    let whole = run(body.len());
    for size in [1, 2, 3, 7, 50] {
        assert_eq!(run(size), whole, "chunks of {size}");
    }
    whole
}

#[test]
fn values_at_a_path_are_masked_whatever_they_look_like() {
    let rules = rules(vec![
        OwnKindFile {
            action: Some("keep 1 0".to_owned()),
            ..kind(&["$.data[*].owner.alias", "$..secret-note"])
        },
        OwnKindFile {
            kind: Some("name".to_owned()),
            ..kind(&["$.who"])
        },
        OwnKindFile {
            action: Some("null".to_owned()),
            ..kind(&["$.x[1]"])
        },
    ]);
    let (out, summary) = redact(
        &rules,
        Media::Json,
        r#"{"who":"阿\u5f20三","alias":"a","data":[{"owner":{"alias":"abc\"d","n":1}},{"owner":{"al\u0069as":[12,"xyz",true]}}],"x":["p","q"],"secret-note":{"deep":"text","":"**"}}"#,
    );
    assert_eq!(
        out,
        r#"{"who":"阿**","alias":"a","data":[{"owner":{"alias":"a*****","n":1}},{"owner":{"al\u0069as":[0,"x**",true]}}],"x":["p",null],"secret-note":{"deep":"t***","":"**"}}"#
            .replace("a*****", "a****")
    );
    assert_eq!(summary.masked.get(Kind::Name), 1);
    assert_eq!(summary.masked.get(Kind::Custom), 5);
}

#[test]
fn every_line_is_a_document_and_long_values_leave_nothing() {
    let rules = rules(vec![kind(&["$.a"])]);
    let long = "y".repeat(9000);
    let body = format!(
        "{{\"a\":\"x\",\"b\":1}}\n{{\"b\":{{\"a\":\"x\"}}}}\n[{{\"a\n{{\"a\":12}}\n{{\"a\":\"{long}\"}}\n"
    );
    let (out, _) = redact(&rules, Media::Ndjson, &body);
    assert_eq!(
        out,
        "{\"a\":\"***\",\"b\":1}\n{\"b\":{\"a\":\"x\"}}\n[{\"a\n{\"a\":0}\n{\"a\":\"***\"}\n"
    );
}

#[test]
fn a_path_is_held_to_its_examples_and_a_doubtful_one_is_told() {
    let file = OwnKindFile {
        finds: vec![r#"{"a":{"b":1}}"#.to_owned(), r#"{"b":1}"#.to_owned()],
        passes: vec![r#"{"a":{"c":1}}"#.to_owned(), r#"{"a":{"b":2}}"#.to_owned()],
        ..kind(&["$.a.b"])
    };
    let kind_of = |file| OwnKind::new(file).unwrap();
    assert_eq!(
        kind_of(file).complaints(),
        [
            r#"kind `place` does not find its example `{"b":1}`"#,
            r#"kind `place` finds `{"a":{"b":2}}`, which it should pass"#,
        ]
    );
    assert_eq!(kind_of(kind(&["$.a"])).warnings().len(), 1);
    assert_eq!(kind_of(kind(&["$..*"])).warnings().len(), 2);
    assert_eq!(
        OwnKind::new(kind(&["a.b"])).unwrap_err().to_string(),
        "path `a.b` of kind `place` cannot be used: it begins with `$`, the document"
    );
    let wrong = OwnKindFile {
        kind: Some("nmae".to_owned()),
        ..kind(&["$.a"])
    };
    assert!(OwnKind::new(wrong).is_err());
}
