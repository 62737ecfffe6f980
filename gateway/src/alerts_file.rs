//! Alerts over a restart: a line of JSON for each change, the last one for an alert counts.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hangu_situational::Alert;

/// Alerts that are kept over a restart.
const KEPT: usize = 10_000;

/// Where alerts are kept.
#[derive(Debug)]
pub struct AlertsFile {
    path: PathBuf,
    /// Guards the file's end; alerts are rare.
    file: Mutex<File>,
}

impl AlertsFile {
    /// Opens the file and gives the alerts in it, oldest first. The audit log has them too; a line that cannot be read
    /// is left out with a warning.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Alert>)> {
        let mut alerts: BTreeMap<u64, Alert> = BTreeMap::new();
        match File::open(path) {
            Ok(file) => {
                for line in BufReader::new(file).lines() {
                    match serde_json::from_str::<Alert>(&line?) {
                        Ok(alert) => {
                            alerts.insert(alert.id, alert);
                        }
                        Err(error) => {
                            tracing::warn!(%error, path = %path.display(), "an alert could not be read")
                        }
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        while alerts.len() > KEPT {
            alerts.pop_first();
        }
        let temporary = path.with_extension("tmp");
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(&temporary)?;
        for alert in alerts.values() {
            file.write_all(&line(alert)?)?;
        }
        file.sync_all()?;
        // A crash before this leaves the old file in place.
        fs::rename(&temporary, path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok((
            Self {
                path: path.to_owned(),
                file: Mutex::new(file),
            },
            alerts.into_values().collect(),
        ))
    }

    /// Keeps an alert as it stands now.
    pub fn keep(&self, alert: &Alert) {
        let written = line(alert).and_then(|line| {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&line)
        });
        if let Err(error) = written {
            tracing::error!(%error, path = %self.path.display(), "an alert could not be kept over a restart");
        }
    }
}

fn line(alert: &Alert) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(alert)?;
    line.push(b'\n');
    Ok(line)
}
