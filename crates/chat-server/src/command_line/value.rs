//! Values of options. The command line and the configuration file use the same parsers.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use ipnet::IpNet;
use serde::Deserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};

use crate::limits::Rate;
use crate::registration::{Invitation, RegistrationPolicy};

/// A value that an option can have.
pub(super) trait OptionValue: Sized {
    /// The types that a configuration file can use for it.
    const KIND: ValueKind;

    /// Parses the value as it is written on a command line. An error says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
}

/// The types of a configuration file that an option accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Switch,
    Number,
    Rate,
    Size,
    Text,
}

impl ValueKind {
    fn accepts(self, found: &Scalar) -> bool {
        match found {
            Scalar::Switch(_) => self == Self::Switch,
            Scalar::Number(_) => matches!(self, Self::Number | Self::Rate | Self::Size),
            Scalar::Text(_) => matches!(self, Self::Text | Self::Rate | Self::Size),
            Scalar::Other(_) => false,
        }
    }
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switch => "true or false",
            Self::Number => "a number",
            Self::Rate => "a number or a text like \"20:200\"",
            Self::Size => "a number or a text like \"10G\"",
            Self::Text => "a text in quotes",
        })
    }
}

/// Deserializes the value of a key. An error completes the sentence that starts with the key.
pub(super) fn read<'de, D: Deserializer<'de>, T: OptionValue>(deserializer: D) -> Result<Option<T>, D::Error> {
    let found = deserializer.deserialize_any(ScalarVisitor)?;
    if !T::KIND.accepts(&found) {
        return Err(D::Error::custom(format!("is {found}, but takes {}", T::KIND)));
    }
    let (Scalar::Number(text) | Scalar::Text(text)) = found else {
        return T::parse(if matches!(found, Scalar::Switch(true)) { "true" } else { "false" })
            .map(Some)
            .map_err(D::Error::custom);
    };
    T::parse(&text).map(Some).map_err(|reason| D::Error::custom(format!("cannot be {text:?}: {reason}")))
}

/// A value of a configuration file. Numbers are written as on a command line.
enum Scalar {
    Switch(bool),
    Number(String),
    Text(String),
    Other(&'static str),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switch(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Other(name) => name,
        })
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of an option")
    }

    fn visit_bool<E>(self, on: bool) -> Result<Scalar, E> {
        Ok(Scalar::Switch(on))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.to_string()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        // The form with a point, so that 1.0 is not accepted for a whole number.
        Ok(Scalar::Number(format!("{number:?}").to_lowercase()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Scalar, A::Error> {
        Ok(Scalar::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        // The parser presents a date as a table with one key of its own.
        let date = map.next_key::<String>()?.is_some_and(|key| key.starts_with("$__toml"));
        Ok(Scalar::Other(if date { "a date" } else { "a table" }))
    }
}

impl OptionValue for bool {
    const KIND: ValueKind = ValueKind::Switch;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "neither true nor false".to_owned())
    }
}

impl OptionValue for usize {
    const KIND: ValueKind = ValueKind::Number;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: std::num::ParseIntError| error.to_string())
    }
}

impl OptionValue for PathBuf {
    const KIND: ValueKind = ValueKind::Text;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.into()) }
    }
}

impl OptionValue for SocketAddr {
    const KIND: ValueKind = ValueKind::Text;

    /// Parses host and port, and resolves a host name.
    fn parse(text: &str) -> Result<Self, String> {
        let no_port = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidInput => "not an address with a port, like 127.0.0.1:5000".to_owned(),
            _ => error.to_string(),
        };
        let found = text.to_socket_addrs().map_err(no_port)?.next();
        found.ok_or_else(|| "no address found for this name".to_owned())
    }
}

impl OptionValue for Duration {
    const KIND: ValueKind = ValueKind::Number;

    /// Parses a number of seconds.
    fn parse(text: &str) -> Result<Self, String> {
        let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
        // A year is as good as unlimited, and adding a longer time to a clock could overflow.
        if (0.001..=31_536_000.0).contains(&seconds) {
            Self::try_from_secs_f64(seconds).map_err(|error| error.to_string())
        } else {
            Err("not between 0.001 and 31536000".to_owned())
        }
    }
}

impl OptionValue for Rate {
    const KIND: ValueKind = ValueKind::Rate;

    fn parse(text: &str) -> Result<Self, String> {
        let (rate, burst) = text.split_once(':').unwrap_or((text, ""));
        let per_second: f64 = rate.parse().map_err(|_| "the rate is not a number".to_owned())?;
        if !(per_second.is_finite() && per_second > 0.0) {
            return Err("the rate is not above zero".to_owned());
        }
        let burst = match burst {
            "" => per_second.ceil().clamp(1.0, f64::from(u32::MAX)) as u32,
            burst => burst.parse().map_err(|_| "the burst is not a whole number".to_owned())?,
        };
        Ok(Self { per_second, burst })
    }
}

/// A limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrOff<T> {
    /// No limit.
    Off,
    /// This limit.
    At(T),
}

impl<T> OrOff<T> {
    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> OrOff<U> {
        match self {
            Self::Off => OrOff::Off,
            Self::At(limit) => OrOff::At(map(limit)),
        }
    }
}

impl<T: OptionValue> OptionValue for OrOff<T> {
    const KIND: ValueKind = T::KIND;

    fn parse(text: &str) -> Result<Self, String> {
        if text == "off" { Ok(Self::Off) } else { T::parse(text).map(Self::At) }
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteSize(pub(super) u64);

impl OptionValue for ByteSize {
    const KIND: ValueKind = ValueKind::Size;

    /// Parses a whole number with a binary unit: 500M is 500 times 1024 times 1024.
    fn parse(text: &str) -> Result<Self, String> {
        let (digits, shift) = match text.char_indices().last() {
            Some((at, 'k' | 'K')) => (&text[..at], 10),
            Some((at, 'm' | 'M')) => (&text[..at], 20),
            Some((at, 'g' | 'G')) => (&text[..at], 30),
            Some((at, 't' | 'T')) => (&text[..at], 40),
            _ => (text, 0),
        };
        let number: u64 = digits.parse().map_err(|_| "not a size, like 500M or 10G".to_owned())?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(|| "it is too large".to_owned())
    }
}

/// Bytes per second, and at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ByteRate(pub(super) Rate);

impl OptionValue for ByteRate {
    const KIND: ValueKind = ValueKind::Size;

    fn parse(text: &str) -> Result<Self, String> {
        let (rate, burst) = text.split_once(':').unwrap_or((text, text));
        let (ByteSize(rate), ByteSize(burst)) = (ByteSize::parse(rate)?, ByteSize::parse(burst)?);
        if rate == 0 {
            return Err("the rate is not above zero".to_owned());
        }
        let burst = u32::try_from(burst).map_err(|_| "the burst is not below 4G".to_owned())?;
        Ok(Self(Rate { per_second: rate as f64, burst }))
    }
}

impl OptionValue for RegistrationPolicy {
    const KIND: ValueKind = ValueKind::Text;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            // The value is not repeated: it may be most of a code.
            text => text.strip_prefix("invite:").and_then(Invitation::new).map(Self::Invite).ok_or_else(|| {
                "it is one of open, closed, and invite:CODE with a code of at most 64 characters without spaces"
                    .to_owned()
            }),
        }
    }
}

/// Networks, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Networks(pub(super) Vec<IpNet>);

impl OptionValue for Networks {
    const KIND: ValueKind = ValueKind::Text;

    fn parse(text: &str) -> Result<Self, String> {
        let network = |text: &str| {
            let text = text.trim();
            let one = text.parse::<IpAddr>().map(IpNet::from).ok();
            one.or_else(|| text.parse().ok()).ok_or_else(|| format!("{text:?} is not a network, like 10.0.0.0/8"))
        };
        text.split(',').map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// The longest nickname in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NicknameChars(pub(super) u8);

impl OptionValue for NicknameChars {
    const KIND: ValueKind = ValueKind::Number;

    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(count @ 1..=60) => Ok(Self(count)),
            Ok(_) => Err(format!("{text} is not in 1..=60")),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The format of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The lowest level that the log contains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Only errors.
    Error,
    /// Warnings too.
    Warn,
    /// Also what happens rarely.
    #[default]
    Info,
    /// Also why single connections ended.
    Debug,
    /// Everything.
    Trace,
}

impl OptionValue for LogLevel {
    const KIND: ValueKind = ValueKind::Text;

    fn parse(text: &str) -> Result<Self, String> {
        one_of(text)
    }
}

impl OptionValue for LogFormat {
    const KIND: ValueKind = ValueKind::Text;

    fn parse(text: &str) -> Result<Self, String> {
        one_of(text)
    }
}

/// Parses the name of a variant.
fn one_of<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
        format!("it is one of {}", names.join(", "))
    })
}
