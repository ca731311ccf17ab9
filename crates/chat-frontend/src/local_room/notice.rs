//! The notices of the local room.

use std::path::PathBuf;

/// An event of the local room, for the user.
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
    /// Returns whether the user has to act.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotThere(_))
    }
}
