//! Carries out what the application asks for. Sockets, files and tasks are used here only. No effect makes the caller
//! wait; answers arrive as events, in order, through one bounded channel.

mod context;
mod files;
mod history;
mod history_sink;
mod listener;
mod start;
mod translate;
mod writer;

pub(crate) use start::Services;
