//! What an operator wants to see in the log and a peer can make happen at will: one line a second of each kind. It names
//! no peer and nothing that a peer wrote.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::throttle::Throttle;

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A connection was closed at once, because there are as many as may be.
    ConnectionRefused,
    /// A token that belongs to no account.
    UnknownToken,
    /// A registration over the rate of its address.
    RegistrationRefused,
    /// A post over the rate was put off.
    PostPutOff,
    /// A revoked account wanted to post.
    RevokedRefused,
}

/// One for each kind, for all servers of a process: it is one log.
static THROTTLES: [Mutex<Throttle>; 5] = [const { Mutex::new(Throttle::new()) }; 5];

impl Notice {
    /// It has happened once more.
    pub(crate) fn tell(self) {
        let mut throttle = THROTTLES[self as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = throttle.happened(Instant::now()) else { return };
        drop(throttle);
        match self {
            Self::ConnectionRefused => {
                tracing::warn!(count, "too many connections; new ones were closed");
            }
            Self::UnknownToken => {
                tracing::info!(count, "logins with a token that is not known");
            }
            Self::RegistrationRefused => {
                tracing::info!(count, "registrations over the rate of an address were refused");
            }
            Self::PostPutOff => {
                tracing::info!(count, "posts over the rate were put off");
            }
            Self::RevokedRefused => {
                tracing::info!(count, "posts of revoked accounts were refused");
            }
        }
    }
}
