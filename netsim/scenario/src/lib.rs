//! The scenario file of netsim.
//!
//! A scenario says who takes part ([`Group`]), over which links ([`Network`]), what they do
//! ([`Rooms`], [`Resources`], [`Envelopes`]), what happens to them ([`Event`]) and what must hold
//! ([`Assertion`]). [`Scenario::load`] reads one and gives it back checked, or says everything
//! that is wrong with it, each with its line:
//!
//! ```
//! use netsim_scenario::Scenario;
//!
//! let text = r#"
//! name = "two"
//! duration = "1m"
//!
//! [[group]]
//! name = "nodes"
//! kind = "node"
//! count = 2
//! sesion = { kind = "forever" }
//! "#;
//! let wrong = Scenario::parse("two.toml".as_ref(), text).unwrap_err();
//! assert_eq!(
//!     wrong.to_string(),
//!     "two.toml:9:1: unknown key `sesion` in [[group]] \"nodes\"; did you mean `session`?"
//! );
//! ```
//!
//! The types say what a file may hold: [`schema`] is derived from them, the structure of a file
//! is checked against that schema, and the tables of docs/netsim-scenarios.md are printed from
//! it. What spans keys (a group that an event names, an assertion on a metric) is checked after.
//!
//! Nothing here knows of the simulator. The draws that a scenario defines are here too
//! ([`Session::draw`], [`Arrival::times`], [`Sizes::draw`]), from whatever generator they are
//! given.

mod arrival;
mod assertion;
mod bandwidth;
mod event;
mod group;
mod load;
pub mod metrics;
mod mistake;
mod nat;
mod network;
mod reference;
mod region;
mod rooms;
mod scenario;
mod schema;
mod session;
mod size;
mod span;
mod unit;
mod workload;

pub use arrival::Arrival;
pub use assertion::{Assertion, Expectation, Stat, Window};
pub use bandwidth::Bandwidth;
pub use event::{Action, Event};
pub use group::{Attach, Behave, Carrier, Freeze, Group, Kind, Leave, Restart};
pub use load::Findings;
pub use mistake::{Mistake, Mistakes, ScenarioError, Step};
pub use nat::{Nat, NatMix};
pub use network::{Latency, Link, LinkSettings, Network};
pub use reference::{key_tables, metric_table};
pub use region::Region;
pub use rooms::{Joins, Rooms, Sizes};
pub use scenario::Scenario;
pub use schema::schema;
pub use session::{Session, Trace};
pub use size::Size;
pub use span::Span;
pub use workload::{Envelopes, Popularity, Resources};
