//! Values of options that the command line and the configuration file write in the same way.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::Deserialize;

use crate::rates::VisitorRate;

/// A rate as `20` or `20:200` (per second, at once), or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RateOption(pub(crate) Option<VisitorRate>);

/// Networks as `10.0.0.0/8,192.0.2.7`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct NetworksOption(pub(crate) Vec<IpNet>);

/// Why a value is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("a rate is RATE, RATE:BURST or off, as 20 or 20:200")]
    Rate,
    #[error("{0:?} is not a network: use 10.0.0.0/8 or 192.0.2.7")]
    Network(String),
}

impl FromStr for RateOption {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "off" {
            return Ok(Self(None));
        }
        let (rate, burst) = match text.split_once(':') {
            Some((rate, burst)) => (rate, Some(burst.parse().map_err(|_| ValueError::Rate)?)),
            None => (text, None),
        };
        let per_second: f64 = rate.parse().map_err(|_| ValueError::Rate)?;
        if !per_second.is_finite() || per_second < 0.0 {
            return Err(ValueError::Rate);
        }
        // Without a burst, ten seconds of the rate at once.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let usual = (per_second * 10.0).clamp(1.0, f64::from(u32::MAX)) as u32;
        Ok(Self(Some(VisitorRate { per_second, burst: burst.unwrap_or(usual) })))
    }
}

impl FromStr for NetworksOption {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let network = |text: &str| {
            let text = text.trim();
            let one = |ip: IpAddr| IpNet::from(ip);
            text.parse().or_else(|_| text.parse().map(one)).map_err(|_| ValueError::Network(text.to_owned()))
        };
        text.split(',').map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for RateOption {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl TryFrom<String> for NetworksOption {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_rates() {
        let rate = |per_second, burst| Ok(RateOption(Some(VisitorRate { per_second, burst })));
        assert_eq!("20:200".parse(), rate(20.0, 200));
        assert_eq!("0.5".parse(), rate(0.5, 5));
        assert_eq!("off".parse(), Ok(RateOption(None)));
        for bad in ["", "-1", "NaN", "inf", "1:", "1:-1", "x"] {
            assert_eq!(bad.parse::<RateOption>(), Err(ValueError::Rate), "{bad}");
        }
    }

    #[test]
    fn parses_networks() {
        let networks: NetworksOption = "10.0.0.0/8, 192.0.2.7,fd00::/8".parse().unwrap();
        assert_eq!(networks.0.len(), 3);
        assert!(networks.0[1].contains(&"192.0.2.7".parse::<IpAddr>().unwrap()));
        assert!("10.0.0.0/33".parse::<NetworksOption>().is_err() && "".parse::<NetworksOption>().is_err());
    }
}
