//! The load generator: a closed loop, idle connections, or one long transfer. Prints one JSON object.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand, ValueEnum};
use hangu_bench::Failure;
use hangu_bench::trust::{self, KeyExchange};
use hangu_bench::wire::{Connection, Target};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::task::LocalSet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Load on one proxy, from one core")]
struct Cli {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    where_to: WhereTo,
}

#[derive(Subcommand)]
enum What {
    /// Each connection asks again as soon as it is answered.
    Closed {
        #[arg(long, default_value_t = 32)]
        connections: usize,
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// A new connection for every request.
        #[arg(long)]
        fresh: bool,
    },
    /// Each connection asks once and stays open until standard input ends.
    Idle {
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
    },
    /// One request whose answer is read and thrown away.
    Download,
    /// One request with a body of this many bytes.
    Upload {
        #[arg(long)]
        bytes: u64,
    },
}

#[derive(Args)]
struct WhereTo {
    /// The proxy.
    #[arg(long, global = true, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// The host that is asked for.
    #[arg(long, global = true, default_value = "bench.example")]
    host: String,
    #[arg(long, global = true, default_value = "/")]
    path: String,
    /// Further header lines.
    #[arg(long = "header", global = true)]
    headers: Vec<String>,
    /// Roots of the proxy's certificate; with them, TLS is spoken.
    #[arg(long, global = true)]
    anchors: Option<PathBuf>,
    #[arg(long, global = true, requires = "key")]
    certificate: Option<PathBuf>,
    #[arg(long, global = true)]
    key: Option<PathBuf>,
    #[arg(long, global = true, value_enum, default_value_t = Exchange::Classic)]
    exchange: Exchange,
}

#[derive(Clone, Copy, ValueEnum)]
enum Exchange {
    Classic,
    Hybrid,
}

impl WhereTo {
    fn target(&self) -> Result<Target, Failure> {
        let Some(anchors) = &self.anchors else {
            return Ok(Target {
                address: self.address,
                tls: None,
            });
        };
        let own = self.certificate.as_deref().zip(self.key.as_deref());
        let exchange = match self.exchange {
            Exchange::Classic => KeyExchange::Classic,
            Exchange::Hybrid => KeyExchange::Hybrid,
        };
        let config = Arc::new(trust::client(anchors, own, exchange)?);
        Ok(Target {
            address: self.address,
            tls: Some((config, ServerName::try_from(self.host.clone())?)),
        })
    }

    fn request(&self, method: &str, more: &str) -> Vec<u8> {
        let mut text = format!("{method} {} HTTP/1.1\r\nHost: {}\r\n", self.path, self.host);
        text.push_str("User-Agent: hangu-bench/1\r\nAccept: application/json\r\n");
        for header in &self.headers {
            text.push_str(header);
            text.push_str("\r\n");
        }
        text.push_str(more);
        text.push_str("\r\n");
        text.into_bytes()
    }
}

#[derive(Default)]
struct Tally {
    good: u64,
    bad: u64,
    last_bad: u16,
    errors: u64,
    last_error: String,
    micros: Vec<u32>,
}

impl Tally {
    fn count(&mut self, status: u16, took: Duration) {
        if (200..300).contains(&status) {
            self.good += 1;
        } else {
            self.bad += 1;
            self.last_bad = status;
        }
        self.micros
            .push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    fn failed(&mut self, error: &Failure) {
        self.errors += 1;
        self.last_error = error.to_string();
    }

    fn report(mut self, elapsed: Duration) -> Value {
        self.micros.sort_unstable();
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index below the length"
            )]
            let index = (self.micros.len() as f64 * share) as usize;
            self.micros.get(index).copied().unwrap_or(0)
        };
        json!({
            "good": self.good, "bad": self.bad, "last_bad": self.last_bad,
            "errors": self.errors, "last_error": self.last_error,
            "per_second": (self.good + self.bad) as f64 / elapsed.as_secs_f64(),
            "p50_us": at(0.50), "p99_us": at(0.99),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let cli = Cli::parse();
    if !cli.where_to.address.ip().is_loopback() {
        return Err("only loopback addresses are loaded".into());
    }
    let target = cli.where_to.target()?;
    let report = match cli.what {
        What::Closed {
            connections,
            seconds,
            fresh,
        } => {
            let more = if fresh { "Connection: close\r\n" } else { "" };
            let request = cli.where_to.request("GET", more);
            closed(
                target,
                request,
                connections,
                Duration::from_secs_f64(seconds),
                fresh,
            )
            .await
        }
        What::Idle { connections } => {
            return idle(target, cli.where_to.request("GET", ""), connections).await;
        }
        What::Download => {
            let begun = Instant::now();
            let answer = target
                .open()
                .await?
                .ask(&cli.where_to.request("GET", ""))
                .await?;
            json!({ "status": answer.status, "bytes": answer.bytes, "seconds": begun.elapsed().as_secs_f64() })
        }
        What::Upload { bytes } => upload(&target, &cli.where_to, bytes).await?,
    };
    println!("{report}");
    Ok(())
}

async fn closed(
    target: Target,
    request: Vec<u8>,
    connections: usize,
    length: Duration,
    fresh: bool,
) -> Value {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let request: Rc<[u8]> = request.into();
    let begun = Instant::now();
    let end = begun + length;
    let local = LocalSet::new();
    for _ in 0..connections {
        let (tally, target, request) = (Rc::clone(&tally), target.clone(), Rc::clone(&request));
        local.spawn_local(async move {
            let mut connection: Option<Connection> = None;
            while Instant::now() < end {
                let sent = Instant::now();
                match once(&mut connection, &target, &request, fresh).await {
                    Ok(status) => tally.borrow_mut().count(status, sent.elapsed()),
                    Err(error) => {
                        connection = None;
                        tally.borrow_mut().failed(&error);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
        });
    }
    local.await;
    tally.take().report(begun.elapsed())
}

async fn once(
    slot: &mut Option<Connection>,
    target: &Target,
    request: &[u8],
    fresh: bool,
) -> Result<u16, Failure> {
    let mut connection = match slot.take() {
        Some(open) => open,
        None => target.open().await?,
    };
    let answer = connection.ask(request).await?;
    if !fresh && !answer.closed {
        *slot = Some(connection);
    }
    Ok(answer.status)
}

/// How many connections are opened at once; a burst of thousands would only measure the backlog.
const OPENING: usize = 64;

async fn idle(target: Target, request: Vec<u8>, connections: usize) -> Result<(), Failure> {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let open = Rc::new(RefCell::new(Vec::with_capacity(connections)));
    let left = Rc::new(RefCell::new(connections));
    let request: Rc<[u8]> = request.into();
    let begun = Instant::now();
    let local = LocalSet::new();
    for _ in 0..OPENING {
        let (tally, open, left) = (Rc::clone(&tally), Rc::clone(&open), Rc::clone(&left));
        let (target, request) = (target.clone(), Rc::clone(&request));
        local.spawn_local(async move {
            while left.replace_with(|n| n.saturating_sub(1)) > 0 {
                let sent = Instant::now();
                let mut slot = None;
                match once(&mut slot, &target, &request, false).await {
                    Ok(status) => tally.borrow_mut().count(status, sent.elapsed()),
                    Err(error) => tally.borrow_mut().failed(&error),
                }
                open.borrow_mut().extend(slot);
            }
        });
    }
    local.await;
    let mut report = tally.take().report(begun.elapsed());
    if let Some(object) = report.as_object_mut() {
        object.insert("open".to_owned(), open.borrow().len().into());
    }
    println!("{report}");
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    Ok(())
}

async fn upload(target: &Target, where_to: &WhereTo, bytes: u64) -> Result<Value, Failure> {
    let begun = Instant::now();
    let head = format!("Content-Type: application/octet-stream\r\nContent-Length: {bytes}\r\n");
    let mut connection = target.open().await?;
    connection.write(&where_to.request("POST", &head)).await?;
    let piece = vec![b'x'; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        if connection
            .write(piece.get(..now).unwrap_or_default())
            .await
            .is_err()
        {
            // Refused halfway: the answer says why.
            break;
        }
        left -= now as u64;
    }
    let answer = connection.answer().await?;
    Ok(
        json!({ "status": answer.status, "bytes": bytes - left, "seconds": begun.elapsed().as_secs_f64() }),
    )
}
