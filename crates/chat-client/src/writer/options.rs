//! Options of one message.

use chat_proto::PostId;

/// Options of one message; see [`Writer::send_with`](crate::Writer::send_with).
///
/// ```
/// use chat_client::{PostId, SendOptions};
///
/// // An id from the program's own data: the message is stored once, however often the program is started again.
/// let options = SendOptions::with_id(PostId::new("invoice-4711")?).may_be_delivered(true);
/// assert!(options.may_be_delivered);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SendOptions {
    /// The id of the message; `None` creates a random one.
    pub id: Option<PostId>,
    /// An earlier attempt may have delivered the message. It is sent only to a server that stores each id once; on
    /// other servers it ends unconfirmed without being sent.
    pub may_be_delivered: bool,
}

impl SendOptions {
    /// Sends under this id. A program that shows its messages creates the id with
    /// [`fresh_post_id`] when the user presses the key, and uses the same id for the message from
    /// then on.
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

/// Creates an id for a message, which no other message has: a UUID of version 7. It begins with the time, so that ids of
/// about the same time are neighbours in the index of the server, and a post costs the same in a long log.
///
/// # Panics
/// Never: 32 hexadecimal digits are always an id.
#[must_use]
pub fn fresh_post_id() -> PostId {
    PostId::new(&uuid::Uuid::now_v7().simple().to_string()).expect("32 hexadecimal digits are an id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_their_messages() {
        let ids: Vec<PostId> = (0..10_000).map(|_| fresh_post_id()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }
}
