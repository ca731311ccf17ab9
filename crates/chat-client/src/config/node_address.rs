//! The address of one node of a room.

/// The address of one node of a room: its host, and its ports if it has other ones than the rest.
///
/// The text form is `HOST`, or `HOST:LISTEN:WRITE` with both ports. An IPv6 address with ports needs brackets. Any text
/// can be converted; [`ClientConfig::checked_host`](crate::ClientConfig::checked_host) finds what cannot be a host.
///
/// ```
/// use chat_client::NodeAddress;
///
/// let node = NodeAddress::from("n2.example:6000:6050");
/// assert_eq!((node.host.as_str(), node.listen_port, node.write_port), ("n2.example", Some(6000), Some(6050)));
/// assert_eq!(NodeAddress::from("[::1]:6000:6050").host, "[::1]");
/// assert_eq!(NodeAddress::list("n1.example, n2.example").len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NodeAddress {
    /// The host: a name or an address.
    pub host: String,
    /// The listen port; `None` is that of the configuration.
    pub listen_port: Option<u16>,
    /// The write port; `None` is that of the configuration.
    pub write_port: Option<u16>,
}

impl NodeAddress {
    /// Returns a node on `host` with the ports of the configuration.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self { host: host.to_owned(), listen_port: None, write_port: None }
    }

    /// Parses addresses that are separated by commas. An address that was given twice is returned once.
    #[must_use]
    pub fn list(text: &str) -> Vec<Self> {
        let mut nodes: Vec<Self> = Vec::new();
        for node in text.split(',').map(|node| Self::from(node.trim_matches(' '))) {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        nodes
    }
}

impl From<&str> for NodeAddress {
    fn from(text: &str) -> Self {
        with_ports(text).unwrap_or_else(|| Self::new(text))
    }
}

/// Parses `HOST:LISTEN:WRITE`; `None` for every other text. No IPv6 address looks like that: it would have `::` or eight
/// groups, and then the host before two ports has a colon itself and needs brackets.
fn with_ports(text: &str) -> Option<NodeAddress> {
    let (rest, write_port) = text.rsplit_once(':')?;
    let (host, listen_port) = rest.rsplit_once(':')?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || (host.contains(':') && !bracketed) {
        return None;
    }
    let port = |text: &str| text.parse().ok().filter(|port| *port != 0 && !text.starts_with('+'));
    Some(NodeAddress {
        host: host.to_owned(),
        listen_port: Some(port(listen_port)?),
        write_port: Some(port(write_port)?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ipv6_addresses_have_no_ports() {
        for host in ["::1", "fe80::1%eth0", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "[::1]", "a:5000", "::", ":1:2"] {
            assert_eq!(NodeAddress::from(host), NodeAddress::new(host), "{host}");
        }
        for ports in ["0:1", "70000:1", "1:", ":1", "+1:2", "a:b"] {
            let text = format!("host:{ports}");
            assert_eq!(NodeAddress::from(text.as_str()).host, text, "what cannot be two ports stays in the host");
        }
    }

    #[test]
    fn empty_elements_stay_to_be_refused() {
        let hosts = |text| NodeAddress::list(text).into_iter().map(|node| node.host).collect::<Vec<_>>();
        assert_eq!(hosts("a,, b ,a"), ["a", "", "b"]);
        assert_eq!(hosts(""), [""]);
    }

    proptest! {
        #[test]
        fn any_ports_round_trip(host in "[a-z][a-z0-9.-]{0,20}", listen in 1u16.., write in 1u16..) {
            let node = NodeAddress::from(format!("{host}:{listen}:{write}").as_str());
            prop_assert_eq!(node, NodeAddress { host, listen_port: Some(listen), write_port: Some(write) });
        }
    }
}
