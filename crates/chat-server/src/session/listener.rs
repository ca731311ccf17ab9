//! The listen port: sends the log to one listener.

mod actions;
mod catch_up;
mod exit;
mod idle;
mod input;
mod output;
mod resume;
mod stall;
mod task;
mod write_ready;

pub(crate) use self::{
    exit::ListenerExit,
    idle::IdleListener,
    task::{ListenerSession, TaskEnd},
};

#[cfg(test)]
mod tests;
