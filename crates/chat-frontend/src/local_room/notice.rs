//! The setting of the command line for the local room, and the notices of the room.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::PathBuf;

use chat_client::ClientConfig;

/// The setting of the command line for a local room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalRoomPolicy {
    /// Never start one.
    Never,
    /// Start one where nothing indicates a standalone server.
    Automatic,
    /// Start one on any loopback address and port.
    Always,
    /// Start one that others can join at this address: a loopback address for the other users of this machine, any other
    /// for other machines too.
    Shared(IpAddr),
}

/// An event of the local room, for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomNotice {
    /// A room was started inside this program; its data is in this directory.
    Started(PathBuf),
    /// Others can join the room.
    Shared(JoinAddress),
    /// A program of another user of this machine tried to join, and was refused.
    TurnedAway {
        /// The other user.
        uid: u32,
    },
    /// The room has reached its largest size, and takes no more messages.
    Full {
        /// The size.
        bytes: u64,
    },
    /// The server at this address is a room of another user, who has not opened it to others.
    NotShared(String),
    /// The server that was there has ended.
    Gone,
    /// Another program of this user serves the room.
    Joined,
    /// The room could not be started.
    Failed(String),
    /// No server listens at this address, and a room may not be started there.
    NotThere(String),
}

impl RoomNotice {
    /// Returns whether the user has to do something about it.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotThere(_) | Self::NotShared(_) | Self::Full { .. } | Self::Gone)
    }
}

/// Where others reach a room that is open to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinAddress {
    host: IpAddr,
    /// The listen port and the write port, where they are not the default ones.
    ports: Option<(u16, u16)>,
}

impl JoinAddress {
    /// Creates the address of a room that listens at `ip`.
    pub(super) fn new(ip: IpAddr, config: &ClientConfig) -> Self {
        let host = if ip.is_unspecified() { outward_address(ip).unwrap_or(ip) } else { ip };
        let (own, usual) = ((config.listen_port, config.write_port), ClientConfig::default());
        Self { host, ports: (own != (usual.listen_port, usual.write_port)).then_some(own) }
    }

    /// Returns whether only the users of this machine reach it.
    pub fn is_near(&self) -> bool {
        self.host.is_loopback()
    }

    /// Returns the command that joins the room.
    pub fn command(&self) -> String {
        let host = if self.is_near() { String::new() } else { format!(" -lh {}", self.host) };
        let ports = self.ports.map_or(String::new(), |(listen, write)| format!(" -lp {listen} -wp {write}"));
        format!("chat-tui{host}{ports}")
    }
}

/// Returns the address of this machine in its network: the one that packets to other networks leave from. Sends nothing.
pub fn outward_address(unspecified: IpAddr) -> Option<IpAddr> {
    // Addresses that are reserved for documentation.
    let elsewhere: IpAddr = match unspecified {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let socket = UdpSocket::bind((unspecified, 0)).ok()?;
    socket.connect((elsewhere, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_command_that_joins() {
        let mut config = ClientConfig::new("127.0.0.1");
        let command = |ip: &str, config: &ClientConfig| JoinAddress::new(ip.parse().unwrap(), config).command();
        assert_eq!(command("192.0.2.7", &config), "chat-tui -lh 192.0.2.7");
        assert_eq!(command("127.0.0.1", &config), "chat-tui");
        (config.listen_port, config.write_port) = (6000, 6050);
        assert_eq!(command("192.0.2.7", &config), "chat-tui -lh 192.0.2.7 -lp 6000 -wp 6050");
    }
}
