//! Who sends a request, and under which name of the gateway: decided from the connection, and from headers only where
//! they can be trusted.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HOST};
use axum::http::uri::Authority;
use ipnet::IpNet;

use crate::net::connection::ConnectionInfo;

/// The address of the gateway as people type it, for a gateway behind a proxy or under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    secure: bool,
    host: String,
    port: u16,
}

/// The error of a text that is not a public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public URL has the form https://chat.example, perhaps with a port, and no path")]
pub struct PublicUrlError;

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(raw: &str) -> Result<Self, PublicUrlError> {
        let (secure, rest) = match (raw.strip_prefix("https://"), raw.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(PublicUrlError),
        };
        let (host, port) = host_and_port(rest.strip_suffix('/').unwrap_or(rest), secure).ok_or(PublicUrlError)?;
        Ok(Self { secure, host, port })
    }
}

impl PublicUrl {
    /// Returns the URL without a slash at its end.
    pub(crate) fn origin(&self) -> String {
        origin(self.secure, &self.host, self.port)
    }
}

/// The sender of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// The address that limits count.
    pub(crate) address: IpAddr,
    /// The origin of the page, as browsers write it.
    pub(crate) origin: String,
    /// The browser came by TLS.
    pub(crate) secure: bool,
    /// The port in the browser's address line.
    pub(crate) port: u16,
}

/// The header in which trusted proxies name the browser. Only one is read: proxies pass the other one on as the browser
/// wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaderName {
    /// `X-Forwarded-For`, which most proxies write.
    #[default]
    XForwardedFor,
    /// `Forwarded` of RFC 7239.
    Forwarded,
}

/// The names and the proxies of the gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct GatewayNames {
    pub(crate) public_url: Option<PublicUrl>,
    /// Proxies whose headers are believed.
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) proxy_header: ProxyHeaderName,
    /// Balancers whose connections begin with a PROXY header.
    pub(crate) balancers: Vec<IpNet>,
}

impl GatewayNames {
    /// Returns the sender of a request; `None` if it names a host that the gateway is not.
    ///
    /// A page of another site can point its own name at this machine and then read what it gets, so names are refused
    /// that were not configured. Addresses cannot be pointed anywhere: the one that was connected to is accepted.
    pub(crate) fn visitor(&self, connection: &ConnectionInfo, headers: &HeaderMap) -> Option<Visitor> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next()?.to_str().ok()?;
        if hosts.next().is_some() {
            return None;
        }
        let address = self.address(connection.peer.ip(), headers);
        if let Some(public) = &self.public_url
            && host_and_port(host, public.secure)
                .is_some_and(|(host, port)| (host, port) == (public.host.clone(), public.port))
        {
            return Some(Visitor { address, origin: public.origin(), secure: public.secure, port: public.port });
        }
        let secure = connection.secure;
        let (host, port) = host_and_port(host, secure)?;
        let local = connection.local.ip().to_canonical();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let is_known = match literal {
            Some(ip) => ip.to_canonical() == local || (ip.is_loopback() && local.is_loopback()),
            None => host == "localhost" && local.is_loopback(),
        };
        (is_known && port == connection.local.port()).then(|| Visitor {
            address,
            origin: origin(secure, &host, port),
            secure,
            port,
        })
    }

    /// Returns whether a peer is a proxy whose headers are believed.
    pub(crate) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(&peer.to_canonical()))
    }

    /// Returns whether the connections of a peer begin with a PROXY header.
    pub(crate) fn is_balancer(&self, peer: IpAddr) -> bool {
        self.balancers.iter().any(|network| network.contains(&peer.to_canonical()))
    }

    /// Returns the address of the browser. Of a chain of proxies the last one that is not trusted counts: everything
    /// before it can be invented.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.is_proxy(peer) {
            return peer;
        }
        let chain = forwarded_for(headers, self.proxy_header);
        let mut address = peer;
        for hop in chain.iter().rev() {
            // An entry that cannot be read hides what is before it.
            let Some(hop) = hop else { break };
            address = *hop;
            if !self.is_proxy(address) {
                break;
            }
        }
        address
    }
}

/// Returns the addresses of the header of proxies, the browser's first. `None` is an entry that is not an address.
fn forwarded_for(headers: &HeaderMap, name: ProxyHeaderName) -> Vec<Option<IpAddr>> {
    let list = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter();
        values
            .flat_map(|value| value.to_str().unwrap_or("?").split(',').map(str::to_owned).collect::<Vec<_>>())
            .collect()
    };
    match name {
        ProxyHeaderName::Forwarded => list(FORWARDED.as_str()).iter().map(|element| element_for(element)).collect(),
        ProxyHeaderName::XForwardedFor => list("x-forwarded-for").iter().map(|entry| node(entry.trim())).collect(),
    }
}

/// Returns the `for` of one element of `Forwarded` (RFC 7239).
fn element_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| node(value.trim().trim_matches('"')))?
    })
}

/// Returns the address of a node: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let ip = |text: &str| text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    if let Some(rest) = text.strip_prefix('[') {
        return ip(rest.split_once(']')?.0);
    }
    ip(text).or_else(|| ip(text.rsplit_once(':')?.0))
}

/// Parses `host[:port]`. The host is in lower case, and an IPv6 address in its brackets.
fn host_and_port(text: &str, secure: bool) -> Option<(String, u16)> {
    let authority: Authority = text.parse().ok().filter(|_| !text.contains('@'))?;
    let host = authority.host().to_ascii_lowercase();
    let usual = if secure { 443 } else { 80 };
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        None if authority.as_str().ends_with(':') => return None,
        None => usual,
    };
    (!host.is_empty()).then_some((host, port))
}

/// Returns an origin as browsers write it: the usual port is left out.
fn origin(secure: bool, host: &str, port: u16) -> String {
    let (scheme, usual) = if secure { ("https", 443) } else { ("http", 80) };
    if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") }
}

#[cfg(test)]
mod tests;
