//! Tests that the options are consistent and reach the configuration.

use clap::{CommandFactory, Parser};

use super::*;
use crate::command_line::Arguments;

fn parse(line: &str) -> Options {
    Arguments::parse_from(line.split_whitespace()).options
}

/// Passes on the fields of a structure, and nothing else.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> serde::Deserializer<'de> for FieldNames<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("only the fields are of interest"))
    }

    fn deserialize_struct<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[test]
fn every_option_is_a_key() {
    let mut keys: &[&str] = &[];
    let _ = Options::deserialize(FieldNames(&mut keys));
    let command = Arguments::command();
    let options: Vec<&str> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
    // The file cannot name itself, and the rest is not about serving.
    let in_file: Vec<&str> = options.iter().copied().filter(|name| *name != "config").collect();
    assert_eq!(in_file, keys);
    assert!(keys.len() > 20, "{keys:?}");
}

#[test]
fn defaults_match_the_library() {
    Arguments::command().debug_assert();
    let parsed = parse("chat-server").server_config().unwrap();
    assert_eq!(format!("{parsed:?}"), format!("{:?}", ServerConfig::default()));
}

#[test]
fn sets_every_limit() {
    let line = "chat-server --max-connections 1 --max-connections-per-address 2 --login-within 3 \
                --nickname-within 4 --max-nickname 5 --post-rate 6:7 --register-rate 8 --post-bytes 1K:2M --address-bytes off --max-store 10G --min-free 0 --keep 90d,10GB --registration closed \
                --register-rate-total off --stall 9 \
                --drain-within 0.5";
    let limits = parse(line).server_config().unwrap().limits;
    assert_eq!((limits.connections, limits.connections_per_address, limits.nickname_chars), (1, 2, 5));
    assert_eq!((limits.login_within.as_secs(), limits.nickname_within.as_secs()), (3, 4));
    assert_eq!(limits.posts, Some(Rate { per_second: 6.0, burst: 7 }));
    assert_eq!((limits.post_bytes, limits.address_bytes), (Some(Rate { per_second: 1024.0, burst: 2 << 20 }), None));
    assert_eq!((limits.max_store, limits.min_free), (Some(10 << 30), Some(0)));
    let age = Duration::from_secs(90 * 24 * 60 * 60);
    assert_eq!(limits.keep, Retention::everything().with_age(Some(age)).with_bytes(Some(10 << 30)));
    assert_eq!((limits.registration, limits.registrations_in_all), (RegistrationPolicy::Closed, None));
    assert_eq!(limits.registrations, Some(Rate { per_second: 8.0, burst: 8 }));
    assert_eq!((limits.stall.as_secs(), limits.drain_within.as_millis()), (9, 500));
}

#[test]
fn refuses_nonsense() {
    for bad in [
        "--listen 5000",
        "--listen 127.0.0.1:99999",
        "--memory --data-dir x",
        "--post-rate 0",
        "--post-rate nan",
        "--proxy-from 10.0.0.0/33",
        "--proxy-from localhost",
        "--post-bytes 1.5K",
        "--post-bytes 0:1K",
        "--post-bytes 1K:4G",
        "--max-store 10X",
        "--keep",
        "--keep 90",
        "--keep 90d,30d",
        "--keep 1G,2G",
        "--keep 10m5",
        "--keep 10mb",
        "--keep -1d",
        "--keep 5s",
        "--keep 1K",
        "--keep 90d,",
        "--keep é",
        "--keep iB",
        "--registration invite:",
        "--registration invited",
        "--post-rate 1:-1",
        "--login-within -1",
        "--login-within inf",
        "--metrics",
        "--max-nickname 0",
        "--tls-listen 127.0.0.1:0",
        "--tls-cert x --tls-key y",
        "check extra",
    ] {
        let line = std::iter::once("chat-server").chain(bad.split_whitespace()).map(Into::into);
        assert!(Arguments::from_command_line(line).is_err(), "{bad}");
    }
}
