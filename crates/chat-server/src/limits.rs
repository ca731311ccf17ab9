//! Every limit of the server with its default and its reason. `docs/operating.md` contains the same table.

use std::time::Duration;

use crate::registration::RegistrationPolicy;
use crate::retention::Retention;

/// The limits of the server. The defaults protect a public room, and suit a room of friends.
///
/// ```
/// use std::time::Duration;
///
/// use chat_server::{Invitation, Limits, Rate, RegistrationPolicy, Retention};
///
/// let mut limits = Limits::default();
/// limits.posts = Some(Rate::new(5.0, 100));
/// limits.registration = RegistrationPolicy::Invite(Invitation::new("k3f9-Wq").ok_or("not a code")?);
/// limits.keep = Retention::everything().with_age(Some(Duration::from_secs(90 * 24 * 3600)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections in total, both ports together. Default 16,384: with the server's own files this stays below the
    /// 20,000 descriptors that systems commonly allow by default, and is enough for ten thousand listeners.
    pub connections: usize,
    /// Connections per address (per /64 of IPv6). Default 1,024: enough for an office behind one address, too few for
    /// one host to occupy the whole room. Loopback is not counted, because local proxies and local users share it;
    /// [`Limits::connections`] applies there too.
    pub connections_per_address: usize,
    /// How long a client has to send its token. Default 60 s: a user pastes one in less, and slow connections are
    /// closed before they accumulate.
    pub login_within: Duration,
    /// How long a client has to send its nickname. Default 10 min: the registration window of the original keeps a
    /// connection in that state while the user types.
    pub nickname_within: Duration,
    /// The longest accepted nickname in characters, without its adjective. Default 40: enough for a full name, too
    /// short for a flood of combining marks.
    pub nickname_chars: usize,
    /// Posts per account. Default 20 per second with a burst of 10,000: a script can post a file of that many lines at
    /// once, and a flood cannot make the room unreadable for long.
    pub posts: Option<Rate>,
    /// Bytes of posts per account. Default 32 KiB per second with a burst of 32 MiB: enough for every text that people
    /// read, too little to fill a disk.
    pub post_bytes: Option<Rate>,
    /// Bytes of posts per address (per /64 of IPv6), over all of its accounts. Default 128 KiB per second with a burst of
    /// 128 MiB: one address writes at most 11 GB a day. Loopback is not counted.
    pub address_bytes: Option<Rate>,
    /// Registrations per address (per /64 of IPv6). Default one per second, burst 1,000: a class of students behind one
    /// address can register at once, a script cannot fill the store.
    pub registrations: Option<Rate>,
    /// Registrations of all addresses together. Default 10 per second, burst 5,000: enough for a school, too few for a
    /// script with many addresses to fill the store.
    pub registrations_in_all: Option<Rate>,
    /// Who may create an account. Default every client.
    pub registration: RegistrationPolicy,
    /// The largest size of the data directory in bytes. Default none. Beyond it posts are declined with `storage`, and
    /// listeners are served as before.
    pub max_store: Option<u64>,
    /// How many bytes must stay free on the file system of the data directory. Default 100 MiB: enough for the
    /// write-ahead log, and for an operator to log in and act. Below it posts are declined with `storage`.
    pub min_free: Option<u64>,
    /// Which messages are kept. Default all.
    pub keep: Retention,
    /// Posts of one connection that wait for the disk. Default 1,024: four full windows of a client that posts with
    /// ids; beyond that the connection is not read.
    pub posts_in_flight: usize,
    /// Unread answers of one connection, in bytes. Default 32 KiB: above it confirmations are only counted. It stays
    /// below the 64 KiB at which a connection is no longer read, so that a writer that never reads can post without
    /// end.
    pub answer_bytes: usize,
    /// How long a listener may read nothing before it is closed, and how long a writer that has ended may leave its
    /// last answers unread. Default 60 s: longer than a phone's change of network, short enough to free the descriptor
    /// soon.
    pub stall: Duration,
    /// Memory of the shared log, both forms together. Default 4 MiB: larger ones are not faster, and a listener that
    /// falls behind reads from the store.
    pub ring_bytes: usize,
    /// Text that a journal in memory keeps. Default 64 MiB; the oldest messages are dropped first.
    pub memory_journal_bytes: usize,
    /// How long draining may take before the remaining connections are closed. Default 10 s: init systems kill after 30
    /// to 90 s.
    pub drain_within: Duration,
}

impl Limits {
    /// Removes the rates of posts, for benchmarks and for rooms whose clients are all trusted.
    #[must_use]
    pub fn without_post_rates(self) -> Self {
        Self { posts: None, post_bytes: None, address_bytes: None, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 1_024,
            login_within: Duration::from_secs(60),
            nickname_within: Duration::from_secs(600),
            nickname_chars: 40,
            posts: Some(Rate::new(20.0, 10_000)),
            post_bytes: Some(Rate::new(32.0 * 1024.0, 32 * 1024 * 1024)),
            address_bytes: Some(Rate::new(128.0 * 1024.0, 128 * 1024 * 1024)),
            registrations: Some(Rate { per_second: 1.0, burst: 1_000 }),
            registrations_in_all: Some(Rate { per_second: 10.0, burst: 5_000 }),
            registration: RegistrationPolicy::Open,
            max_store: None,
            min_free: Some(100 * 1024 * 1024),
            keep: Retention::everything(),
            posts_in_flight: 1_024,
            answer_bytes: 32 * 1024,
            stall: Duration::from_secs(60),
            ring_bytes: 4 * 1024 * 1024,
            memory_journal_bytes: 64 * 1024 * 1024,
            drain_within: Duration::from_secs(10),
        }
    }
}

/// A rate limit: a steady rate, and a burst.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Rate {
    /// The steady rate. At zero or less nothing passes once the burst is used up.
    pub per_second: f64,
    /// How many may come at once; at least one.
    pub burst: u32,
}

impl Rate {
    /// Creates a rate with a burst.
    #[must_use]
    pub const fn new(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// The longest line that a listener may send, in bytes: three times what a request needs. Silent connections with half
/// a line cannot exhaust memory.
pub(crate) const LISTENER_LINE: usize = 1024;

/// How long the rest of an extension line may take. A program sends such a line as a whole; half of one, up to 40 KiB,
/// would otherwise stay in memory for as long as its connection.
pub(crate) const UNFINISHED_LINE: Duration = Duration::from_secs(60);

/// How many bytes the kernel buffers for a peer that does not read (the kernel counts its own overhead, and so doubles
/// it). Otherwise it would buffer 4 MB for each peer that does not read, and treat a peer that reads less than 20 KB
/// per second as stalled, because it reports space only when a third of the buffer is free.
pub(crate) const SEND_BUFFER: usize = 128 * 1024;

/// The most bytes in one write to a listener. Larger writes gain nothing and make listeners wait for each other.
pub(crate) const LISTENER_WRITE_BYTES: usize = 256 * 1024;

/// The most slices in one such write; far below the kernel's limit of 1,024.
pub(crate) const LISTENER_WRITE_PIECES: usize = 64;

/// The page that a listener reads from the store when it has fallen behind, in messages. With [`PAGE_BYTES`] it bounds
/// the memory of a resume over any distance.
pub(crate) const PAGE_MESSAGES: usize = 2_048;

/// The size of a page in bytes of text.
pub(crate) const PAGE_BYTES: usize = 128 * 1024;

/// How many pages are read from the store at the same time. More would only wait for the same disk and occupy memory.
pub(crate) const READS_AT_ONCE: usize = 4;

/// How many pages one address may read: a burst of 128 MB of text, which is more than most logs have, then 13 MB a
/// second, which costs a tenth of a processor. Loopback is not counted, as for [`Limits::connections_per_address`].
pub(crate) const PAGE_RATE: Rate = Rate { per_second: 100.0, burst: 1_000 };

/// How many messages a listener gets that requests a log this store never had: enough if the store was lost, bounded if
/// the listener connected to the wrong server.
pub(crate) const STRANGER_BACKLOG: u64 = 10_000;

/// Drafts in one transaction. More gain no speed over one fsync and delay the first one.
pub(crate) const COMMIT_DRAFTS: usize = 4_096;

/// The same in bytes of text. It bounds the log's newest batch, which is never evicted.
pub(crate) const COMMIT_BYTES: usize = 1024 * 1024;

/// Posts in one batch of a node: in a log of three copies, larger ones were not faster.
#[cfg(feature = "sqlite")]
pub(crate) const NODE_BATCH_DRAFTS: usize = 1_024;

/// Bytes of posts in one batch of a node: with names and ids it stays below what logs accept as one message.
#[cfg(feature = "sqlite")]
pub(crate) const NODE_BATCH_BYTES: usize = 384 * 1024;

/// Messages that one step of removing old ones takes: some milliseconds, for which posts wait at most.
pub(crate) const EXPIRY_MESSAGES: usize = 512;

/// The same in bytes of text, in a store on disk.
#[cfg(feature = "sqlite")]
pub(crate) const EXPIRY_BYTES: usize = 512 * 1024;

/// Posts that one connection submits at once.
pub(crate) const TURN_POSTS: usize = 256;

/// The same in bytes of text: four of the longest messages, a thousand usual ones.
pub(crate) const TURN_BYTES: usize = 64 * 1024;

/// How many bytes one account gives to a transaction before the next account's turn: two turns of one connection.
pub(crate) const COMMIT_QUANTUM: usize = 128 * 1024;

/// How many bytes of one account may always wait for the disk: one turn of a connection.
pub(crate) const ACCOUNT_RESERVED_BYTES: usize = 96 * 1024;

/// How many bytes of one account may wait beyond that: four transactions, which keep a fast disk busy.
pub(crate) const ACCOUNT_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// How many bytes of all accounts may wait beyond what is reserved for each. When it is used up, connections are not
/// read.
pub(crate) const WAITING_BYTES: usize = 64 * 1024 * 1024;
