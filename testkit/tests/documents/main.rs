//! The documents: their commands work as they are written, and their links lead somewhere.
#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod commands;
mod links;

/// Returns the directory of the repository.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
