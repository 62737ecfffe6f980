//! The built binary's command line.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the built `hangu` stands: `HANGU_BIN`, or beside the folder of the running test.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn binary() -> PathBuf {
    let path = std::env::var_os("HANGU_BIN").map_or_else(|| built("hangu"), PathBuf::from);
    assert!(
        path.is_file(),
        "`{}` is not there; build it (`cargo build -p hangu`) or set HANGU_BIN",
        path.display()
    );
    path
}

/// Where the built `hangu-verify` stands: `HANGU_VERIFY_BIN`, or beside the folder of the running test.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn verifier() -> PathBuf {
    let path =
        std::env::var_os("HANGU_VERIFY_BIN").map_or_else(|| built("hangu-verify"), PathBuf::from);
    assert!(
        path.is_file(),
        "`{}` is not there; build it (`cargo build -p hangu-audit`) or set HANGU_VERIFY_BIN",
        path.display()
    );
    path
}

fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running test has a path");
    own.parent()
        .and_then(Path::parent)
        .expect("a test is two folders down")
        .join(name)
}

/// What a run of `hangu` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hangu {
    /// 0 for success, 1 for no, 2 for could not run.
    pub status: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub complaint: String,
}

impl Hangu {
    /// Runs `hangu` with nothing on standard input.
    #[must_use]
    pub fn run(arguments: &[&str]) -> Self {
        Self::fed(arguments, b"")
    }

    /// Runs `hangu` with bytes on standard input.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn fed(arguments: &[&str], input: &[u8]) -> Self {
        let mut child = Command::new(binary())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hangu starts");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        // In a thread of its own, or both sides wait when the output fills its pipe first. One that ends early closes it.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().expect("hangu ends")
        });
        Self {
            status: output.status.code(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            complaint: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The output, of a run that must succeed.
    ///
    /// # Panics
    /// Where it did not.
    #[must_use]
    pub fn succeeded(self) -> String {
        assert_eq!(
            self.status,
            Some(0),
            "hangu said: {}{}",
            self.output,
            self.complaint
        );
        self.output
    }

    /// The output as JSON Lines.
    ///
    /// # Panics
    /// Where a line is no JSON.
    #[must_use]
    pub fn lines(&self) -> Vec<serde_json::Value> {
        self.output
            .lines()
            .map(|l| serde_json::from_str(l).expect("a line is JSON"))
            .collect()
    }
}
