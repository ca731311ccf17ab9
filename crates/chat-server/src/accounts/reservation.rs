//! A nickname that is reserved until an account has it.

use std::sync::{Arc, Mutex};

use chat_proto::Nickname;

use super::directory_state::{DirectoryState, lock};

/// A free nickname, reserved until an account has it. If it is dropped before, the name is free again.
#[derive(Debug)]
pub(crate) struct NicknameReservation {
    pub(super) state: Arc<Mutex<DirectoryState>>,
    pub(super) nickname: Nickname,
    pub(super) prints: [u64; 2],
    /// How many changes of accounts had been applied.
    pub(super) changes: u64,
}

impl NicknameReservation {
    pub(crate) fn nickname(&self) -> &Nickname {
        &self.nickname
    }
}

impl Drop for NicknameReservation {
    fn drop(&mut self) {
        lock(&self.state).release(&self.prints);
    }
}

/// The reason why an account cannot have a nickname.
#[cfg(all(feature = "bin", unix))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NicknameProblem {
    #[error("has no adjective: write it whole, like \"Keen Bob\"")]
    Incomplete,
    #[error(
        "is too long, has characters that the server does not allow in names, or looks like the name of the server"
    )]
    NotUsable,
    #[error("is taken or looks like one that is")]
    Taken,
}
