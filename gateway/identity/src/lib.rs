//! Who is asking: certificates, tokens, keys, sign-in and sessions.
