//! The shared log: the newest messages, encoded once for all listeners.

mod batch;
mod cursor;
mod head;
mod shared_log;

pub(crate) use self::{
    batch::{Batch, Form},
    cursor::LogCursor,
    head::LogHead,
    shared_log::{LogRead, SharedLog},
};
