//! Every limit of the server with its default and its reason. `docs/operating.md` shows the same
//! table.

use std::time::Duration;

/// What the server allows. The defaults suit a room of friends as well as a bench on one machine;
/// a public room sets [`Limits::posts`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections in all, both ports together. Default 16,384: with the server's own files that
    /// stays below the 20,000 descriptors that systems commonly allow at most by default, and ten
    /// thousand listeners fit.
    pub connections: usize,
    /// Connections from one address (one /64 of IPv6). Default 1,024: an office behind one address
    /// fits, one host cannot take the whole room. Loopback is not counted: local proxies and local
    /// users share it, and [`Limits::connections`] holds there too.
    pub connections_per_address: usize,
    /// How long a connection may take to say its token. Default 60 s: a person pastes one in less,
    /// and slow connections come back before they add up.
    pub login_within: Duration,
    /// How long it may take to say its nickname. Default 10 min: the registration window of the
    /// original holds a connection in that state while a person types.
    pub nickname_within: Duration,
    /// The longest nickname that is taken, in characters, before its adjective. Default 40: a full
    /// name fits, a flood of combining marks does not.
    pub nickname_chars: usize,
    /// Posts of one account. Default none: the group commit and the bound on posts in flight
    /// already keep one account from crowding out the others, and a limit would only slow down
    /// scripts on one's own machine. A public room does well with 20 a second and a burst of 200.
    pub posts: Option<Rate>,
    /// Registrations from one address (one /64 of IPv6). Default one a second, burst 1,000: a class
    /// of students behind one address can register at once, a script cannot fill the store.
    pub registrations: Option<Rate>,
    /// Registrations of all addresses together. Default 10 a second, burst 5,000: a school fits, a script with many
    /// addresses cannot fill the store.
    pub registrations_in_all: Option<Rate>,
    /// Posts of one connection that wait for the disk. Default 1,024: four full windows of a client
    /// that posts with ids; beyond it the connection is not read.
    pub posts_in_flight: usize,
    /// Answers of one connection that wait for the peer to read them, in bytes. Default 32 KiB:
    /// above it confirmations are only counted. It stays below the 64 KiB at which a connection is
    /// read no further, so that a writer that never reads can post for ever.
    pub answer_bytes: usize,
    /// How long a listener may take no byte at all before it is closed, and how long a writer that
    /// has ended may take for its last answers. Default 60 s: longer than
    /// a phone's change of network, short enough to get its descriptor back.
    pub stall: Duration,
    /// Memory of the shared log, both forms together. Default 4 MiB: larger ones are not faster,
    /// and whoever falls out of it reads on from the store.
    pub ring_bytes: usize,
    /// Text that a journal in memory keeps. Default 64 MiB; the oldest messages go first.
    pub memory_journal_bytes: usize,
    /// How long draining may take before what is left is cut off. Default 10 s: init systems kill
    /// after 30 to 90.
    pub drain_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 1_024,
            login_within: Duration::from_secs(60),
            nickname_within: Duration::from_secs(600),
            nickname_chars: 40,
            posts: None,
            registrations: Some(Rate { per_second: 1.0, burst: 1_000 }),
            registrations_in_all: Some(Rate { per_second: 10.0, burst: 5_000 }),
            posts_in_flight: 1_024,
            answer_bytes: 32 * 1024,
            stall: Duration::from_secs(60),
            ring_bytes: 4 * 1024 * 1024,
            memory_journal_bytes: 64 * 1024 * 1024,
            drain_within: Duration::from_secs(10),
        }
    }
}

/// How often something may happen: a steady rate, and how much at once before it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Steady rate. Zero or less lets nothing through once the burst is used up.
    pub per_second: f64,
    /// How many may come at once; at least one.
    pub burst: u32,
}

/// How long a listener's plain lines are held back to see whether it asks to resume.
///
/// A request is sent at once after connecting, so it takes one way of the network; 250 ms cover the
/// other side of the world. A person at `nc` does not notice it.
pub const LISTEN_HOLD: Duration = Duration::from_millis(250);

/// The longest line that a listener may say, in bytes: three times what a request needs. Silent connections that hold
/// half a line cannot fill the memory.
pub(crate) const LISTENER_LINE: usize = 1024;

/// What the system may hold of what a peer has not taken yet, in bytes (the system counts its own share in, and so
/// doubles it). Left to itself it would hold four megabytes for each peer that does not read, and take a peer for
/// stalled that reads less than 20 KB a second, because it tells of room only when a third of the buffer is free.
pub(crate) const SEND_BUFFER: usize = 128 * 1024;

/// The most that is handed to the system in one write to a listener. Larger writes gain nothing and
/// make one listener wait for another.
pub(crate) const LISTENER_WRITE_BYTES: usize = 256 * 1024;

/// How many pieces one such write is made of at most; far below the system's own limit of 1,024.
pub(crate) const LISTENER_WRITE_PIECES: usize = 64;

/// The page that a listener reads from the store when it has fallen behind, in messages. With
/// [`PAGE_BYTES`] it bounds the memory of a resume whatever its distance.
pub(crate) const PAGE_MESSAGES: usize = 2_048;

/// The same in bytes of text.
pub(crate) const PAGE_BYTES: usize = 128 * 1024;

/// How many pages are read from the store at the same time. More would only wait for the same disk
/// and hold memory meanwhile.
pub(crate) const READS_AT_ONCE: usize = 4;

/// How many messages a listener gets that comes from a log this store never knew: enough for the
/// case that the store was lost, bounded for the case that it asked the wrong server.
pub(crate) const STRANGER_BACKLOG: u64 = 10_000;

/// Drafts in one transaction. More gain no speed over one fsync and make the first one wait.
pub(crate) const COMMIT_DRAFTS: usize = 4_096;

/// The same in bytes of text. It bounds the log's newest batch, which stays whatever its size.
pub(crate) const COMMIT_BYTES: usize = 1024 * 1024;

/// Posts that one connection hands over at once.
pub(crate) const TURN_POSTS: usize = 256;

/// The same in bytes of text: four of the longest messages, a thousand usual ones.
pub(crate) const TURN_BYTES: usize = 64 * 1024;

/// What one account gives to a transaction before the next account has its turn, in bytes: two turns of one connection.
pub(crate) const COMMIT_QUANTUM: usize = 128 * 1024;

/// What one account may have waiting for the disk in any case, in bytes: one turn of a connection.
pub(crate) const ACCOUNT_RESERVED_BYTES: usize = 96 * 1024;

/// What one account may have waiting beyond that, in bytes: four transactions, which keep a fast disk busy.
pub(crate) const ACCOUNT_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// What all accounts may have waiting beyond what is reserved for each, in bytes. When it is used up, connections are
/// not read.
pub(crate) const WAITING_BYTES: usize = 64 * 1024 * 1024;
