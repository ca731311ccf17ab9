//! The listen port: sends the log to one listener.

mod actions;
mod catch_up;
mod exit;
mod input;
mod output;
mod resume;
mod stall;
mod task;
mod write_ready;

pub(crate) use self::{exit::ListenerExit, task::ListenerSession};

#[cfg(test)]
mod tests;
