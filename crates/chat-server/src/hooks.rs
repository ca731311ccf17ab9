//! The decisions and observations of a program that embeds the server.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use chat_proto::Text;

use crate::entry::{Author, MessageRecord};

/// Decides on posts and registrations, and observes what is stored. All methods have a default that changes nothing.
///
/// The server calls them on its own tasks and threads, so they must not block.
///
/// ```
/// use chat_server::{Author, Hooks, PostDecision, ServerConfig, ServerHooks};
/// use chat_proto::Text;
///
/// struct NoShouting;
///
/// impl ServerHooks for NoShouting {
///     fn post(&self, _: &Author, text: Text) -> PostDecision {
///         let quiet = text.as_str().to_lowercase();
///         Text::new(&quiet).map_or(PostDecision::Refuse, PostDecision::Accept)
///     }
/// }
///
/// let mut config = ServerConfig::on_free_ports();
/// config.hooks = Some(Hooks::new(NoShouting));
/// ```
pub trait ServerHooks: Send + Sync + 'static {
    /// Decides whether to serve the connection from `peer` to `local`, an address of the server. A refused connection is
    /// closed without a greeting. Called for the ports of the server, on the task that accepts connections; not for
    /// connections that an [`EmbeddedServer`](crate::EmbeddedServer) is given.
    fn may_connect(&self, peer: SocketAddr, local: SocketAddr) -> bool {
        let _ = (peer, local);
        true
    }

    /// Decides whether a client at `peer` may create an account. `asked` is the nickname as the client sent it.
    fn may_register(&self, peer: IpAddr, asked: &str) -> bool {
        let _ = (peer, asked);
        true
    }

    /// Decides about a post before it is stored. It is also called for the repetition of a post that is already stored.
    fn post(&self, author: &Author, text: Text) -> PostDecision {
        let _ = author;
        PostDecision::Accept(text)
    }

    /// Observes a message that is stored and visible to listeners. Called in the order of the log, on the thread that
    /// owns the journal: a slow implementation delays all posts.
    fn stored(&self, message: &MessageRecord) {
        let _ = message;
    }
}

/// The decision about a post.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostDecision {
    /// Stores this text, which may differ from what was posted.
    Accept(Text),
    /// Does not store it. A post with an id is declined with the code `refused`. A plain post is not confirmed, because
    /// the plain protocol has no other answer, and its connection is closed.
    Refuse,
}

/// The hooks of one server.
#[derive(Clone)]
pub struct Hooks(Arc<dyn ServerHooks>);

impl Hooks {
    /// Wraps hooks for [`ServerConfig::hooks`](crate::ServerConfig::hooks).
    pub fn new(hooks: impl ServerHooks) -> Self {
        Self(Arc::new(hooks))
    }
}

impl Deref for Hooks {
    type Target = dyn ServerHooks;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
