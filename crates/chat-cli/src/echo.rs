//! `--confirm echo`: a message counts as confirmed when it has arrived on the listen port. A separate task reads that
//! port, so that the server never waits.

use std::collections::VecDeque;

use chat_client::{ClientConfig, Listener, ListenerEvent, Message, Nickname, Position, Resume, Text};
use tokio::sync::{mpsc, oneshot};

use crate::connection;
use crate::error::CliError;

/// How many bytes of other messages are kept that may still turn out to be ours. A message is published before it is
/// confirmed, so its echo can arrive before its receipt.
const KEPT: usize = 4 * 1024 * 1024;

/// Receives the echoes of our own messages. When it is dropped, outstanding echoes count as not received.
pub(crate) struct EchoListener(mpsc::UnboundedSender<Wait>);

/// A weak handle for queries, which does not keep the listener alive.
pub(crate) struct Ask(mpsc::WeakUnboundedSender<Wait>);

/// A message whose echo is awaited.
struct Wait {
    position: Option<Position>,
    sender: Option<Nickname>,
    text: String,
    back: oneshot::Sender<()>,
}

impl EchoListener {
    /// Starts listening, and waits until it is online: an echo of an earlier post could be missed.
    pub(crate) async fn start(mut config: ClientConfig) -> Result<Self, CliError> {
        config.resume = Resume::Live;
        let what = config.listen_addr_text();
        let listener = Listener::builder(config).start();
        let mut states = listener.state();
        // The result is in `states`; a dropped sender ends the wait too.
        let _ = states.wait_for(|state| state.is_online() || state.is_closed()).await;
        if let Some(failure) = connection::closed(&states, what) {
            return Err(failure);
        }
        let (asks, asked) = mpsc::unbounded_channel();
        tokio::spawn(listen(listener, asked));
        Ok(Self(asks))
    }

    pub(crate) fn ask(&self) -> Ask {
        Ask(self.0.downgrade())
    }
}

impl Ask {
    /// Returns whether a confirmed message has arrived; `false` if that can no longer be determined.
    pub(crate) async fn of(&self, position: Option<Position>, sender: Option<Nickname>, text: &Text) -> bool {
        let (back, came) = oneshot::channel();
        let text = text.flattened().into_owned();
        let wait = Wait { position, sender, text, back };
        // The strong handle is dropped before the wait, so that it does not keep the listener alive.
        self.0.upgrade().is_some_and(|echo| echo.send(wait).is_ok()) && came.await.is_ok()
    }
}

impl Wait {
    fn is_for(&self, message: &Message) -> bool {
        match &self.position {
            Some(position) => message.position.as_ref() == Some(position),
            None => message.sender == self.sender && message.text.flattened() == self.text,
        }
    }
}

/// Matches awaited echoes with received messages, in either order. The number of awaited echoes is bounded by the
/// number of unanswered messages.
async fn listen(mut listener: Listener, mut asked: mpsc::UnboundedReceiver<Wait>) {
    let mut waits: Vec<Wait> = Vec::new();
    let mut kept: VecDeque<Message> = VecDeque::new();
    let mut kept_bytes = 0;
    loop {
        // Both branches are cancel safe: a query stays in its channel, an event with the listener.
        tokio::select! {
            wait = asked.recv() => {
                let Some(wait) = wait else { return };
                match kept.iter().position(|message| wait.is_for(message)).and_then(|at| kept.remove(at)) {
                    Some(message) => {
                        kept_bytes -= message.text.as_str().len();
                        // An error means that the caller has stopped waiting.
                        let _ = wait.back.send(());
                    }
                    None => waits.push(wait),
                }
            }
            event = listener.next() => match event {
                Some(ListenerEvent::Message(message)) => {
                    if let Some(at) = waits.iter().position(|wait| wait.is_for(&message)) {
                        let _ = waits.remove(at).back.send(());
                        continue;
                    }
                    kept_bytes += message.text.as_str().len();
                    kept.push_back(message);
                    while kept_bytes > KEPT && let Some(oldest) = kept.pop_front() {
                        kept_bytes -= oldest.text.as_str().len();
                    }
                }
                // The echo may be in the gap: whether it arrived can no longer be determined.
                Some(ListenerEvent::Gap(_)) => waits.clear(),
                Some(_) => {}
                None => return,
            }
        }
    }
}
