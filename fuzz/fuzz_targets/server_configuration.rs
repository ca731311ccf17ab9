//! Any text as the configuration file of `chat-server`.
#![no_main]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::LazyLock;

use chat_server::command_line::{Arguments, ConfigFile};
use clap::{Command, CommandFactory as _};
use libfuzzer_sys::fuzz_target;

/// The program's own options, but no name of a host is looked up.
static COMMAND: LazyLock<Command> = LazyLock::new(|| {
    Arguments::command().mut_args(|arg| {
        let is_address = arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "ADDR"));
        if is_address { arg.value_parser(clap::value_parser!(SocketAddr)) } else { arg }
    })
});

fuzz_target!(|data: &[u8]| {
    let content = String::from_utf8_lossy(data);
    match ConfigFile::parse(Path::new("/d/server.toml"), &content, &COMMAND) {
        // Everything in a file is valid on a command line too: each value has passed the same parser.
        Ok(file) => assert!(file.arguments().all(|argument| argument.to_string_lossy().starts_with("--"))),
        Err(error) => assert!(error.to_string().starts_with("/d/server.toml:")),
    }
});
