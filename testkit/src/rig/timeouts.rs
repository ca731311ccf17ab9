//! Short timeouts for the clients of the rig. A fault must cost milliseconds, or a hundred thousand of them take days.

use std::time::Duration;

use chat_client::{ClientConfig, Keepalive, NodeAddress};

/// Returns the configuration of a client that dials `port` of the loopback address.
pub(crate) fn client_config(port: u16, seed: u64) -> ClientConfig {
    let mut config = ClientConfig::new("127.0.0.1");
    (config.listen_port, config.write_port) = (port, port);
    config.seed = Some(seed);
    config.connect_timeout = Duration::from_secs(1);
    config.keepalive = Keepalive::new(Duration::from_millis(100), Duration::from_millis(300));
    config.retry.base = Duration::from_millis(2);
    config.retry.cap = Duration::from_millis(40);
    config.retry.reset_after = Duration::from_millis(50);
    config
}

/// As [`client_config`], for a room with a node at each of the ports.
pub(crate) fn client_config_of(ports: &[u16], seed: u64) -> ClientConfig {
    let config = client_config(ports.first().copied().unwrap_or(0), seed);
    let nodes = ports.iter().map(|port| NodeAddress::from(format!("127.0.0.1:{port}:{port}").as_str()));
    config.with_nodes(nodes)
}

/// Time a writer waits for each answer of the dialogue.
pub(crate) const WRITER_ANSWER_TIMEOUT: Duration = Duration::from_millis(400);

/// Time a listener waits for the answer to its resume request. Longer than a writer's, because a listener that gets no
/// answer several times in a row gives up resuming and reports a gap.
pub(crate) const LISTENER_ANSWER_TIMEOUT: Duration = Duration::from_millis(1500);

/// Time that the operator waits for an answer to a post or for a message: the server may have been killed meanwhile.
pub(crate) const LOOK_FOR: Duration = Duration::from_secs(2);

/// Time without progress after which the rig reports a hang.
pub(crate) const GUARD: Duration = Duration::from_secs(180);
