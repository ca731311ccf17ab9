//! The siege holds thousands of connections itself.

/// Raises the soft limit of descriptors to the hard one. Where that is not allowed, large loads say so when they connect.
#[cfg(unix)]
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Where there is no such limit.
#[cfg(not(unix))]
pub fn raise_descriptor_limit() {}
