//! The nodes that `chat ping` checks: each address of the command line, and each address of a name that has several.

use std::net::IpAddr;

use chat_client::{ClientConfig, Side, TcpDial};
use futures_util::future::join_all;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// One node.
pub(super) struct PingTarget {
    /// The node as it was named, which is what its certificate is for.
    pub(super) config: ClientConfig,
    /// The node as it is dialled.
    at: ClientConfig,
}

impl PingTarget {
    fn named(config: ClientConfig) -> Self {
        Self { at: config.clone(), config }
    }

    fn at(config: &ClientConfig, ip: IpAddr) -> Self {
        let mut at = config.clone();
        at.host = ip.to_string();
        Self { config: config.clone(), at }
    }

    pub(super) fn dial(&self) -> TcpDial {
        TcpDial::new(&self.at)
    }

    pub(super) fn addr_text(&self, side: Side) -> String {
        self.at.addr_text(side)
    }
}

/// Returns all nodes, in the order of their addresses.
pub(super) async fn all(config: &ClientConfig) -> Vec<PingTarget> {
    join_all(config.each_node().into_iter().map(of_node)).await.into_iter().flatten().collect()
}

async fn of_node(config: ClientConfig) -> Vec<PingTarget> {
    let Ok(host) = config.checked_host(Side::Listen) else { return vec![PingTarget::named(config)] };
    let found = timeout(config.connect_timeout, lookup_host((host, config.listen_port))).await;
    // A name that is not found is reported by the connection.
    let found: Vec<IpAddr> = found.ok().and_then(Result::ok).into_iter().flatten().map(|found| found.ip()).collect();
    // The write port can have another name, and which of its addresses belongs to which of the others is not known.
    let several = if config.write_host.is_none() { several(found) } else { Vec::new() };
    if several.is_empty() {
        return vec![PingTarget::named(config)];
    }
    several.into_iter().map(|ip| PingTarget::at(&config, ip)).collect()
}

/// Returns the addresses of a name that stands for several nodes; none if it stands for one. An IPv4 and an IPv6 address are
/// usually those of one machine, as for `localhost`.
fn several(mut found: Vec<IpAddr>) -> Vec<IpAddr> {
    found.sort_unstable();
    found.dedup();
    let v4 = found.iter().filter(|ip| ip.is_ipv4()).count();
    if v4 > 1 || found.len() - v4 > 1 { found } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn two_families_are_one_machine() {
        assert_eq!(several(ips(&["127.0.0.1", "::1", "127.0.0.1"])), ips(&[]));
        assert_eq!(several(ips(&["10.0.0.2", "10.0.0.1"])), ips(&["10.0.0.1", "10.0.0.2"]));
        assert_eq!(several(ips(&["::2", "::1", "10.0.0.1"])), ips(&["10.0.0.1", "::1", "::2"]));
    }

    #[test]
    fn a_record_keeps_the_name_for_its_certificate() {
        let config = ClientConfig::new("room.example");
        let target = PingTarget::at(&config, "::1".parse().expect("an address"));
        assert_eq!(target.addr_text(Side::Write), "[::1]:5050");
        assert_eq!(target.config.host, "room.example");
    }
}
