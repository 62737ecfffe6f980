#![cfg(test)]
//! What one request takes of memory is bounded by its length, however it is made.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::{Path, PathBuf};

use hangu_inspect::raw::RawRequest;
use hangu_inspect::seclang::{RuleSet, Source, ask};
use hangu_inspect::{Completeness, Head, Inspector, Settings};

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// Counts what this thread holds, and the most that it held.
struct Counting;

fn count(bytes: isize) {
    let held = HELD.with(|held| {
        held.set(held.get() + bytes);
        held.get()
    });
    MOST.with(|most| most.set(most.get().max(held)));
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; this one hands everything on"
)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Returns the most bytes that were held at once beyond those held before.
fn most(work: impl FnOnce()) -> usize {
    let before = HELD.with(Cell::get);
    MOST.with(|most| most.set(before));
    work();
    usize::try_from(MOST.with(Cell::get) - before).unwrap()
}

/// What makes many values, many tokens, many findings, many layers, or deep ones.
const PIECES: [&str; 24] = [
    "a",
    "a ",
    "a=1&",
    "&",
    "'",
    "(",
    "or 1=1 ",
    "<a b=c>",
    "<script>",
    "%2525252541",
    "%00",
    "&amp;amp;",
    "\\u003c",
    "JyBvciAxPTEg",
    "\u{4e2d}",
    "\u{ff1c}",
    "+ADw-",
    "[",
    "[1,",
    "{\"a\":",
    "\"a\",",
    "a\r\n",
    "../",
    "{{7*7}}",
];
/// Media types, each of which makes something else of a value.
const MEDIA: [&str; 5] = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json",
    "application/xml",
    "multipart/form-data; boundary=a",
];
/// What a request may take beside what its length lets it: buffers of fixed size, findings, the pool of the rules.
const FIXED: usize = 512 << 10;

fn body(media: &str, piece: &str, size: usize) -> Vec<u8> {
    let value = piece.repeat(size / piece.len());
    match media {
        "application/json" if !piece.contains(['[', '{', ',']) => {
            serde_json::json!({ "a": value }).to_string().into_bytes()
        }
        "multipart/form-data; boundary=a" => format!(
            "--a\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\n{value}\r\n--a--\r\n"
        )
        .into_bytes(),
        _ => value.into_bytes(),
    }
}

#[test]
fn the_detectors_hold_no_more_than_some_times_the_length_of_a_request() {
    /// Forms of a value, their tokens and what is kept of them, for each byte. Measured: 40 at most.
    const PER_BYTE: usize = 60;
    let inspector = Inspector::new(Settings::default());
    for media in MEDIA {
        for piece in PIECES {
            for size in [1 << 10, 64 << 10, 1 << 20] {
                let body = body(media, piece, size);
                let held = most(|| {
                    drop(inspector.body(Some(media), None, &body, Completeness::Whole));
                });
                assert!(
                    held <= body.len() * PER_BYTE + FIXED,
                    "{media}, `{}` of {size}: {held} bytes",
                    piece.escape_debug()
                );
            }
        }
    }
    for piece in PIECES {
        let value = piece.repeat((64 << 10) / piece.len());
        let head = Head {
            method: "GET",
            target_path: value.as_bytes(),
            query: Some(value.as_bytes()),
            headers: &[("cookie", value.as_bytes()), ("x", value.as_bytes())],
        };
        let held = most(|| drop(inspector.head(&head)));
        assert!(
            held <= 4 * value.len() * PER_BYTE + FIXED,
            "head of `{}`: {held} bytes",
            piece.escape_debug()
        );
    }
}

#[test]
fn a_body_that_inflates_holds_no_more_than_it_may_become() {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b'a'; 64 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    let settings = Settings::default();
    let allowed = settings.inflated;
    let inspector = Inspector::new(settings);
    let held = most(|| {
        let body = inspector.body(Some("text/plain"), Some("gzip"), &bomb, Completeness::Whole);
        assert!(body.is_err());
    });
    assert!(held <= 3 * allowed, "{held} bytes");
}

#[test]
fn the_rules_hold_no_more_than_some_times_the_length_of_a_request() {
    /// Every value of one byte is an entry in the list of each group of rules that asks for it. Measured: 680 at most.
    const PER_BYTE: usize = 800;
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
            name: PathBuf::from("memory.conf"),
            text: "SecRule ARGS|ARGS_NAMES \"@rx a.*b\" \"id:1,phase:2,pass,t:none,t:urlDecodeUni,t:htmlEntityDecode,t:jsDecode,multiMatch\"\n"
                .to_owned(),
        }
    };
    let rules = RuleSet::load(&[source]).unwrap_or_else(|error| panic!("{error}"));
    for media in MEDIA {
        for piece in PIECES {
            let body = body(media, piece, 32 << 10);
            let request = RawRequest {
                method: "POST".to_owned(),
                path: b"/a".to_vec(),
                query: None,
                headers: vec![("content-type".to_owned(), media.into())],
                body,
            };
            let held = most(|| drop(ask(&rules, &request)));
            assert!(
                held <= request.body.len() * PER_BYTE + 4 * FIXED,
                "{media}, `{}`: {held} bytes",
                piece.escape_debug()
            );
        }
    }
}
