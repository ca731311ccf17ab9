//! How one message is sent.

use chat_proto::PostId;

/// How one message is sent; see [`Writer::send_with`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SendOptions {
    /// The id of the message; a random one if there is none.
    pub id: Option<PostId>,
    /// An earlier attempt may have delivered it. It is sent to a server that stores each id once; on another one it
    /// ends unconfirmed without being sent.
    pub may_be_delivered: bool,
}

impl SendOptions {
    /// Sends under this id. A program that shows its messages creates the id when the user presses the key, with
    /// [`fresh_post_id`], and has one name for the message from there to the server's log.
    #[must_use]
    pub fn with_id(id: PostId) -> Self {
        Self { id: Some(id), may_be_delivered: false }
    }

    /// Marks the message as one that an earlier attempt may have delivered.
    #[must_use]
    pub fn may_be_delivered(self, may_be_delivered: bool) -> Self {
        Self { may_be_delivered, ..self }
    }
}
