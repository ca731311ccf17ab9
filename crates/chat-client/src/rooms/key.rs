//! The names under which a room appears in a user's files.

use chat_proto::StreamId;

use crate::accounts::lookup::same_room;
use crate::config::{ClientConfig, Side};

/// The names under which a room appears in a user's files: its log, where that is known, and its addresses (`host:port` of
/// its write ports).
///
/// [`KnownRooms`](crate::KnownRooms) has the key of a room. An address alone is a key too, as it is for a server that does
/// not number its messages.
///
/// ```
/// use chat_client::{ClientConfig, NodeAddress, RoomKey};
///
/// let config = ClientConfig::default().with_nodes(NodeAddress::list("n1.example,n2.example"));
/// let room = RoomKey::from(&config);
/// assert!(room.is_at("n2.example:5050") && !room.is_at("n3.example:5050"));
/// assert_eq!(room.scope("Bob"), "n1.example:5050 Bob");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomKey {
    /// The oldest known log first; that of another record of the same room may follow.
    logs: Vec<StreamId>,
    /// Those of the configuration first.
    addresses: Vec<String>,
}

impl RoomKey {
    pub(crate) fn new(logs: Vec<StreamId>, addresses: Vec<String>) -> Self {
        Self { logs, addresses }
    }

    /// Returns the id of the room: the first of its logs that was ever seen. `None` until it is known.
    #[must_use]
    pub fn log(&self) -> Option<&StreamId> {
        self.logs.first()
    }

    /// Returns the address that names the room in new records: the first one of the configuration.
    #[must_use]
    pub fn address(&self) -> &str {
        self.addresses.first().map_or("", String::as_str)
    }

    /// Returns whether this is an address of the room. The names of the local machine (`localhost`, `127.0.0.1`, `[::1]`)
    /// count as one host.
    #[must_use]
    pub fn is_at(&self, address: &str) -> bool {
        self.addresses.iter().any(|own| same_room(own, address))
    }

    /// Returns the scope of an outbox for an account: it names the log, or the address where no log is known.
    #[must_use]
    pub fn scope(&self, who: &str) -> String {
        match self.log() {
            // An address has a port, so it never looks like this.
            Some(log) => format!("log {log} {who}"),
            None => format!("{} {who}", self.address()),
        }
    }

    /// Returns whether a scope names this room and account: by the log, by another log of the room, or by an address in any
    /// spelling, as before the log was known and in earlier versions.
    #[must_use]
    pub fn is_scope(&self, scope: &str, who: &str) -> bool {
        let Some(room) = scope.strip_suffix(who).and_then(|room| room.strip_suffix(' ')) else { return false };
        match room.strip_prefix("log ") {
            Some(log) => self.logs.iter().any(|own| own.as_str() == log),
            None => self.is_at(room),
        }
    }

    /// Returns all addresses, those of the configuration first.
    pub(crate) fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Returns one text for all keys with the same addresses.
    pub(crate) fn lock_name(&self) -> &str {
        self.addresses.iter().map(String::as_str).min().unwrap_or_default()
    }
}

/// The key of a room of which nothing is known but its addresses.
impl From<&ClientConfig> for RoomKey {
    fn from(config: &ClientConfig) -> Self {
        let addresses = config.each_node().iter().map(|node| node.addr_text(Side::Write)).collect();
        Self { logs: Vec::new(), addresses }
    }
}

impl From<&str> for RoomKey {
    fn from(address: &str) -> Self {
        Self { logs: Vec::new(), addresses: vec![address.to_owned()] }
    }
}

impl From<&String> for RoomKey {
    fn from(address: &String) -> Self {
        address.as_str().into()
    }
}

impl From<&Self> for RoomKey {
    fn from(key: &Self) -> Self {
        key.clone()
    }
}
