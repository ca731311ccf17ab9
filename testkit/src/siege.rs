//! The siege: the real programs under hostile loads, on the loopback interface, each load bounded. It measures what the
//! kernel says of the processes from outside and what honest peers meet meanwhile; it looks into none of them.
//!
//! ```text
//!  hostile peers ──> chat-server process <── honest peers         hostile server ──> chat, chat-tui processes
//!                        │ /proc, /metrics      │ latency                               │ /proc, exit code, words
//!                        v                      v                                       v
//!                        └────────────────────── table: what was done, figure, must hold, verdict
//! ```

mod dead_readers;
mod descriptors;
mod endless_lines;
mod flood;
mod hostile_server;
mod kernel;
mod latency;
mod misled_clients;
mod options;
mod peer;
mod posting_flood;
mod programs;
mod run;
mod server;
mod slow_loris;
mod table;

pub use descriptors::raise_descriptor_limit;
pub use options::{Options, Scenario};
pub use run::run;
