//! Extension lines: one SOH byte, one JSON object, LF (docs/protocol.md, section 5).
//!
//! Each file contains the types of one extension with parsing and formatting side by side, so that the two stay
//! consistent.

mod fields;
mod json;
mod numbered;
mod object;
mod post;
mod removed;
mod resume;
#[cfg(test)]
mod tests;

pub(crate) use fields::readable_id;
pub(crate) use numbered::NumberedMessage;
pub use numbered::encode_numbered;
pub(crate) use object::Extension;
pub use post::DeclineCode;
pub(crate) use post::{DeclinedPost, RepeatablePost, StoredPost};
pub(crate) use removed::RemovedLine;
pub use removed::{RemovedMessage, encode_expired, encode_removed};
pub(crate) use resume::ResumeReply;
pub use resume::{Nonce, ResumeAnswer, ResumeFrom, ResumeRequest, SeqRange};
