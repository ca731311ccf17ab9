//! Networks of hosts on one machine: a namespace for each, joined by a bridge. What one host sends to another can be
//! dropped, in one direction or in both.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The hosts, removed when dropped.
#[derive(Debug)]
pub(super) struct HostNetwork {
    bridge: String,
    /// The second byte of all addresses, which is free on this machine.
    subnet: u8,
    hosts: Vec<String>,
}

impl HostNetwork {
    /// Creates that many hosts.
    pub(super) fn create(count: usize) -> Result<Self> {
        let tag = std::process::id();
        let taken = ip(&["-o", "-4", "address"])?;
        let subnet = (64..128).find(|byte| !taken.contains(&format!(" 10.{byte}.")));
        let subnet = subnet.context("no network 10.64 to 10.127 is free on this machine")?;
        let mut network = Self { bridge: format!("cb{tag}"), subnet, hosts: Vec::new() };
        ip(&["link", "add", &network.bridge, "type", "bridge"])?;
        ip(&["address", "add", &format!("10.{subnet}.0.254/24"), "dev", &network.bridge])?;
        ip(&["link", "set", &network.bridge, "up"])?;
        for host in 0..count {
            let (name, outer) = (format!("c{tag}h{host}"), format!("c{tag}v{host}"));
            ip(&["netns", "add", &name])?;
            network.hosts.push(name.clone());
            ip(&["link", "add", &outer, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
            ip(&["link", "set", &outer, "master", &network.bridge, "up"])?;
            let address = format!("{}/24", network.address(host));
            ip(&["-n", &name, "address", "add", &address, "dev", "eth0"])?;
            ip(&["-n", &name, "link", "set", "eth0", "up"])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
        }
        Ok(network)
    }

    /// Returns the address of a host.
    pub(super) fn address(&self, host: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, self.subnet, 0, u8::try_from(host + 1).unwrap_or(u8::MAX)))
    }

    /// Returns what the command line of a program on a host begins with.
    pub(super) fn prefix(&self, host: usize) -> Vec<OsString> {
        ["ip", "netns", "exec", &self.hosts[host]].map(OsString::from).to_vec()
    }

    /// Drops what one host sends to another from now on.
    pub(super) fn drop_packets(&self, from: usize, to: usize) -> Result<()> {
        ip(&["-n", &self.hosts[from], "route", "replace", "blackhole", &format!("{}/32", self.address(to))]).map(drop)
    }

    /// Ends [`drop_packets`](Self::drop_packets) between all hosts.
    pub(super) fn heal(&self) {
        for (from, name) in self.hosts.iter().enumerate() {
            for to in (0..self.hosts.len()).filter(|to| *to != from) {
                // An error means that there is no such route.
                let _ = ip(&["-n", name, "route", "del", "blackhole", &format!("{}/32", self.address(to))]);
            }
        }
    }
}

impl Drop for HostNetwork {
    fn drop(&mut self) {
        for host in &self.hosts {
            let _ = ip(&["netns", "delete", host]);
        }
        let _ = ip(&["link", "delete", &self.bridge]);
    }
}

fn ip(words: &[&str]) -> Result<String> {
    let output = Command::new("ip").args(words).output().context("could not run ip (package iproute2)")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {}", words.join(" "), error.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
