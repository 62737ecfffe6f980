//! Who is who: trust, verification, issuing, revocation.
