//! The fault rig with several nodes: `chaos --nodes 3`. Each node and each server of NATS has a network of its own, in which
//! it can be cut off, and a disk of its own, which can be filled.
//!
//! ```text
//!  writer processes ──> proxies ─┐                          ┌─> proxies ──> listener processes
//!                                ├─> node 1, 2, 3 <─────────┘
//!                                │     │ kill, stop, clock, old copy, new copy, full disk
//!                                │     v
//!                                │   NATS 1, 2, 3: kill, stop, pause, lame duck, cut off, full disk, damaged files
//!                                v
//!  ledger ──────────────────── final check <── the stores of all nodes
//! ```

mod accounts;
mod chat_node;
mod clock;
mod damage;
mod host_network;
mod node_plan;
mod room;
mod run;
mod stores;

pub(super) use run::run;
