//! The limits of a running server, which an operator can replace.

use std::sync::{Arc, PoisonError, RwLock};

use crate::limits::Limits;

/// The current limits. Sessions read them for each decision, so that new ones apply to open connections too.
#[derive(Debug)]
pub(crate) struct LiveLimits(RwLock<Arc<Limits>>);

impl LiveLimits {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(limits))))
    }

    /// Returns the current limits. The lock is held only while a pointer is copied.
    pub(crate) fn load(&self) -> Arc<Limits> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the limits.
    pub(crate) fn store(&self, limits: Limits) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(limits);
    }
}
