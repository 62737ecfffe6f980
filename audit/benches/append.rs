//! Events per second: buffered and durable with 128 producers, and what one event costs its producer.
//!
//! `cargo bench -p hangu-audit --bench append`; the log goes to `HANGU_BENCH_DIR` or the system's temporary directory,
//! which should be on a real disk.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hangu_audit::event::{
    Actor, CallerKind, Decision, Effect, Endpoint, Event, Request, Response, What,
};
use hangu_audit::{AppendError, Durability, Log, LogOptions, SigningKey, Timestamp};

const ORIGIN: &str = "bench.example/audit";
const PRODUCERS: usize = 128;
const TIME: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    let record = event().to_record();
    report(&mut out, &format!("an event of {} bytes", record.len()))?;
    let rounds = 200_000;
    let start = processor_time();
    for _ in 0..rounds {
        std::hint::black_box(std::hint::black_box(event()).to_record());
    }
    let each = (processor_time() - start) / rounds;
    report(
        &mut out,
        &format!("written as JSON in {each} ns of processor time"),
    )?;
    let buffered = run(&record, buffered)?;
    report(
        &mut out,
        &format!("buffered, {PRODUCERS} producers: {buffered}"),
    )?;
    let durable = run(&record, durable)?;
    report(
        &mut out,
        &format!("durable, {PRODUCERS} producers: {durable}"),
    )?;
    Ok(())
}

fn run(
    record: &[u8],
    producer: fn(&Log, &[u8], Instant) -> Vec<Duration>,
) -> Result<String, Box<dyn std::error::Error>> {
    let root = match std::env::var_os("HANGU_BENCH_DIR") {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let options = LogOptions::new(root.path().join("log"), ORIGIN);
    let key = SigningKey::generate(ORIGIN)?;
    let public = key.public();
    let (log, _) = Log::open(&options, key, || Timestamp(0))?;
    let start = Instant::now();
    let end = start + TIME;
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..PRODUCERS)
            .map(|_| scope.spawn(|| producer(&log, record, end)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_default())
            .collect()
    });
    log.close()?;
    let seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let verified = hangu_audit::verify(&options.dir, &public)?;
    let checked = start.elapsed().as_secs_f64();
    times.sort();
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(format!(
        "{:.0} events/s ({} in {seconds:.2} s, closed and signed), one took p50 {:?} p99 {:?}; intact: {}, verified in {checked:.2} s, {} checkpoints",
        times.len() as f64 / seconds,
        times.len(),
        at(50),
        at(99),
        verified.ok && verified.records == times.len() as u64,
        verified.checkpoints,
    ))
}

/// Appends without waiting; a full queue makes it wait and try again.
fn buffered(log: &Log, record: &[u8], end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let event = record.to_vec();
        let start = Instant::now();
        match log.append(event, Durability::Buffered, None) {
            Ok(()) => times.push(start.elapsed()),
            Err(AppendError::Full) => std::thread::sleep(Duration::from_millis(1)),
            Err(AppendError::Stopped | AppendError::TooLarge(_)) => break,
        }
    }
    times
}

/// Waits for the disk before the next event.
fn durable(log: &Log, record: &[u8], end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    let (tell, told) = mpsc::channel();
    while Instant::now() < end {
        let tell = tell.clone();
        let start = Instant::now();
        let ack = Box::new(move |result: Result<_, _>| drop(tell.send(result)));
        if log.append(record, Durability::Durable, Some(ack)).is_err()
            || !matches!(told.recv(), Ok(Ok(_)))
        {
            break;
        }
        times.push(start.elapsed());
    }
    times
}

fn event() -> Event<'static> {
    Event {
        source: Endpoint {
            ip: Some(Ipv4Addr::new(192, 0, 2, 7).into()),
            port: Some(50_123),
            zone: Some("internet"),
            hostname: None,
        },
        portal: Some("public-service"),
        request: Some(Request {
            method: "GET",
            host: Some("service.gov.example"),
            path: Some("/api/v1/records/42"),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)"),
            ..Request::default()
        }),
        response: Some(Response {
            code: 200,
            length: Some(812),
            latency_us: Some(900),
        }),
        actor: Some(Actor {
            id: "u-17",
            kind: CallerKind::Person,
            ..Actor::default()
        }),
        decision: Some(Decision {
            id: "0193b1c2",
            effect: Effect::Allow,
            rules: &["staff-read"],
            revision: "7",
            ..Decision::default()
        }),
        duration_us: Some(1200),
        ..Event::new(Timestamp(1_763_780_000_123), What::Http, "0193b1c2-7e5a")
    }
}

/// Nanoseconds this thread has run, which other load does not change; zero where the system does not tell.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

fn report(out: &mut impl std::io::Write, line: &str) -> std::io::Result<()> {
    writeln!(out, "{line}")
}
