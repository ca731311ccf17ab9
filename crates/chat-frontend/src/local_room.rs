//! The local room: if no server listens on this machine, a program starts one in its own process, so that the first run
//! needs no setup. A second program joins it, and serves it after the first one has ended. A room of another user or of
//! a standalone server is never taken over, and only programs of the own user get in until the room is shared.

mod announcement;
#[cfg(feature = "local-room")]
mod guard;
mod handle;
#[cfg(feature = "local-room")]
mod host;
mod notice;
#[cfg(feature = "local-room")]
mod peer_user;
#[cfg(feature = "local-room")]
mod room_data;

pub use announcement::{Announcement, announced_page, announced_room};
pub use handle::LocalRoom;
pub use notice::{JoinAddress, LocalRoomPolicy, RoomNotice, outward_address};
#[cfg(feature = "local-room")]
pub use peer_user::is_own_user;
