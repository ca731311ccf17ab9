//! What a writer reports about its messages when it ends.

use chat_proto::PostId;

use crate::delivery_state::DeliveryState;

/// The messages that had not ended when a writer began to close, and the state that each ended in.
///
/// ```
/// use std::time::Duration;
///
/// use chat_client::testing::Room;
/// use chat_client::{ClientConfig, Text, Writer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let room = Room::new();
/// let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
/// let _delivery = writer.send(Text::new("hello")?).await?;
/// let report = writer.close(Duration::from_secs(10)).await;
/// assert_eq!((report.unconfirmed().count(), report.never_sent().count()), (0, 0));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// In the order in which they ended.
    pub posts: Vec<SettledPost>,
}

/// One message of a [`ShutdownReport`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledPost {
    /// The id of the message.
    pub id: PostId,
    /// Its final state.
    pub state: DeliveryState,
}

impl ShutdownReport {
    pub(crate) fn push(&mut self, id: PostId, state: DeliveryState) {
        self.posts.push(SettledPost { id, state });
    }

    /// Returns the ids of the messages that the server has stored.
    pub fn confirmed(&self) -> impl Iterator<Item = &PostId> {
        self.ids(|state| matches!(state, DeliveryState::Confirmed(_)))
    }

    /// Returns the ids of the messages that the server did not accept.
    pub fn refused(&self) -> impl Iterator<Item = &PostId> {
        self.ids(|state| matches!(state, DeliveryState::Refused { .. }))
    }

    /// Returns the ids of the messages that may or may not have been delivered.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &PostId> {
        self.ids(|state| matches!(state, DeliveryState::Unconfirmed))
    }

    /// Returns the ids of the messages that were not written.
    pub fn never_sent(&self) -> impl Iterator<Item = &PostId> {
        self.ids(|state| matches!(state, DeliveryState::NeverSent | DeliveryState::Discarded))
    }

    fn ids(&self, wanted: impl Fn(&DeliveryState) -> bool) -> impl Iterator<Item = &PostId> {
        self.posts.iter().filter(move |post| wanted(&post.state)).map(|post| &post.id)
    }
}
