//! A dialler that connects through memory instead of a network.

use std::io;

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use crate::config::Side;
use crate::net::dial::{Dial, DialFuture};
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;

/// Creates a dialler that connects through memory, for tests of programs that use this crate. Each dial gives one end
/// of a pipe to the service and the other to [`PipeRoom::accept`].
///
/// ```
/// use chat_client::testing::pipes;
/// use chat_client::{ClientConfig, Listener, Side};
/// use tokio::io::AsyncWriteExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (dial, mut room) = pipes();
/// let mut listener = Listener::builder(ClientConfig::default()).dial(dial).start();
/// let (side, mut stream) = room.accept().await.ok_or("no connection")?;
/// assert!(side == Side::Listen);
/// stream.write_all(b"Ann: hello\n").await?;
/// let message = listener.messages().next().await.ok_or("the listener ended")?;
/// assert_eq!(message.text.as_str(), "hello");
/// # Ok(()) }
/// ```
#[must_use]
pub fn pipes() -> (PipeDial, PipeRoom) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (PipeDial { room: sender }, PipeRoom { dialled: receiver })
}

/// The dialling side of [`pipes`].
#[derive(Clone, Debug)]
pub struct PipeDial {
    room: mpsc::UnboundedSender<(Side, DuplexStream)>,
}

/// The room's side of [`pipes`]. While it exists, each dial succeeds; afterwards each is refused.
#[derive(Debug)]
pub struct PipeRoom {
    dialled: mpsc::UnboundedReceiver<(Side, DuplexStream)>,
}

/// About as much as a socket buffers in each direction.
const PIPE_BYTES: usize = 64 * 1024;

impl Dial for PipeDial {
    fn dial(&self, side: Side) -> DialFuture<'_> {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let dialled = self.room.send((side, theirs));
        Box::pin(async move {
            let refused = |_| ConnectError::Connect {
                address: "the pipe".into(),
                source: io::Error::from(io::ErrorKind::ConnectionRefused),
            };
            dialled.map_err(refused).map(|()| Box::new(ours) as BoxedIo)
        })
    }
}

impl PipeRoom {
    /// Waits for the next connection; `None` when all diallers are dropped.
    pub async fn accept(&mut self) -> Option<(Side, DuplexStream)> {
        self.dialled.recv().await
    }
}
