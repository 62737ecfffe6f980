//! Streams that outlive their decision: WebSocket, server-sent events, long downloads.
//!
//! A revocation, a ban or a sign-out ends them. Only such streams are kept here, so that an ordinary request pays
//! nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hangu_identity::Caller;
use tokio_util::sync::CancellationToken;

/// All open streams.
#[derive(Debug, Default)]
pub struct Streams {
    /// Guards the map alone; taken when a long stream begins and ends.
    open: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    streams: HashMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    caller: Arc<Caller>,
    session: Option<String>,
    address: IpAddr,
    fingerprint: Option<String>,
    end: CancellationToken,
}

/// Which streams to end.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Those of a caller.
    Caller(&'a str),
    /// Those of one session, by its handle.
    Session(&'a str),
    /// Those of addresses that fit.
    Address(&'a dyn AddressTest),
    /// Those of a client certificate, by its fingerprint in hexadecimal.
    Certificate(&'a str),
}

/// Tells whether an address is meant.
pub trait AddressTest: std::fmt::Debug {
    /// Whether it is.
    fn fits(&self, address: IpAddr) -> bool;
}

impl AddressTest for ipnet::IpNet {
    fn fits(&self, address: IpAddr) -> bool {
        self.contains(&address)
    }
}

impl Streams {
    /// Remembers a stream until the returned value is dropped.
    pub fn enter(
        self: &Arc<Self>,
        caller: Arc<Caller>,
        session: Option<String>,
        address: IpAddr,
        fingerprint: Option<String>,
    ) -> Stay {
        let end = CancellationToken::new();
        let held = Held {
            caller,
            session,
            address,
            fingerprint,
            end: end.clone(),
        };
        let mut table = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        table.next += 1;
        let id = table.next;
        table.streams.insert(id, held);
        Stay {
            all: Arc::clone(self),
            id,
            end,
        }
    }

    /// Ends streams; tells how many.
    pub fn end(&self, whose: Whose<'_>) -> usize {
        let table = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |held: &&Held| match whose {
            Whose::Caller(id) => held.caller.id == id,
            Whose::Session(session) => held.session.as_deref() == Some(session),
            Whose::Address(test) => test.fits(held.address),
            Whose::Certificate(fingerprint) => held.fingerprint.as_deref() == Some(fingerprint),
        };
        table
            .streams
            .values()
            .filter(fits)
            .map(|held| held.end.cancel())
            .count()
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .streams
            .len()
    }
}

/// A stream's place among the open ones.
#[derive(Debug)]
pub struct Stay {
    all: Arc<Streams>,
    id: u64,
    end: CancellationToken,
}

impl Stay {
    /// The handle that ends the stream.
    pub fn end(&self) -> &CancellationToken {
        &self.end
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.all
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .streams
            .remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_of_a_network_ends_the_streams_from_it_and_no_others() {
        let streams = Arc::new(Streams::default());
        let near = streams.enter(Caller::nobody(), None, "192.0.2.7".parse().unwrap(), None);
        let far = streams.enter(
            Caller::nobody(),
            Some("s".to_owned()),
            "198.51.100.1".parse().unwrap(),
            None,
        );
        let net: ipnet::IpNet = "192.0.2.0/24".parse().unwrap();
        assert_eq!(streams.end(Whose::Address(&net)), 1);
        assert!(near.end().is_cancelled() && !far.end().is_cancelled());
        assert_eq!(streams.end(Whose::Session("s")), 1);
        drop((near, far));
        assert_eq!(streams.count(), 0);
    }
}
