//! Two IRC servers, a channel each. IRC confirms nothing, so the writer waits for the first listener's echo.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::{Confirms, Peer, Running, free_address};
use crate::dialogue::Step;

/// Every join is told to everybody who is there, so a channel of ten thousand takes fifty million lines to fill.
const MOST_LISTENERS: usize = 1_000;

const NGIRCD: &str = "[Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\n\
                      PingTimeout = 3600\n[Options]\nDNS = no\nIdent = no\nPAM = no\n";

const INSPIRCD: &str = "<server name=\"bench.local\" description=\"bench\" network=\"bench\">\n\
    <connect allow=\"*\" timeout=\"60\" pingfreq=\"3600\" threshold=\"1000000\" commandrate=\"100000000\" fakelag=\"no\"\
     recvq=\"16M\" softsendq=\"256M\" hardsendq=\"256M\" localmax=\"20000\" globalmax=\"20000\" maxconnwarn=\"no\"\
     maxchans=\"20\" resolvehostnames=\"no\" useident=\"no\">\n\
    <performance softlimit=\"20000\" somaxconn=\"4096\" quietbursts=\"yes\">\n\
    <options defaultmodes=\"\">\n";

/// InspIRCd, with the limits on floods lifted.
pub struct Inspircd;

/// ngIRCd, with the limits on floods lifted.
pub struct Ngircd;

impl Peer for Inspircd {
    fn name(&self) -> &'static str {
        "inspircd"
    }

    fn start(&self) -> Result<Running> {
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("inspircd.conf");
        let port = address.port();
        let pid_file = directory.path().join("inspircd.pid");
        let bind = format!("<bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n");
        fs::write(&file, format!("{INSPIRCD}{bind}<pid file=\"{}\">\n", pid_file.display()))?;
        let mut command = Command::new("inspircd");
        command.args(["--runasroot", "--nofork", "--nolog", "--config"]).arg(file);
        Running::start(&mut command, address, address, directory)
    }

    fn listener(&self, index: usize) -> Vec<Step> {
        join(&format!("l{index}"))
    }

    fn writer(&self) -> Vec<Step> {
        join("bench")
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        say(text, out);
    }

    fn confirms(&self) -> Confirms {
        Confirms::Echo
    }

    fn deliveries(&self) -> u64 {
        5_000_000
    }

    fn most_listeners(&self) -> usize {
        MOST_LISTENERS
    }
}

impl Peer for Ngircd {
    fn name(&self) -> &'static str {
        "ngircd"
    }

    fn start(&self) -> Result<Running> {
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("ngircd.conf");
        let port = address.port();
        let own = format!("[Global]\nName = bench.local\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\n");
        fs::write(&file, format!("{own}{NGIRCD}"))?;
        let mut command = Command::new("ngircd");
        command.arg("--nodaemon").arg("--config").arg(file);
        Running::start(&mut command, address, address, directory)
    }

    fn listener(&self, index: usize) -> Vec<Step> {
        join(&format!("l{index}"))
    }

    fn writer(&self) -> Vec<Step> {
        join("bench")
    }

    fn post(&self, _: u64, text: &[u8], out: &mut Vec<u8>) {
        say(text, out);
    }

    fn confirms(&self) -> Confirms {
        Confirms::Echo
    }

    fn deliveries(&self) -> u64 {
        2_000_000
    }

    fn most_listeners(&self) -> usize {
        MOST_LISTENERS
    }
}

/// Registers, and joins when the server has said welcome (001) until it has named everybody (366).
fn join(nick: &str) -> Vec<Step> {
    vec![
        Step::new(format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n"), " 001 "),
        Step::new("JOIN #room\r\n", " 366 "),
    ]
}

fn say(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"PRIVMSG #room :");
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}
