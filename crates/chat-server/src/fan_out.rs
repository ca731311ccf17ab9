//! Delivery to listeners that keep up: one task writes new messages to all of their sockets.
//!
//! The session of a listener (`session/listener`) can do all of this itself, and does it for streams that cannot be
//! shared, such as TLS. But waking ten thousand tasks for a message costs more than writing it to ten thousand sockets.
//! A session that has nothing left to write therefore lends its socket and its cursor to this task, and sleeps until
//! its peer sends something or falls behind. It needs no task of its own in the meantime.

mod idle;
mod round;
mod socket;
mod subscriber;
mod task;

pub(crate) use self::{
    idle::IdleSession,
    subscriber::{Subscriber, put_away},
    task::FanOut,
};

#[cfg(test)]
mod tests;
