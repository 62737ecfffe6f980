//! `hangu inspect bench`: how well, and how fast, the requests of a folder are told apart.
//!
//! A file belongs to a class by how its name ends. What is no request at all is counted as refused, because the
//! gateway answers it before anything is forwarded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::body::Undecodable;
use crate::cli::judge;
use crate::inspector::{Inspector, Sensitivity};
use crate::raw::{self, RawRequest};
use crate::verdict::Findings;

mod interval;

pub use interval::Rate;

/// Requests that are held in memory at once.
const BATCH: usize = 512;
/// How often one request is judged; the least time counts, because whatever else runs only adds.
const ROUNDS: usize = 3;

/// The endings of file names that say what a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Attacks. Default: `.attack`.
    pub attack: String,
    /// Ordinary requests. Default: `.normal`.
    pub ordinary: String,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            attack: ".attack".to_owned(),
            ordinary: ".normal".to_owned(),
        }
    }
}

/// A request that was judged wrongly.
#[derive(Debug, Serialize)]
pub struct Case<'a> {
    /// The file.
    pub file: &'a str,
    /// `missed` for an attack that was let through, `blocked` for an ordinary request that was not.
    pub outcome: &'static str,
    /// The score.
    pub score: u32,
    /// What was seen.
    pub findings: &'a Findings,
    /// Why the body could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<Undecodable>,
}

/// What a folder showed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How readily the inspector suspected.
    pub sensitivity: Sensitivity,
    /// The score from which it blocked.
    pub threshold: u32,
    /// Attacks that were blocked.
    pub detection: Rate,
    /// Ordinary requests that were blocked.
    pub false_positives: Rate,
    /// The mean of detection and of ordinary requests let through.
    pub balanced_accuracy: Balanced,
    /// Requests judged rightly, of all. High by itself where one class is rare.
    pub accuracy: Rate,
    /// Files that are no HTTP request, counted as blocked above.
    pub malformed: u64,
    /// Files whose names end otherwise, not counted.
    pub unlabelled: u64,
    /// Blocked requests by the rule that weighed most.
    pub rules: BTreeMap<&'static str, [u64; 2]>,
    /// Time of judging alone, reading files and taking requests apart left out.
    pub time: Time,
}

/// Balanced accuracy with its 95 % interval, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Balanced {
    /// The estimate.
    pub rate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Microseconds of the processor for each request: what else runs on the machine adds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Time {
    /// The mean, of the first time that each request is judged.
    pub processor: f64,
    /// Half of the requests took no longer.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1000.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

#[derive(Default)]
struct Counts {
    attacks: [u64; 2],
    ordinary: [u64; 2],
    malformed: u64,
    rules: BTreeMap<&'static str, [u64; 2]>,
    times: Vec<Duration>,
    processor: Duration,
    judged: u32,
}

/// Judges every labelled file under `folder`, in order of their names; `wrong` is told of each mistake.
///
/// # Errors
///
/// A folder or file that cannot be read.
pub fn run(
    inspector: &Inspector,
    threshold: u32,
    folder: &Path,
    labels: &Labels,
    wrong: &mut dyn FnMut(&Case<'_>),
) -> io::Result<Report> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let all = files.len();
    let labelled: Vec<(PathBuf, bool)> = files
        .into_iter()
        .filter_map(|file| {
            let name = file.file_name()?.to_str()?;
            if name.ends_with(&labels.attack) {
                Some((file, true))
            } else {
                name.ends_with(&labels.ordinary).then_some((file, false))
            }
        })
        .collect();
    let mut counts = Counts::default();
    for batch in labelled.chunks(BATCH) {
        judge_all(inspector, threshold, batch, &mut counts, wrong)?;
    }
    let unlabelled = (all - labelled.len()) as u64;
    Ok(counts.into_report(inspector.sensitivity(), threshold, unlabelled))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Links are not followed: a loop of them has no end.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn judge_all(
    inspector: &Inspector,
    threshold: u32,
    batch: &[(PathBuf, bool)],
    counts: &mut Counts,
    wrong: &mut dyn FnMut(&Case<'_>),
) -> io::Result<()> {
    let mut requests: Vec<(&Path, bool, Option<RawRequest>)> = Vec::with_capacity(batch.len());
    for (path, attack) in batch {
        requests.push((path, *attack, raw::parse(&std::fs::read(path)?).ok()));
    }
    let before = processor_time();
    for (_, _, request) in &requests {
        if let Some(request) = request {
            drop(judge(inspector, request));
        }
    }
    counts.processor += processor_time().saturating_sub(before);
    for (path, attack, request) in requests {
        let Some(request) = request else {
            counts.malformed += 1;
            counts.count(attack, true);
            continue;
        };
        let mut least = Duration::MAX;
        for _ in 0..ROUNDS {
            let started = processor_time();
            drop(judge(inspector, &request));
            least = least.min(processor_time().saturating_sub(started));
        }
        counts.times.push(least);
        counts.judged += 1;
        let (verdict, undecodable) = judge(inspector, &request);
        let blocked = verdict.blocks(threshold) || undecodable.is_some();
        counts.count(attack, blocked);
        if blocked {
            let heaviest = verdict.findings.iter().max_by_key(|finding| finding.score);
            let rule = heaviest.map_or("undecodable", |finding| finding.rule.as_str());
            if let Some(count) = counts
                .rules
                .entry(rule)
                .or_default()
                .get_mut(usize::from(!attack))
            {
                *count += 1;
            }
        }
        if blocked != attack {
            wrong(&Case {
                file: &path.to_string_lossy(),
                outcome: if attack { "missed" } else { "blocked" },
                score: verdict.score,
                findings: &verdict.findings,
                undecodable,
            });
        }
    }
    Ok(())
}

/// Returns the processor time of this thread so far.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

impl Counts {
    fn count(&mut self, attack: bool, blocked: bool) {
        let [hits, all] = if attack {
            &mut self.attacks
        } else {
            &mut self.ordinary
        };
        *hits += u64::from(blocked);
        *all += 1;
    }

    fn into_report(mut self, sensitivity: Sensitivity, threshold: u32, unlabelled: u64) -> Report {
        let detection = Rate::of(self.attacks);
        let false_positives = Rate::of(self.ordinary);
        let [found, attacks] = self.attacks;
        let [blocked, ordinary] = self.ordinary;
        self.times.sort_unstable();
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let at = |share: f64| {
            let last = self.times.len().saturating_sub(1);
            // Shares of a count that fits a `Vec` stay exact far beyond any folder.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of an index is an index"
            )]
            let index = (last as f64 * share).ceil() as usize;
            self.times.get(index).copied().map_or(0.0, micros)
        };
        Report {
            sensitivity,
            threshold,
            detection,
            false_positives,
            balanced_accuracy: interval::balanced(detection, false_positives),
            accuracy: Rate::of([found + ordinary - blocked, attacks + ordinary]),
            malformed: self.malformed,
            unlabelled,
            rules: self.rules,
            time: Time {
                processor: micros(self.processor) / f64::from(self.judged.max(1)),
                p50: at(0.5),
                p99: at(0.99),
                p999: at(0.999),
                max: at(1.0),
            },
        }
    }
}

/// The words of a report.
struct Words {
    detection: &'static str,
    false_positives: &'static str,
    balanced: &'static str,
    accuracy: &'static str,
    interval: &'static str,
    time: &'static str,
    mean: &'static str,
    malformed: &'static str,
    unlabelled: &'static str,
    setting: &'static str,
}

const ENGLISH: Words = Words {
    detection: "detection",
    false_positives: "false positives",
    balanced: "balanced accuracy",
    accuracy: "accuracy",
    interval: "95 % interval",
    time: "time per request, µs",
    mean: "processor, mean",
    malformed: "no HTTP request (counted as blocked)",
    unlabelled: "not labelled (not counted)",
    setting: "setting",
};

const CHINESE: Words = Words {
    detection: "检出率",
    false_positives: "误报率",
    balanced: "平衡准确率",
    accuracy: "准确率",
    interval: "95% 置信区间",
    time: "每个请求的时间（微秒）",
    mean: "处理器时间均值",
    malformed: "不是 HTTP 请求（计为拦截）",
    unlabelled: "没有标签（不计）",
    setting: "设置",
};

impl Report {
    /// Writes the report for people who read English.
    pub fn in_english(&self) -> String {
        self.written(&ENGLISH)
    }

    /// Writes the report for people who read Chinese.
    pub fn in_chinese(&self) -> String {
        self.written(&CHINESE)
    }

    fn written(&self, words: &Words) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{}: {} ({})",
            words.setting, self.sensitivity, self.threshold
        );
        for (name, rate) in [
            (words.detection, self.detection),
            (words.false_positives, self.false_positives),
            (words.accuracy, self.accuracy),
        ] {
            let _ = writeln!(
                out,
                "{name}: {:.3} % ({} / {}), {} {:.3} – {:.3} %",
                rate.rate * 100.0,
                rate.hits,
                rate.of,
                words.interval,
                rate.low * 100.0,
                rate.high * 100.0
            );
        }
        let balanced = self.balanced_accuracy;
        let _ = writeln!(
            out,
            "{}: {:.3} %, {} {:.3} – {:.3} %",
            words.balanced,
            balanced.rate * 100.0,
            words.interval,
            balanced.low * 100.0,
            balanced.high * 100.0
        );
        let time = self.time;
        let _ = writeln!(
            out,
            "{}: {} {:.1}, p50 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1}",
            words.time, words.mean, time.processor, time.p50, time.p99, time.p999, time.max
        );
        for (name, count) in [
            (words.malformed, self.malformed),
            (words.unlabelled, self.unlabelled),
        ] {
            if count > 0 {
                let _ = writeln!(out, "{name}: {count}");
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::Settings;

    #[test]
    fn a_folder_is_told_apart_by_the_endings_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        for (name, target) in [
            ("a.black", "/?id=1%27%20or%201%3D1--"),
            ("deep/b.black", "/?id=1"),
            ("c.white", "/?id=1"),
            ("d.white", "/?q=%3Cscript%3Ealert(1)%3C/script%3E"),
            ("e.white", "/?q=ok"),
            ("f.txt", "/"),
        ] {
            let text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("g.black"), "nothing").unwrap();
        let labels = Labels {
            attack: ".black".into(),
            ordinary: ".white".into(),
        };
        let inspector = Inspector::new(Settings::default());
        let mut wrong = Vec::new();
        let report = run(&inspector, 5, folder.path(), &labels, &mut |case| {
            let file = case.file.rsplit('/').next().unwrap_or_default();
            wrong.push((file.to_owned(), case.outcome));
        })
        .unwrap();
        assert_eq!((report.detection.hits, report.detection.of), (2, 3));
        assert_eq!(
            (report.false_positives.hits, report.false_positives.of),
            (1, 3)
        );
        assert_eq!((report.malformed, report.unlabelled), (1, 1));
        assert_eq!((report.accuracy.hits, report.accuracy.of), (4, 6));
        wrong.sort();
        assert_eq!(
            wrong,
            [
                ("b.black".to_owned(), "missed"),
                ("d.white".to_owned(), "blocked")
            ]
        );
        assert!((report.balanced_accuracy.rate - 2.0 / 3.0).abs() < 1e-9);
        assert!(report.time.p50 > 0.0 && report.time.max >= report.time.p999);
        assert!(report.in_english().contains("detection: 66.667 % (2 / 3)"));
        assert!(report.in_chinese().contains("误报率: 33.333 % (1 / 3)"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_an_empty_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let inspector = Inspector::new(Settings::default());
        let labels = Labels::default();
        let missing = folder.path().join("x");
        assert!(run(&inspector, 5, &missing, &labels, &mut |_| {}).is_err());
        let report = run(&inspector, 5, folder.path(), &labels, &mut |_| {}).unwrap();
        assert_eq!((report.detection.of, report.time.max.to_bits()), (0, 0));
    }
}
