//! What the signals mean to a program.

use std::time::Duration;

/// A signal that comes again so soon is the same one: `timeout` signals its child and then its process group, and a
/// terminal signals a group that a wrapper passes on to its child.
pub(super) const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// What the signals mean to a program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndRules {
    /// SIGHUP is left to the program. Otherwise it ends the program like SIGINT and SIGTERM, unless the program was
    /// started with SIGHUP ignored, as by `nohup`.
    pub own_hangup: bool,
    /// The program is told of the second signal too, by [`EndSignal::again`](super::EndSignal::again), and the third
    /// ends it at once.
    pub tells_second: bool,
}

impl EndRules {
    /// Returns how many signals the program is told of.
    pub(super) fn told(self) -> u8 {
        if self.tells_second { 2 } else { 1 }
    }
}
