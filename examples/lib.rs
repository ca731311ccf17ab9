//! Short programs on `chat-client` and `chat-server`. Each takes the two ports of a server on this machine as arguments,
//! by default those of the original server:
//!
//! ```sh
//! cargo run --example embedded_server            # a server in memory, prints its ports
//! cargo run --example hello_listener -- 5000 5050
//! cargo run --example hello_writer -- 5000 5050
//! cargo run --example echo_bot -- 5000 5050
//! ```

use chat_client::ClientConfig;

/// Returns the configuration for the ports on the command line: `[LISTEN_PORT WRITE_PORT]`.
///
/// # Errors
/// An argument is not a port.
pub fn config_from_args() -> anyhow::Result<ClientConfig> {
    let mut config = ClientConfig::default();
    let mut ports = std::env::args().skip(1);
    if let (Some(listen), Some(write)) = (ports.next(), ports.next()) {
        (config.listen_port, config.write_port) = (listen.parse()?, write.parse()?);
    }
    Ok(config)
}
