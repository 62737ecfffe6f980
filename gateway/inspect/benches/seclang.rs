//! Time per request under the Core Rule Set: `cargo bench -p hangu-inspect --bench seclang`.
//!
//! `-- LEVEL NAME TIMES` asks one kind of request as often as that and says nothing, for a profiler.

use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hangu_inspect::raw::{self, RawRequest};
use hangu_inspect::seclang::{RuleSet, Source, ask};

const BROWSER: &str = "Host: service.example.gov.cn\r\n\
User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Referer: https://service.example.gov.cn/guide/list?category=household&page=2\r\n\
Cookie: session=4f1c0b7de2a94c0f8f7b0d6f2a9e5c31; theme=light; lang=zh-CN; _tracker=GA1.1.204512345.1718000000\r\n\
Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\
Upgrade-Insecure-Requests: 1\r\nCache-Control: max-age=0\r\n";

fn main() {
    let mut out = std::io::stdout().lock();
    let shared = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = shared.join("crs");
    if !folder.is_dir() {
        let _ = writeln!(
            out,
            "skipped: `crs` is not there; set HANGU_SHARED_DATA to the folder of conformance data"
        );
        return;
    }
    let get = request(&format!(
        "GET /guide/list?category=household&page=3&q=%E6%88%B7%E5%8F%A3%20%E8%BF%81%E7%A7%BB HTTP/1.1\r\n{BROWSER}\r\n"
    ));
    let attack = request(&format!(
        "GET /guide/list?category=1%27%20or%201%3D1--&q=%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1\r\n{BROWSER}\r\n"
    ));
    let json = "{\"name\":\"张三\",\"address\":\"北京市海淀区中关村大街1号院2号楼\",\"remark\":\"材料已备齐，请尽快办理 (thanks)\",\"items\":[{\"id\":\"a-1\",\"count\":2},{\"id\":\"b-2\",\"count\":3}]}";
    let json = post("application/json", json);
    let form = post(
        "application/x-www-form-urlencoded",
        "name=%E5%BC%A0%E4%B8%89&phone=13800000000&city=Beijing&remark=Please+call+me+after+five.+Thank+you%21",
    );
    // The same signs once as many small fields, once as one large one, and once as text that almost is an attack.
    let fields = post(
        "application/x-www-form-urlencoded",
        &format!("x={}", "'\"(<select%%-- /../${union}`;|&#x".repeat(2000)),
    );
    let field = post(
        "application/x-www-form-urlencoded",
        &format!("x={}", "'\"(<select%%-- /../${union}`;|%26#x".repeat(1820)),
    );
    let prose = post(
        "application/json",
        &format!("{{\"text\":\"{}\"}}", "On select days, from 9 to 5 or later (see /etc/hours; call or exec a form) <b>script</b> = 1 and 'union' of all. ".repeat(560)),
    );
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    for level in 1..=4 {
        if only
            .first()
            .is_some_and(|wanted| *wanted != level.to_string())
        {
            continue;
        }
        let rules = load(&folder, level);
        let requests = [
            ("ordinary GET, 12 headers", &get, 1),
            ("form of four fields", &form, 1),
            ("json body of 230 bytes", &json, 1),
            ("GET with two attacks", &attack, 1),
            ("64 KB of signs in 4000 fields", &fields, 100),
            ("64 KB of signs in one field", &field, 100),
            ("64 KB of words in one string", &prose, 100),
        ];
        for (name, request, scale) in requests {
            if let [_, wanted, times] = only.as_slice() {
                if name.contains(wanted.as_str()) {
                    (0..times.parse().unwrap_or(1))
                        .for_each(|_| drop(black_box(ask(&rules, request))));
                }
                continue;
            }
            let outcome = ask(&rules, request);
            let time = time(scale, || drop(black_box(ask(&rules, black_box(request)))));
            let _ = writeln!(
                out,
                "level {level}: {name:40} {:10.1} µs, {} rules match",
                time.as_secs_f64() * 1e6,
                outcome.matches.len()
            );
        }
    }
}

fn load(folder: &Path, level: u8) -> RuleSet {
    let started = Instant::now();
    let rules = RuleSet::load(&[
        Source::Path(folder.join("crs-setup.conf.example")),
        Source::Text {
            name: PathBuf::from("level.conf"),
            text: format!(
                "SecAction \"id:1,phase:1,nolog,pass,setvar:tx.blocking_paranoia_level={level}\""
            ),
        },
        Source::Path(folder.join("rules/*.conf")),
    ]);
    match rules {
        Ok(rules) => {
            let _ = writeln!(
                std::io::stderr(),
                "{} rules loaded in {:.0} ms",
                rules.len(),
                started.elapsed().as_secs_f64() * 1e3
            );
            rules
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            std::process::exit(1)
        }
    }
}

fn post(media: &str, body: &str) -> RawRequest {
    request(&format!(
        "POST /guide/save HTTP/1.1\r\n{BROWSER}Content-Type: {media}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn request(text: &str) -> RawRequest {
    match raw::parse(text.as_bytes()) {
        Ok(request) => request,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            std::process::exit(1)
        }
    }
}

/// The best of some rounds, each shorter than a time slice: what else runs on the machine only adds.
fn time(scale: u32, mut once: impl FnMut()) -> Duration {
    let started = Instant::now();
    once();
    let rounds = (Duration::from_micros(500).as_nanos() / started.elapsed().as_nanos().max(100))
        .clamp(1, 2_000);
    let rounds = u32::try_from(rounds).unwrap_or(1);
    (0..400 / scale.min(40))
        .map(|_| {
            let started = Instant::now();
            (0..rounds).for_each(|_| once());
            started.elapsed() / rounds
        })
        .min()
        .unwrap_or_default()
}
