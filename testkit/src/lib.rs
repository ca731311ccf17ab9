//! What the tests of the workspace share: a proxy that breaks connections from a seed, a checker
//! that holds what writers were told against what listeners saw, the rig that puts real processes
//! between the two, a simulation of the same in virtual time, and the siege of the real programs.
//! Not published, and never a dependency of a program.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod checker;
pub mod fault;
mod link;
pub mod proxy;
pub mod rig;
pub mod scratch;
pub mod siege;
pub mod sim;
