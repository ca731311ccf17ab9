//! `--confirm echo`: a message counts as confirmed when it has arrived on the listen port. A separate task reads that
//! port, so that the server never waits; an [`EchoMatcher`] recognises the messages of this run.

use std::collections::{HashMap, HashSet};

use chat_client::{
    ClientConfig, DeliveryState, Echo, EchoMatcher, EchoOutcome, Listener, ListenerEvent, PostId, Receipt, Resume,
    Side, Text, Writer,
};
use tokio::sync::{mpsc, oneshot};

use crate::connection;
use crate::error::CliError;

/// A listener that is online and receives every later post.
pub(crate) struct EchoListener(Listener);

/// The echoes of one run. When it is dropped, outstanding echoes count as not received.
pub(crate) struct Echoes(mpsc::UnboundedSender<EchoRequest>);

/// A weak handle for one message, which does not keep the task alive.
pub(crate) struct EchoWait(mpsc::WeakUnboundedSender<EchoRequest>);

enum EchoRequest {
    /// A message is about to be sent.
    Sent { id: PostId, text: Text },
    /// A message is confirmed; `seen` is answered when its echo has arrived or no longer can.
    Confirmed { receipt: Receipt, seen: oneshot::Sender<bool> },
    /// A message ended without a confirmation.
    Failed { id: PostId },
}

impl EchoListener {
    /// Starts listening, and waits until it is online: an echo of an earlier post could be missed.
    pub(crate) async fn start(mut config: ClientConfig) -> Result<Self, CliError> {
        config.resume = Resume::Live;
        let what = config.addresses_text(Side::Listen);
        let listener = Listener::builder(config).start();
        // The reason for a failure is in the state.
        let _ = listener.online().await;
        match connection::closed(&listener.state(), what) {
            Some(failure) => Err(failure),
            None => Ok(Self(listener)),
        }
    }

    /// Waits for the echoes of this writer's messages.
    pub(crate) fn follow(self, writer: Writer) -> Echoes {
        let (requests, received) = mpsc::unbounded_channel();
        let (unanswered, seen, waits) = (HashMap::new(), HashSet::new(), HashMap::new());
        let task = EchoTask { writer, matcher: EchoMatcher::new(), unanswered, seen, waits };
        tokio::spawn(task.run(self.0, received));
        Echoes(requests)
    }
}

impl Echoes {
    /// Records that a message is about to be sent. It must precede the message: the echo may overtake the receipt.
    pub(crate) fn sent(&self, id: PostId, text: Text) {
        // An error means that the task has ended, and the message will count as not received; so below.
        let _ = self.0.send(EchoRequest::Sent { id, text });
    }

    pub(crate) fn wait(&self) -> EchoWait {
        EchoWait(self.0.downgrade())
    }
}

impl EchoWait {
    /// Returns whether a confirmed message has arrived; `false` if that can no longer be determined.
    pub(crate) async fn of(&self, receipt: Receipt) -> bool {
        let (seen, arrived) = oneshot::channel();
        // The strong handle is dropped before the wait, so that it does not keep the task alive.
        let asked = self.0.upgrade().is_some_and(|task| task.send(EchoRequest::Confirmed { receipt, seen }).is_ok());
        asked && arrived.await.unwrap_or(false)
    }

    /// Records that a message was not confirmed.
    pub(crate) fn failed(&self, id: PostId) {
        if let Some(task) = self.0.upgrade() {
            let _ = task.send(EchoRequest::Failed { id });
        }
    }
}

/// All collections are bounded by the number of messages that are unanswered.
struct EchoTask {
    writer: Writer,
    matcher: EchoMatcher,
    /// Sent messages, and whether a gap followed: an echo without a position may then be in the gap.
    unanswered: HashMap<PostId, bool>,
    /// Messages that arrived before their confirmation.
    seen: HashSet<PostId>,
    /// Confirmed messages that have not arrived.
    waits: HashMap<PostId, oneshot::Sender<bool>>,
}

impl EchoTask {
    async fn run(mut self, mut listener: Listener, mut requests: mpsc::UnboundedReceiver<EchoRequest>) {
        loop {
            // Requests first: a message is announced before it is sent, so it is known before its echo. Both branches
            // are cancel-safe: a request stays in its channel, an event with the listener.
            tokio::select! {
                biased;
                request = requests.recv() => match request {
                    Some(request) => self.handle_request(request),
                    None => return,
                },
                event = listener.next() => match event {
                    Some(ListenerEvent::Message(message)) => {
                        let nickname = self.writer.account().borrow().as_ref().map(|account| account.nickname.clone());
                        self.matcher.set_nickname(nickname);
                        let outcomes = self.matcher.on_message(&message, ());
                        self.settle(outcomes);
                    }
                    Some(ListenerEvent::Gap(gap)) => {
                        self.unanswered.values_mut().for_each(|gap_followed| *gap_followed = true);
                        let outcomes = self.matcher.on_gap(&gap);
                        self.settle(outcomes);
                    }
                    Some(_) => {}
                    None => return,
                },
            }
        }
    }

    fn handle_request(&mut self, request: EchoRequest) {
        match request {
            EchoRequest::Sent { id, text } => {
                self.matcher.add(id.clone(), &text);
                self.unanswered.insert(id, false);
            }
            EchoRequest::Confirmed { receipt, seen } => {
                let id = receipt.id.clone();
                let gap_followed = self.unanswered.remove(&id).unwrap_or_default();
                let arrived = self.seen.remove(&id);
                if arrived || (gap_followed && receipt.position.is_none()) {
                    self.matcher.remove(&id);
                    // An error means that the caller has stopped waiting; so below.
                    let _ = seen.send(arrived);
                    return;
                }
                self.waits.insert(id.clone(), seen);
                let outcome = self.matcher.update(&id, &DeliveryState::Confirmed(receipt));
                self.settle(outcome);
            }
            EchoRequest::Failed { id } => {
                self.matcher.remove(&id);
                self.unanswered.remove(&id);
                self.seen.remove(&id);
            }
        }
    }

    fn settle(&mut self, outcomes: impl IntoIterator<Item = EchoOutcome>) {
        for EchoOutcome { id, echo, .. } in outcomes {
            let arrived = matches!(echo, Echo::Seen(()));
            match self.waits.remove(&id) {
                Some(wait) => drop(wait.send(arrived)),
                None if arrived => {
                    // A plain server gives no better proof: if the connection breaks now, the message is delivered.
                    self.writer.confirm_echo(id.clone());
                    self.seen.insert(id);
                }
                None => {}
            }
        }
    }
}
