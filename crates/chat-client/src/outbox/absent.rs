//! Stand-ins for a crate without the feature `files`: a writer has no outbox, and nothing here can be created.

pub(crate) mod error {
    /// The outbox needs the feature `files`, so there is no error of it.
    #[derive(Clone, Copy, Debug, thiserror::Error)]
    #[error("there is no outbox")]
    #[non_exhaustive]
    pub enum OutboxError {}
}

pub(crate) mod log {
    use chat_proto::{PostId, Text};

    use super::error::OutboxError;
    use crate::delivery_state::DeliveryState;

    #[derive(Clone, Debug)]
    pub(crate) enum Outbox {}

    impl Outbox {
        pub(crate) fn add(&self, _: &PostId, _: &Text) -> Result<bool, OutboxError> {
            match *self {}
        }

        pub(crate) fn contains(&self, _: &PostId) -> bool {
            match *self {}
        }

        pub(crate) fn needs_compaction(&self) -> bool {
            match *self {}
        }

        pub(crate) fn compact(&self) {
            match *self {}
        }

        pub(crate) fn mark(&self, _: &[PostId], _: &DeliveryState) -> Result<(), OutboxError> {
            match *self {}
        }

        pub(crate) fn done(&self, _: &PostId) -> Result<(), OutboxError> {
            match *self {}
        }
    }
}
