//! Looks up how others join the room.

use chat_frontend::local_room::{announced_page, announced_room};

use super::context::ServiceContext;
use crate::event::{AppEvent, JoinWays};

/// Reports the command and the link that join the local room.
pub(super) fn how_to_join(shared: &ServiceContext) {
    let ways = JoinWays {
        command: announced_room(&shared.data_dir, &shared.config).map(|room| room.command()),
        link: announced_page(&shared.data_dir),
    };
    shared.send_blocking(AppEvent::JoinWays(ways));
}
