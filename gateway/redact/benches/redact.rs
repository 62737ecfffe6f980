//! Throughput of one thread over JSON, in megabytes of input per second of processor time.
//!
//! Figures with a content coding are bound by the codec, decoding and encoding, and count plain bytes.
//! `cargo bench -p hangu-redact --bench redact [BODY]`; every figure is the mean over two seconds, bodies of 64 MiB in chunks of 64 KiB.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use hangu_redact::{BodyRedactor, Coding, Level, Limits, Media};

const SIZE: usize = 64 << 20;
const CHUNK: usize = 64 << 10;

/// Linux counts processor time in ticks of some milliseconds: shorter runs would measure those.
const LEAST: Duration = Duration::from_secs(2);

fn main() {
    let only = std::env::args()
        .nth(1)
        .filter(|name| !name.starts_with('-'));
    let bodies = [
        ("dense", dense()),
        ("sparse", sparse()),
        ("clean", clean()),
        ("escaped", escaped()),
    ];
    for (name, body) in &bodies {
        if only.as_deref().is_some_and(|only| only != *name) {
            continue;
        }
        run(name, Media::Json, Level::L2, Coding::Identity, body);
        run(name, Media::Text, Level::L2, Coding::Identity, body);
    }
    for (name, piece) in [
        ("signs", "a@".to_owned()),
        (
            "labels",
            format!("{}@{}", "a.".repeat(31), "x-".repeat(120)),
        ),
        ("words", format!("{}@ ", "a.".repeat(32))),
        ("groups", "4111 ".to_owned()),
        ("escapes", "\\u0031".to_owned()),
        ("letters", "a".to_owned()),
    ] {
        if only.as_deref().is_none_or(|only| only == "hostile") {
            run(
                name,
                Media::Json,
                Level::L2,
                Coding::Identity,
                piece.repeat((8 << 20) / piece.len()).as_bytes(),
            );
        }
    }
    if only.is_none() {
        run("form", Media::Form, Level::L2, Coding::Identity, &form());
        for coding in [Coding::Gzip, Coding::Brotli] {
            run("dense", Media::Json, Level::L2, coding, &dense());
        }
    }
}

fn run(name: &str, media: Media, level: Level, coding: Coding, plain: &[u8]) {
    let body = encode(coding, plain);
    let mut masked = 0;
    let mut passes = 0;
    let mut out = Vec::with_capacity(2 * CHUNK);
    let clock = Clock::start();
    while clock.wall.elapsed() < LEAST {
        let mut redactor = BodyRedactor::new(level, media, coding, Limits::default());
        for chunk in body.chunks(CHUNK) {
            out.clear();
            if redactor.feed(black_box(chunk), &mut out).is_err() {
                return;
            }
            black_box(&out);
        }
        masked = redactor
            .finish(&mut out)
            .map_or(0, |summary| summary.masked.total());
        passes += 1;
    }
    let rate = (passes * plain.len()) as f64 / clock.seconds() / 1e6;
    let per_value = plain.len() as u64 / masked.max(1);
    let coding = coding.as_str();
    println!(
        "{name:8} {media:?} {coding:8} {level} {rate:8.0} MB/s  {masked:8} masked, one in {per_value} bytes"
    );
}

fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let written = match coding {
        Coding::Identity => coded.write_all(plain),
        Coding::Gzip => GzEncoder::new(&mut coded, Compression::new(6)).write_all(plain),
        Coding::Brotli => {
            brotli::CompressorWriter::new(&mut coded, 1 << 16, 4, 20).write_all(plain)
        }
        Coding::Deflate => return Vec::new(),
    };
    if written.is_err() { Vec::new() } else { coded }
}

/// Processor time of this thread where Linux tells it, which a busy machine does not distort; else the time that passed.
struct Clock {
    processor: Option<u64>,
    wall: Instant,
}

impl Clock {
    fn start() -> Self {
        Self {
            processor: Self::nanoseconds(),
            wall: Instant::now(),
        }
    }

    fn nanoseconds() -> Option<u64> {
        std::fs::read_to_string("/proc/thread-self/schedstat")
            .ok()?
            .split(' ')
            .next()?
            .parse()
            .ok()
    }

    fn seconds(&self) -> f64 {
        match (self.processor, Self::nanoseconds()) {
            (Some(from), Some(to)) => (to - from) as f64 / 1e9,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// A record with twelve values, one in about 66 bytes, among Chinese text.
fn dense() -> Vec<u8> {
    repeat(|n, text| {
        write!(
            text,
            concat!(
                r#"{{"序号":{n},"姓名":"张伟","身份证号":"110101199003077774","手机":"1380013{t:04}","备用手机":"138-0013-{t:04}","#,
                r#""银行卡":"4111111111111111","开户行":"中国工商银行股份有限公司北京市分行","邮箱":"zhang.wei{n}@example.com.cn","#,
                r#""单位":"福建省某某科技有限公司","统一社会信用代码":"91350100M000100Y43","联系人":{{"姓名":"李娜","身份证号":"11010519491231002X","#,
                r#""手机":"1391234{t:04}","邮箱":"li.na{n}@example.org"}},"住址":"北京市海淀区中关村大街一号院","备注":"请联系 1371234{t:04} 或 li@b.cn，卡号 5555555555554444。"}},"#
            ),
            n = n,
            t = n % 10_000
        )
    })
}

/// A record with one value in about 600 bytes.
fn sparse() -> Vec<u8> {
    repeat(|n, text| {
        write!(
            text,
            r#"{{"id":{n},"title":"关于进一步优化营商环境的若干措施","手机":"1380013{t:04}","status":"approved","created":"2026-11-22T04:45:29Z","summary":"为深入贯彻落实党中央、国务院关于优化营商环境的决策部署，持续推进简政放权、放管结合、优化服务改革，现就有关事项通知如下：一、压缩企业开办时间；二、推行证照分离；三、提升办税便利度；四、加强事中事后监管。","amount":12345.67,"tags":["营商环境","政务服务","改革"],"dept":"市场监督管理局"}},"#,
            t = n % 10_000
        )
    })
}

/// Records without personal data.
fn clean() -> Vec<u8> {
    repeat(|_, text| {
        write!(
            text,
            r#"{{"title":"关于进一步优化营商环境的若干措施","status":"approved","created":"just now","summary":"为深入贯彻落实决策部署，持续推进简政放权、放管结合、优化服务改革，现就有关事项通知如下：压缩企业开办时间；推行证照分离；提升办税便利度；加强事中事后监管。","amount":12.5,"tags":["service","reform","licence"],"dept":"market supervision","url":"/a/b/c?x=1"}},"#,
        )
    })
}

/// Records of a serialiser that escapes everything that is not ASCII.
fn escaped() -> Vec<u8> {
    repeat(|n, text| {
        write!(
            text,
            r#"{{"\u59d3\u540d":"\u5f20\u4f1f","\u624b\u673a":"1380013{t:04}","note":"line one\nline two\t\"quoted\" \u5317\u4eac\u5e02\u6d77\u6dc0\u533a"}},"#,
            t = n % 10_000
        )
    })
}

fn form() -> Vec<u8> {
    repeat(|n, text| {
        write!(
            text,
            "name=%E5%BC%A0%E4%BC%9F&mobile=1380013{t:04}&mail=zhang{n}%40example.com&note=hello+world&",
            t = n % 10_000
        )
    })
}

fn repeat(record: impl Fn(usize, &mut String) -> std::fmt::Result) -> Vec<u8> {
    let mut text = String::with_capacity(SIZE + 4096);
    let mut n = 0;
    while text.len() < SIZE && record(n, &mut text).is_ok() {
        n += 1;
    }
    text.into_bytes()
}
