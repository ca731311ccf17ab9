//! Carries out the effects of the application. Sockets, files and tasks are used only here. No effect makes the caller
//! wait; results arrive as events, in order, through one bounded channel.

mod context;
mod draft_file;
mod files;
mod history;
mod history_log;
mod history_sink;
mod keeper;
mod listener;
mod outbox_files;
mod registration;
mod share;
mod start;
mod translate;
mod writer;
mod writer_watch;

pub(crate) use start::Services;
