//! Copies of a whole room, for the binary: the lines of an export, the lines of a history file, and what can be wrong with
//! them.

mod error;
mod history_line;
mod record;

pub(crate) use self::record::PLAIN_EXPORT_FORMAT;
pub use self::{
    error::{RecordFault, TransferError},
    history_line::ParsedHistoryLine,
    record::{EXPORT_FORMAT, ExpiredRecord, RoomRecord, StreamRecord},
};
