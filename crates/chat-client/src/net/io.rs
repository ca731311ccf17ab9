//! The byte stream that a connection runs over.

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream in both directions.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A stream, however it came about.
pub type BoxedIo = Box<dyn Io>;
