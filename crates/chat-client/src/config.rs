//! What the services need to know: where the room is, how long to wait, how to try again.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use chat_proto::{Keepalive, Position};

use crate::net::trust::{ClientIdentity, Trust};

/// Where a room is and how patient to be with it. Every field has a default that suits the public room.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The room's host: a name or an address.
    pub host: String,
    /// Where the write port is, if it is not on `host`.
    pub write_host: Option<String>,
    /// The port that only speaks.
    pub listen_port: u16,
    /// The port that holds a dialogue.
    pub write_port: u16,
    /// How long name look-up and connecting may take in all, every address included.
    pub connect_timeout: Duration,
    /// How long the server may take for one answer.
    pub answer_timeout: Duration,
    /// How soon a silent link is probed. Idle time and probe together are the time in which a half-open link is found.
    pub keepalive: Keepalive,
    /// How failed connections are tried again.
    pub retry: RetryPolicy,
    /// Where a listener starts, on a server that numbers its messages.
    pub resume: Resume,
    /// Whom to trust, where the ports speak TLS; `None` is plain TCP.
    pub tls: Option<Trust>,
    /// The certificate that proves the client's identity to a server that asks for one.
    pub client_identity: Option<ClientIdentity>,
    /// The seed of the jitter. `None` takes one from the system; tests give one.
    pub seed: Option<u64>,
}

/// How failed connections are tried again: at a random time below a bound that doubles with every failure ("full
/// jitter"), so that a thousand clients of a restarted server do not come at once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The first bound.
    pub base: Duration,
    /// The bound does not grow beyond this.
    pub cap: Duration,
    /// How many attempts in a row may fail before the service gives up; `None` is without end.
    pub max_attempts: Option<u32>,
    /// How long attempts in a row may fail before the service gives up; `None` is without end.
    pub max_time: Option<Duration>,
    /// How long a connection must hold before failures are counted from one again. Shorter, and a server that accepts
    /// and drops would be hammered.
    pub reset_after: Duration,
}

/// Where a listener starts. On a server that does not number its messages it always starts with the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resume {
    /// With the next message, and without asking for missed ones: after a reconnect there is a gap.
    Off,
    /// With the next message, and after a reconnect with the one after the last.
    Live,
    /// With the message after this one, as an earlier run received it.
    ///
    /// Where the server does not answer, it is asked again for up to a minute before it counts as one without numbers
    /// and the gap is reported: giving up loses the position. Until then the state is not online.
    After {
        /// The last message that was received.
        position: Position,
        /// When the room was last received, for [`Gap::since`](crate::Gap::since); `None` counts as now.
        last_heard: Option<SystemTime>,
    },
    /// With this many of the newest messages.
    Last(u64),
    /// With the messages since this time.
    Since(SystemTime),
}

impl Resume {
    /// Starts after this position; it is not known when the room was last received.
    #[must_use]
    pub fn after(position: Position) -> Self {
        Self::After { position, last_heard: None }
    }
}

/// The two ports of a room. The protocol has no others, so a match can be exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The port that only speaks.
    Listen,
    /// The port that holds a dialogue.
    Write,
}

impl ClientConfig {
    /// The defaults for a room on `host`.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self { host: host.to_owned(), ..Self::default() }
    }

    /// Host and port of one side.
    #[must_use]
    pub fn address(&self, side: Side) -> (&str, u16) {
        match side {
            Side::Listen => (&self.host, self.listen_port),
            Side::Write => (self.write_host.as_deref().unwrap_or(&self.host), self.write_port),
        }
    }

    /// Host and port of one side for people, `host:port`.
    #[must_use]
    pub fn addr_text(&self, side: Side) -> String {
        address_text(self.address(side))
    }

    /// Whether the token would travel in the clear to another machine: plain TCP, and a host that is not this one.
    #[must_use]
    pub fn exposes_token(&self) -> bool {
        let (host, _) = self.address(Side::Write);
        let here = host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        self.tls.is_none() && !here
    }

    /// The listen port's address for people: `host:port`.
    #[must_use]
    pub fn listen_addr_text(&self) -> String {
        address_text(self.address(Side::Listen))
    }

    /// The write port's address for people: `host:port`.
    #[must_use]
    pub fn write_addr_text(&self) -> String {
        address_text(self.address(Side::Write))
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            // The three programs find one another on a fresh machine.
            host: "127.0.0.1".to_owned(),
            write_host: None,
            listen_port: 5000,
            write_port: 5050,
            // A lost SYN is repeated after one, three and seven seconds.
            connect_timeout: Duration::from_secs(10),
            // The public room answers within one second; a store that is busy with fsync may need more.
            answer_timeout: Duration::from_secs(10),
            // Together the 15 s within which a half-open link is found.
            keepalive: Keepalive::new(Duration::from_secs(5), Duration::from_secs(10)),
            retry: RetryPolicy::default(),
            resume: Resume::Live,
            tls: None,
            client_identity: None,
            seed: None,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            // A restarted server is back within a second or two …
            base: Duration::from_millis(500),
            // … and one that is away for hours is asked twice a minute.
            cap: Duration::from_secs(30),
            max_attempts: None,
            max_time: None,
            reset_after: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// One attempt and no more.
    #[must_use]
    pub fn never() -> Self {
        Self { max_attempts: Some(1), ..Self::default() }
    }
}

fn address_text((host, port): (&str, u16)) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
