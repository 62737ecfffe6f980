//! Random bytes from the operating system, by way of aws-lc-rs.

use aws_lc_rs::{error::Unspecified, rand};

/// `N` random bytes.
///
/// # Errors
///
/// When the operating system's generator fails; nothing may be issued then.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes)?;
    Ok(bytes)
}
