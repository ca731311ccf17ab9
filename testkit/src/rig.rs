//! The fault rig behind `chaos`: server, writers and listeners run as processes with fault-injecting proxies between
//! them, and are killed at random. At the end the checker compares what was reported to writers with what every
//! listener and the log contain.
//!
//! ```text
//!  writer processes ──> proxies ──> server process ──> proxies ──> listener processes
//!    │ reports            │ faults     │ kills, clock,      │ faults     │ history files
//!    v                    v            v full disk          v            v
//!  ledger ─────────────────── final check <──────── one clean reading of the whole log
//! ```

mod disk;
mod doors;
mod fault_plan;
pub(crate) mod final_check;
pub(crate) mod ledger;
mod nodes;
mod operator;
mod options;
pub(crate) mod post_text;
mod process;
mod process_set;
mod proxied_server;
mod role_listener;
mod role_server;
mod role_writer;
mod run;
mod small_disks;
pub(crate) mod standing;
mod table;
pub(crate) mod timeouts;
pub(crate) mod writer_driver;

pub use options::{Options, Role};
pub use role_listener::listen;
pub use role_server::serve;
pub use role_writer::write;
pub use run::run;
