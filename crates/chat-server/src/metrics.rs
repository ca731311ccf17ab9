//! The port for those who watch the server: figures, and whether it lives and is ready. Nobody chats here.

mod port;
mod routes;
mod text;

pub(crate) use self::port::MetricsPort;
