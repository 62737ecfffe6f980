//! Judges requests with rules in SecLang here and, beside it, in libmodsecurity: how often they agree, on what they
//! differ, and what a request costs in each. `make bench-crs` builds what is needed and calls it.
//!
//! ```text
//! cargo run --release -p hangu-inspect --example rules -- OTHER REASONS REQUESTS RULES...
//! ```
//!
//! `OTHER` is the program made of `tests/bench-crs/modsecurity.c`, `REASONS` a file of known differences, one rule a
//! line with its reason, `REQUESTS` a folder of raw requests, `RULES` the files of rules in order.

#![expect(
    clippy::print_stdout,
    reason = "a tool of developers, fed by developers"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use hangu_inspect::raw::{self, RawRequest};
use hangu_inspect::seclang::{Connection, Outcome, RequestHead, RuleSet, Source};

type Fault = Box<dyn Error>;

fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let mut next = |what: &str| arguments.next().ok_or(format!("{what} is missing"));
    let (other, reasons, folder) = (next("OTHER")?, next("REASONS")?, next("REQUESTS")?);
    let files: Vec<PathBuf> = arguments.collect();
    let reasons = reasons_of(&fs::read_to_string(reasons)?);
    let requests = requests(&folder)?;
    let sources: Vec<_> = files.iter().cloned().map(Source::Path).collect();
    let rules = RuleSet::load(&sources)?;
    let mut other = Other::start(&other, &files)?;
    let mut report = Report::default();
    for (path, request) in &requests {
        let theirs = other.judge(request)?;
        let mut ours = judge(&rules, request);
        report.enter(path, &mut ours, &theirs, &reasons);
    }
    // Once more, for the time alone.
    let started = processor_time()?;
    for (_, request) in &requests {
        std::hint::black_box(judge(&rules, request));
    }
    let ours = processor_time()?.saturating_sub(started);
    report.print(requests.len(), ours);
    if report.agreement(requests.len()) < 99.0 {
        return Err("fewer than 99 % of the verdicts agree".into());
    }
    Ok(())
}

/// What an engine says of a request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    blocked: bool,
    rules: BTreeSet<u64>,
    time: Duration,
}

fn judge(rules: &RuleSet, request: &RawRequest) -> Verdict {
    let headers = request.header_slices();
    let target = target(request);
    let mut transaction = rules.begin(&Connection {
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        client_port: 40_000,
        server: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
        server_port: 443,
        now: Duration::from_secs(1_780_000_000),
        id: "bench",
        place: &[],
        listed: &[],
    });
    transaction.request_head(&RequestHead {
        method: request.method.as_bytes(),
        target: &target,
        protocol: b"HTTP/1.1",
        headers: &headers,
    });
    transaction.request_body(&request.body);
    let outcome: Outcome = transaction.finish();
    Verdict {
        blocked: outcome.interruption.is_some(),
        rules: outcome.matches.iter().map(|m| m.rule).collect(),
        time: Duration::ZERO,
    }
}

fn target(request: &RawRequest) -> Vec<u8> {
    let mut target = request.path.clone();
    if let Some(query) = &request.query {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    target
}

/// The engine that runs beside this one.
struct Other {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Other {
    fn start(program: &Path, rules: &[PathBuf]) -> Result<Self, Fault> {
        let mut child = Command::new(program)
            .args(rules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no way in")?;
        let output = child.stdout.take().ok_or("no way out")?;
        let mut other = Self {
            child,
            input,
            output: BufReader::new(output),
        };
        match other.line()?.as_str() {
            "ready" => Ok(other),
            line => Err(format!("it says `{line}` instead of `ready`").into()),
        }
    }

    fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("the other engine ended early".into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn judge(&mut self, request: &RawRequest) -> Result<Verdict, Fault> {
        let target = target(request);
        let mut fields: Vec<&[u8]> =
            vec![request.method.as_bytes(), &target, b"1.1", &request.body];
        for (name, value) in &request.headers {
            fields.extend([name.as_bytes(), value.as_slice()]);
        }
        let mut message = u32::try_from(fields.len())?.to_le_bytes().to_vec();
        for field in fields {
            message.extend(u32::try_from(field.len())?.to_le_bytes());
            message.extend_from_slice(field);
        }
        self.input.write_all(&message)?;
        self.input.flush()?;
        let line = self.line()?;
        let mut words = line.split(' ');
        let status: u16 = words.next().unwrap_or_default().parse()?;
        let time = Duration::from_nanos(words.next().unwrap_or_default().parse()?);
        Ok(Verdict {
            blocked: status != 0,
            rules: words.filter_map(|word| word.parse().ok()).collect(),
            time,
        })
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It ends by itself when nothing more comes; a failure to end it leaves nothing behind but a process.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Differences between the engines.
#[derive(Default)]
struct Report {
    agree: usize,
    blocked: [usize; 2],
    theirs: Vec<Duration>,
    /// For each rule that only one of them has: how often here, how often there, and a request.
    rules: BTreeMap<u64, (usize, usize, PathBuf)>,
    /// Requests with another verdict: by the rules that made it.
    verdicts: BTreeMap<String, (usize, PathBuf)>,
    same_rules: usize,
    unexplained: usize,
}

impl Report {
    fn enter(
        &mut self,
        path: &Path,
        ours: &mut Verdict,
        theirs: &Verdict,
        reasons: &BTreeMap<u64, String>,
    ) {
        self.theirs.push(theirs.time);
        for (count, verdict) in self.blocked.iter_mut().zip([&*ours, theirs]) {
            *count += usize::from(verdict.blocked);
        }
        // The rule that blocks says nothing of its own.
        let summary = |rule: &u64| (949_000..950_000).contains(rule) || *rule >= 980_000;
        ours.rules.retain(|rule| !summary(rule));
        let other: BTreeSet<u64> = theirs
            .rules
            .iter()
            .copied()
            .filter(|r| !summary(r))
            .collect();
        let differing: Vec<u64> = ours.rules.symmetric_difference(&other).copied().collect();
        self.same_rules += usize::from(differing.is_empty());
        for rule in &differing {
            let entry = self
                .rules
                .entry(*rule)
                .or_insert_with(|| (0, 0, path.to_path_buf()));
            if ours.rules.contains(rule) {
                entry.0 += 1;
            } else {
                entry.1 += 1;
            }
        }
        if ours.blocked == theirs.blocked {
            self.agree += 1;
            return;
        }
        self.unexplained += usize::from(!differing.iter().any(|rule| reasons.contains_key(rule)));
        let side = if ours.blocked {
            "only here"
        } else {
            "only there"
        };
        let key = differing
            .iter()
            .map(u64::to_string)
            .collect::<Vec<_>>()
            .join(" ");
        let known = differing.iter().find_map(|rule| reasons.get(rule));
        let known = known.map_or("no reason known", String::as_str);
        self.verdicts
            .entry(format!("{side}: {key} ({known})"))
            .or_insert_with(|| (0, path.to_path_buf()))
            .0 += 1;
    }

    fn agreement(&self, requests: usize) -> f64 {
        100.0 * self.agree as f64 / requests.max(1) as f64
    }

    fn print(&mut self, requests: usize, ours: Duration) {
        println!(
            "{requests} requests; blocked here {}, there {}",
            self.blocked[0], self.blocked[1]
        );
        println!(
            "verdicts that agree: {} ({:.2} %); of the others {} without a known reason",
            self.agree,
            self.agreement(requests),
            self.unexplained
        );
        println!(
            "requests on which exactly the same rules match: {} ({:.2} %)",
            self.same_rules,
            100.0 * self.same_rules as f64 / requests.max(1) as f64
        );
        let mut verdicts: Vec<_> = self.verdicts.iter().collect();
        verdicts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        println!("\nother verdicts:");
        for (key, (count, path)) in verdicts {
            println!("{count:6} {key}, as {}", path.display());
        }
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(_, (here, there, _))| std::cmp::Reverse(here + there));
        println!("\nrules that match in one only (here, there):");
        for (rule, (here, there, path)) in rules {
            println!("{rule:8} {here:6} {there:6}  as {}", path.display());
        }
        self.theirs.sort_unstable();
        let theirs: Duration = self.theirs.iter().sum();
        let each = |total: Duration| total.as_secs_f64() * 1e6 / requests.max(1) as f64;
        println!(
            "\nprocessor time a request: {:.1} µs here, {:.1} µs in libmodsecurity ({:.0} times)",
            each(ours),
            each(theirs),
            each(theirs) / each(ours).max(0.001)
        );
    }
}

fn reasons_of(text: &str) -> BTreeMap<u64, String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(rule, reason)| Some((rule.parse().ok()?, reason.to_owned())))
        .collect()
}

/// Every request below a folder, in order.
fn requests(folder: &Path) -> Result<Vec<(PathBuf, RawRequest)>, Fault> {
    let mut folders = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut all = Vec::new();
    for path in files {
        if let Ok(request) = raw::parse(&fs::read(&path)?) {
            let name = path.strip_prefix(folder).unwrap_or(&path).to_path_buf();
            all.push((name, request));
        }
    }
    Ok(all)
}

/// Processor time of this process so far.
fn processor_time() -> Result<Duration, Fault> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}
