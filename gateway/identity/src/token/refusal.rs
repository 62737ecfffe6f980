//! Every reason to refuse a token.

/// Why a token was refused, grouped by who has to act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    // The caller brings something that is no token we take.
    /// Longer than the cap.
    #[error("the token is {length} bytes long; at most {max} are read", max = super::MAX_TOKEN_BYTES)]
    TooLarge {
        /// Its length in bytes.
        length: usize,
    },
    /// Not three parts of canonical base64url with a JSON object first.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Five parts: encrypted.
    #[error("the token is encrypted; send a signed one")]
    Encrypted,
    /// The content of the token is a token.
    #[error("the token contains another token")]
    Nested,
    /// The header brings keys, points to keys, or changes how the rest is read.
    #[error("the token's header has `{0}`, which is never accepted")]
    HeaderNotAllowed(&'static str),
    /// The algorithm is not known, or is `none` or a symmetric one.
    #[error("the token's algorithm is not one of the signature algorithms accepted here")]
    UnknownAlgorithm,
    /// The algorithm is known but not allowed for this issuer.
    #[error("the algorithm `{0}` is not allowed for this issuer")]
    AlgorithmNotAllowed(&'static str),
    /// The `typ` is not one that this issuer's access tokens have.
    #[error("the token's `typ` is not one accepted for this issuer")]
    TypeNotAllowed,
    /// An id token or a logout token was sent as an access token.
    #[error("the token is not an access token: it has `{0}`")]
    NotAccessToken(&'static str),

    // The keys do not fit; fetching them again may help.
    /// No key of this id in the pinned set. The gateway may fetch the set again.
    #[error("no key `{kid}` is known for the issuer `{issuer}`")]
    UnknownKey {
        /// The issuer whose set was searched; empty when no issuer was asked for.
        issuer: String,
        /// The key id in the token.
        kid: String,
    },
    /// No key id, and more than one key it could be, or none.
    #[error("the token names no key, and the issuer does not have exactly one that fits")]
    KeyNotNamed,
    /// The key is of another kind than the algorithm, or made for another.
    #[error("the token's key is not for `{0}`")]
    KeyMismatch(&'static str),

    // The token is not good.
    /// The signature is wrong.
    #[error("the signature is wrong")]
    BadSignature,
    /// A claim is missing.
    #[error("the claim `{0}` is missing")]
    ClaimMissing(String),
    /// A claim has the wrong type or an impossible value.
    #[error("the claim `{0}` has a value that cannot be used")]
    ClaimInvalid(String),
    /// The issuer is not configured.
    #[error("the issuer is not one accepted here")]
    UnknownIssuer,
    /// The token is for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// The token's time is over.
    #[error("the token has expired")]
    Expired,
    /// The token's time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// The token was issued in the future.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// The token was issued too long ago, whatever its own expiry says.
    #[error("the token was issued too long ago")]
    TooOld,

    // The token is good, but not from whoever presents it.
    /// The token is bound to a key in a way that is not checked here.
    #[error("the token is bound to its sender by `{0}`, which is not supported")]
    UnknownConfirmation(String),
    /// The token is bound to a certificate that was not presented.
    #[error("the token is bound to a client certificate that was not presented")]
    NotTheSender,
}

impl TokenRefusal {
    /// A stable word for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "token-too-large",
            Self::Malformed(_) => "token-malformed",
            Self::Encrypted => "token-encrypted",
            Self::Nested => "token-nested",
            Self::HeaderNotAllowed(_) => "token-header",
            Self::UnknownAlgorithm => "token-algorithm-unknown",
            Self::AlgorithmNotAllowed(_) => "token-algorithm",
            Self::TypeNotAllowed => "token-type",
            Self::NotAccessToken(_) => "token-not-access",
            Self::UnknownKey { .. } => "token-key-unknown",
            Self::KeyNotNamed => "token-key-missing",
            Self::KeyMismatch(_) => "token-key-mismatch",
            Self::BadSignature => "token-signature",
            Self::ClaimMissing(_) => "token-claim-missing",
            Self::ClaimInvalid(_) => "token-claim-invalid",
            Self::UnknownIssuer => "token-issuer",
            Self::WrongAudience => "token-audience",
            Self::Expired => "token-expired",
            Self::NotYet => "token-not-yet",
            Self::IssuedInFuture => "token-from-future",
            Self::TooOld => "token-too-old",
            Self::UnknownConfirmation(_) => "token-confirmation",
            Self::NotTheSender => "token-sender",
        }
    }
}
