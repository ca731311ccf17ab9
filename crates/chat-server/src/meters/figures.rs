//! The values of the counters at one moment.

use std::sync::atomic::Ordering;

use chat_proto::Seq;

use super::count::Count;
use super::counters::{DeclinedMeters, Meters, RefusedRegistrationMeters};
use super::histogram::CommitTimes;
#[cfg(feature = "sqlite")]
use super::node::NodeFigures;

/// All figures of a server since its start. They are read one after the other, not at the same instant.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Figures {
    /// Open connections.
    pub open: PerPort,
    /// Accepted connections.
    pub accepted: PerPort,
    /// Connections closed at once because of the total limit.
    pub refused_in_all: PerPort,
    /// Connections closed at once because of the limit per address.
    pub refused_by_address: PerPort,
    /// Tokens that were accepted.
    pub logged_in: u64,
    /// Tokens that belong to no account.
    pub denied: u64,
    /// Accounts that were created.
    pub registered: u64,
    /// Registrations that were refused: by nickname, rate or store.
    pub not_registered: u64,
    /// The same by reason.
    pub refused_registrations: RefusedRegistrations,
    /// Posts that became messages.
    pub stored: u64,
    /// Posts that were already stored and were answered again.
    pub repeated: u64,
    /// Posts that were not stored.
    pub declined: Declined,
    /// How long each post that was stored has waited for its confirmation, from the moment it was submitted.
    pub confirmations: CommitTimes,
    /// How long each transaction took.
    pub commits: CommitTimes,
    /// Transactions that failed.
    pub commits_failed: u64,
    /// Messages that were written to listeners, once for each listener.
    pub delivered_messages: u64,
    /// Bytes of these messages.
    pub delivered_bytes: u64,
    /// Pages that listeners behind the shared log have read from the store.
    pub pages: u64,
    /// Listeners that wait for such a page now.
    pub reading_pages: u64,
    /// Listeners that were closed because they read nothing.
    pub stalled: u64,
    /// Messages that were removed because of their age or the size of the store.
    pub expired: u64,
    /// The sequence number of the oldest message; one after the last if there is none.
    pub oldest: Seq,
    /// The sequence number of the last message.
    pub head: Seq,
    /// Size of the data directory in bytes; 0 if it is not watched.
    pub store_bytes: u64,
    /// Free bytes on its file system; 0 if it is not watched.
    pub free_bytes: u64,
    /// Size of the shared log in memory, in bytes.
    pub ring_bytes: u64,
    /// The figures of a node of a room on several nodes; `None` for a server alone.
    #[cfg(feature = "sqlite")]
    pub node: Option<NodeFigures>,
}

/// One figure for the listen port and one for the write port, TLS included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerPort {
    /// The figure of listeners.
    pub listen: u64,
    /// The figure of writers.
    pub write: u64,
}

/// Posts that were not stored, by the code that the writer received, if its protocol has codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declined {
    /// Over the rate.
    pub rate: u64,
    /// The text was too long.
    pub too_long: u64,
    /// The text had only white space.
    pub blank: u64,
    /// The line was not a post.
    pub malformed: u64,
    /// The account was revoked.
    pub revoked: u64,
    /// The account was muted.
    pub muted: u64,
    /// The account was banned.
    pub banned: u64,
    /// The store failed.
    pub storage: u64,
    /// The log that the nodes of the room share was away.
    pub unavailable: u64,
    /// The server was draining.
    pub draining: u64,
    /// Another reason.
    pub other: u64,
}

impl Figures {
    pub(super) fn read(meters: &Meters, head: Seq, ring_bytes: u64) -> Self {
        let (listen, write) = (&meters.listen, &meters.write);
        let refused_registrations = RefusedRegistrations::read(&meters.not_registered);
        Self {
            open: PerPort { listen: listen.open.read(), write: write.open.read() },
            accepted: PerPort { listen: listen.accepted.read(), write: write.accepted.read() },
            refused_in_all: PerPort { listen: listen.refused_in_all.read(), write: write.refused_in_all.read() },
            refused_by_address: PerPort {
                listen: listen.refused_by_address.read(),
                write: write.refused_by_address.read(),
            },
            logged_in: meters.logged_in.read(),
            denied: meters.denied.read(),
            registered: meters.registered.read(),
            not_registered: refused_registrations.sum(),
            refused_registrations,
            stored: meters.stored.read(),
            repeated: meters.repeated.read(),
            declined: Declined::read(&meters.declined),
            confirmations: meters.confirmations.read(),
            commits: meters.commits.read(),
            commits_failed: meters.commits_failed.read(),
            delivered_messages: meters.delivered.messages.read(),
            delivered_bytes: meters.delivered.bytes.read(),
            pages: meters.pages.read(),
            reading_pages: meters.reading_pages.read(),
            stalled: meters.stalled.read(),
            store_bytes: meters.store_bytes.load(Ordering::Relaxed),
            free_bytes: meters.free_bytes.load(Ordering::Relaxed),
            expired: meters.messages_expired.read(),
            oldest: meters.oldest.load(Ordering::Relaxed),
            head,
            ring_bytes,
            #[cfg(feature = "sqlite")]
            node: meters.node.read(),
        }
    }
}

impl Declined {
    fn read(meters: &DeclinedMeters) -> Self {
        let DeclinedMeters {
            rate,
            too_long,
            blank,
            malformed,
            revoked,
            muted,
            banned,
            storage,
            unavailable,
            draining,
            other,
        } = meters;
        let [rate, too_long, blank, malformed, revoked, muted, banned, storage, unavailable, draining, other] =
            [rate, too_long, blank, malformed, revoked, muted, banned, storage, unavailable, draining, other]
                .map(Count::read);
        Self { rate, too_long, blank, malformed, revoked, muted, banned, storage, unavailable, draining, other }
    }
}

/// Accounts that were requested and not created, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedRegistrations {
    /// Registration is closed.
    pub closed: u64,
    /// The invitation code was missing or wrong.
    pub invitation: u64,
    /// Over the rate of the address, or of all addresses.
    pub rate: u64,
    /// There was too little space.
    pub space: u64,
    /// The embedding program refused it.
    pub hook: u64,
    /// The nickname could not be used.
    pub nickname: u64,
    /// The store failed.
    pub store: u64,
}

impl RefusedRegistrations {
    fn read(meters: &RefusedRegistrationMeters) -> Self {
        let RefusedRegistrationMeters { closed, invitation, rate, space, hook, nickname, store } = meters;
        let [closed, invitation, rate, space, hook, nickname, store] =
            [closed, invitation, rate, space, hook, nickname, store].map(Count::read);
        Self { closed, invitation, rate, space, hook, nickname, store }
    }

    fn sum(&self) -> u64 {
        self.closed + self.invitation + self.rate + self.space + self.hook + self.nickname + self.store
    }
}
