//! The arguments of every command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// 函谷 Hangu, a security gateway and zero-trust access layer.
#[derive(Debug, Parser)]
#[command(name = "hangu", version, about, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// 运行网关 · Serve.
    Run {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Take the listening sockets over from the process that runs now.
        #[arg(long)]
        upgrade: bool,
    },
    /// 检查配置 · Read everything the configuration names, report every mistake, serve nothing.
    Check {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// 策略 · See the policy work.
    #[command(subcommand)]
    Policy(Policy),
    /// 脱敏 · Body in, redacted body out.
    Redact(Redact),
    /// 检测 · Raw HTTP/1.1 requests in, one verdict a line out.
    Inspect(Inspect),
    /// 令牌 · Bearer tokens.
    #[command(subcommand)]
    Token(Token),
    /// 审计 · The audit log.
    #[command(subcommand)]
    Audit(Audit),
    /// 证书 · The certificate authority.
    #[command(subcommand)]
    Pki(Pki),
    /// 身份 · Local identities and API keys.
    #[command(subcommand)]
    Identity(Identity),
    /// 试用 · Make the state folder of a trial pass: an authority, certificates, identities of every kind.
    Setup {
        /// The folder.
        #[arg(long)]
        state: PathBuf,
    },
    /// The JSON Schema of the configuration.
    Schema,
    /// The reference page of the configuration, as Markdown.
    Reference,
}

#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// 判定 · One request a line in, one decision a line out.
    Decide {
        /// The Casbin model.
        #[arg(long)]
        model: PathBuf,
        /// The rules, or a folder of `*.csv`; can be given several times.
        #[arg(long, required = true)]
        rules: Vec<PathBuf>,
        /// How the model is read: `strict`, or as another engine would, `casbin-rs` or `casbin-go`.
        #[arg(long, default_value = "strict")]
        dialect: String,
    },
    /// 检查 · What an author of rules should look at.
    Lint {
        #[command(flatten)]
        files: PolicyFiles,
    },
    /// 测试 · Tests beside the rules, what they reach, and whether they notice faults.
    Test {
        #[command(flatten)]
        files: PolicyFiles,
        /// Files of tests, `{"r": request, "exp": true or false, "obl": "text"}` a line, or folders of `*.jsonl`; can be given
        /// several times.
        #[arg(long, required = true)]
        tests: Vec<PathBuf>,
        /// Put faults into the policy and say which ones the tests do not notice.
        #[arg(long)]
        faults: bool,
    },
    /// 解释 · One request a line in; every condition's value and the smallest change that would allow out.
    Explain {
        #[command(flatten)]
        files: PolicyFiles,
    },
    /// 谁可以 · A request a line in, of which any part may be left out; who can do it out.
    WhoCan {
        #[command(flatten)]
        files: PolicyFiles,
    },
    /// 可以做什么 · A request a line in, of which any part may be left out; the rules that may allow it out.
    WhatCan {
        #[command(flatten)]
        files: PolicyFiles,
    },
    /// 比较 · Who gains or loses what.
    Diff {
        #[command(flatten)]
        files: PolicyFiles,
        /// The model before; the same where it is not given.
        #[arg(long)]
        before_model: Option<PathBuf>,
        /// The rules before, or a folder of `*.csv`; can be given several times.
        #[arg(long, required = true)]
        before_rules: Vec<PathBuf>,
    },
    /// 证明 · Statements proved over every request, or refuted with one that shows it.
    Prove {
        #[command(flatten)]
        files: PolicyFiles,
        /// Files of statements, or folders of `*.statements`; can be given several times.
        #[arg(long, required = true)]
        statements: Vec<PathBuf>,
        /// The configuration whose zones, crossings and portals the statements are about.
        #[arg(long)]
        zones: Option<PathBuf>,
    },
    /// 回放 · Recorded decisions in, those that the policy would make otherwise out.
    Replay {
        #[command(flatten)]
        files: PolicyFiles,
        /// The configuration under which they were made, for reading events of `hangu audit show`; records that
        /// hold `{"request", "allow"}` need none.
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

/// A policy, and how to write about it.
#[derive(Debug, Args)]
pub(super) struct PolicyFiles {
    /// The Casbin model.
    #[arg(long)]
    pub(super) model: PathBuf,
    /// The rules, or a folder of `*.csv`; can be given several times.
    #[arg(long, required = true)]
    pub(super) rules: Vec<PathBuf>,
    /// Lines for people in place of JSON.
    #[arg(long)]
    pub(super) text: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Redact {
    /// Something about watermarks.
    #[command(subcommand)]
    pub(super) command: Option<RedactCommand>,
    /// The configuration; checked where it is given.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// `L1` to `L4`.
    #[arg(long, required = true)]
    pub(super) level: Option<String>,
    /// The body's media type, as in `application/json`.
    #[arg(long = "type", required = true)]
    pub(super) media_type: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RedactCommand {
    /// 水印 · An export in, the copy of one recipient out: CSV, TSV, JSON, NDJSON or XLSX.
    Mark(RedactMark),
    /// 溯源 · A document in, whom its marks name out, one JSON object a line; status 1 where they name nobody.
    Trace(RedactTrace),
}

#[derive(Debug, Args)]
pub(super) struct RedactMark {
    /// File of the secret of watermarks, at least 32 random bytes.
    #[arg(long)]
    pub(super) key: PathBuf,
    /// Whom the copy is for.
    #[arg(long)]
    pub(super) recipient: String,
    /// Also put invisible characters into Chinese texts.
    #[arg(long)]
    pub(super) invisible: bool,
    /// The export's media type, as in `text/csv`.
    #[arg(long = "type")]
    pub(super) media_type: String,
}

#[derive(Debug, Args)]
pub(super) struct RedactTrace {
    /// File of the secret of watermarks, at least 32 random bytes.
    #[arg(long)]
    pub(super) key: PathBuf,
    /// Who may have had a copy, a name a line. Without it the number of the recipient is read out.
    #[arg(long)]
    pub(super) names: Option<PathBuf>,
    /// The chance of a wrong accusation that is put up with.
    #[arg(long, default_value_t = 0.000_001)]
    pub(super) chance: f64,
    /// The document's media type, as in `text/csv; charset=gbk`.
    #[arg(long = "type")]
    pub(super) media_type: String,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Inspect {
    /// Something other than verdicts on files.
    #[command(subcommand)]
    pub(super) command: Option<InspectCommand>,
    /// The configuration; its first portal's threshold and sensitivity are used where it is given.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// Rules in SecLang, judging beside the detectors: a file, `FOLDER/*.conf`, or a folder with the Core Rule Set.
    /// May be repeated; read in order.
    #[arg(long)]
    pub(super) rules: Vec<PathBuf>,
    /// Takes what might be an attack for one.
    #[arg(long)]
    pub(super) strict: bool,
    /// Read NUL-separated names from standard input.
    #[arg(long)]
    pub(super) files0: bool,
    /// Files with one request each.
    pub(super) files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum InspectCommand {
    /// Detection, false positives, balanced accuracy and time over a folder of labelled requests.
    Bench(InspectBench),
}

#[derive(Debug, Args)]
pub(super) struct InspectBench {
    /// The folder, with everything below it: raw HTTP/1.1 requests, one a file.
    pub(super) folder: PathBuf,
    /// How the names of files with attacks end.
    #[arg(long, default_value = ".attack")]
    pub(super) attack: String,
    /// How the names of files with ordinary requests end.
    #[arg(long, default_value = ".normal")]
    pub(super) ordinary: String,
    /// The configuration; its first portal's threshold and sensitivity are used where it is given.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// Takes what might be an attack for one.
    #[arg(long)]
    pub(super) strict: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    pub(super) json: bool,
    /// Also one JSON object a line for each request that was judged wrongly, before the report.
    #[arg(long)]
    pub(super) wrong: bool,
    /// `zh` or `en`. Default: Chinese where the environment's language is Chinese.
    #[arg(long, value_parser = ["zh", "en"])]
    pub(super) language: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// A token a line in, `{"valid", "reason", "claims"}` a line out.
    Verify {
        /// The key set.
        #[arg(long)]
        jwks: PathBuf,
        /// The issuer that tokens must name.
        #[arg(long)]
        issuer: Option<String>,
        /// The audience that tokens must be for.
        #[arg(long)]
        audience: Option<String>,
        /// The moment to judge by, RFC 3339 or seconds since 1970; now where it is not given.
        #[arg(long)]
        at: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Find any edit, deletion, reordering or truncation below the last checkpoint.
    Verify {
        /// The folder of the log.
        folder: PathBuf,
        /// The public key; `public.key` in the folder where it is not given.
        #[arg(long)]
        key: Option<PathBuf>,
        /// A checkpoint of the log that was kept elsewhere; finds a log put back or written anew.
        #[arg(long)]
        checkpoint: Option<PathBuf>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Events as JSON Lines, oldest first.
    Show {
        /// The folder of the log.
        folder: PathBuf,
        /// From this number on.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// At most so many.
        #[arg(long, default_value_t = u64::MAX)]
        limit: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Pki {
    /// Make a root and an issuing authority.
    Init {
        /// The authority's folder.
        #[arg(long)]
        dir: PathBuf,
        /// The organisation in their names.
        #[arg(long, default_value = "Hangu")]
        organization: String,
    },
    /// Issue a certificate.
    Issue {
        /// The authority's folder.
        #[arg(long)]
        dir: PathBuf,
        /// What it is for.
        #[arg(long)]
        usage: Usage,
        /// The common name.
        #[arg(long)]
        common_name: Option<String>,
        /// The organizational unit.
        #[arg(long)]
        organizational_unit: Option<String>,
        /// Subject alternative names: host names, addresses, mailboxes, URIs. Can be given several times.
        #[arg(long = "name")]
        names: Vec<String>,
        /// Days of validity.
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// A certificate signing request; a key is made where it is not given.
        #[arg(long)]
        csr: Option<PathBuf>,
        /// Where chain and key are written: `OUT.pem` and `OUT.key`.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Revoke a certificate.
    Revoke {
        /// The authority's folder.
        #[arg(long)]
        dir: PathBuf,
        /// Its serial number or SHA-256 fingerprint, in hexadecimal.
        certificate: String,
        /// Why, as in RFC 5280: `key-compromise`, `superseded`, `cessation-of-operation`…
        #[arg(long, default_value = "unspecified")]
        reason: String,
    },
    /// Write fresh revocation lists.
    Crl {
        /// The authority's folder.
        #[arg(long)]
        dir: PathBuf,
    },
    /// Everything that was issued.
    Inventory {
        /// The authority's folder.
        #[arg(long)]
        dir: PathBuf,
    },
    /// Validate one path.
    Verify {
        /// Trust anchors, PEM.
        #[arg(long)]
        anchors: PathBuf,
        /// The chain, leaf first, PEM.
        #[arg(long)]
        chain: PathBuf,
        /// Further certificates, PEM.
        #[arg(long)]
        intermediates: Option<PathBuf>,
        /// Revocation lists, PEM.
        #[arg(long)]
        crls: Option<PathBuf>,
        /// What the certificate is presented for.
        #[arg(long)]
        usage: Usage,
        /// A name that the leaf must carry. Can be given several times.
        #[arg(long = "name")]
        names: Vec<String>,
        /// The moment to judge by, RFC 3339 or seconds since 1970; now where it is not given.
        #[arg(long)]
        at: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Usage {
    Client,
    Server,
}

#[derive(Debug, Subcommand)]
pub(super) enum Identity {
    /// A password on standard input in, its Argon2id hash out.
    Hash,
    /// Make an API key: the key on standard output, once; its record is appended to the file.
    ApiKey {
        /// What people call the key.
        #[arg(long)]
        name: String,
        /// The caller's id, as in `svc:tax-etl`.
        #[arg(long)]
        caller: String,
        /// The file of API keys.
        #[arg(long)]
        file: PathBuf,
        /// The file of the pepper.
        #[arg(long)]
        pepper: PathBuf,
        /// Days until it expires.
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// The caller's assurance, 0 to 4.
        #[arg(long, default_value_t = 2)]
        assurance: u8,
        /// The caller's clearance.
        #[arg(long, default_value_t = 1)]
        clearance: u8,
        /// The caller's department.
        #[arg(long)]
        department: Option<String>,
    },
    /// List API keys: one JSON object a line, with when each was last used.
    ApiKeys {
        /// The file of API keys.
        #[arg(long)]
        file: PathBuf,
        /// The gateway's state folder, where uses are kept (written once a minute and at the end).
        #[arg(long)]
        state: Option<PathBuf>,
    },
}
