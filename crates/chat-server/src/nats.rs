//! The log that the nodes of a room share, in NATS JetStream.
//!
//! A batch is published to the subject `chat.NAME` and counts as stored when it is read: JetStream's acknowledgement is not
//! used. It publishes what it has stored again under `chat-log.NAME`, which every node subscribes to; what is missing
//! there is fetched by its place. So there is no consumer in JetStream that could fail over, and any copy of the log will
//! do. The place of a batch is its sequence number in the stream.

mod auth;
mod connection;
mod error;
mod fetch;
mod log;
mod options;
mod shared;
mod stream;
mod tail;
mod task;

pub use self::error::NatsError;
pub use self::fetch::read_log;
pub use self::log::NatsLog;
pub use self::options::{LogName, LogNameError, NatsOptions};
pub use self::stream::{LogCopy, LogStatus, check_log, close_log, create_log, log_status, replace_log};
