//! How impatient the rig's clients are: a fault must cost milliseconds, or a hundred thousand take
//! days. It changes no rule, only waits.

use std::time::Duration;

use chat_client::{ClientConfig, Keepalive};

/// The configuration of a client that dials this port of the loopback address.
pub(crate) fn impatient(port: u16, seed: u64) -> ClientConfig {
    let mut config = ClientConfig::new("127.0.0.1");
    (config.listen_port, config.write_port) = (port, port);
    config.seed = Some(seed);
    config.connect_timeout = Duration::from_secs(1);
    config.keepalive = Keepalive { idle: Duration::from_millis(100), probe: Duration::from_millis(300) };
    config.retry.base = Duration::from_millis(2);
    config.retry.cap = Duration::from_millis(40);
    config.retry.reset_after = Duration::from_millis(50);
    config
}

/// How long a writer waits for each word of the dialogue.
pub(crate) const WRITER_ANSWER: Duration = Duration::from_millis(400);

/// How long a listener waits for the answer to its request. Longer: what it takes for silence costs
/// it its place in the log after a few times.
pub(crate) const LISTENER_ANSWER: Duration = Duration::from_millis(1500);

/// How long nothing at all may happen at the end before the rig calls it a hang.
pub(crate) const GUARD: Duration = Duration::from_secs(180);
