//! Any text as the configuration file of `chat-server`.
#![no_main]

use std::net::SocketAddr;
use std::path::Path;

use chat_server::command_line::ConfigFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let content = String::from_utf8_lossy(data);
    // The name of a host would be looked up.
    let is_address = |text: &str| text.parse::<SocketAddr>().is_ok();
    let has_port = |text: &str| text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if content.split(['"', '\'']).any(|text| has_port(text) && !is_address(text)) {
        return;
    }
    match ConfigFile::parse(Path::new("/d/server.toml"), &content) {
        // A file over itself changes nothing.
        Ok(file) => assert_eq!(&file.options().clone().over(file.options().clone()), file.options()),
        Err(error) => assert!(error.to_string().starts_with("/d/server.toml:")),
    }
});
