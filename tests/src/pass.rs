//! A complete pass: shipped configuration, free ports, portals in this process, the built binary.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hangu_portals::{Kind, Portal, Records, serve};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use toml::Table;

use crate::command::{Hangu, binary};
use crate::{Client, Identity, Raw, Tls, events, ports};

/// How long a start or a stop may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The zones of the shipped configuration, and the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// 互联网.
    Internet,
    /// 政务外网.
    Extranet,
    /// 政务内网.
    Intranet,
    /// The console and the administration API.
    Console,
}

/// A pass before it starts: what differs from the shipped configuration.
pub struct Plan {
    folder: TempDir,
    configuration: Table,
    at: [SocketAddr; 5],
    portals: Vec<(Arc<Portal>, std::net::TcpListener)>,
}

impl Plan {
    /// The shipped configuration on free ports, its portals of 1,000 people.
    ///
    /// # Panics
    /// Where the folder cannot be made or `hangu setup` does not succeed.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&shipped(), &folder.path().join("configs"));
        let state = folder.path().join("state");
        let _samples = Hangu::run(&["setup", "--state", text(&state)]).succeeded();
        let written = fs::read_to_string(folder.path().join("configs/hangu.toml"))
            .expect("the shipped configuration");
        let mut configuration: Table = written.parse().expect("the shipped configuration is TOML");
        let at = std::array::from_fn(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free())));
        let [internet, extranet, intranet, console, operations] = at;
        for (zone, address) in each(&mut configuration, "zone").zip([internet, extranet, intranet])
        {
            zone.insert("listen".to_owned(), vec![address.to_string()].into());
        }
        table(&mut configuration, "console")
            .insert("listen".to_owned(), console.to_string().into());
        table(&mut configuration, "operations")
            .insert("listen".to_owned(), operations.to_string().into());
        let records = Arc::new(Records::new(1, 1_000));
        let mut portals = Vec::new();
        for (portal, kind) in
            each(&mut configuration, "portal").zip([Kind::Public, Kind::Exchange, Kind::Staff])
        {
            let listener =
                std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a portal listens");
            let address = listener.local_addr().expect("a listener has an address");
            table(portal, "upstream")
                .insert("addresses".to_owned(), vec![address.to_string()].into());
            portals.push((Arc::new(Portal::new(kind, Arc::clone(&records))), listener));
        }
        Self {
            folder,
            configuration,
            at,
            portals,
        }
    }

    /// Changes the configuration.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Table)) -> Self {
        change(&mut self.configuration);
        self
    }

    /// Changes the portal of a name: `public`, `exchange`, `staff`.
    ///
    /// # Panics
    /// Where there is none of the name.
    #[must_use]
    pub fn portal(mut self, name: &str, change: impl FnOnce(&mut Table)) -> Self {
        let named = |p: &&mut Table| p.get("name").and_then(toml::Value::as_str) == Some(name);
        change(
            each(&mut self.configuration, "portal")
                .find(named)
                .expect("a portal of the name"),
        );
        self
    }

    /// Changes a zone.
    ///
    /// # Panics
    /// For the console, which is none.
    #[must_use]
    pub fn zone(mut self, zone: Zone, change: impl FnOnce(&mut Table)) -> Self {
        let index = match zone {
            Zone::Internet => 0,
            Zone::Extranet => 1,
            Zone::Intranet => 2,
            Zone::Console => panic!("the console is no zone"),
        };
        change(
            each(&mut self.configuration, "zone")
                .nth(index)
                .expect("three zones"),
        );
        self
    }

    /// Adds rules to the policy, as lines of CSV. What must hold of the shipped rules is not asked of them.
    ///
    /// # Panics
    /// Where they cannot be written.
    #[must_use]
    pub fn rules(mut self, lines: &str) -> Self {
        if let Some(policy) = self
            .configuration
            .get_mut("policy")
            .and_then(toml::Value::as_table_mut)
        {
            drop(policy.remove("statements"));
        }
        let path = self.folder.path().join("configs/policy/rules.csv");
        let shipped = fs::read_to_string(&path).expect("the shipped rules");
        fs::write(path, format!("{shipped}\n{lines}\n")).expect("rules are written");
        self
    }

    /// A path in the folder of the pass: `configs`, `state`.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes the configuration and says what `hangu check` thinks of it.
    #[must_use]
    pub fn check(&self) -> Hangu {
        self.write();
        Hangu::run(&["check", "--config", text(&self.path("configs/hangu.toml"))])
    }

    fn write(&self) {
        let text = toml::to_string(&self.configuration).expect("a table is TOML");
        fs::write(self.path("configs/hangu.toml"), text).expect("the configuration is written");
    }

    /// Starts it, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not become ready; with what it said.
    pub async fn start(self) -> Pass {
        self.write();
        let mut serving = JoinSet::new();
        let mut portals = Vec::new();
        for (portal, listener) in self.portals {
            listener
                .set_nonblocking(true)
                .expect("a listener can be asked");
            let listener =
                TcpListener::from_std(listener).expect("a listener belongs to the runtime");
            serving.spawn(serve(listener, Arc::clone(&portal)));
            portals.push(portal);
        }
        let process = spawn(self.folder.path());
        let mut pass = Pass {
            folder: self.folder,
            at: self.at,
            portals,
            serving,
            process,
        };
        pass.ready().await;
        pass
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new()
    }
}

/// A pass that runs; it ends when it is dropped.
pub struct Pass {
    folder: TempDir,
    at: [SocketAddr; 5],
    portals: Vec<Arc<Portal>>,
    serving: JoinSet<()>,
    process: Child,
}

impl Pass {
    /// The shipped configuration, running.
    pub async fn start() -> Self {
        Plan::new().start().await
    }

    /// Where a zone, or the console, listens.
    #[must_use]
    pub const fn at(&self, zone: Zone) -> SocketAddr {
        let [internet, extranet, intranet, console, _] = self.at;
        match zone {
            Zone::Internet => internet,
            Zone::Extranet => extranet,
            Zone::Intranet => intranet,
            Zone::Console => console,
        }
    }

    /// Where metrics and probes are served, in cleartext.
    #[must_use]
    pub const fn operations(&self) -> SocketAddr {
        let [.., operations] = self.at;
        operations
    }

    /// The portal of a kind: what has arrived at it.
    ///
    /// # Panics
    /// Never; all three run.
    #[must_use]
    pub fn portal(&self, kind: Kind) -> &Portal {
        self.portals
            .iter()
            .find(|p| p.kind() == kind)
            .expect("all three portals run")
    }

    /// A path in the folder of the pass: `configs`, `state`.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// TLS that trusts the authority of the pass and offers HTTP/1.1.
    #[must_use]
    pub fn tls(&self) -> Tls {
        Tls::trusting(&self.path("state/pki/authority/root.pem"))
    }

    /// A client of a zone, over HTTP/1.1 until it is told otherwise.
    #[must_use]
    pub fn client(&self, zone: Zone) -> Client {
        Client::new(self.at(zone), self.tls())
    }

    /// A client certificate that `hangu setup` issued: `tax-etl`, `zhao`, `li`.
    #[must_use]
    pub fn identity(&self, name: &str) -> Identity {
        Identity::read(
            &self.path(&format!("state/pki/{name}.pem")),
            &self.path(&format!("state/pki/{name}.key")),
        )
    }

    /// A raw connection to a zone, TLS done, the portal's name as SNI.
    pub async fn raw(&self, zone: Zone, host: &str) -> Raw {
        Raw::over_tls(self.at(zone), host, &self.tls()).await
    }

    /// What `hangu setup` said: passwords, the API key, where the token is.
    ///
    /// # Panics
    /// Where it is not there.
    #[must_use]
    pub fn samples(&self) -> Value {
        let text = fs::read(self.path("state/samples.json")).expect("the samples of the pass");
        serde_json::from_slice(&text).expect("the samples are JSON")
    }

    /// The password of a login: `wang`, `li`, `zhao`, `bad`; `sun`, `chen`, `qian` of the console.
    ///
    /// # Panics
    /// Where there is no such login.
    #[must_use]
    pub fn password(&self, login: &str) -> String {
        let samples = self.samples();
        samples
            .pointer(&format!("/passwords/{login}"))
            .and_then(Value::as_str)
            .expect("a login of the pass")
            .to_owned()
    }

    /// The API key of `svc:report`.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn api_key(&self) -> String {
        self.samples()
            .pointer("/api-key/key")
            .and_then(Value::as_str)
            .expect("an API key")
            .to_owned()
    }

    /// A token of `u:zhao`.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn token(&self) -> String {
        fs::read_to_string(self.path("state/zhao.token"))
            .expect("a token")
            .trim()
            .to_owned()
    }

    /// The issuer that the pass trusts, to mint other tokens.
    #[must_use]
    pub fn issuer(&self) -> crate::Issuer {
        crate::Issuer::of_pass(&self.path("state/idp/key.pk8"))
    }

    /// The recorded events, oldest first; what was answered a moment ago may still be on its way.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        events::read(&self.path("state/audit"))
    }

    /// The first event that fits, waited for.
    pub async fn event(&self, fits: impl Fn(&Value) -> bool) -> Value {
        events::wait(&self.path("state/audit"), fits).await
    }

    /// Sends a signal by its name: `HUP`, `TERM`, `QUIT`, `KILL`, `STOP`.
    ///
    /// # Panics
    /// Where it cannot be sent.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|s| s.success()), "signal `{name}` is sent");
    }

    /// The id of the process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Rewrites a file of the pass, as an operator would: whole, by renaming.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn rewrite(&self, relative: &str, change: impl FnOnce(String) -> String) {
        let path = self.path(relative);
        let text = fs::read_to_string(&path).expect("a file of the pass");
        let new = path.with_extension("new");
        fs::write(&new, change(text)).expect("a file is written");
        fs::rename(&new, &path).expect("a file is renamed");
    }

    /// Kills it as a crash would, starts it again on the same state, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not become ready.
    pub async fn crash_and_restart(&mut self) {
        self.end();
        self.process = spawn(self.folder.path());
        self.ready().await;
    }

    /// Stops it gracefully and says how it ended.
    ///
    /// # Panics
    /// Where it goes on for half a minute.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait().expect("a child can be waited for") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("`hangu` did not stop; it said:\n{}", self.log());
    }

    /// Everything the process has said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("hangu.log")).unwrap_or_default()
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> String {
        Client::plain(self.operations())
            .get("localhost", "/metrics")
            .await
            .text()
    }

    async fn ready(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("`hangu run` ended with {status}; it said:\n{}", self.log());
            }
            let asked = Raw::try_plain(self.operations()).await;
            if let Ok(mut raw) = asked {
                raw.send(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    .await;
                if raw.read_to_end().await.starts_with("HTTP/1.1 200") {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("`hangu run` did not become ready; it said:\n{}", self.log());
    }

    fn end(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        if self.process.kill().is_ok() {
            let _status = self.process.wait();
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.end();
        self.serving.abort_all();
        if std::thread::panicking() {
            show(&self.log());
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "where a test fails, what the gateway said is half of the answer"
)]
fn show(log: &str) {
    eprintln!("hangu said:\n{log}");
}

fn spawn(folder: &Path) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("hangu.log"))
        .expect("a log file");
    Command::new(binary())
        .args(["run", "--config", text(&folder.join("configs/hangu.toml"))])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log file twice"))
        .stderr(log)
        .spawn()
        .expect("hangu starts")
}

/// The shipped configuration, beside the folder of this crate.
fn shipped() -> PathBuf {
    // What was built in one checkout may be run in another.
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = here.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.join("../configs")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).expect("a folder is read") {
        let entry = entry.expect("a folder is read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file is copied");
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

fn table<'a>(of: &'a mut Table, name: &str) -> &'a mut Table {
    of.get_mut(name)
        .and_then(toml::Value::as_table_mut)
        .expect("a table of the shipped configuration")
}

fn each<'a>(of: &'a mut Table, name: &str) -> impl Iterator<Item = &'a mut Table> {
    let list = of
        .get_mut(name)
        .and_then(toml::Value::as_array_mut)
        .expect("a list of the shipped configuration");
    list.iter_mut().filter_map(toml::Value::as_table_mut)
}
