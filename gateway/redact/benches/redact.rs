//! Throughput of one thread over bodies of several kinds, in megabytes of input per second of processor time.
//!
//! Figures with a content coding are bound by the codec, decoding and encoding, and count plain bytes.
//! `cargo bench -p hangu-redact --bench redact [BODY...]`; every figure is the mean over two seconds at level L2, bodies of
//! 32 MiB in chunks of 64 KiB.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hangu_redact::{BodyRedactor, Charset, Coding, Format, Level, Limits, Media, Rules};

const SIZE: usize = 32 << 20;
const CHUNK: usize = 64 << 10;

/// Linux counts processor time in ticks of some milliseconds: shorter runs would measure those.
const LEAST: Duration = Duration::from_secs(2);

/// Makes a body.
type Body = fn() -> Vec<u8>;

fn main() {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| name.starts_with(only));
    let plain: [(&str, &[Media], Body); 9] = [
        ("dense", &[Media::Json, Media::Text], dense),
        ("sparse", &[Media::Json, Media::Text], sparse),
        ("clean", &[Media::Json, Media::Text], clean),
        ("escaped", &[Media::Json, Media::Text], escaped),
        ("pretty", &[Media::Json], pretty),
        ("form", &[Media::Form], form),
        ("table", &[Media::Csv], table),
        ("page", &[Media::Markup], page),
        ("log", &[Media::Text], log),
    ];
    for (name, medias, body) in plain.into_iter().filter(|(name, ..)| wanted(name)) {
        let body = body();
        for &media in medias {
            run(name, media.into(), Coding::Identity, &body);
        }
    }
    for (name, piece) in HOSTILE {
        if wanted("hostile") || wanted(name) {
            let body = piece.repeat((8 << 20) / piece.len());
            run(name, Media::Json.into(), Coding::Identity, body.as_bytes());
        }
    }
    for charset in [Charset::Gb18030, Charset::Utf16Le] {
        if wanted("charset") {
            let media = Media::Json;
            let body = in_charset(charset, &dense());
            run(
                "charset",
                Format { media, charset },
                Coding::Identity,
                &body,
            );
        }
    }
    for coding in [Coding::Gzip, Coding::Brotli] {
        if wanted("coding") {
            run("coding", Media::Json.into(), coding, &dense());
        }
    }
}

/// Bodies that stop the pass as often as it can be stopped, or make a decision as long as it can be.
const HOSTILE: [(&str, &str); 10] = [
    ("signs", "a@"),
    (
        "labels",
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.@x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-x-",
    ),
    (
        "words",
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.@ ",
    ),
    ("groups", "4111 "),
    ("escapes", "\\u0031"),
    ("letters", "a"),
    ("colons", ":"),
    ("keys", "\"name\":"),
    ("numbers", "\"E12345\","),
    ("dots", "1.2.3."),
];

fn run(name: &str, format: Format, coding: Coding, plain: &[u8]) {
    let level = Level::L2;
    let body = encode(coding, plain);
    let mut masked = 0;
    let mut passes = 0;
    let mut out = Vec::with_capacity(2 * CHUNK);
    let clock = Clock::start();
    while clock.wall.elapsed() < LEAST {
        let mut redactor =
            BodyRedactor::with(Rules::shipped(), level, format, coding, Limits::default());
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
        "{name:8} {:8} {:8} {coding:8} {rate:8.0} MB/s  {masked:8} masked, one in {per_value} bytes",
        format!("{:?}", format.media),
        format!("{:?}", format.charset),
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
        Coding::Deflate => ZlibEncoder::new(&mut coded, Compression::new(6)).write_all(plain),
        Coding::Zstd => return zstd::encode_all(plain, 3).unwrap_or_default(),
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

/// The dense record as a printer writes it for people.
fn pretty() -> Vec<u8> {
    repeat(|n, text| {
        write!(
            text,
            concat!(
                "  {{\n    \"id\": {n},\n    \"name\": \"张伟\",\n    \"idCard\": \"110101199003077774\",\n    \"mobile\": \"1380013{t:04}\",\n",
                "    \"email\": \"zhang.wei{n}@example.com.cn\",\n    \"address\": \"北京市海淀区中关村大街一号院\",\n    \"createdAt\": \"2026-11-22T04:45:29Z\",\n",
                "    \"status\": \"approved\",\n    \"tags\": [\n      \"service\",\n      \"reform\"\n    ]\n  }},\n"
            ),
            n = n,
            t = n % 10_000
        )
    })
}

/// A table with seven values of ten columns.
fn table() -> Vec<u8> {
    let mut body = "序号,姓名,身份证号,手机,邮箱,住址,事项,状态,出生日期,金额\n"
        .as_bytes()
        .to_vec();
    body.extend(repeat(|n, text| {
        writeln!(
            text,
            "{n},张伟,110101199003077774,1380013{t:04},zhang.wei{n}@example.com.cn,北京市海淀区中关村大街一号院,企业开办,已办结,1990-03-07,123.45",
            t = n % 10_000
        )
    }));
    body
}

/// Rows of a page.
fn page() -> Vec<u8> {
    repeat(|n, text| {
        writeln!(
            text,
            "<tr class=\"row\"><td>{n}</td><th>姓名</th><td>张伟</td><th>手机</th><td>1380013{t:04}</td><td><a href=\"/items/{n}\">查看</a></td></tr>",
            t = n % 10_000
        )
    })
}

/// Lines of a server's log.
fn log() -> Vec<u8> {
    repeat(|n, text| {
        writeln!(
            text,
            "2026-11-22T04:45:{s:02}Z INFO gateway request id={n} path=/api/v1/items/{t} status=200 took=12ms caller=svc-{t} client=10.1.{s}.7 mobile=1380013{t:04}",
            s = n % 60,
            t = n % 10_000
        )
    })
}

fn in_charset(charset: Charset, text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    if charset == Charset::Gb18030 {
        encoding_rs::GB18030.encode(&text).0.into_owned()
    } else {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }
}

fn repeat(record: impl Fn(usize, &mut String) -> std::fmt::Result) -> Vec<u8> {
    let mut text = String::with_capacity(SIZE + 4096);
    let mut n = 0;
    while text.len() < SIZE && record(n, &mut text).is_ok() {
        n += 1;
    }
    text.into_bytes()
}
