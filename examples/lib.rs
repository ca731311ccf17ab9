//! Short programs on `chat-client` and `chat-server`. Each takes the two ports of a server on this machine as arguments,
//! by default those of the original server:
//!
//! ```sh
//! cargo run --example embedded_server            # a server in memory, prints its ports
//! cargo run --example hello_listener -- 5000 5050
//! cargo run --example hello_writer -- 5000 5050
//! cargo run --example echo_bot -- state 5000 5050
//! cargo run --example archiver -- archive.db 5000 5050
//! cargo run --example bridge -- lobby 5000 tower 6050 state
//! cargo run --example poller -- 5000 5050        # a program with a loop of its own, like a game
//! cargo run --example gui -- 5000 5050           # a program whose main thread belongs to a toolkit
//! ```
//!
//! `echo_bot`, `archiver`, `bridge`, `poller` and `gui` contain tests with a room in memory; `docs/testing.md` explains them.

use chat_client::ClientConfig;

/// Returns the configuration for the ports on the command line: `[LISTEN_PORT WRITE_PORT]`.
///
/// # Errors
/// An argument is not a port.
pub fn config_from_args() -> anyhow::Result<ClientConfig> {
    config_from(std::env::args().skip(1))
}

/// Returns the configuration for these ports: `[LISTEN_PORT WRITE_PORT]`.
///
/// # Errors
/// One of them is not a port.
pub fn config_from(mut ports: impl Iterator<Item = String>) -> anyhow::Result<ClientConfig> {
    let mut config = ClientConfig::default();
    if let (Some(listen), Some(write)) = (ports.next(), ports.next()) {
        (config.listen_port, config.write_port) = (listen.parse()?, write.parse()?);
    }
    Ok(config)
}
