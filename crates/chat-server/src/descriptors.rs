//! How many connections the system lets this process have. Shells and service managers start programs
//! with a soft limit of 1,024 descriptors, which is for programs that use `select`; ours do not.

/// Raises the soft limit to the hard one. Where that is not allowed, the server runs with what it
/// has: it survives having no descriptor left.
#[cfg(unix)]
pub(crate) fn allow_as_many_as_possible() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
pub(crate) fn allow_as_many_as_possible() {}
