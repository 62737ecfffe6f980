//! Reading claims: each either has exactly the shape it should have, or the token is refused.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{TokenRefusal, issuer::ClaimMapFile, jwks::printable};
use crate::caller::{Assurance, Caller, CallerKind, Proof, check_id};

/// Most roles that are taken from a token. Chosen; more would be a directory, not a token.
const MAX_ROLES: usize = 256;

/// The claims of a token whose signature is good.
pub(super) struct Claims<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    /// A claim by name, or by JSON pointer when it begins with `/`.
    fn get(&self, name: &str) -> Option<&'a Value> {
        let Some(path) = name.strip_prefix('/') else {
            return self.0.get(name);
        };
        let (first, rest) = path
            .split_once('/')
            .map_or((path, None), |(first, rest)| (first, Some(rest)));
        let value = self.0.get(&first.replace("~1", "/").replace("~0", "~"))?;
        rest.map_or(Some(value), |rest| value.pointer(&format!("/{rest}")))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, TokenRefusal> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| invalid(name)),
        }
    }

    /// A moment in whole seconds; fractions, texts and numbers beyond the calendar are refused.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, TokenRefusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => {
                let moment = value
                    .as_i64()
                    .filter(|seconds| *seconds >= 0)
                    .map(Timestamp::from_second);
                moment
                    .and_then(Result::ok)
                    .map(Some)
                    .ok_or_else(|| invalid(name))
            }
        }
    }

    /// Whether `aud`, a text or a list of texts, has one of the wanted audiences.
    pub(super) fn is_for(&self, audiences: &[String]) -> Result<bool, TokenRefusal> {
        let wanted = |text: &str| audiences.iter().any(|audience| audience == text);
        match self.0.get("aud") {
            None => Err(missing("aud")),
            Some(Value::String(text)) => Ok(wanted(text)),
            Some(Value::Array(list)) => {
                let list: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                Ok(list.ok_or_else(|| invalid("aud"))?.into_iter().any(wanted))
            }
            Some(_) => Err(invalid("aud")),
        }
    }

    /// SHA-256 thumbprint of the certificate the token is bound to (RFC 8705), base64url.
    ///
    /// A binding that is not understood is a refusal: ignoring it would turn the token into a bearer token.
    pub(super) fn thumbprint(&self) -> Result<Option<String>, TokenRefusal> {
        match self.0.get("cnf") {
            None => Ok(None),
            Some(Value::Object(confirmation)) => {
                if let Some(other) = confirmation.keys().find(|name| *name != "x5t#S256") {
                    return Err(TokenRefusal::UnknownConfirmation(printable(other)));
                }
                let thumbprint = confirmation.get("x5t#S256").and_then(Value::as_str);
                thumbprint
                    .map(|text| Some(text.to_owned()))
                    .ok_or_else(|| invalid("cnf"))
            }
            Some(_) => Err(invalid("cnf")),
        }
    }

    /// The caller that the claims speak of.
    pub(super) fn caller(&self, map: &ClaimMapFile) -> Result<Caller, TokenRefusal> {
        let subject = self
            .text(&map.subject)?
            .ok_or_else(|| missing(&map.subject))?;
        let for_itself = self
            .text("client_id")?
            .is_some_and(|client| self.0.get("sub").is_some_and(|sub| sub == client));
        let (prefix, kind) = match &map.service_prefix {
            Some(prefix) if for_itself => (prefix, CallerKind::Service),
            Some(_) | None => (&map.prefix, map.kind),
        };
        let id = format!("{prefix}{subject}");
        if subject.is_empty() || check_id(&id).is_err() {
            return Err(invalid(&map.subject));
        }
        let name = match &map.name {
            Some(claim) => self.text(claim)?,
            None => None,
        };
        let department = match &map.department {
            Some(claim) => self.text(claim)?.map(str::to_owned),
            None => None,
        };
        Ok(Caller {
            name: name.unwrap_or(subject).to_owned(),
            id,
            kind,
            proof: Proof::Token,
            assurance: self.assurance(map)?,
            clearance: self.clearance(map)?,
            department,
            roles: self.roles(map)?,
            attributes: map
                .attributes
                .iter()
                .filter_map(|(attribute, claim)| Some((attribute, claim, self.get(claim)?)))
                .map(|(attribute, claim, value)| {
                    Ok((
                        attribute.clone(),
                        scalar(value).ok_or_else(|| invalid(claim))?,
                    ))
                })
                .collect::<Result<_, TokenRefusal>>()?,
        })
    }

    fn assurance(&self, map: &ClaimMapFile) -> Result<Assurance, TokenRefusal> {
        let Some(claim) = &map.assurance.claim else {
            return Ok(map.assurance.default);
        };
        let Some(value) = self.get(claim) else {
            return Ok(map.assurance.default);
        };
        let value = scalar(value).ok_or_else(|| invalid(claim))?;
        Ok(map
            .assurance
            .levels
            .get(&value)
            .copied()
            .unwrap_or(map.assurance.default))
    }

    fn clearance(&self, map: &ClaimMapFile) -> Result<u8, TokenRefusal> {
        let Some(claim) = &map.clearance.claim else {
            return Ok(map.clearance.default);
        };
        let Some(value) = self.get(claim) else {
            return Ok(map.clearance.default);
        };
        let granted = value.as_u64().ok_or_else(|| invalid(claim))?;
        Ok(u8::try_from(granted)
            .unwrap_or(u8::MAX)
            .min(map.clearance.max))
    }

    fn roles(&self, map: &ClaimMapFile) -> Result<Vec<String>, TokenRefusal> {
        let Some(claim) = &map.roles else {
            return Ok(Vec::new());
        };
        let mut roles: Vec<String> = match self.get(claim) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => text.split_ascii_whitespace().map(str::to_owned).collect(),
            Some(Value::Array(list)) => {
                let roles = list
                    .iter()
                    .map(|role| role.as_str().map(str::to_owned))
                    .collect::<Option<_>>();
                roles.ok_or_else(|| invalid(claim))?
            }
            Some(_) => return Err(invalid(claim)),
        };
        if roles.len() > MAX_ROLES {
            return Err(invalid(claim));
        }
        roles.sort_unstable();
        roles.dedup();
        Ok(roles)
    }
}

/// A text, whole number or boolean as text; anything else has no one spelling.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => number.as_i64().map(|number| number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn missing(name: &str) -> TokenRefusal {
    TokenRefusal::ClaimMissing(name.to_owned())
}

fn invalid(name: &str) -> TokenRefusal {
    TokenRefusal::ClaimInvalid(name.to_owned())
}

/// Checks the claims of a token whose signature is good by what was asked for, without leeway: times where they are
/// given, issuer and audience when they are wanted, and then `exp` must be there.
///
/// # Errors
///
/// The first reason to refuse them.
pub(crate) fn check_claims(
    claims: &Map<String, Value>,
    issuer: Option<&str>,
    audience: Option<&str>,
    now: Timestamp,
) -> Result<(), TokenRefusal> {
    let read = Claims(claims);
    if let Some(issuer) = issuer {
        match read.text("iss")? {
            None => return Err(missing("iss")),
            Some(given) if given != issuer => return Err(TokenRefusal::UnknownIssuer),
            Some(_) => {}
        }
    }
    if let Some(audience) = audience
        && !read.is_for(&[audience.to_owned()])?
    {
        return Err(TokenRefusal::WrongAudience);
    }
    match read.moment("exp")? {
        None if issuer.is_some() || audience.is_some() => return Err(missing("exp")),
        Some(expires) if now >= expires => return Err(TokenRefusal::Expired),
        Some(_) | None => {}
    }
    if read.moment("nbf")?.is_some_and(|moment| now < moment) {
        return Err(TokenRefusal::NotYet);
    }
    if read.moment("iat")?.is_some_and(|moment| now < moment) {
        return Err(TokenRefusal::IssuedInFuture);
    }
    Ok(())
}
