//! Drives a state machine over a stream. The only module with I/O.

mod driver;
mod error;
mod input;
mod output;
mod timer;

pub use driver::Connection;
pub use error::ConnectionError;
pub use timer::DeadlineTimer;
