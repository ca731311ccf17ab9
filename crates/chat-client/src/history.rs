//! The local history file: its format, reading, searching and following it, and writing it together with the cursor.

mod append;
mod error;
mod follow;
mod format;
mod read;
mod recorder;
mod recovery;
mod search;

pub use error::HistoryError;
pub use follow::HistoryFollower;
pub use format::{HistoryLine, LocalMinute, said_at};
pub use read::History;
pub use recorder::Recorder;
pub use search::needle;
