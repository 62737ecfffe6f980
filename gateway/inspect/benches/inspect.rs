//! Time per ordinary request: `cargo bench -p hangu-inspect`.

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use hangu_inspect::{Completeness, Head, Inspector, Settings};

const HEADERS: &[(&str, &[u8])] = &[
    ("host", b"service.example.gov.cn"),
    ("user-agent", b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"),
    ("accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("accept-language", b"zh-CN,zh;q=0.9,en;q=0.8"),
    ("accept-encoding", b"gzip, deflate, br, zstd"),
    ("referer", b"https://service.example.gov.cn/guide/list?category=household&page=2"),
    ("cookie", b"session=4f1c0b7de2a94c0f8f7b0d6f2a9e5c31; theme=light; lang=zh-CN; _tracker=GA1.1.204512345.1718000000"),
    ("sec-fetch-site", b"same-origin"),
    ("sec-fetch-mode", b"navigate"),
    ("sec-fetch-dest", b"document"),
    ("upgrade-insecure-requests", b"1"),
    ("cache-control", b"max-age=0"),
];

fn main() {
    let inspector = Inspector::new(Settings::default());
    let plain = Head {
        method: "GET",
        target_path: b"/guide/list",
        query: Some(b"category=household&page=3&q=%E6%88%B7%E5%8F%A3%20%E8%BF%81%E7%A7%BB"),
        headers: HEADERS,
    };
    let attack = Head {
        query: Some(b"category=1%27%20or%201%3D1--&page=3&q=%3Cscript%3Ealert(1)%3C/script%3E"),
        ..plain
    };
    let json = "{\"name\":\"张三\",\"address\":\"北京市海淀区中关村大街1号院2号楼\",\"remark\":\"材料已备齐，请尽快办理 (thanks)\",\"items\":[{\"id\":\"a-1\",\"count\":2},{\"id\":\"b-2\",\"count\":3}]}";
    let hostile = "'\"(<select%%-- ".repeat(4096);
    let mut out = std::io::stdout().lock();
    let mut report = |name: &str, time: Duration| {
        let _ = writeln!(out, "{name:40} {:10.2} µs", time.as_secs_f64() * 1e6);
    };
    assert!(inspector.head(&plain).findings.is_empty() && inspector.head(&attack).blocks(5));
    report(
        "ordinary head",
        time(|| drop(black_box(inspector.head(black_box(&plain))))),
    );
    report(
        "head with two attacks",
        time(|| drop(black_box(inspector.head(black_box(&attack))))),
    );
    report(
        "json body of 230 bytes",
        time(|| {
            drop(black_box(inspector.body(
                Some("application/json"),
                None,
                json.as_bytes(),
                Completeness::Whole,
            )))
        }),
    );
    report(
        "60 KiB of quotes, brackets and words",
        time(|| {
            drop(black_box(inspector.body(
                Some("text/plain"),
                None,
                hostile.as_bytes(),
                Completeness::Whole,
            )))
        }),
    );
}

/// The best of 400 rounds, each shorter than a time slice: what else runs on the machine only adds.
fn time(mut once: impl FnMut()) -> Duration {
    let started = Instant::now();
    once();
    let rounds = (Duration::from_micros(500).as_nanos() / started.elapsed().as_nanos().max(100))
        .clamp(1, 2_000) as u32;
    (0..400)
        .map(|_| {
            let started = Instant::now();
            (0..rounds).for_each(|_| once());
            started.elapsed() / rounds
        })
        .min()
        .unwrap_or_default()
}
