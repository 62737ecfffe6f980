//! Statements about a whole policy, kept beside it and proved or refuted over every request.
//!
//! A file of statements has one sentence a line; a line that begins with a blank continues the one before, and `#`
//! begins a comment.
//!
//! ```text
//! nothing from internet reaches an intranet portal without a certificate and assurance 3
//! nobody but role:clerk, role:officer writes to portal staff
//! role:suspended never reaches any portal
//! portal exchange is reached only from extranet, intranet
//! portal staff at /api/v1/* is read only with assurance 2 and device 60
//! portal staff, exchange always carries redact at least L2 from internet
//! role:sysadmin, role:secadmin and role:auditor exclude one another
//! ```
//!
//! | part | words |
//! |---|---|
//! | who | `nothing`, `nobody`, `nobody but NAMES`, `NAMES never` |
//! | does what | `reaches`, `reads` (GET, HEAD), `writes to` (POST, PUT, PATCH, DELETE), `sends METHODS to` |
//! | to what | `portal NAMES`, `zone NAMES` or `an INTRANET portal`, `any portal`, `department NAMES`, `host NAMES` |
//! | where | `from ZONES`, `at PATHS` (patterns as in rules, `/a/:id`, `/a/*`) |
//! | needs | `certificate`, `assurance 3`, `device 60`, `risk below 50`, `hours 09:00-18:00`, `weekdays`, joined by `and` |
//! | `… is reached only` | `from ZONES`, `by NAMES`, `with NEEDS`; also `is read only`, `is written only` |
//! | `… always carries` | `redact at least L2`, `log full` |
//! | `NAMES exclude one another` | nobody has two of these roles in one department; `in NAMES` names departments |
//!
//! A request is what the gateway makes of it: a canonical path, a method that is forwarded, every fact of `r.ctx` given
//! and within its range. A certificate that is missing or a need that is not met makes a request one `without` it. What
//! the gateway refuses beyond its crossings and the policy (a ban, an obligation that it cannot fulfil) is not relied on.
//!
//! ```text
//! written ─► names (checked) ─► places (zone, portal, host) ─► rows as formulas ─► cells ─► verdict
//! ```
//!
//! The requests of a statement that a row allows are a cell: a product of sets, one for each fact. A request is taken
//! from it and decided; if it is refused, the cell is split along the row that refuses until nothing is left (proved) or
//! a request is allowed (refuted). What the sets cannot express is never taken for proved.

mod callers;
mod cell;
mod exclusion;
mod formula;
mod names;
mod parse;
mod place;
mod proof;
mod ranges;
mod routes;
mod space;
mod verdict;
mod word;
mod world;
mod writer;
mod written;

pub use proof::{prove, within};
pub use verdict::{Finding, Obstacle, Verdict, Witness};
pub use world::{Certificates, Crossing, Portal, World, Zone};
