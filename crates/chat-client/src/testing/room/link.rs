//! The link between a client and a room in memory, which can be cut, silenced and broken after some bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;

use super::shared::Conditions;

/// Copies bytes in both directions until an end, a cut, or the given number of bytes.
pub(super) async fn carry(
    client: DuplexStream,
    server: DuplexStream,
    mut conditions: watch::Receiver<Conditions>,
    break_after: Option<usize>,
) {
    let generation = conditions.borrow_and_update().generation;
    let (mut client_read, mut client_write) = tokio::io::split(client);
    let (mut server_read, mut server_write) = tokio::io::split(server);
    let mut left = break_after.unwrap_or(usize::MAX);
    // Small odd sizes, so that lines are split at many places.
    let (mut up, mut down) = ([0; 97], [0; 89]);
    while left > 0 {
        let silent = conditions.borrow().silent;
        // Without this, one direction would be drained before the other side runs.
        tokio::task::yield_now().await;
        tokio::select! {
            changed = conditions.changed() => {
                if changed.is_err() || conditions.borrow().generation != generation {
                    return;
                }
            }
            read = client_read.read(&mut up), if !silent => {
                let Ok(count @ 1..) = read else { return };
                let passed = count.min(left);
                left -= passed;
                if server_write.write_all(&up[..passed]).await.is_err() {
                    return;
                }
            }
            read = server_read.read(&mut down), if !silent => {
                let Ok(count @ 1..) = read else { return };
                let passed = count.min(left);
                left -= passed;
                if client_write.write_all(&down[..passed]).await.is_err() {
                    return;
                }
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
}
