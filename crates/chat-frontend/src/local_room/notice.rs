//! What the local room reports to the user.

use std::path::PathBuf;

/// What happened to the local room, for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomNotice {
    /// A room was started inside this program; its data is in this directory.
    Started(PathBuf),
    /// Another program of this user serves the room.
    Joined,
    /// The room could not be started.
    Failed(String),
    /// No server listens at this address, and a room may not be started there.
    NotThere(String),
}

impl RoomNotice {
    /// Whether the user has to do something about it.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotThere(_))
    }
}
