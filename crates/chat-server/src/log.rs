//! The shared log: the newest messages, encoded once for all listeners.

mod batch;
mod cursor;
mod head;
mod shared_log;

pub(crate) use self::{
    batch::{Batch, Form, encode_tombstone},
    cursor::LogCursor,
    head::LogHead,
    shared_log::{LogRead, Removal, SharedLog},
};
