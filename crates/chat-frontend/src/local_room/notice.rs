//! The setting of the command line for the local room, and the notices of the room.

use std::net::IpAddr;
use std::path::PathBuf;

/// The setting of the command line for a local room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalRoomPolicy {
    /// Never start one.
    Never,
    /// Start one where nothing indicates a standalone server.
    Automatic,
    /// Start one on any loopback address and port.
    Always,
    /// Start one that listens on this address, for other machines.
    Shared(IpAddr),
}

/// An event of the local room, for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomNotice {
    /// A room was started inside this program; its data is in this directory.
    Started(PathBuf),
    /// The room is open to the network at this address.
    Shared(String),
    /// The server that was there has ended.
    Gone,
    /// Another program of this user serves the room.
    Joined,
    /// The room could not be started.
    Failed(String),
    /// No server listens at this address, and a room may not be started there.
    NotThere(String),
}

impl RoomNotice {
    /// Returns whether the user has to do something about it.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotThere(_) | Self::Gone)
    }
}
