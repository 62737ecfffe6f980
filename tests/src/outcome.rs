//! What came of a request: the answer's status and reason, and the one event that it left.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Answer, Client, Pass, Zone};

/// The class of events about HTTP requests.
pub const HTTP: u64 = 4002;
/// The class of events about signing in and out.
pub const SIGN_IN: u64 = 3002;

/// How long events may take to their segment on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

static NEXT: AtomicU16 = AtomicU16::new(1);

/// A loopback address that no other stranger has, so that no limit or detection mixes tests up.
#[must_use]
pub fn unused_address() -> Ipv4Addr {
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    Ipv4Addr::new(127, 99, high, low)
}

impl Answer {
    /// Its status, and the reason where it is a refusal.
    #[must_use]
    pub fn outcome(&self) -> (u16, String) {
        let problem: Option<Value> = serde_json::from_slice(&self.body).ok();
        let reason = problem.as_ref().and_then(|p| p.get("reason")?.as_str());
        (self.status.as_u16(), reason.unwrap_or_default().to_owned())
    }
}

impl Pass {
    /// A client of a zone from an address that no other has.
    #[must_use]
    pub fn stranger(&self, zone: Zone) -> Client {
        self.client(zone).from(unused_address())
    }

    /// The events of a class from a client's address, waited for until there are so many.
    ///
    /// # Panics
    /// Where they do not come within ten seconds.
    pub async fn events_of(&self, client: &Client, class: u64, count: usize) -> Vec<Value> {
        let address = client.address().expect("a stranger").to_string();
        let begun = Instant::now();
        loop {
            let events: Vec<Value> = self
                .events()
                .into_iter()
                .filter(|e| word(e, "/src_endpoint/ip") == address)
                .filter(|e| e.get("class_uid").and_then(Value::as_u64) == Some(class))
                .collect();
            if events.len() >= count {
                return events;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{count} events of class {class} from {address} among {events:#?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The event of the only request of a client.
    ///
    /// # Panics
    /// Where there is none, or more than one.
    pub async fn event_of(&self, client: &Client) -> Value {
        let mut events = self.events_of(client, HTTP, 1).await;
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }
}

/// A text in an event by its JSON pointer; empty where there is none.
#[must_use]
pub fn word<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The texts of a list in an event by its JSON pointer.
#[must_use]
pub fn words<'a>(event: &'a Value, pointer: &str) -> Vec<&'a str> {
    event
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}
