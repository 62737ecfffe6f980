//! Who is asking: identities, API keys, issuers of tokens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hangu_identity::certificate::CertificateRules;
use hangu_identity::local::LockoutFile;
use hangu_identity::session::SessionLimitsFile;
use hangu_policy::said;

use super::desk::{Desk, SECOND, time};
use crate::config::file;
use crate::config::mistake::unusable;

/// Identities.
#[derive(Debug)]
#[expect(
    missing_docs,
    reason = "each field is documented where it is written, in `file::Identity`"
)]
pub struct Identity {
    pub users: Option<PathBuf>,
    pub api_keys: Option<PathBuf>,
    pub api_key_pepper: Option<PathBuf>,
    pub issuers: Vec<Issuer>,
    pub certificates: CertificateRules,
    pub session: SessionLimitsFile,
    pub lockout: LockoutFile,
    pub assertion_key: PathBuf,
    pub assertion_issuer: String,
}

/// An issuer of bearer tokens.
#[derive(Debug)]
pub struct Issuer {
    /// Whose tokens are taken.
    pub token: hangu_identity::token::Issuer,
    /// Where its keys come from.
    pub keys: JwksSource,
    /// Least time between two fetches of them.
    pub jwks_pause: Duration,
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// A URL, and the roots its certificate may chain to.
    Url {
        /// `https://…`, or `http://` on loopback.
        url: String,
        /// PEM files.
        anchors: Vec<PathBuf>,
    },
}

pub(super) fn resolve_identity(
    desk: &mut Desk<'_>,
    identity: &file::Identity,
    state: &Path,
) -> Identity {
    if identity.api_keys.is_some() && identity.api_key_pepper.is_none() {
        desk.wrong_file(said!(
            "`identity.api-keys` needs `identity.api-key-pepper`, the key they are hashed under",
            "`identity.api-keys` 需要 `identity.api-key-pepper`，即计算其散列所用的密钥"
        ));
    }
    let certificates =
        CertificateRules::new(identity.certificate.clone()).unwrap_or_else(|errors| {
            for error in errors {
                desk.wrong_file(said!(
                    "`identity.certificate`: {error}",
                    "`identity.certificate` 不可用：{error}"
                ));
            }
            CertificateRules::default()
        });
    let issuers = identity
        .issuer
        .iter()
        .filter_map(|i| resolve_issuer(desk, i))
        .collect();
    Identity {
        users: identity.users.as_ref().map(|p| desk.file(p)),
        api_keys: identity.api_keys.as_ref().map(|p| desk.file(p)),
        api_key_pepper: identity.api_key_pepper.as_ref().map(|p| desk.file(p)),
        issuers,
        certificates,
        session: identity.session.clone(),
        lockout: identity.lockout.clone(),
        assertion_key: identity
            .assertion_key
            .as_ref()
            .map_or_else(|| state.join("keys/assertion.pem"), |p| desk.file(p)),
        assertion_issuer: identity
            .assertion_issuer
            .clone()
            .unwrap_or_else(|| "https://hangu".to_owned()),
    }
}

fn resolve_issuer(desk: &mut Desk<'_>, issuer: &file::Issuer) -> Option<Issuer> {
    let keys = match (&issuer.jwks, &issuer.jwks_url) {
        (Some(path), None) => JwksSource::File(desk.file(path)),
        (None, Some(url)) => {
            if !url.starts_with("https://") && !is_loopback_http(url) {
                desk.wrong(
                    &url.span(),
                    said!(
                        "`{}` is not `https://…`; keys must not be fetched in the clear",
                        "`{}` 不是 `https://…`；公钥不得以明文获取",
                        **url
                    ),
                );
            }
            if url.starts_with("https://") && issuer.jwks_anchors.is_empty() {
                desk.wrong(
                    &url.span(),
                    said!(
                        "`jwks-anchors` is empty, so the certificate of the URL could not be verified",
                        "`jwks-anchors` 为空，无法验证该网址的证书",
                    ),
                );
            }
            JwksSource::Url {
                url: (**url).clone(),
                anchors: desk.files(&issuer.jwks_anchors),
            }
        }
        (Some(_), Some(_)) | (None, None) => {
            desk.wrong(
                &issuer.token.span(),
                said!(
                    "give either `jwks` or `jwks-url`",
                    "`jwks` 和 `jwks-url` 须写且只写一个"
                ),
            );
            return None;
        }
    };
    if let Some(pause) = &issuer.jwks_pause
        && pause.0.is_zero()
    {
        desk.wrong(
            &pause.span(),
            said!(
                "`jwks-pause` is 0, so that every token with an unknown key would make a fetch; give at least `1ms`",
                "`jwks-pause` 为 0，每个使用未知密钥的令牌都会引起一次获取；至少写 `1ms`",
            ),
        );
    }
    let jwks_pause = time(issuer.jwks_pause.as_ref().map(|p| **p), 30 * SECOND);
    match hangu_identity::token::Issuer::new((*issuer.token).clone()) {
        Ok(token) => Some(Issuer {
            token,
            keys,
            jwks_pause,
        }),
        Err(errors) => {
            for error in errors {
                desk.wrong(&issuer.token.span(), unusable(&error));
            }
            None
        }
    }
}

fn is_loopback_http(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(|rest| {
        let authority = rest.split('/').next().unwrap_or_default();
        authority
            .parse::<SocketAddr>()
            .is_ok_and(|a| a.ip().is_loopback())
    })
}
