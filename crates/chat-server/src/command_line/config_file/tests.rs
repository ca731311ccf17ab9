//! Tests of valid configuration files, and of the messages for wrong ones.

use std::ffi::OsString;

use super::*;
use crate::command_line::{Arguments, ServerCommand as Asked, UsageError};

/// Parses a file and further arguments.
fn start(content: &str, words: &str) -> Result<Options, UsageError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.toml");
    std::fs::write(&path, content).unwrap();
    let mut all: Vec<OsString> = vec!["chat-server".into(), "--config".into(), path.into()];
    all.extend(words.split_whitespace().map(OsString::from));
    Arguments::from_command_line(all).map(|arguments| arguments.options)
}

/// Returns the error of a file, without the path before it.
fn fault(content: &str) -> String {
    let error = start(content, "").unwrap_err().to_string();
    error.split_once("server.toml:").map(|(_, rest)| rest.to_owned()).unwrap_or(error)
}

#[test]
fn accepts_all_kinds_of_values() {
    let content = "listen = \"127.0.0.1:0\" # a comment\nwrite = '127.0.0.1:1'\nmemory = true\nstrict = true\n\
                   announce = false\nno-extensions = true\nmax-connections = 0x10\nmax-connections-per-address = 1_000\n\
                   login-within = 1.5\npost-rate = \"20:200\"\nregister-rate = 3\nlog-format = \"json\"\n";
    let serve = start(content, "").unwrap();
    let config = serve.server_config().unwrap();
    assert_eq!((config.listen.port(), config.write.port(), serve.memory == Some(true)), (0, 1, true));
    assert_eq!((config.strict, config.announce, config.extensions), (true, false, false));
    let limits = config.limits;
    assert_eq!((limits.connections, limits.connections_per_address), (16, 1000));
    assert_eq!(limits.login_within.as_millis(), 1500);
    assert_eq!((limits.posts.unwrap().burst, limits.registrations.unwrap().burst), (200, 3));
}

#[test]
fn command_line_overrides_the_file() {
    let content = "listen = \"127.0.0.1:6000\"\nstall = 7\nstrict = true\ndata-dir = \"d\"\n";
    let serve = start(content, "--listen 127.0.0.1:6001 --strict=false --memory").unwrap();
    let config = serve.server_config().unwrap();
    assert_eq!((config.listen.port(), config.write.port()), (6001, 5050));
    assert_eq!((config.limits.stall.as_secs(), config.strict, serve.memory == Some(true)), (7, false, true));
    assert!(!start("memory = true\n", "--data-dir x").unwrap().memory.unwrap_or_default());
    assert!(start("memory = false\ndata-dir = \"d\"\n", "").is_ok());
    // An empty file changes nothing.
    assert_eq!(start("", "").unwrap().server_config().unwrap().listen.port(), 5000);
}

#[test]
fn paths_are_relative_to_the_file() {
    let path = Path::new("/etc/minechat/server.toml");
    let dir = |content| ConfigFile::parse(path, content).unwrap().options().data_dir.clone();
    assert_eq!(dir("data-dir = \"store\""), Some("/etc/minechat/store".into()));
    assert_eq!(dir("data-dir = \"/var/lib/minechat\""), Some("/var/lib/minechat".into()));
    let words = ["chat-server", "check", "--config", "/nowhere/at all", "--data-dir", "x"].map(OsString::from);
    // If the command line has all options, the file is not read.
    let Some(Asked::Check { store }) = Arguments::from_command_line(words).unwrap().command else { panic!("a check") };
    assert_eq!(store.directory().unwrap(), Path::new("x"));
}

#[test]
fn errors_name_line_key_and_valid_values() {
    for (content, expected) in [
        ("\nlsiten = \"a\"", "2: there is no option \"lsiten\" (did you mean \"listen\"?); the keys are the long"),
        ("max_connections = 1", "1: there is no option \"max_connections\" (did you mean \"max-connections\"?)"),
        ("config = \"x\"", "1: there is no option \"config\""),
        ("help = true", "1: there is no option \"help\""),
        ("# c\n[limits]\nstall = 1", "2: there is no option \"limits\""),
        ("stall = 1\nstrict = 1", "2: strict is a number, but takes true or false"),
        ("stall = \"1\"", "1: stall is a text, but takes a number"),
        ("listen = 5000", "1: listen is a number, but takes a text in quotes"),
        ("post-rate = [1]", "1: post-rate is a list, but takes a number or a text like \"20:200\""),
        ("listen = \"5000\"", "1: listen cannot be \"5000\": not an address with a port, like"),
        ("stall = 1979-05-27", "1: stall is a date, but takes a number"),
        ("max-connections = 1.5", "1: max-connections cannot be \"1.5\": invalid digit"),
        ("max-nickname = 61", "1: max-nickname cannot be \"61\": 61 is not in 1..=60"),
        ("stall = -1", "1: stall cannot be \"-1\": not between 0.001 and 31536000"),
        ("stall = nan", "1: stall cannot be \"nan\": not between"),
        ("log-format = \"xml\"", "1: log-format cannot be \"xml\": it is one of text, json"),
        ("data-dir = \"\"", "1: data-dir cannot be \"\": it is empty"),
        ("memory = true\ndata-dir = \"d\"", "2: data-dir cannot be used with memory"),
        ("stall = 1\ntls-cert = \"c\"\ntls-key = \"k\"", "2: tls-cert needs --tls-"),
        ("stall = 1\nstall = 2", "2: duplicate key"),
        ("stall", "1: "),
    ] {
        let fault = fault(content);
        assert!(fault.starts_with(expected), "{content:?}: {fault}");
        assert_eq!(fault.lines().count(), 1, "{fault}");
    }
}

#[test]
fn command_line_completes_the_file() {
    let secure = "tls-listen = \"127.0.0.1:0\"\ntls-write = \"127.0.0.1:0\"\ntls-cert = \"c\"\n";
    assert!(fault(secure).starts_with("1: tls-listen needs --tls-key <F> too"), "{}", fault(secure));
    assert!(start(secure, "--tls-key k").is_ok());
    // An error of the command line is reported as such.
    assert!(matches!(start("stall = 1", "--tls-key k"), Err(UsageError::CommandLine(_))));
    assert!(matches!(start("stall = 1", "--nonsense"), Err(UsageError::CommandLine(_))));
}

#[test]
fn names_an_unreadable_file() {
    let words = ["chat-server", "--config", "/nowhere/server.toml"].map(OsString::from);
    let error = Arguments::from_command_line(words).unwrap_err();
    assert_eq!(error.to_string(), "could not read /nowhere/server.toml");
    let long = format!("# {}\n", "x".repeat(usize::try_from(MAX_BYTES).unwrap()));
    assert!(start(&long, "").unwrap_err().to_string().ends_with("has more than 262144 bytes"));
}

#[test]
fn damaged_file_never_panics() {
    let path = Path::new("server.toml");
    let content = "listen = \"127.0.0.1:0\"\nmax-connections = 16\npost-rate = \"20:200\"\nmemory = true\n";
    for at in 0..content.len() {
        let mut damaged = content.as_bytes().to_vec();
        damaged[at] ^= 0x15;
        let _ = ConfigFile::parse(path, &String::from_utf8_lossy(&damaged));
        let _ = ConfigFile::parse(path, &content[..at]);
    }
}
