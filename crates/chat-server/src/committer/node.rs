//! The store of a node of a room on several nodes, and the thread that owns it. It packs what waits into batches for the log
//! that the nodes share, applies what the log brings, shows it, and then answers. So a confirmation means stored at this
//! node, at its place in the one order of the room.

mod away;
mod outcomes;
mod owner;
mod proposing;
mod request;
mod thread;
mod upkeep;

pub(super) use self::{owner::NodeOwner, thread::start};
