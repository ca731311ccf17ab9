//! The fault rig: a server, writers and listeners as processes of their own, with broken links
//! between them and sudden deaths among them. In the end the checker holds what was told against
//! what is there.
//!
//! ```text
//!  writer processes ──> proxies ──> server process ──> proxies ──> listener processes
//!    │ reports            │ faults     │ kills, clock,      │ faults     │ history files
//!    v                    v            v full disk          v            v
//!  ledger ────────────────────── verdict <───────── one clean reading of the whole log
//! ```

mod child;
mod disk;
pub(crate) mod ledger;
mod options;
pub(crate) mod patience;
mod role_listener;
mod role_server;
mod role_writer;
mod room;
mod run;
pub(crate) mod said;
mod small_disks;
mod strikes;
mod table;
pub(crate) mod typist;
pub(crate) mod verdict;

pub use options::{Options, Role};
pub use role_listener::listen;
pub use role_server::serve;
pub use role_writer::write;
pub use run::run;
