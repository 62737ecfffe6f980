//! What an authority is called and how long things last; stored beside its keys.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::AuthorityError;
use super::store::{Folder, Lock, Mode};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Names and times of an authority, fixed when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The organization, the `O` of both CA certificates.
    pub organization: String,
    /// Common name of the root.
    pub root: String,
    /// Common name of the issuing CA.
    pub issuing: String,
    /// Where clients find the CRL, put into every leaf. Absent: lists are handed out by other means.
    pub crl_url: Option<String>,
    /// How long the root is valid. Default 10 years, chosen.
    pub root_validity: Duration,
    /// How long the issuing CA is valid. Default 3 years, chosen.
    pub issuing_validity: Duration,
    /// The longest validity of a leaf. Default 398 days (CA/Browser baseline requirements, section 6.3.2).
    pub max_leaf_validity: Duration,
    /// From one CRL of the issuing CA to the date by which the next is due. Default 7 days, chosen.
    pub crl_validity: Duration,
    /// The same for the root, whose key may be far away. Default 1 year, chosen.
    pub root_crl_validity: Duration,
}

impl Names {
    /// The names that an organization's authority gets when nothing else is asked for.
    #[must_use]
    pub fn of(organization: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            root: format!("{organization} Root CA"),
            issuing: format!("{organization} Issuing CA"),
            crl_url: None,
            root_validity: 3650 * DAY,
            issuing_validity: 1095 * DAY,
            max_leaf_validity: 398 * DAY,
            crl_validity: 7 * DAY,
            root_crl_validity: 365 * DAY,
        }
    }

    pub(super) fn check(&self) -> Result<(), AuthorityError> {
        for (what, value) in [
            ("organization", &self.organization),
            ("root", &self.root),
            ("issuing", &self.issuing),
        ] {
            // RFC 5280 appendix A: at most 64 characters.
            let length = value.chars().count();
            if !(1..=64).contains(&length) || value.chars().any(char::is_control) {
                return Err(AuthorityError::Setting(format!(
                    "`{what}` is `{value}`: 1 to 64 characters without control characters"
                )));
            }
        }
        if self.root == self.issuing {
            return Err(AuthorityError::Setting(
                "`root` and `issuing` need different names".to_owned(),
            ));
        }
        if let Some(url) = &self.crl_url
            && !(url.starts_with("http://") && crate::name::is_uri(url))
        {
            return Err(AuthorityError::Setting(format!(
                "`crl_url` is `{url}`: an `http://` URL, since a list is needed before TLS can be trusted"
            )));
        }
        if self.issuing_validity > self.root_validity
            || self.max_leaf_validity > self.issuing_validity
        {
            return Err(AuthorityError::Setting(
                "leaves may not outlive the issuing CA, nor that the root".to_owned(),
            ));
        }
        if self.root_validity > 36500 * DAY {
            return Err(AuthorityError::Setting(
                "`root_validity` is over 100 years".to_owned(),
            ));
        }
        if self.crl_validity < Duration::from_secs(60)
            || self.root_crl_validity < Duration::from_secs(60)
        {
            return Err(AuthorityError::Setting(
                "a CRL is valid for at least 1 minute".to_owned(),
            ));
        }
        if self.crl_validity > self.issuing_validity || self.root_crl_validity > self.root_validity
        {
            return Err(AuthorityError::Setting(
                "a CRL may not outlive its issuer".to_owned(),
            ));
        }
        Ok(())
    }
}

/// What `authority.json` holds. Its presence says that the folder is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) names: Names,
    /// The number of the newest CRL, of both issuers.
    pub(super) crl_number: u64,
}

impl State {
    pub(super) fn load(folder: &Folder) -> Result<Self, AuthorityError> {
        let text = folder.read_text(super::STATE)?;
        serde_json::from_str(&text)
            .map_err(|error| folder.damaged(super::STATE, &error.to_string()))
    }

    pub(super) fn store(&self, folder: &Folder, lock: &Lock) -> Result<(), AuthorityError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| AuthorityError::Unreadable(error.to_string()))?;
        folder.write(lock, super::STATE, text.as_bytes(), Mode::Secret)
    }
}
