//! `hangu pki`.

use std::io;
use std::time::Duration;

use hangu_pki::authority::{Names, RevocationReason};
use hangu_pki::cli::{self, CliError, InitOptions, IssueOptions, RevokeOptions, VerifyOptions};
use hangu_pki::verify::{Profile, Usage};
use jiff::Timestamp;

use super::args::{self, Pki};
use super::{Answer, complain};
use crate::clock;

const DAY: Duration = Duration::from_secs(86_400);

const fn usage(usage: args::Usage) -> Usage {
    match usage {
        args::Usage::Client => Usage::Client,
        args::Usage::Server => Usage::Server,
    }
}

/// A moment: RFC 3339 or seconds since 1970; now where none is given.
pub(super) fn moment(text: Option<&str>) -> Result<Timestamp, String> {
    let Some(text) = text else {
        return Ok(clock::now());
    };
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).map_err(|e| e.to_string());
    }
    text.parse().map_err(|_| {
        format!("`{text}` is no moment; write `2026-11-22T08:00:00Z` or seconds since 1970")
    })
}

pub(super) fn run(command: Pki) -> Answer {
    let out = &mut io::stdout().lock();
    let now = clock::now();
    let result = match command {
        Pki::Init { dir, organization } => {
            let names = Names::of(&organization);
            cli::init(&InitOptions { dir, names }, now, out)
        }
        Pki::Issue {
            dir,
            usage: for_what,
            common_name,
            organizational_unit,
            names,
            days,
            csr,
            out: place,
        } => {
            let options = IssueOptions {
                dir,
                usage: usage(for_what),
                common_name,
                organizational_unit,
                names,
                validity: DAY * days,
                csr,
                out: place,
            };
            cli::issue(&options, now, out)
        }
        Pki::Revoke {
            dir,
            certificate,
            reason,
        } => match serde_json::from_value::<RevocationReason>(serde_json::Value::String(reason)) {
            Ok(reason) => cli::revoke(
                &RevokeOptions {
                    dir,
                    certificate,
                    reason,
                },
                now,
                out,
            ),
            Err(error) => Err(CliError::Option {
                option: "--reason",
                fault: error.to_string(),
            }),
        },
        Pki::Crl { dir } => cli::crl(&dir, now, out),
        Pki::Inventory { dir } => cli::inventory(&dir, now, out),
        Pki::Verify {
            anchors,
            chain,
            intermediates,
            crls,
            usage: for_what,
            names,
            at,
        } => {
            let at = match moment(at.as_deref()) {
                Ok(at) => at,
                Err(error) => {
                    complain(&error);
                    return Answer::CouldNot;
                }
            };
            let options = VerifyOptions {
                anchors,
                chain,
                intermediates,
                crls,
                usage: usage(for_what),
                names,
                max_intermediates: None,
                profile: Profile::Strict,
                at,
            };
            cli::verify(&options, out)
        }
    };
    match result {
        Ok(cli::Answer::Yes) => Answer::Yes,
        Ok(cli::Answer::No) => Answer::No,
        Err(error) => {
            complain(&error);
            Answer::CouldNot
        }
    }
}
