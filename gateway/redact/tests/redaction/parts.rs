//! Bodies of several parts.

use hangu_redact::{
    BodyError, BodyRedactor, Coding, Content, Kind, Level, Limits, PartError, Rules, Summary,
    Unreadable,
};

/// Redacts a body of a type in chunks; also returns what was not read.
fn redact(
    content_type: &str,
    body: &[u8],
    size: usize,
    unreadable: Unreadable,
) -> Result<(String, Summary, Vec<String>), BodyError> {
    let content = Content::from_content_type(content_type).unwrap();
    let mut redactor = BodyRedactor::of(
        Rules::shipped(),
        Level::L2,
        content,
        Coding::Identity,
        Limits::default(),
        unreadable,
    );
    let mut out = Vec::new();
    for chunk in body.chunks(size.max(1)) {
        redactor.feed(chunk, &mut out)?;
    }
    let summary = redactor.finish(&mut out)?;
    let unread = redactor.unread().names().to_vec();
    Ok((String::from_utf8_lossy(&out).into_owned(), summary, unread))
}

const FORM: &str = concat!(
    "--xYz\r\nContent-Disposition: form-data; name=\"xm\"\r\n\r\n张三\r\n",
    "--xYz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n电话 13800138000\r\n--xYzz\r\n",
    "--xYz  \r\nContent-Disposition: form-data; name=\"f\"; filename=\"13800138000.csv\"\r\nContent-Type: text/csv\r\n\r\n",
    "姓名,住址\n李四,北京市海淀区1号\r\n",
    "--xYz\r\nContent-Type: application/json\r\n\r\n{\"name\":\"王五\",\"n\":13800138000}\r\n",
    "--xYz\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\na@b.cn\r\n--in--\r\n\r\n",
    "--xYz--\r\nepilogue 13800138000"
);

const EXPECTED: &str = concat!(
    "--xYz\r\nContent-Disposition: form-data; name=\"xm\"\r\n\r\n张*\r\n",
    "--xYz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n电话 138****8000\r\n--xYzz\r\n",
    "--xYz  \r\nContent-Disposition: form-data; name=\"f\"; filename=\"138****8000.csv\"\r\nContent-Type: text/csv\r\n\r\n",
    "姓名,住址\n李*,北京市海淀区****\r\n",
    "--xYz\r\nContent-Type: application/json\r\n\r\n{\"name\":\"王*\",\"n\":0}\r\n",
    "--xYz\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\na***@b.cn\r\n--in--\r\n\r\n",
    "--xYz--\r\nepilogue 138****8000"
);

const TYPE: &str = "multipart/form-data; boundary=xYz";

#[test]
fn each_part_is_redacted_by_its_own_type_however_the_body_is_cut() {
    for size in [1, 2, 3, 5, 7, 16, 64, 100, FORM.len()] {
        let (out, summary, unread) =
            redact(TYPE, FORM.as_bytes(), size, Unreadable::Refuse).unwrap();
        assert_eq!(out, EXPECTED, "chunks of {size}");
        assert_eq!(summary.masked.get(Kind::Name), 3);
        assert_eq!(summary.masked.get(Kind::Mobile), 4);
        assert!(unread.is_empty());
    }
}

#[test]
fn a_part_that_cannot_be_read_is_refused_passed_or_emptied() {
    let body = "--b\r\nContent-Type: image/png\r\n\r\n\u{89}PNG 13800138000\r\n--b--\r\n";
    let kind = "multipart/related; boundary=b";
    let redact = |unreadable| redact(kind, body.as_bytes(), 3, unreadable);
    assert!(matches!(
        redact(Unreadable::Refuse),
        Err(BodyError::Part(PartError::Unreadable(what))) if what == "image/png"
    ));
    let (out, _, unread) = redact(Unreadable::Pass).unwrap();
    assert_eq!((out.as_str(), unread), (body, vec!["image/png".to_owned()]));
    let (out, _, unread) = redact(Unreadable::Empty).unwrap();
    assert_eq!(out, "--b\r\nContent-Type: image/png\r\n\r\n\r\n--b--\r\n");
    assert_eq!(unread, ["image/png"]);
    let coded = "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nMTM4\r\n--b--";
    assert!(self::redact(kind, coded.as_bytes(), 9, Unreadable::Refuse).is_err());
}

#[test]
fn a_body_that_is_cut_off_or_nested_too_deep_fails() {
    let end = FORM.find("--xYz--").unwrap();
    for cut in [0, 1, 10, 40, 80, 200, end] {
        let cut = (cut..).find(|&at| FORM.is_char_boundary(at)).unwrap();
        let result = redact(TYPE, &FORM.as_bytes()[..cut], 50, Unreadable::Refuse);
        assert!(
            matches!(result, Err(BodyError::Part(PartError::Truncated))),
            "cut at {cut}: {result:?}"
        );
    }
    let mut body = String::from("x");
    for depth in (0..8).rev() {
        let inner = depth + 1;
        body = format!(
            "--b{depth}\r\nContent-Type: multipart/mixed; boundary=b{inner}\r\n\r\n{body}\r\n--b{depth}--\r\n"
        );
    }
    let result = redact(
        "multipart/mixed; boundary=b0",
        body.as_bytes(),
        500,
        Unreadable::Refuse,
    );
    assert!(matches!(
        result,
        Err(BodyError::Part(PartError::TooDeep { limit: 4 }))
    ));
    let long = format!("--b\r\nX: {}", "y".repeat(20_000));
    assert!(matches!(
        redact(
            "multipart/mixed; boundary=b",
            long.as_bytes(),
            999,
            Unreadable::Refuse
        ),
        Err(BodyError::Part(PartError::Head { .. }))
    ));
}
