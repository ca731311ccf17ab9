//! Shared test support: a fault-injecting proxy, a checker that compares what was reported to writers with what
//! listeners received, a rig that runs real processes under faults (`chaos`), the same in virtual time (`simulate`), several
//! nodes of one room in virtual time (`simulate --nodes`), `nats-server` processes for real ones, hostile loads against the real programs (`siege`), a disk that
//! loses what was not synced (`power-cut`), and drivers of Chromium and Firefox. Not published, and never a dependency of a
//! program.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bidi;
pub mod checker;
pub mod cluster;
pub mod devtools;
pub mod document;
pub mod fault;
pub mod hostile;
mod link;
#[cfg(unix)]
pub mod nats_servers;
#[cfg(unix)]
pub mod power_cut;
pub mod process;
#[cfg(unix)]
mod programs;
pub mod proxy;
pub mod pty;
pub mod quantile;
#[cfg(unix)]
pub mod rig;
pub mod scratch;
pub mod scripted_peer;
#[cfg(unix)]
pub mod shell;
#[cfg(unix)]
pub mod siege;
#[cfg(unix)]
pub mod sim;
#[cfg(unix)]
mod volume;
pub mod wire;
