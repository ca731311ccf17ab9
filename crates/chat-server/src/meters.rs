//! The counters of a running server.

mod count;
mod counters;
mod figures;
mod histogram;
mod observer;

pub(crate) use self::counters::{Meters, Port};
pub use self::{
    figures::{Declined, Figures, PerPort},
    histogram::{COMMIT_BOUNDS, CommitTimes},
    observer::{Observer, Readiness},
};
