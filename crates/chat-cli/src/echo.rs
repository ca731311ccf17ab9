//! `--confirm echo`: a message counts when it has come back on the listen port. A task of its own
//! listens, so that nothing waits for it and the server is never kept waiting.

use std::collections::VecDeque;

use chat_client::{ClientConfig, Listener, ListenerEvent, Message, Nickname, Position, Resume, Text};
use tokio::sync::{mpsc, oneshot};

use crate::connection;
use crate::error::CliError;

/// How much of what others said is kept while it may still be ours, in bytes. A message is published
/// before it is confirmed, so its echo may be here before its receipt.
const KEPT: usize = 4 * 1024 * 1024;

/// Listens for our own messages. Dropping it ends that, and what is still waited for has not come
/// back.
pub(crate) struct EchoListener(mpsc::UnboundedSender<Wait>);

/// The right to ask, which keeps nothing alive.
pub(crate) struct Ask(mpsc::WeakUnboundedSender<Wait>);

/// One message that is waited for.
struct Wait {
    position: Option<Position>,
    sender: Option<Nickname>,
    text: String,
    back: oneshot::Sender<()>,
}

impl EchoListener {
    /// Starts listening, and waits until it hears: what was posted before could come back unheard.
    pub(crate) async fn start(mut config: ClientConfig) -> Result<Self, CliError> {
        config.resume = Resume::Live;
        let what = config.listen_addr_text();
        let listener = Listener::builder(config).start();
        let mut states = listener.state();
        // The service outlives this wait.
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
    /// Whether a confirmed message has come back; `false` when that can no longer be known.
    pub(crate) async fn of(&self, position: Option<Position>, sender: Option<Nickname>, text: &Text) -> bool {
        let (back, came) = oneshot::channel();
        let text = text.flattened().into_owned();
        let wait = Wait { position, sender, text, back };
        // The strong handle is gone again before the answer is waited for.
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

/// Pairs what is waited for with what came, whichever is first. There are never more waits than
/// messages under way.
async fn listen(mut listener: Listener, mut asked: mpsc::UnboundedReceiver<Wait>) {
    let mut waits: Vec<Wait> = Vec::new();
    let mut kept: VecDeque<Message> = VecDeque::new();
    let mut kept_bytes = 0;
    loop {
        tokio::select! {
            wait = asked.recv() => {
                let Some(wait) = wait else { return };
                match kept.iter().position(|message| wait.is_for(message)).and_then(|at| kept.remove(at)) {
                    Some(message) => {
                        kept_bytes -= message.text.as_str().len();
                        // Whoever asked may be gone.
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
                // It may have been in there: nobody will ever know.
                Some(ListenerEvent::Gap(_)) => waits.clear(),
                Some(_) => {}
                None => return,
            }
        }
    }
}
