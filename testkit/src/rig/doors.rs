//! The ports at which clients reach a room.

/// Where the clients of a run connect to, through proxies of the loopback address.
pub(super) trait Doors {
    /// Returns the ports that this listener dials: one for each node of the room.
    fn listen_ports(&self, listener: usize) -> Vec<u16>;

    /// Returns the ports that this writer dials.
    fn write_ports(&self, writer: usize) -> Vec<u16>;
}
