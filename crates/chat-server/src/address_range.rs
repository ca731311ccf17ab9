//! A range of addresses that an operator can ban.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An address with the number of its leading bits that count. Never contains a loopback address.
///
/// ```
/// use chat_server::AddressRange;
///
/// let range: AddressRange = "192.0.2.77/24".parse()?;
/// assert_eq!(range.to_string(), "192.0.2.0/24");
/// assert!(range.contains("192.0.2.1".parse()?));
/// assert!("127.0.0.1".parse::<AddressRange>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AddressRange {
    prefix: IpAddr,
    bits: u8,
}

/// A text is not a range that can be banned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressRangeError {
    /// It is not an address, with or without a prefix length.
    #[error("{0:?} is not an address: pass one such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/48")]
    Malformed(String),
    /// It contains a loopback address, from which the operator and local proxies connect.
    #[error("{0} contains a loopback address, which cannot be banned")]
    Loopback(String),
}

/// A bare IPv6 address stands for its /64, because one host has a whole one.
const IPV6_HOST_BITS: u8 = 64;

impl AddressRange {
    /// Returns true if the range contains the address, also in its IPv6-mapped form.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        !address.is_loopback() && address.is_ipv4() == self.prefix.is_ipv4() && mask(address, self.bits) == self.prefix
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let malformed = || AddressRangeError::Malformed(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| malformed())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let address = if bits.is_none() { address.to_canonical() } else { address };
        let (longest, usual) = if address.is_ipv4() { (32, 32) } else { (128, IPV6_HOST_BITS) };
        let bits = bits.unwrap_or(if address.is_loopback() { longest } else { usual });
        if bits > longest {
            return Err(malformed());
        }
        let prefix = mask(address, bits);
        let range = Self { prefix, bits };
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let holds = |address: IpAddr| address.is_ipv4() == prefix.is_ipv4() && mask(address, bits) == prefix;
        if address.is_loopback() || loopback.into_iter().any(holds) {
            return Err(AddressRangeError::Loopback(range.to_string()));
        }
        Ok(range)
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;

    fn try_from(text: String) -> Result<Self, AddressRangeError> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.prefix, self.bits)
    }
}

/// Clears all but the leading bits. A shift by the whole width, for no bits, is none.
fn mask(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_addresses_and_prefixes() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("192.0.2.1/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("2001:db8::1", "2001:db8::/64"),
            ("2001:db8:1:2::1/48", "2001:db8:1::/48"),
            ("2001:db8::1/128", "2001:db8::1/128"),
        ] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), expected);
        }
        for text in ["", "example.org", "192.0.2.1/33", "192.0.2.1/", "2001:db8::/129", "1.2.3"] {
            assert!(matches!(text.parse::<AddressRange>(), Err(AddressRangeError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn never_contains_loopback() {
        for text in ["127.0.0.1", "127.9.9.9", "127.0.0.0/8", "0.0.0.0/0", "::1", "::/0", "64.0.0.0/2", "::1/64"] {
            assert!(matches!(text.parse::<AddressRange>(), Err(AddressRangeError::Loopback(_))), "{text}");
        }
        let near: AddressRange = "126.0.0.0/8".parse().unwrap();
        assert!(!near.contains("127.0.0.1".parse().unwrap()));
    }
}
