//! The gateway: the path of a request, and everything around it that needs a network.
//!
//! ```text
//! accept ─► tls ─► route ─► identify ─► limit ─► inspect ─► decide ─► forward ─► redact ─► record
//!    └───────┴───────┴─────────┴──────────┴────────┴──────────┴── refusal ──────────────────►┘
//!                                                                                      event ─► watch
//!                                               risk, bans, revocations ◄──────────────────────┘
//! ```
//!
//! Reading order: [`path`] is the path, a line for each stage; [`stage`] has the stages; [`exchange`] is what is known
//! about a request and [`refusal`] every reason to say no. [`serve`] accepts connections, [`snapshot`] is the
//! configuration in force, [`watch`] what is noticed and done about it, [`admin`] the console's interface.

pub mod admin;
pub mod alerts_file;
pub mod answer;
pub mod body;
pub mod canon;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connection;
pub mod control;
pub mod discovery;
pub mod drive;
pub mod exchange;
pub mod gateway;
pub mod guard;
pub mod handshake;
pub mod id;
pub mod identities;
pub mod ja4;
pub mod journal;
pub mod jwks;
pub mod key_use;
pub mod keys;
pub mod messages;
pub mod metrics;
pub mod own;
pub mod path;
pub mod policy;
pub mod recorded;
pub mod refusal;
pub mod reload;
pub mod rulesets;
pub mod serve;
pub mod snapshot;
pub mod stage;
pub mod start;
pub mod streams;
pub mod triage;
pub mod tunnel;
pub mod upstream;
pub mod watch;
pub mod world;
