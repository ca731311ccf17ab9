//! Tells the service manager about the state of the service: systemd, where there is one.

#[cfg(not(unix))]
mod absent;
#[cfg(unix)]
mod systemd;

#[cfg(not(unix))]
pub(crate) use self::absent::{ready, reloading, report, stopping};
#[cfg(unix)]
pub(crate) use self::systemd::{ready, reloading, report, stopping};
