//! The limit of open files of this process, which holds thousands of connections.

/// Raises the soft limit of open files to the hard one. If that fails, large loads fail with an error when they connect.
#[cfg(unix)]
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Does nothing: there is no such limit.
#[cfg(not(unix))]
pub fn raise_descriptor_limit() {}
