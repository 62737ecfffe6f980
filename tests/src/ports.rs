//! Free ports, below those that the system gives out, so that no outgoing connection takes one before it is used.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nothing listens on, and that no other call in this process was given.
///
/// # Panics
/// Where 1,000 in a row are in use.
#[must_use]
pub fn free() -> u16 {
    // Test processes that run side by side begin at different places.
    let start = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..1_000 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + start.wrapping_add(step) % COUNT;
        let is_free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
            && TcpListener::bind((Ipv6Addr::LOCALHOST, port))
                .map_or_else(|e| e.kind() != std::io::ErrorKind::AddrInUse, |_| true);
        if is_free {
            return port;
        }
    }
    panic!("no port is free from {FIRST} on")
}
