//! Short programs on `chat-client` and `chat-server`, to read and to start from. Each takes the
//! room's two ports as arguments, and the default room of this machine without them:
//!
//! ```sh
//! cargo run --example embedded_server            # a room of its own, prints its ports
//! cargo run --example hello_listener -- 5000 5050
//! cargo run --example hello_writer -- 5000 5050
//! cargo run --example echo_bot -- 5000 5050
//! ```

use chat_client::ClientConfig;

/// The room that the command line names: `[listen-port write-port]`.
///
/// # Errors
/// An argument is no port.
pub fn room_of_args() -> anyhow::Result<ClientConfig> {
    let mut config = ClientConfig::default();
    let mut ports = std::env::args().skip(1);
    if let (Some(listen), Some(write)) = (ports.next(), ports.next()) {
        (config.listen_port, config.write_port) = (listen.parse()?, write.parse()?);
    }
    Ok(config)
}
