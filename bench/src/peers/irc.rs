//! Two IRC servers with one channel each. IRC confirms nothing, so the writer waits for the echo at a listener.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;

use super::peer::Peer;
use super::running::Running;
use crate::dialogue::Step;

/// Every join is sent to all members of the channel, so ten thousand listeners would need fifty million lines to join.
const MAX_LISTENERS: usize = 1_000;

/// ngIRCd, with the limits on floods lifted.
pub(crate) const NGIRCD: Irc = Irc {
    name: "ngircd",
    arguments: &["--nodaemon", "--config"],
    config: |address, _| {
        let port = address.port();
        format!("[Global]\nName = bench.local\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\n{NGIRCD_LIMITS}")
    },
    deliveries: 2_000_000,
};

const NGIRCD_LIMITS: &str = "[Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\n\
                             PingTimeout = 3600\n[Options]\nDNS = no\nIdent = no\nPAM = no\n";

/// InspIRCd, with the limits on floods lifted.
pub(crate) const INSPIRCD: Irc = Irc {
    name: "inspircd",
    arguments: &["--runasroot", "--nofork", "--nolog", "--config"],
    config: |address, directory| {
        let (port, pid) = (address.port(), directory.join("inspircd.pid"));
        let bind = format!("<bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n");
        format!("{INSPIRCD_LIMITS}{bind}<pid file=\"{}\">\n", pid.display())
    },
    deliveries: 5_000_000,
};

const INSPIRCD_LIMITS: &str = "<server name=\"bench.local\" description=\"bench\" network=\"bench\">\n\
    <connect allow=\"*\" timeout=\"60\" pingfreq=\"3600\" threshold=\"1000000\" commandrate=\"100000000\" fakelag=\"no\"\
     recvq=\"16M\" softsendq=\"256M\" hardsendq=\"256M\" localmax=\"20000\" globalmax=\"20000\" maxconnwarn=\"no\"\
     maxchans=\"20\" resolvehostnames=\"no\" useident=\"no\">\n\
    <performance softlimit=\"20000\" somaxconn=\"4096\" quietbursts=\"yes\">\n\
    <options defaultmodes=\"\">\n";

/// An IRC server.
pub(crate) struct Irc {
    /// Name of the peer and of the program.
    name: &'static str,
    /// Arguments before the path of the configuration file.
    arguments: &'static [&'static str],
    config: fn(SocketAddr, &Path) -> String,
    deliveries: u64,
}

impl Peer for Irc {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start(&self) -> Result<Running> {
        Running::start_configured(self.name, self.arguments, tempfile::tempdir()?, self.config)
    }

    fn listener(&self, index: usize) -> Vec<Step> {
        join(&format!("l{index}"))
    }

    fn writer(&self) -> Vec<Step> {
        join("bench")
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"PRIVMSG #room :");
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    fn deliveries(&self) -> u64 {
        self.deliveries
    }

    fn max_listeners(&self) -> usize {
        MAX_LISTENERS
    }
}

/// Registers, waits for the welcome (001), joins, and waits for the end of the list of names (366).
fn join(nick: &str) -> Vec<Step> {
    vec![
        Step::new(format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n"), " 001 "),
        Step::new("JOIN #room\r\n", " 366 "),
    ]
}
