//! The requests of the handles.

use std::sync::Arc;

use chat_proto::PostId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::WriterTask;
use crate::delivery_state::DeliveryState;
use crate::outbox::error::OutboxError;
use crate::writer::delivery::{DeliveryError, Ticket};
use crate::writer::queue::Post;
use crate::writer::request::WriterRequest;
use crate::writer::shutdown::ShutdownReport;

impl WriterTask {
    /// Handles a request; `None` means that the last handle is dropped.
    pub(super) async fn handle_request(&mut self, request: Option<WriterRequest>) {
        match request {
            Some(WriterRequest::Close { by }) => self.close_at(by).await,
            Some(request) => self.handle_open(request).await,
            None => self.close_at(Instant::now() + self.drain_when_dropped).await,
        }
    }

    /// Stops accepting requests. The queue is sent until `by`.
    pub(super) async fn close_at(&mut self, by: Instant) {
        // Messages sent before the writer was closed are still received before the channel ends.
        self.requests.close();
        while let Ok(request) = self.requests.try_recv() {
            self.handle_open(request).await;
        }
        self.closing.get_or_insert((by, ShutdownReport::default()));
    }

    /// Handles a request that does not close the writer.
    async fn handle_open(&mut self, request: WriterRequest) {
        match request {
            WriterRequest::Send { post, saved } => self.accept(*post, saved).await,
            WriterRequest::Discard { id, reply } => {
                // An error means that the caller has stopped waiting; so below.
                let _ = reply.send(self.discard(&id).await);
            }
            WriterRequest::Save { id, text, reply } => {
                let _ = reply.send(self.outbox.add(id, text).await);
            }
            WriterRequest::Echoed { id } => {
                if !self.queue.echoed(&id) {
                    self.forget(&id).await;
                }
            }
            WriterRequest::Idle { reply } => self.idle.push(reply),
            // A second request to close changes nothing.
            WriterRequest::Close { .. } => {}
        }
    }

    /// Saves a post in the outbox, then queues it: a message that would not survive a restart is not accepted.
    async fn accept(&mut self, post: Post<Ticket>, saved: Option<oneshot::Sender<Result<(), Arc<OutboxError>>>>) {
        let answer = match self.outbox.add(post.id.clone(), post.text.clone()).await {
            Ok(()) => {
                self.queue.push(post);
                Ok(())
            }
            Err(error) => {
                let (source, id) = (Arc::new(error), post.id.clone());
                self.report_outbox_error(source.clone());
                post.ticket.end(Err(DeliveryError::Outbox { id, source: source.clone() }));
                Err(source)
            }
        };
        if let Some(saved) = saved {
            let _ = saved.send(answer);
        }
    }

    async fn discard(&mut self, id: &PostId) -> Result<bool, OutboxError> {
        let found = self.queue.discard(id);
        if found.is_none() && self.queue.contains(id) {
            // It is written and can no longer be withdrawn.
            return Ok(false);
        }
        let known = self.outbox.contains(id);
        let forgotten = self.outbox.done(id.clone()).await;
        let was_queued = found.is_some();
        if let Some(post) = found {
            self.settle(post, DeliveryState::Discarded, None).await;
        }
        forgotten.map(|()| was_queued || known)
    }
}
