//! Verifies an audit log with its public key and nothing else, for auditors who run it on their own machine.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hangu_audit::cli::{Format, cli_verify_all};

/// 校验审计日志是否被改动 / verify that an audit log was not tampered with.
///
/// 退出码 exit status: 0 完好 intact, 1 已被改动 tampered, 2 无法校验 could not run.
#[derive(Parser)]
#[command(name = "hangu-verify", version)]
struct Arguments {
    /// 日志目录 / the log's directory, or the directory of a gateway's numbered logs.
    dir: PathBuf,
    /// 公钥文件 / the file with the log's public key, one line `name+hash+base64`.
    #[arg(long)]
    key: PathBuf,
    /// 另处保存的检查点 / a checkpoint of the log that was kept elsewhere; finds a log put back or written anew.
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// 以 JSON 输出 / write the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let format = if arguments.json {
        Format::Json
    } else {
        Format::Text
    };
    let exit = cli_verify_all(
        &arguments.dir,
        &arguments.key,
        arguments.checkpoint.as_deref(),
        format,
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    );
    ExitCode::from(exit as u8)
}
