//! The counters of a running server, incremented where the events happen.

use super::count::{Count, Level};
use super::histogram::Histogram;
#[cfg(feature = "sqlite")]
use super::node::NodeMeters;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chat_proto::{DeclineCode, Seq};

/// The port of an event; a TLS port counts as its plain counterpart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Listen,
    Write,
}

/// The counters of one server.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    /// First, on cache lines of its own, because every write to a listener touches it.
    pub(crate) delivered: Delivered,
    pub(crate) listen: PortMeters,
    pub(crate) write: PortMeters,
    pub(crate) logged_in: Count,
    pub(crate) denied: Count,
    pub(crate) registered: Count,
    pub(crate) not_registered: RefusedRegistrationMeters,
    pub(crate) stored: Count,
    pub(crate) repeated: Count,
    pub(crate) declined: DeclinedMeters,
    pub(crate) confirmations: Histogram,
    pub(crate) commits: Histogram,
    pub(crate) commits_failed: Count,
    pub(crate) pages: Count,
    pub(crate) reading_pages: Level,
    pub(crate) stalled: Count,
    #[cfg(feature = "sqlite")]
    pub(crate) node: NodeMeters,
    pub(super) messages_expired: Count,
    pub(super) oldest: AtomicU64,
    pub(super) store_bytes: AtomicU64,
    pub(super) free_bytes: AtomicU64,
    pub(super) short_of_space: AtomicBool,
    pub(super) store_fails: AtomicBool,
    pub(super) journal_broken: AtomicBool,
    pub(super) probe_wanted: AtomicBool,
}

/// What was written to listeners.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Delivered {
    pub(super) messages: Count,
    pub(super) bytes: Count,
}

/// Connections of one port.
#[derive(Debug, Default)]
pub(crate) struct PortMeters {
    pub(crate) accepted: Count,
    pub(crate) open: Level,
    pub(crate) refused_in_all: Count,
    pub(crate) refused_by_address: Count,
}

/// The reason why an account was not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegistrationRefusal {
    /// Registration is closed.
    Closed,
    /// The invitation code is missing or wrong.
    Invitation,
    /// Over the rate of the address, or of all addresses.
    Rate,
    /// There is too little space.
    Space,
    /// The embedding program refused it.
    Hook,
    /// The nickname cannot be used.
    Nickname,
    /// The store failed.
    Store,
}

/// Accounts that were not created, by reason.
#[derive(Debug, Default)]
pub(crate) struct RefusedRegistrationMeters {
    pub(super) closed: Count,
    pub(super) invitation: Count,
    pub(super) rate: Count,
    pub(super) space: Count,
    pub(super) hook: Count,
    pub(super) nickname: Count,
    pub(super) store: Count,
}

impl RefusedRegistrationMeters {
    pub(crate) fn of(&self, reason: RegistrationRefusal) -> &Count {
        match reason {
            RegistrationRefusal::Closed => &self.closed,
            RegistrationRefusal::Invitation => &self.invitation,
            RegistrationRefusal::Rate => &self.rate,
            RegistrationRefusal::Space => &self.space,
            RegistrationRefusal::Hook => &self.hook,
            RegistrationRefusal::Nickname => &self.nickname,
            RegistrationRefusal::Store => &self.store,
        }
    }
}

/// Posts that were not stored, by reason.
#[derive(Debug, Default)]
pub(crate) struct DeclinedMeters {
    pub(super) rate: Count,
    pub(super) too_long: Count,
    pub(super) blank: Count,
    pub(super) malformed: Count,
    pub(super) revoked: Count,
    pub(super) muted: Count,
    pub(super) banned: Count,
    pub(super) storage: Count,
    pub(super) unavailable: Count,
    pub(super) draining: Count,
    pub(super) other: Count,
}

impl Meters {
    pub(crate) fn port(&self, port: Port) -> &PortMeters {
        match port {
            Port::Listen => &self.listen,
            Port::Write => &self.write,
        }
    }

    /// Counts a transaction that was stored.
    pub(crate) fn committed(&self, took: Duration) {
        self.commits.observe(took, 1);
        self.store_works(true);
    }

    /// Counts a transaction that failed.
    pub(crate) fn commit_failed(&self) {
        self.commits_failed.one();
        self.store_works(false);
    }

    /// Records that the journal has failed for good.
    pub(crate) fn journal_broken(&self) {
        self.journal_broken.store(true, Ordering::Relaxed);
    }

    /// Records the first number that the log has.
    pub(crate) fn begins_at(&self, oldest: Seq) {
        self.oldest.store(oldest, Ordering::Relaxed);
    }

    /// Counts messages that were removed because of their age or the size of the store. The log begins at `oldest` now.
    pub(crate) fn expired(&self, messages: u64, oldest: Seq) {
        self.messages_expired.add(messages);
        self.begins_at(oldest);
    }

    /// Records the space of the store, and whether it permits to store more. Returns true if the latter has changed.
    pub(crate) fn set_space(&self, used: u64, free: Option<u64>, short: bool) -> bool {
        self.store_bytes.store(used, Ordering::Relaxed);
        self.free_bytes.store(free.unwrap_or(0), Ordering::Relaxed);
        self.short_of_space.swap(short, Ordering::Relaxed) != short
    }

    /// Returns whether there is too little space to store more.
    pub(crate) fn is_short_of_space(&self) -> bool {
        self.short_of_space.load(Ordering::Relaxed)
    }

    /// Records the result of the last attempt to write the store.
    pub(crate) fn store_works(&self, works: bool) {
        self.store_fails.store(!works, Ordering::Relaxed);
    }

    /// Returns whether to test the store without drafts: if readiness was requested since the last time, or if the
    /// store failed.
    pub(crate) fn take_probe(&self) -> bool {
        self.probe_wanted.swap(false, Ordering::Relaxed) || self.store_fails.load(Ordering::Relaxed)
    }
}

impl Delivered {
    /// Counts one write to one listener.
    pub(crate) fn add(&self, messages: u64, bytes: usize) {
        self.messages.add(messages);
        self.bytes.add(bytes as u64);
    }
}

impl DeclinedMeters {
    pub(crate) fn of(&self, code: &DeclineCode) -> &Count {
        match code {
            DeclineCode::Rate => &self.rate,
            DeclineCode::TooLong => &self.too_long,
            DeclineCode::Blank => &self.blank,
            DeclineCode::Malformed => &self.malformed,
            DeclineCode::Revoked => &self.revoked,
            DeclineCode::Muted => &self.muted,
            DeclineCode::Banned => &self.banned,
            DeclineCode::Storage => &self.storage,
            DeclineCode::Unavailable => &self.unavailable,
            DeclineCode::Draining => &self.draining,
            _ => &self.other,
        }
    }
}
