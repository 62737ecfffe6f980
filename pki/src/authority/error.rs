//! What can go wrong with an authority, by who has to act.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::name::NameError;
use crate::verify::{KeyFault, Rule};

/// Why the authority did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    // Whoever asked.
    /// A name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A server certificate must say which hosts it is for.
    #[error("a server certificate needs at least one `dns:` or `ip:` name")]
    ServerWithoutHost,
    /// A server certificate speaks for hosts only.
    #[error("`{0}` has no place in a server certificate: `dns:` and `ip:` only")]
    ServerName(String),
    /// A client certificate must say who the client is.
    #[error("a client certificate needs a common name or a subject alternative name")]
    ClientWithoutName,
    /// SPIFFE allows one id per certificate.
    #[error("a certificate carries at most one `uri:` name if one of them is a SPIFFE id")]
    SeveralSpiffeIds,
    /// A common name that is empty, too long or holds control characters, or a host name that is no alternative name.
    #[error(
        "`{0}` cannot be a common name: 1 to 64 characters without control characters, and for servers a host name only if it is also a `dns:` name"
    )]
    CommonName(String),
    /// The validity is zero, over the limit, or reaches past the issuing CA's.
    #[error(
        "a validity of {asked} is not possible: at least 1 minute, at most {most}, and not past the issuing CA's end on {end}"
    )]
    Validity {
        /// What was asked for.
        asked: String,
        /// The authority's limit.
        most: String,
        /// When the issuing CA expires.
        end: Timestamp,
    },
    /// The request is no PKCS#10, or its signature does not verify.
    #[error(
        "the certificate request cannot be used: expected PKCS#10 in PEM, signed with its own key ({0})"
    )]
    Csr(String),
    /// The request's key is weak.
    #[error("the certificate request's key is not accepted ({0})")]
    CsrKey(#[from] KeyFault),
    /// No certificate has this serial number or fingerprint.
    #[error("no certificate with serial number or SHA-256 fingerprint `{0}` was issued here")]
    Unknown(String),

    // Whoever runs the authority.
    /// There is an authority already.
    #[error("`{}` holds an authority already; choose another folder", .0.display())]
    Exists(PathBuf),
    /// There is no authority.
    #[error("`{}` holds no authority; `hangu pki init` makes one", .0.display())]
    Absent(PathBuf),
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// A file is not what it should be.
    #[error("`{}` is damaged: {fault}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A key that others can read.
    #[error("`{}` can be read by others (mode {mode:o}); `chmod 600` it, and consider the key disclosed", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The root's key is needed and not here.
    #[error("`{}` is away: bring the root's key back to revoke the issuing CA", .0.display())]
    RootKeyAway(PathBuf),
    /// A file cannot be read or written.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    // Us.
    /// A certificate or list could not be made.
    #[error("a certificate or revocation list could not be made ({0})")]
    Build(#[from] rcgen::Error),
    /// What was made would not pass our own profile.
    #[error("what was made breaks the strict profile ({0})")]
    Profile(#[from] Rule),
    /// What was made cannot be read back.
    #[error("what was made cannot be read back ({0})")]
    Unreadable(String),
    /// No randomness.
    #[error("the system gave no randomness")]
    Random,
}
