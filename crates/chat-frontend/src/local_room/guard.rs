//! Decides who may use the local room, and how much may be written to it.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chat_client::Text;
use chat_server::{Author, PostDecision, ServerHooks};
use tokio::sync::mpsc::Sender;

use super::notice::RoomNotice;
use super::peer_user::{self, PeerUser};

/// Bytes of text per second that users whom the system does not vouch for may post together. A busy conversation of a
/// hundred people stays far below it.
const BYTES_PER_SECOND: f64 = 64.0 * 1024.0;

/// What they may post at once before that.
const BURST_BYTES: f64 = 4.0 * 1024.0 * 1024.0;

/// How large their messages may make the room: a year of a busy room, and a part of any disk.
const MAX_ROOM_BYTES: u64 = 1024 * 1024 * 1024;

/// What the store needs for one message besides its text, rounded up.
const BYTES_PER_MESSAGE: u64 = 128;

/// Who may use the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomAccess {
    /// The programs of the user who serves it.
    OwnUser,
    /// Other users of this machine, and where this is not a loopback address, everyone who connects to it.
    SharedAt(IpAddr),
}

/// The decisions of the room.
pub(super) struct RoomGuard {
    access: RoomAccess,
    own_uid: u32,
    notices: Sender<RoomNotice>,
    /// A refused user was reported.
    reported: AtomicBool,
    /// A full room was reported.
    full: AtomicBool,
    /// There is, or was, a connection of a user who is not known to be the own one. In a room that is open to a network
    /// always: a gateway of the own user brings people of that network.
    has_strangers: AtomicBool,
    budget: Mutex<ByteBudget>,
    /// The size of the store, by what was posted since it was measured.
    room_bytes: AtomicU64,
}

impl RoomGuard {
    /// Creates a guard of the room of `own_uid` whose store has `room_bytes` now.
    pub(super) fn new(access: RoomAccess, own_uid: u32, notices: Sender<RoomNotice>, room_bytes: u64) -> Self {
        Self {
            access,
            own_uid,
            notices,
            reported: AtomicBool::new(false),
            full: AtomicBool::new(false),
            has_strangers: AtomicBool::new(matches!(access, RoomAccess::SharedAt(ip) if !ip.is_loopback())),
            budget: Mutex::new(ByteBudget::new(Instant::now())),
            room_bytes: AtomicU64::new(room_bytes),
        }
    }

    fn report_once(&self, reported: &AtomicBool, notice: RoomNotice) {
        if !reported.swap(true, Ordering::Relaxed) {
            // A full channel means that the user has other notices to read; the next refusal tries again.
            let sent = self.notices.try_send(notice).is_ok();
            reported.store(sent, Ordering::Relaxed);
        }
    }
}

impl ServerHooks for RoomGuard {
    fn may_connect(&self, peer: SocketAddr, local: SocketAddr) -> bool {
        let (peer_ip, local_ip) = (peer.ip().to_canonical(), local.ip().to_canonical());
        let is_near = peer_ip.is_loopback();
        let user = if is_near { peer_user::of_connection(peer, local) } else { PeerUser::Unknown };
        match (user, self.access) {
            (PeerUser::Uid(uid), _) if uid == self.own_uid => return true,
            (PeerUser::Uid(uid), RoomAccess::OwnUser) => {
                self.report_once(&self.reported, RoomNotice::TurnedAway { uid });
                return false;
            }
            (PeerUser::Gone, RoomAccess::OwnUser) => return false,
            (_, RoomAccess::SharedAt(ip)) if !is_near && !ip.is_unspecified() && ip != local_ip => return false,
            _ => {}
        }
        self.has_strangers.store(true, Ordering::Relaxed);
        true
    }

    fn post(&self, _: &Author, text: Text) -> PostDecision {
        let bytes = u64::try_from(text.as_str().len()).unwrap_or(u64::MAX).saturating_add(BYTES_PER_MESSAGE);
        let room_bytes = self.room_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if !self.has_strangers.load(Ordering::Relaxed) {
            return PostDecision::Accept(text);
        }
        let in_time = self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(bytes, Instant::now());
        if room_bytes <= MAX_ROOM_BYTES && in_time {
            return PostDecision::Accept(text);
        }
        self.room_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if room_bytes > MAX_ROOM_BYTES {
            self.report_once(&self.full, RoomNotice::Full { bytes: MAX_ROOM_BYTES });
        }
        PostDecision::Refuse
    }
}

/// A budget of bytes that fills over time.
#[derive(Debug)]
struct ByteBudget {
    left: f64,
    at: Instant,
}

impl ByteBudget {
    fn new(now: Instant) -> Self {
        Self { left: BURST_BYTES, at: now }
    }

    /// Takes `bytes` out. `false`, without a change, if there are not as many.
    fn take(&mut self, bytes: u64, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + since * BYTES_PER_SECOND).min(BURST_BYTES);
        self.at = self.at.max(now);
        // A message is far smaller than what a float represents exactly.
        #[allow(clippy::cast_precision_loss)]
        let bytes = bytes as f64;
        if bytes > self.left {
            return false;
        }
        self.left -= bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use chat_client::Nickname;
    use tokio::sync::mpsc::channel;

    use super::*;

    const OWN: u32 = 1000;

    fn post(guard: &RoomGuard, bytes: usize) -> bool {
        let author = Arc::new(Author { id: 1, nickname: Nickname::new("Bob").unwrap() });
        matches!(guard.post(&author, Text::new(&"x".repeat(bytes)).unwrap()), PostDecision::Accept(_))
    }

    #[test]
    fn budget_fills_over_time() {
        let start = Instant::now();
        let mut budget = ByteBudget::new(start);
        assert!(budget.take(4 * 1024 * 1024, start));
        assert!(!budget.take(1024, start));
        assert!(budget.take(64 * 1024, start + Duration::from_secs(1)));
        assert!(!budget.take(1024, start + Duration::from_secs(1)));
    }

    #[test]
    fn strangers_cannot_fill_the_disk() {
        let (notices, mut heard) = channel(4);
        let guard =
            RoomGuard::new(RoomAccess::SharedAt("0.0.0.0".parse().unwrap()), OWN, notices, MAX_ROOM_BYTES - 1_000);
        assert!(guard.may_connect("192.0.2.1:5".parse().unwrap(), "192.0.2.2:6".parse().unwrap()));
        assert!(post(&guard, 100));
        assert!(!post(&guard, 10_000) && !post(&guard, 10_000));
        assert_eq!(heard.try_recv().unwrap(), RoomNotice::Full { bytes: MAX_ROOM_BYTES });
        assert!(heard.try_recv().is_err(), "it is reported once");
        assert!(post(&guard, 100), "a small one still fits");
    }

    #[test]
    fn admits_at_the_shared_address_only() {
        let (shared, other) = ("192.0.2.2:5000".parse().unwrap(), "192.0.2.3:5000".parse().unwrap());
        let peer = "192.0.2.1:5".parse().unwrap();
        let guard = |ip: &str| RoomGuard::new(RoomAccess::SharedAt(ip.parse().unwrap()), OWN, channel(4).0, 0);
        assert!(guard("192.0.2.2").may_connect(peer, shared));
        assert!(!guard("192.0.2.2").may_connect(peer, other));
        assert!(guard("0.0.0.0").may_connect(peer, other));
        assert!(!guard("127.0.0.1").may_connect(peer, other));
    }

    #[test]
    fn own_user_has_no_limit() {
        let guard = RoomGuard::new(RoomAccess::OwnUser, OWN, channel(4).0, MAX_ROOM_BYTES);
        assert!((0..400).all(|_| post(&guard, 16_000)));
    }
}
