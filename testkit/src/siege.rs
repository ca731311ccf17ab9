//! Hostile loads against the real programs on the loopback interface, each of a bounded size. Measures the processes
//! from outside, through `/proc` and `/metrics`, and what honest peers experience meanwhile.
//!
//! ```text
//!  hostile peers ──> chat-server process <── honest peers         hostile server ──> chat, chat-tui processes
//!                        │ /proc, /metrics      │ latency                               │ /proc, exit code, output
//!                        v                      v                                       v
//!                        └────────────────────── table: load, figure, requirement, result
//! ```

mod client_limits;
mod connection_flood;
mod descriptors;
mod hostile_server;

mod options;
mod posting_flood;
mod run;
mod server_limits;
mod slow_loris;
mod stalled_readers;
mod table;

pub use descriptors::raise_descriptor_limit;
pub use options::{Options, Scenario};
pub use run::run;
