//! The same promises in one thread, in virtual time, over links in memory: the client's real services and files, the
//! server's real sessions and committer, and faults from a seed. One seed is one schedule, to the millisecond.

mod journal;
mod listeners;
mod net;
mod schedule;
mod writers;

pub use schedule::{Outcome, simulate};
