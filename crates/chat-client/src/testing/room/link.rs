//! The link between a client and a room in memory, which can be cut, silenced and broken after some bytes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead as _, AsyncWriteExt as _, DuplexStream, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::shared::Conditions;

/// One direction. The pieces have small odd sizes, so that lines are split at many places.
struct Direction {
    from: ReadHalf<DuplexStream>,
    to: WriteHalf<DuplexStream>,
    piece: Vec<u8>,
}

impl Direction {
    /// Reads the next piece and returns its length, which is zero at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut piece = ReadBuf::new(&mut self.piece);
        let read = Pin::new(&mut self.from).poll_read(cx, &mut piece);
        let count = piece.filled().len();
        read.map_ok(|()| count)
    }
}

/// Copies bytes in both directions until an end, a cut after this call, or the given number of bytes.
pub(super) fn carry(
    client: DuplexStream,
    server: DuplexStream,
    mut conditions: watch::Receiver<Conditions>,
    break_after: Option<usize>,
) -> impl Future<Output = ()> + Send {
    // Before the first poll, because a cut may come before it.
    let generation = conditions.borrow_and_update().generation;
    carry_until_cut(client, server, conditions, generation, break_after)
}

/// As [`carry`], until the generation is another one.
async fn carry_until_cut(
    client: DuplexStream,
    server: DuplexStream,
    mut conditions: watch::Receiver<Conditions>,
    generation: u64,
    break_after: Option<usize>,
) {
    let (client_read, client_write) = tokio::io::split(client);
    let (server_read, server_write) = tokio::io::split(server);
    let mut left = break_after.unwrap_or(usize::MAX);
    let mut directions = [
        Direction { from: client_read, to: server_write, piece: vec![0; 97] },
        Direction { from: server_read, to: client_write, piece: vec![0; 89] },
    ];
    while left > 0 {
        let silent = conditions.borrow().silent;
        // Without this, one direction would be drained before the other side runs.
        tokio::task::yield_now().await;
        let read = poll_fn(|cx| {
            let ready =
                directions.iter_mut().enumerate().find_map(|(index, direction)| match direction.poll_read(cx) {
                    Poll::Ready(read) => Some((index, read)),
                    Poll::Pending => None,
                });
            ready.map_or(Poll::Pending, Poll::Ready)
        });
        // A fixed order of polling, so that tests are reproducible: a cut comes before bytes that are sent after it. What
        // was read is not lost, because a read that is ready ends the wait.
        tokio::select! {
            biased;
            changed = conditions.changed() => {
                if changed.is_err() || conditions.borrow().generation != generation {
                    return;
                }
            }
            (index, read) = read, if !silent => {
                let Ok(count @ 1..) = read else { return };
                let passed = count.min(left);
                left -= passed;
                let Direction { to, piece, .. } = &mut directions[index];
                if to.write_all(&piece[..passed]).await.is_err() {
                    return;
                }
                // Each in turn, when both have something.
                directions.swap(0, 1);
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
}
