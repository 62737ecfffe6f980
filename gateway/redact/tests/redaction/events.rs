//! Texts that server-sent events tell piece by piece.

use hangu_redact::{BodyRedactor, Coding, Kind, Level, Limits, Media};

use crate::support::redact_chunks;

/// Redacts a stream at once and in chunks of any size, which must be the same.
fn everywhere(stream: &str) -> String {
    let (whole, _) = redact_stream(stream, stream.len());
    for size in [1, 2, 3, 7, 31, 100] {
        assert_eq!(redact_stream(stream, size).0, whole, "chunks of {size}");
    }
    whole
}

fn redact_stream(stream: &str, size: usize) -> (String, hangu_redact::Summary) {
    let chunks = stream.as_bytes().chunks(size);
    let (out, summary) = redact_chunks(Level::L2, Media::EventStream, chunks);
    (String::from_utf8(out).unwrap(), summary)
}

/// The pieces of a stream put together.
fn told(stream: &str) -> String {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: {\"delta\":\""))
        .map(|rest| rest.strip_suffix("\"}").unwrap())
        .collect()
}

#[test]
fn a_value_that_is_told_in_pieces_is_masked_as_one() {
    let stream = concat!(
        "data: {\"delta\":\"电话 138\"}\n\n",
        "data: {\"delta\":\"0013\"}\n\n: keep\n\n",
        "data: {\"delta\":\"8000，姓名：\"}\n\n",
        "data: {\"delta\":\"张\"}\n\n",
        "data: {\"delta\":\"三，\\n好\"}\n\n",
        "data: {\"delta\":\"a@\"}\n\ndata: {\"delta\":\"b.cn\"}\n\n",
        "data: [DONE]\n\n"
    );
    let out = everywhere(stream);
    assert_eq!(told(&out), "电话 138****8000，姓名：张*，\\n好a***@b.cn");
    assert!(out.ends_with("\n\ndata: [DONE]\n\n"), "{out}");
    let summary = redact_stream(stream, 5).1;
    assert_eq!(summary.masked.get(Kind::Mobile), 1);
    assert_eq!(summary.masked.get(Kind::Name), 1);
}

#[test]
fn what_is_left_leaves_in_an_event_like_the_last_before_the_event_that_ends_the_text() {
    let event = |text: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\"}\n\n";
    let stream = [event("138"), event("00138000"), stop.to_owned()].concat();
    let out = everywhere(&stream);
    assert_eq!(
        out,
        [event(""), event(""), event("138****8000"), stop.to_owned()].concat()
    );
    // And at the end of the stream.
    let out = everywhere(&[event("138"), event("00138000")].concat());
    assert_eq!(out, [event(""), event(""), event("138****8000")].concat());
}

#[test]
fn texts_told_side_by_side_are_kept_apart() {
    let event = |index: u8, text: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    let stream = [
        event(0, "138"),
        event(1, "x 139"),
        event(0, "00138000."),
        event(1, "00139000."),
    ]
    .concat();
    let out = everywhere(&stream);
    assert!(
        out.contains("138****8000") && out.contains("139****9000"),
        "{out}"
    );
}

#[test]
fn events_of_their_own_stay_as_they_are() {
    for stream in [
        "data: {\"text\":\"hello\"}\n\ndata: {\"text\":\"world\"}\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\nid: 7\nretry: 100\n\n",
        "data: plain\ndata: lines\n\n",
        "data: {\"delta\":\"whole words, here. \"}\n\n",
    ] {
        assert_eq!(everywhere(stream), stream);
    }
}

#[test]
fn a_stream_that_pauses_can_be_let_go() {
    let mut body = BodyRedactor::new(
        Level::L2,
        Media::EventStream,
        Coding::Identity,
        Limits::default(),
    );
    let mut out = Vec::new();
    body.feed(b"data: {\"delta\":\"hello\"}\n\n", &mut out)
        .unwrap();
    assert_eq!(out, b"data: {\"delta\":\"\"}\n\n");
    out.clear();
    body.release(&mut out).unwrap();
    assert_eq!(out, b"data: {\"delta\":\"hello\"}\n\n");
    out.clear();
    body.release(&mut out).unwrap();
    assert_eq!(out, b"");
}
