//! From the journal to what is kept in memory, at the start. It changes nothing.

use std::sync::Arc;

use crate::accounts::Accounts;
use crate::config::ServerConfig;
use crate::entry::Stream;
use crate::error::JournalError;
use crate::journal::Journal;
use crate::room::Room;

/// What the journal says.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) accounts: Accounts,
    /// Empty: a listener's place is the end of the log, and one that resumes reads the journal.
    pub(crate) room: Arc<Room>,
    pub(crate) streams: Vec<Stream>,
}

pub(crate) fn replay(journal: &mut impl Journal, config: &ServerConfig) -> Result<Replayed, JournalError> {
    let random = config.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
    Ok(Replayed {
        accounts: Accounts::new(journal.accounts()?, config.limits.nickname_chars, random),
        room: Arc::new(Room::new(journal.head(), config.limits.ring_bytes)),
        streams: journal.streams().to_vec(),
    })
}
