//! The local room: if no server listens on this machine, a program starts one in its own process, so that the first run
//! needs no setup. A second program joins it, and serves it after the first one has ended. A room of another user or of
//! a standalone server is never taken over.

mod handle;
#[cfg(feature = "local-room")]
mod host;
mod notice;

pub use handle::LocalRoom;
pub use notice::{LocalRoomPolicy, RoomNotice};
