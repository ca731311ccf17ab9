//! The write port: logs one writer in, and stores what it posts.

mod login;
mod ordering_barrier;
mod posting;
mod reply_queue;
mod task;

pub(crate) use self::task::{ShutdownSignal, WriterSession};
