//! Posts on their way: written to the connection, answered, settled. The outbox follows each step.

use std::collections::VecDeque;
use std::sync::Arc;

use chat_proto::{Connection, Extensions, PostId, WriterClient, WriterClientCommand, WriterClientEvent};
use tokio::time::Instant;

use super::WriterTask;
use crate::delivery_state::{DeliveryState, Receipt};
use crate::net::counters::ServiceCount;
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;
use crate::outbox::error::OutboxError;
use crate::writer::delivery::{DeliveryError, Ticket};
use crate::writer::queue::{DeclineAnswer, Post};

impl WriterTask {
    /// Passes the connection as many posts as it accepts. The outbox marks them as written before their bytes are sent.
    pub(super) async fn write_posts(
        &mut self,
        connection: &mut Connection<WriterClient, BoxedIo>,
        unwritten: &mut VecDeque<u64>,
        ids: bool,
    ) {
        let now = Instant::now();
        let mut leaving = Vec::new();
        // Without ids, a post that is written and not marked would be written again by a later run, and appear twice.
        while connection.machine().can_post() && (ids || self.mark_next(now).await) {
            let Some((key, post)) = self.queue.write_next(now) else { break };
            let command = WriterClientCommand::Post { key, id: post.id.clone(), text: post.text.clone() };
            if ids && self.outbox.exists() {
                leaving.push(post.id.clone());
            }
            unwritten.push_back(key);
            let taken = connection.command(command);
            debug_assert!(taken.is_ok(), "the machine said that it can post");
        }
        if !leaving.is_empty() {
            // The connection sends nothing until it is polled again, so the mark still comes first.
            self.mark(leaving, DeliveryState::Written).await;
        }
    }

    /// Marks the next post as written before it is sent. Returns `false` if there is nothing to write now, or if the
    /// outbox cannot be written; writing then pauses.
    async fn mark_next(&mut self, now: Instant) -> bool {
        let Some(id) = self.queue.next(now).map(|post| post.id.clone()) else { return false };
        let marked = self.mark(vec![id], DeliveryState::Written).await;
        if !marked {
            self.queue.put_off(now);
        }
        marked
    }

    pub(super) async fn handle_event(&mut self, event: WriterClientEvent, offer: &mut Extensions) {
        match event {
            WriterClientEvent::Account(account) => {
                self.watches.account.send_replace(Some(account));
            }
            WriterClientEvent::Ready { extensions } => {
                *offer = extensions;
                if !extensions.id {
                    let unknown = self.queue.take_written_before();
                    self.settle_unconfirmed(unknown, None).await;
                }
                self.supervisor.online(extensions);
            }
            WriterClientEvent::Confirmed { key, position } => {
                if let Some(post) = self.queue.confirmed(key) {
                    self.departures = 0;
                    // Removed before the caller is told, so that a kill in between repeats the post under its id, and
                    // never loses it.
                    self.forget(&post.id).await;
                    let receipt = Receipt::new(post.id.clone(), position);
                    self.settle(post, DeliveryState::Confirmed(receipt), None).await;
                }
            }
            WriterClientEvent::Declined { key, code, retry_after, reason } => {
                let answer = DeclineAnswer { code, retry_after, reason };
                if let Some((post, state)) = self.queue.declined(key, answer, Instant::now()) {
                    self.mark(vec![post.id.clone()], state.clone()).await;
                    self.settle(post, state, None).await;
                }
            }
            WriterClientEvent::RoundTrip(time) => {
                self.watches.round_trip.send_replace(Some(time));
            }
            // Events of a later protocol version contain nothing that this version can use.
            _ => {}
        }
    }

    /// Settles posts that may or may not have been delivered.
    pub(super) async fn settle_unconfirmed(&mut self, posts: Vec<Post<Ticket>>, cause: Option<&Arc<ConnectError>>) {
        let ids: Vec<PostId> = posts.iter().filter(|post| !post.echoed).map(|post| post.id.clone()).collect();
        if !ids.is_empty() {
            self.mark(ids, DeliveryState::Unconfirmed).await;
        }
        for post in posts {
            self.settle(post, DeliveryState::Unconfirmed, cause.cloned()).await;
        }
    }

    /// Ends a post and tells its delivery.
    pub(super) async fn settle(&mut self, post: Post<Ticket>, state: DeliveryState, cause: Option<Arc<ConnectError>>) {
        let id = post.id.clone();
        let state = match state {
            // Other users have seen it, so it is delivered.
            DeliveryState::Unconfirmed if post.echoed => {
                self.forget(&id).await;
                DeliveryState::Confirmed(Receipt::new(id.clone(), None))
            }
            state => state,
        };
        if let Some((_, report)) = &mut self.closing {
            report.push(id.clone(), state.clone());
        }
        self.supervisor.counters().add(
            match state {
                DeliveryState::Confirmed(_) => ServiceCount::Message,
                DeliveryState::Refused { .. } => ServiceCount::Refused,
                DeliveryState::NeverSent | DeliveryState::Discarded => ServiceCount::NeverSent,
                _ => ServiceCount::Unconfirmed,
            },
            1,
        );
        post.ticket.end(match state {
            DeliveryState::Confirmed(receipt) => Ok(receipt),
            DeliveryState::Refused { code, retry_after, reason } => {
                Err(DeliveryError::Refused { id, code, retry_after, reason })
            }
            DeliveryState::NeverSent => Err(DeliveryError::NeverSent { id, put_off: post.put_off, cause }),
            DeliveryState::Discarded => Err(DeliveryError::Discarded { id }),
            // The other states are not final; all that is known is that the post was written.
            DeliveryState::Unconfirmed | DeliveryState::Queued | DeliveryState::Written => {
                Err(DeliveryError::Unconfirmed { id, cause })
            }
        });
    }

    /// Sets the state of posts in the outbox; returns `false` if that fails. With ids, or after a post has ended, a
    /// failure does not stop the writer: at worst, a later run repeats the post under its id, or asks the user.
    async fn mark(&self, ids: Vec<PostId>, state: DeliveryState) -> bool {
        if !self.outbox.exists() {
            return true;
        }
        let marked = self.outbox.mark(ids, state).await;
        self.report_outbox(marked)
    }

    /// Removes a post from the outbox.
    pub(super) async fn forget(&self, id: &PostId) {
        if !self.outbox.exists() {
            return;
        }
        let done = self.outbox.done(id.clone()).await;
        self.report_outbox(done);
    }

    fn report_outbox(&self, result: Result<(), OutboxError>) -> bool {
        match result {
            Ok(()) => {
                self.watches.outbox_error.send_if_modified(|error| error.take().is_some());
                true
            }
            Err(error) => {
                self.report_outbox_error(Arc::new(error));
                false
            }
        }
    }

    pub(super) fn report_outbox_error(&self, error: Arc<OutboxError>) {
        tracing::warn!(%error, "could not write the outbox");
        self.watches.outbox_error.send_replace(Some(error));
    }
}
