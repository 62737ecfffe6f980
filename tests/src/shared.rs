//! A pass that the tests of a file share, where they do not disturb each other.

use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;

use crate::{Pass, Plan};

/// Where portals of shared passes are served: each test has a runtime of its own, which ends with it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// A pass that is started by the first test that asks for it and ends with the process.
pub struct Shared {
    plan: fn() -> Plan,
    pass: OnceCell<Pass>,
}

impl Shared {
    /// A pass of a plan.
    #[must_use]
    pub const fn of(plan: fn() -> Plan) -> Self {
        Self {
            plan,
            pass: OnceCell::const_new(),
        }
    }

    /// The pass, running.
    ///
    /// # Panics
    /// As [`Plan::start`].
    pub async fn get(&self) -> &Pass {
        self.pass
            .get_or_init(|| async {
                let plan = self.plan;
                let starting = RUNTIME.spawn(async move { plan().start().await });
                let pass = starting.await.expect("a pass that starts");
                end_with_this_process(&pass);
                pass
            })
            .await
    }
}

/// Statics are never dropped, so a shell waits for the end of this process, sees its standard input close, and cleans up.
fn end_with_this_process(pass: &Pass) {
    let folder = pass.path("");
    Command::new("sh")
        .args([
            "-c",
            "cat; kill -9 \"$1\"; rm -rf \"$2\"",
            "sh",
            &pass.process_id().to_string(),
        ])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(|child| std::mem::forget(child.stdin))
        .expect("a shell starts");
}
