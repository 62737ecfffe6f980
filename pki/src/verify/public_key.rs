//! Which public keys are strong enough.

use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// What is wrong with a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum KeyFault {
    /// Neither ECDSA, RSA nor Ed25519.
    #[error("the key's algorithm is none of ECDSA, RSA, Ed25519")]
    Algorithm,
    /// A curve other than P-256, P-384 and P-521, or one given by its parameters.
    #[error("the key's curve is none of P-256, P-384, P-521 by name")]
    Curve,
    /// The RSA modulus is short, overlong or of odd length.
    #[error("the RSA modulus has {0} bits: 2048 to 8192 and a multiple of 8 are accepted")]
    Modulus(usize),
    /// The RSA exponent is even, small or huge.
    #[error("the RSA exponent is not an odd number from 65537")]
    Exponent,
}

/// Checks that `key` is one that we are ready to rely on.
pub(crate) fn check(key: &SubjectPublicKeyInfo<'_>) -> Result<(), KeyFault> {
    let algorithm = &key.algorithm.algorithm;
    if *algorithm == OID_SIG_ED25519 {
        return Ok(());
    }
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = key
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.as_oid().ok())
            .ok_or(KeyFault::Curve)?;
        let known = [OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521].contains(&curve);
        return if known { Ok(()) } else { Err(KeyFault::Curve) };
    }
    if *algorithm != OID_PKCS1_RSAENCRYPTION {
        return Err(KeyFault::Algorithm);
    }
    let Ok(PublicKey::RSA(rsa)) = key.parsed() else {
        return Err(KeyFault::Algorithm);
    };
    let bits = significant_bits(rsa.modulus);
    if !(2048..=8192).contains(&bits) || !bits.is_multiple_of(8) {
        return Err(KeyFault::Modulus(bits));
    }
    match rsa.try_exponent() {
        Ok(exponent) if exponent >= 65537 && exponent % 2 == 1 => Ok(()),
        _ => Err(KeyFault::Exponent),
    }
}

fn significant_bits(integer: &[u8]) -> usize {
    let mut octets = integer.iter().skip_while(|octet| **octet == 0);
    octets.next().map_or(0, |first| {
        8 - first.leading_zeros() as usize + 8 * octets.count()
    })
}
