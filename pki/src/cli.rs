//! `hangu pki`: each sub-command a function from options to JSON Lines on a writer.
//!
//! Options are plain values; the gateway's command line parses them. `Ok(Answer::No)` is exit status 1, an error is 2.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::authority::{
    Authority, AuthorityError, Entry, Issued, Key, Names, Request, RevocationReason, Revoked,
};
use crate::name::{AltName, NameError};
use crate::trust::PeerIdentity;
use crate::verify::{Anchors, Crls, Path as TrustPath, Profile, Question, Reason, Usage, validate};

/// What a sub-command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done, or yes: exit status 0.
    Yes,
    /// The answer is no: exit status 1.
    No,
}

/// Why a sub-command could not run: exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The authority could not do it.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An option has no usable value.
    #[error("`{option}`: {fault}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong, and what would be right.
        fault: String,
    },
    /// A file cannot be read or written.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file, `-` for standard input.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The answer could not be written.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// `hangu pki init`.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// The state folder.
    pub dir: PathBuf,
    /// Names and times.
    pub names: Names,
}

/// `hangu pki issue`.
#[derive(Clone, Debug)]
pub struct IssueOptions {
    /// The state folder.
    pub dir: PathBuf,
    /// What the certificate is for.
    pub usage: Usage,
    /// The common name.
    pub common_name: Option<String>,
    /// The organizational unit.
    pub organizational_unit: Option<String>,
    /// Names such as `dns:host.example` or `uri:spiffe://domain/path`; what they are may be left out where it shows.
    pub names: Vec<String>,
    /// How long it is valid.
    pub validity: Duration,
    /// A PKCS#10 request in PEM whose key is certified, `-` for standard input. Absent: a new key is made.
    pub csr: Option<PathBuf>,
    /// Where to write `<out>.pem` and `<out>.key`. Absent: both are part of the output.
    pub out: Option<PathBuf>,
}

/// `hangu pki revoke`.
#[derive(Clone, Debug)]
pub struct RevokeOptions {
    /// The state folder.
    pub dir: PathBuf,
    /// Serial number or SHA-256 fingerprint, in hexadecimal.
    pub certificate: String,
    /// Why.
    pub reason: RevocationReason,
}

/// `hangu pki verify`.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Trust anchors, PEM.
    pub anchors: PathBuf,
    /// The chain, leaf first, PEM; `-` for standard input.
    pub chain: PathBuf,
    /// Further intermediates, PEM.
    pub intermediates: Option<PathBuf>,
    /// Revocation lists, PEM. Absent: revocation is not checked.
    pub crls: Option<PathBuf>,
    /// What the leaf is presented for.
    pub usage: Usage,
    /// Names that it must carry.
    pub names: Vec<String>,
    /// The most intermediates on the path.
    pub max_intermediates: Option<usize>,
    /// How much is asked of the certificates.
    pub profile: Profile,
    /// The moment the verdict is for.
    pub at: Timestamp,
}

/// Makes an authority; the answer names its files.
///
/// # Errors
/// There is one already, or the folder cannot be written.
pub fn init(
    options: &InitOptions,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<Answer, CliError> {
    let mut authority = Authority::init(&options.dir, options.names.clone(), now)?;
    let issuing = authority.inventory()?.first().cloned();
    line(
        out,
        &json!({
            "authority": options.dir,
            "anchor": options.dir.join("root.pem"),
            "crls": options.dir.join("crl.pem"),
            "issuing": issuing,
        }),
    )
}

/// Issues a certificate; the answer is its inventory entry with the chain and key, or where they were written.
///
/// # Errors
/// The request is refused, or a file cannot be read or written. When the files cannot be written the certificate is
/// in the inventory all the same, and the message names its serial number.
pub fn issue(
    options: &IssueOptions,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<Answer, CliError> {
    let key = match &options.csr {
        Some(path) => Key::Csr(read(path)?),
        None => Key::Generate,
    };
    let request = Request {
        usage: options.usage,
        common_name: options.common_name.clone(),
        organizational_unit: options.organizational_unit.clone(),
        sans: names(&options.names)?,
        validity: options.validity,
        key,
    };
    let issued = Authority::open(&options.dir)?.issue(&request, now)?;
    let mut answer = object(&issued.entry)?;
    match &options.out {
        None => {
            answer.insert("certificate".to_owned(), json!(issued.chain_pem));
            if let Some(key) = &issued.key_pem {
                answer.insert("key".to_owned(), json!(key.as_str()));
            }
        }
        Some(stem) => {
            for (name, path) in deliver(stem, &issued)? {
                answer.insert(name.to_owned(), json!(path));
            }
        }
    }
    line(out, &Value::Object(answer))
}

/// Revokes a certificate and writes new lists; the answer is its inventory entry.
///
/// # Errors
/// No such certificate was issued here, or the folder cannot be written.
pub fn revoke(
    options: &RevokeOptions,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<Answer, CliError> {
    let (entry, before) =
        match Authority::open(&options.dir)?.revoke(&options.certificate, options.reason, now)? {
            Revoked::Now(entry) => (entry, false),
            Revoked::Before(entry) => (entry, true),
        };
    let mut answer = object(&entry)?;
    answer.insert("revoked_before".to_owned(), json!(before));
    line(out, &Value::Object(answer))
}

/// Writes new revocation lists into the folder and, as PEM, to `out`.
///
/// # Errors
/// The folder cannot be read or written.
pub fn crl(dir: &Path, now: Timestamp, out: &mut impl Write) -> Result<Answer, CliError> {
    let pem = Authority::open(dir)?.crl(now)?;
    out.write_all(pem.as_bytes())?;
    Ok(Answer::Yes)
}

/// Lists every certificate ever issued, one a line, with its state at `now`.
///
/// # Errors
/// The folder cannot be read.
pub fn inventory(dir: &Path, now: Timestamp, out: &mut impl Write) -> Result<Answer, CliError> {
    for entry in Authority::open(dir)?.inventory()? {
        let mut answer = object(entry)?;
        answer.insert("state".to_owned(), json!(state(entry, now)));
        line(out, &Value::Object(answer))?;
    }
    Ok(Answer::Yes)
}

/// Validates one path: `{"valid", "reason", "chain"}`, and `"detail"` in words when the answer is no.
///
/// Certificates and lists that are broken make the answer no; files that cannot be read make it an error.
///
/// # Errors
/// A file cannot be read, or a name is none.
pub fn verify(options: &VerifyOptions, out: &mut impl Write) -> Result<Answer, CliError> {
    let anchors = read(&options.anchors)?;
    let chain = read(&options.chain)?;
    let intermediates = options
        .intermediates
        .as_deref()
        .map(read)
        .transpose()?
        .unwrap_or_default();
    let crls = options
        .crls
        .as_deref()
        .map(read)
        .transpose()?
        .unwrap_or_default();
    let names = names(&options.names)?;
    if options.usage == Usage::Server && names.is_empty() {
        return Err(CliError::Option {
            option: "--name",
            fault: "a server is verified for a name: give its host or address".to_owned(),
        });
    }
    let verdict = verdict(options, &anchors, &chain, &intermediates, &crls, &names);
    match &verdict {
        Ok(path) => {
            let chain = path
                .certificates()
                .iter()
                .map(described)
                .collect::<Vec<_>>();
            line(
                out,
                &json!({ "valid": true, "reason": null, "chain": chain }),
            )
        }
        Err(reason) => {
            line(
                out,
                &json!({ "valid": false, "reason": reason.code(), "detail": reason.to_string(), "chain": [] }),
            )?;
            Ok(Answer::No)
        }
    }
}

fn verdict(
    options: &VerifyOptions,
    anchors: &[u8],
    chain: &[u8],
    intermediates: &[u8],
    crls: &[u8],
    names: &[AltName],
) -> Result<TrustPath, Reason> {
    let anchors = Anchors::from_pem(anchors)?;
    let crls = Crls::from_pem(crls).map_err(|error| Reason::Unusable(error.to_string()))?;
    let mut chain = certificates("chain", chain)?;
    chain.extend(certificates("intermediates", intermediates)?);
    let Some((leaf, intermediates)) = chain.split_first() else {
        return Err(Reason::Unusable(
            "chain: no certificate in the PEM given".to_owned(),
        ));
    };
    let question = Question {
        leaf,
        intermediates,
        usage: options.usage,
        names,
        max_intermediates: options.max_intermediates,
        at: options.at,
    };
    validate(&anchors, &crls, options.profile, &question)
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Reason> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| Reason::Unusable(format!("{what}: broken PEM ({error})")))
}

fn described(certificate: &CertificateDer<'static>) -> Value {
    match PeerIdentity::from_der(certificate) {
        Ok(identity) => json!({
            "subject": identity.subject,
            "issuer": identity.issuer,
            "serial": identity.serial,
            "fingerprint_sha256": identity.fingerprint_sha256,
            "not_after": Timestamp::from_second(identity.not_after).ok().map(|time| time.to_string()),
        }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn state(entry: &Entry, now: Timestamp) -> &'static str {
    match (entry.revoked_at, now > entry.not_after) {
        (Some(_), _) => "revoked",
        (None, true) => "expired",
        (None, false) => "valid",
    }
}

/// Writes chain and key beside each other, the key first: a chain without its key would look usable.
fn deliver(stem: &Path, issued: &Issued) -> Result<Vec<(&'static str, PathBuf)>, CliError> {
    let with = |extension: &str| {
        let mut name = stem.as_os_str().to_owned();
        name.push(extension);
        PathBuf::from(name)
    };
    let mut written = Vec::new();
    if let Some(key) = &issued.key_pem {
        write(&with(".key"), key.as_bytes(), 0o600, issued)?;
        written.push(("key_file", with(".key")));
    }
    write(&with(".pem"), issued.chain_pem.as_bytes(), 0o644, issued)?;
    written.push(("certificate_file", with(".pem")));
    Ok(written)
}

fn write(path: &Path, bytes: &[u8], mode: u32, issued: &Issued) -> Result<(), CliError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let replace = || {
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(mode)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    replace().map_err(|source| CliError::File {
        path: path.to_owned(),
        source: io::Error::new(
            source.kind(),
            format!(
                "{source}; certificate {} was issued, revoke it or try again",
                issued.entry.serial
            ),
        ),
    })
}

fn names(texts: &[String]) -> Result<Vec<AltName>, NameError> {
    texts.iter().map(|text| text.parse()).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    bytes.map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })
}

fn object(entry: &Entry) -> Result<serde_json::Map<String, Value>, CliError> {
    let value = serde_json::to_value(entry).map_err(io::Error::from)?;
    serde_json::from_value(value).map_err(|error| CliError::Output(error.into()))
}

fn line(out: &mut impl Write, value: &Value) -> Result<Answer, CliError> {
    writeln!(out, "{value}")?;
    Ok(Answer::Yes)
}
