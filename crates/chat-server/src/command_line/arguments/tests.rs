//! Tests that the options are consistent and reach the configuration.

use clap::CommandFactory;

use super::*;

#[test]
fn defaults_match_the_library() {
    Arguments::command().debug_assert();
    let parsed = Arguments::parse_from(["chat-server"]).serve.config().unwrap();
    assert_eq!(format!("{parsed:?}"), format!("{:?}", ServerConfig::default()));
}

#[test]
fn sets_every_limit() {
    let line = "chat-server --max-connections 1 --max-connections-per-address 2 --login-within 3 \
                --nickname-within 4 --max-nickname 5 --post-rate 6:7 --register-rate 8 --stall 9 \
                --drain-within 0.5";
    let limits = Arguments::parse_from(line.split_whitespace()).serve.config().unwrap().limits;
    assert_eq!((limits.connections, limits.connections_per_address, limits.nickname_chars), (1, 2, 5));
    assert_eq!((limits.login_within.as_secs(), limits.nickname_within.as_secs()), (3, 4));
    assert_eq!(limits.posts, Some(Rate { per_second: 6.0, burst: 7 }));
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
        "--post-rate 1:-1",
        "--login-within -1",
        "--login-within inf",
        "--metrics",
        "--max-nickname 0",
        "--tls-listen 127.0.0.1:0",
        "--tls-cert x --tls-key y",
        "check extra",
    ] {
        let line = std::iter::once("chat-server").chain(bad.split_whitespace());
        assert!(Arguments::try_parse_from(line).is_err(), "{bad}");
    }
}
