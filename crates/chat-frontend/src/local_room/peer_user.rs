//! Tells which user of this machine is at the other end of a connection.

use std::net::SocketAddr;

/// The user at the other end of a connection.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux tells"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerUser {
    /// A process with this uid has the other end open.
    Uid(u32),
    /// No process has it open any more.
    Gone,
    /// This system does not tell.
    Unknown,
}

/// Returns the user of this process, as [`of_connection`] names it.
pub(super) fn own_uid() -> u32 {
    #[cfg(unix)]
    return rustix::process::geteuid().as_raw();
    #[cfg(not(unix))]
    return 0;
}

/// Returns whether the program at the other end of a connection on this machine belongs to the user of this process, or
/// the system does not tell whose it is.
#[must_use]
pub fn is_own_user(peer: SocketAddr, local: SocketAddr) -> bool {
    match of_connection(peer, local) {
        PeerUser::Uid(uid) => uid == own_uid(),
        PeerUser::Gone => false,
        PeerUser::Unknown => true,
    }
}

/// Returns the user who has the socket at `peer` open, which is connected to `local`, an address of this process. Both
/// must be on this machine. Asks the kernel about this one socket, so the cost does not grow with the connections of
/// the machine.
pub(super) fn of_connection(peer: SocketAddr, local: SocketAddr) -> PeerUser {
    #[cfg(target_os = "linux")]
    return linux::of_connection(peer, local).unwrap_or(PeerUser::Unknown);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (peer, local);
        PeerUser::Unknown
    }
}

/// A question to the kernel through a netlink socket, see `sock_diag(7)`.
#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};

    use rustix::io::Errno;
    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

    use super::PeerUser;

    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const NLMSG_ERROR: u16 = 2;
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const IPPROTO_TCP: u8 = 6;

    /// The length of `nlmsghdr`.
    const HEADER: usize = 16;

    /// Where `idiag_uid` and `idiag_inode` are in an answer: behind the header, four bytes of state, the 48 bytes that
    /// identify the socket, and three numbers.
    const UID: usize = HEADER + 4 + 48 + 12;
    const INODE: usize = UID + 4;

    pub(super) fn of_connection(peer: SocketAddr, local: SocketAddr) -> Result<PeerUser, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kernel = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::SOCK_DIAG))?;
        send(&kernel, &question(peer, local), SendFlags::empty())?;
        // The kernel has answered before `send` returns, so this does not wait.
        let mut answer = [0; 1024];
        let (length, _) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
        read_answer(&answer[..length.min(1024)])
    }

    /// Returns `inet_diag_req_v2` with its header: the one socket whose source is the peer.
    fn question(peer: SocketAddr, local: SocketAddr) -> Vec<u8> {
        let (peer_ip, local_ip) = (peer.ip().to_canonical(), local.ip().to_canonical());
        let mut body = vec![if peer_ip.is_ipv4() { AF_INET } else { AF_INET6 }, IPPROTO_TCP, 0, 0];
        // Sockets in any state.
        body.extend(u32::MAX.to_ne_bytes());
        body.extend(peer.port().to_be_bytes());
        body.extend(local.port().to_be_bytes());
        body.extend(sixteen_bytes(peer_ip));
        body.extend(sixteen_bytes(local_ip));
        // Any interface, and no cookie.
        body.extend(0u32.to_ne_bytes());
        body.extend([0xff; 8]);
        let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        let mut question = length.to_ne_bytes().to_vec();
        question.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        question.extend(NLM_F_REQUEST.to_ne_bytes());
        // Number and sender of the question.
        question.extend([0; 8]);
        question.extend(body);
        question
    }

    fn sixteen_bytes(address: IpAddr) -> [u8; 16] {
        match address {
            IpAddr::V4(address) => {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&address.octets());
                bytes
            }
            IpAddr::V6(address) => address.octets(),
        }
    }

    fn read_answer(answer: &[u8]) -> Result<PeerUser, Errno> {
        let word = |at: usize| {
            let bytes = answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u32::from_ne_bytes).ok_or(Errno::PROTO)
        };
        let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
        match kind {
            // The uid of a socket without a process reads as 0, which would be taken for root.
            Some(SOCK_DIAG_BY_FAMILY) if word(INODE)? == 0 => Ok(PeerUser::Gone),
            Some(SOCK_DIAG_BY_FAMILY) => Ok(PeerUser::Uid(word(UID)?)),
            // The code of an error is negative.
            Some(NLMSG_ERROR) if word(HEADER)? == Errno::NOENT.raw_os_error().wrapping_neg().cast_unsigned() => {
                Ok(PeerUser::Gone)
            }
            _ => Err(Errno::PROTO),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn names_the_user_of_each_end() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            // A machine without IPv6 has only one of them.
            let Ok(server) = TcpListener::bind(host) else { continue };
            let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            let (accepted, peer) = server.accept().unwrap();
            let local = accepted.local_addr().unwrap();
            assert_eq!(of_connection(peer, local), PeerUser::Uid(own_uid()), "{host}");
            assert_eq!(
                of_connection(local, peer),
                PeerUser::Uid(own_uid()),
                "{host}: the server as the client sees it"
            );
            drop(client);
            assert_eq!(of_connection(peer, local), PeerUser::Gone, "{host}");
        }
    }
}
