//! The counters of a running server.

mod count;
mod counters;
mod figures;
mod histogram;
mod observer;

pub(crate) use self::counters::{Meters, Port, RegistrationRefusal};
pub use self::{
    figures::{Declined, Figures, PerPort, RefusedRegistrations},
    histogram::{COMMIT_BOUNDS, CommitTimes},
    observer::{Observer, Readiness},
};
