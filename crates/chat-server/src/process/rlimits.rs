//! Resource limits of the process.

/// Forbids core dumps: the memory of the server contains tokens, which a dump would write to a disk. Where that is not
/// allowed, the server runs nevertheless.
#[cfg(unix)]
pub(crate) fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "could not forbid core dumps, which would contain tokens");
    }
}

/// Descriptors that a server needs in addition to its connections: its files, its ports, readers of the store, the
/// runtime.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// Raises the soft limit of open files to the hard one, and warns if it does not suffice for the connections. Shells
/// and service managers start programs with a soft limit of 1,024, for programs that use `select`. If raising it is not
/// allowed, the server runs with the existing limit.
#[cfg(unix)]
pub(crate) fn raise_open_files(connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "could not raise the limit of open files");
    }
    let needed = (connections as u64).saturating_add(OTHER_FILES);
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < needed) {
        tracing::warn!(
            limit,
            needed,
            "too few open files are allowed for --max-connections: raise the limit (ulimit -n, LimitNOFILE)"
        );
    }
}

#[cfg(not(unix))]
pub(crate) fn forbid_core_dumps() {}

#[cfg(not(unix))]
pub(crate) fn raise_open_files(_: usize) {}
