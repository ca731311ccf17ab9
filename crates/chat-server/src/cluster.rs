//! The commands that make several nodes of a server, and a server alone of a node: what they do, without what they print.

mod begin;
mod error;
mod join;
mod leave;
mod status;

pub use self::begin::{Begun, init, reseed};
pub use self::error::ClusterError;
pub use self::join::join;
pub use self::leave::{Left, leave};
pub use self::status::{ClusterStatus, status};
