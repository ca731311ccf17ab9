//! The simulation behind `simulate`: the client's services and files, the server's sessions and committer, all in one
//! thread and virtual time over in-memory links with faults from a seed. One seed is one schedule, to the millisecond.

mod journal;
mod listeners;
mod network;
mod operator;
mod schedule;
mod writers;

pub use schedule::{ScheduleResult, simulate};
