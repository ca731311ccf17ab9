//! What is counted while a server runs.

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
