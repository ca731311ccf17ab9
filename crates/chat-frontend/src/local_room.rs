//! The local room: where no server listens on this machine, a program starts one inside itself, so that the first run
//! needs no setup. A second program joins it, and serves it after the first one has ended. A room that another user
//! or a standalone server serves is never taken over.

mod handle;
#[cfg(feature = "local-room")]
mod host;
mod notice;

pub use handle::{LocalRoom, LocalRoomPolicy};
pub use notice::RoomNotice;
