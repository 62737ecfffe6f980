//! What a verification found, for people (Chinese and English) and for programs.

use std::fmt;

use serde::Serialize;

use crate::Timestamp;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A file that must be there is not.
    Missing,
    /// A segment's header is damaged or of another log.
    Header,
    /// A frame is damaged.
    Frame,
    /// A record is not where it says it belongs.
    Order,
    /// A batch is not what its commit marker says.
    Batch,
    /// A segment does not go on where the one before ends.
    Gap,
    /// The records are not those a checkpoint signs.
    Root,
    /// The log ends before what a checkpoint signs.
    Truncated,
    /// A checkpoint is not signed by the log's key, or is damaged.
    Signature,
    /// The history of checkpoints was changed.
    History,
}

impl Kind {
    fn chinese(self) -> &'static str {
        match self {
            Self::Missing => "缺少文件",
            Self::Header => "段文件头损坏或不属于本日志",
            Self::Frame => "记录帧损坏",
            Self::Order => "记录次序不符(有插入、删除或调换)",
            Self::Batch => "批次与其提交标记不符(记录被改动)",
            Self::Gap => "段与段不衔接(有记录被删除或插入)",
            Self::Root => "记录与签名检查点不符(记录被改动)",
            Self::Truncated => "日志短于签名检查点(尾部被截去)",
            Self::Signature => "检查点签名无效",
            Self::History => "检查点历史被改动",
        }
    }

    fn english(self) -> &'static str {
        match self {
            Self::Missing => "a file is missing",
            Self::Header => "a segment header is damaged or of another log",
            Self::Frame => "a frame is damaged",
            Self::Order => "records are out of order (inserted, deleted or moved)",
            Self::Batch => "a batch does not fit its commit marker (records changed)",
            Self::Gap => "segments do not join (records deleted or inserted)",
            Self::Root => "records are not those a checkpoint signs (records changed)",
            Self::Truncated => "the log is shorter than what a checkpoint signs (end cut off)",
            Self::Signature => "a checkpoint is not validly signed",
            Self::History => "the history of checkpoints was changed",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// The file.
    pub file: String,
    /// Byte offset in it.
    pub offset: u64,
    /// The record, or the number of sound records before the place.
    pub index: u64,
    /// Details, in English.
    pub what: String,
}

/// The result of verifying a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// The log's name.
    pub origin: String,
    /// Records read.
    pub records: u64,
    /// Segments read.
    pub segments: u64,
    /// Signed checkpoints that fit the records.
    pub checkpoints: u64,
    /// Records that the newest checkpoint signs.
    pub signed_records: u64,
    /// Root that the newest checkpoint signs, in hexadecimal.
    pub signed_root: String,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// Records after the newest checkpoint: whole, but nothing shows that they are all.
    pub unsigned_records: u64,
    /// Bytes after the last whole record, as a crash leaves them.
    pub torn_bytes: u64,
    /// What is wrong, at most [`Report::MAX_FINDINGS`] things.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Findings that are kept; a log with more is no less broken.
    pub const MAX_FINDINGS: usize = 1000;

    pub(crate) fn add(
        &mut self,
        kind: Kind,
        file: &str,
        offset: u64,
        index: u64,
        what: impl Into<String>,
    ) {
        if self.findings.len() < Self::MAX_FINDINGS {
            self.findings.push(Finding {
                kind,
                file: file.to_owned(),
                offset,
                index,
                what: what.into(),
            });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ok {
            writeln!(f, "完好 intact: {}", self.origin)?;
        } else {
            writeln!(f, "已被改动 TAMPERED: {}", self.origin)?;
        }
        let signed_at = self
            .signed_at
            .and_then(|t| jiff::Timestamp::from_millisecond(t.0).ok())
            .map_or_else(|| "-".to_owned(), |t| t.to_string());
        writeln!(f, "  记录 records           {}", self.records)?;
        writeln!(f, "  段   segments          {}", self.segments)?;
        writeln!(f, "  检查点 checkpoints     {}", self.checkpoints)?;
        writeln!(
            f,
            "  已签名 signed          {} ({signed_at})",
            self.signed_records
        )?;
        writeln!(f, "  签名根 signed root     {}", self.signed_root)?;
        if self.unsigned_records > 0 {
            writeln!(
                f,
                "  尚未签名 not yet signed {} (其完整性由下一检查点证明; the next checkpoint will cover them)",
                self.unsigned_records
            )?;
        }
        if self.torn_bytes > 0 {
            writeln!(
                f,
                "  残缺尾部 torn tail     {} 字节 bytes (崩溃所致, 重新打开时截去; left by a crash, cut off at the next opening)",
                self.torn_bytes
            )?;
        }
        for finding in &self.findings {
            writeln!(
                f,
                "  ✗ {} 字节 byte {} 记录 record {}: {}; {}: {}",
                finding.file,
                finding.offset,
                finding.index,
                finding.kind.chinese(),
                finding.kind.english(),
                finding.what
            )?;
        }
        Ok(())
    }
}
