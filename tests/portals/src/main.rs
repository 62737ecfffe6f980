//! `hangu-portals`: the three sample portals in one process.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use hangu_portals::{Kind, Portal, Records, serve};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// 函谷示例门户 · The sample portals behind the pass: a public site, a data exchange, a staff system.
#[derive(Debug, Parser)]
#[command(name = "hangu-portals", version, about)]
struct Arguments {
    /// 一网通办 · Where the public site listens.
    #[arg(long, default_value = "127.0.0.1:18081")]
    public: SocketAddr,
    /// 数据交换 · Where the data exchange listens.
    #[arg(long, default_value = "127.0.0.1:18082")]
    exchange: SocketAddr,
    /// 人事管理 · Where the staff system listens.
    #[arg(long, default_value = "127.0.0.1:18083")]
    staff: SocketAddr,
    /// Citizens and enterprises that exist.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=hangu_portals::records::MOST))]
    records: u64,
    /// The seed they are made from; the same seed makes the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let records = Arc::new(Records::new(arguments.seed, arguments.records));
    let places = [
        (Kind::Public, arguments.public),
        (Kind::Exchange, arguments.exchange),
        (Kind::Staff, arguments.staff),
    ];
    let mut portals = JoinSet::new();
    for (kind, address) in places {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|e| format!("cannot listen on `{address}`: {e}"))?;
        portals.spawn(serve(
            listener,
            Arc::new(Portal::new(kind, Arc::clone(&records))),
        ));
    }
    tokio::select! {
        _ = portals.join_next() => Err("a portal stopped".to_owned()),
        done = stop() => done.map_err(|e| format!("cannot wait for a signal: {e}")),
    }
}

async fn stop() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "standard error is where a command complains"
)]
fn complain(error: &str) {
    eprintln!("hangu-portals: {error}");
}
