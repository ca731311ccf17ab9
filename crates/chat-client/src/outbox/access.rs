//! The writer's access to its outbox, if it has one. File operations run on a thread for blocking work, one after the
//! other, because the writer's task waits for each.

#[cfg(not(feature = "files"))]
use std::future::{Ready, ready};

use chat_proto::{PostId, Text};

#[cfg(feature = "files")]
use crate::blocking::unblock;
use crate::delivery_state::DeliveryState;
use crate::outbox::error::OutboxError;
#[cfg(feature = "files")]
use crate::outbox::log::Outbox;

/// The outbox of a writer, or none. Without the feature `files` there is never one.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutboxAccess {
    #[cfg(feature = "files")]
    outbox: Option<Outbox>,
    /// Files are used on the runtime's own thread. The time at which a blocking thread answers is not virtual, so a
    /// simulation would not replay.
    #[cfg(feature = "files")]
    inline: bool,
}

#[cfg(feature = "files")]
impl OutboxAccess {
    /// Sets the outbox.
    pub(crate) fn set(&mut self, outbox: Outbox) {
        self.outbox = Some(outbox);
    }

    /// Uses files on the runtime's own thread.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn set_inline(&mut self) {
        self.inline = true;
    }

    /// Returns whether there is an outbox.
    pub(crate) fn exists(&self) -> bool {
        self.outbox.is_some()
    }

    /// Returns whether the outbox has the message.
    pub(crate) fn contains(&self, id: &PostId) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.contains(id))
    }

    /// Saves a message.
    pub(crate) async fn add(&self, id: PostId, text: Text) -> Result<(), OutboxError> {
        self.with(move |outbox| outbox.add(&id, &text).map(drop)).await
    }

    /// Sets the state of messages.
    pub(crate) async fn mark(&self, ids: Vec<PostId>, state: DeliveryState) -> Result<(), OutboxError> {
        self.with(move |outbox| outbox.mark(&ids, &state)).await
    }

    /// Removes a message.
    pub(crate) async fn done(&self, id: PostId) -> Result<(), OutboxError> {
        self.with(move |outbox| outbox.done(&id)).await
    }

    /// Rewrites the file if most of it is outdated.
    pub(crate) async fn compact_if_worthwhile(&self) {
        if self.outbox.as_ref().is_some_and(Outbox::needs_compaction) {
            // Compaction logs its own failure, and the old file stays valid.
            let _ = self
                .with(|outbox| {
                    outbox.compact();
                    Ok(())
                })
                .await;
        }
    }

    async fn with(
        &self,
        work: impl FnOnce(&Outbox) -> Result<(), OutboxError> + Send + 'static,
    ) -> Result<(), OutboxError> {
        match self.outbox.clone() {
            None => Ok(()),
            Some(outbox) if self.inline => work(&outbox),
            Some(outbox) => unblock(move || work(&outbox)).await,
        }
    }
}

/// Without an outbox everything succeeds and does nothing.
#[cfg(not(feature = "files"))]
impl OutboxAccess {
    pub(crate) fn exists(&self) -> bool {
        false
    }

    pub(crate) fn contains(&self, _: &PostId) -> bool {
        false
    }

    pub(crate) fn add(&self, _: PostId, _: Text) -> Ready<Result<(), OutboxError>> {
        ready(Ok(()))
    }

    pub(crate) fn mark(&self, _: Vec<PostId>, _: DeliveryState) -> Ready<Result<(), OutboxError>> {
        ready(Ok(()))
    }

    pub(crate) fn done(&self, _: PostId) -> Ready<Result<(), OutboxError>> {
        ready(Ok(()))
    }

    pub(crate) fn compact_if_worthwhile(&self) -> Ready<()> {
        ready(())
    }
}
