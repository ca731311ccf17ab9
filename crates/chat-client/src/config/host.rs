//! The rules for names of hosts.

use std::net::Ipv6Addr;

use crate::net::error::HostProblem;

/// Returns a host without the brackets of an IPv6 address.
pub(crate) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Returns why a text cannot be a host; `None` if it can.
pub(crate) fn host_problem(given: &str) -> Option<HostProblem> {
    let bare = bare_host(given);
    if bare.is_empty() {
        Some(HostProblem::Empty)
    } else if bare.contains(['[', ']']) {
        let with_port = given.starts_with('[') && given.contains("]:");
        Some(if with_port { HostProblem::WithPort } else { HostProblem::Brackets })
    } else if bare.contains(':') {
        // An IPv6 address, perhaps with an interface: `fe80::1%eth0`.
        let ip = bare.split('%').next().unwrap_or(bare);
        ip.parse::<Ipv6Addr>().is_err().then_some(HostProblem::WithPort)
    } else {
        name_problem(bare)
    }
}

/// Returns why a name can never be resolved: the rules of DNS for the length of a name and of its labels, and of the
/// characters that host names have. Others than ASCII are left to the resolver, which may know internationalized names.
fn name_problem(name: &str) -> Option<HostProblem> {
    /// The longest name and the longest label, in bytes.
    const LIMITS: (usize, usize) = (253, 63);
    let odd = |c: &char| {
        if c.is_ascii() {
            !c.is_ascii_alphanumeric() && !"-_.".contains(*c)
        } else {
            c.is_whitespace() || c.is_control()
        }
    };
    if let Some(bad) = name.chars().find(odd) {
        return Some(HostProblem::Character(bad));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.split('.').any(str::is_empty) {
        return Some(HostProblem::EmptyLabel);
    }
    let long = name.len() > LIMITS.0 || name.split('.').any(|label| label.len() > LIMITS.1);
    long.then_some(HostProblem::TooLong)
}
