//! Core dumps: none. The memory of the server holds tokens as they come in, and a dump would put them on a disk.

/// Lowers the limit for dumps to nothing. Where that is not allowed, the server runs all the same.
#[cfg(unix)]
pub(crate) fn forbid() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "a core dump of this process would hold tokens, and cannot be forbidden");
    }
}

#[cfg(not(unix))]
pub(crate) fn forbid() {}
