//! Bearer tokens of issuers that a test holds the key of.

use std::fs;
use std::path::Path;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// An issuer of tokens.
pub struct Issuer {
    algorithm: Algorithm,
    key: EncodingKey,
    key_id: String,
    public: Value,
}

impl Issuer {
    /// The issuer that the shipped configuration trusts, from the key that `hangu setup` made.
    pub(crate) fn of_pass(pkcs8: &Path) -> Self {
        Self::of_ec(&fs::read(pkcs8).expect("the sample issuer's key"), "sample")
    }

    /// An issuer with a new ES256 key.
    ///
    /// # Panics
    /// Where there are no random numbers.
    #[must_use]
    pub fn es256(key_id: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self::of_ec(key.to_pkcs8v1().expect("a key as PKCS#8").as_ref(), key_id)
    }

    fn of_ec(pkcs8: &[u8], key_id: &str) -> Self {
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).expect("a P-256 key");
        let point = pair
            .public_key()
            .as_ref()
            .get(1..)
            .and_then(|p| p.split_at_checked(32));
        let (x, y) = point.expect("an uncompressed point");
        let public = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": key_id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        Self {
            algorithm: Algorithm::ES256,
            key: EncodingKey::from_ec_der(pkcs8),
            key_id: key_id.to_owned(),
            public,
        }
    }

    /// An issuer with a new RS256 key of 2,048 bits.
    ///
    /// # Panics
    /// Where there are no random numbers.
    #[must_use]
    pub fn rs256(key_id: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let parts = pair.public_key();
        let public = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id,
            "n": URL_SAFE_NO_PAD.encode(parts.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(parts.exponent().big_endian_without_leading_zero()),
        });
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().expect("a key as PKCS#8");
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("an RSA key");
        Self {
            algorithm: Algorithm::RS256,
            key,
            key_id: key_id.to_owned(),
            public,
        }
    }

    /// Its key set.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// A token for a subject of the `hr` department that the shipped configuration takes for an hour, with claims changed
    /// or added; a claim of `null` is left out.
    ///
    /// # Panics
    /// Where it cannot be signed.
    #[must_use]
    pub fn token(&self, subject: &str, changes: &Value) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": "https://idp.gov.example", "aud": "https://hangu.gov.example", "sub": subject,
            "client_id": "test", "iat": now, "exp": now + 3_600, "acr": "urn:gov:cn:aal:3",
            "department": "hr", "clearance": 2, "device_trust": "80", "jti": unique(),
        });
        if let (Some(claims), Some(changes)) = (claims.as_object_mut(), changes.as_object()) {
            for (name, value) in changes {
                if value.is_null() {
                    claims.remove(name);
                } else {
                    claims.insert(name.clone(), value.clone());
                }
            }
        }
        self.signed("at+jwt", &claims)
    }

    /// Any claims, signed.
    ///
    /// # Panics
    /// Where they cannot be signed.
    #[must_use]
    pub fn signed(&self, kind: &str, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(kind.to_owned());
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.key).expect("a token is signed")
    }
}

fn unique() -> String {
    let mut bytes = [0u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random numbers");
    URL_SAFE_NO_PAD.encode(bytes)
}
