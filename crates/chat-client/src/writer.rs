//! The write port: a queue of messages, their order and pace, and the result of each.

pub(crate) mod builder;
pub(crate) mod delivery;
pub(crate) mod handle;
pub(crate) mod hold;
pub(crate) mod options;
mod pacing;
mod queue;
mod request;
pub(crate) mod shutdown;
mod task;
