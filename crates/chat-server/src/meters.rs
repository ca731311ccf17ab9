//! The counters of a running server.

mod count;
mod counters;
mod figures;
mod histogram;
#[cfg(feature = "sqlite")]
mod node;
mod observer;

pub(crate) use self::counters::{Meters, Port, RegistrationRefusal};
#[cfg(feature = "sqlite")]
pub use self::node::NodeFigures;
pub use self::{
    figures::{Declined, Figures, PerPort, RefusedRegistrations},
    histogram::{COMMIT_BOUNDS, CommitTimes},
    observer::{Observer, Readiness},
};
