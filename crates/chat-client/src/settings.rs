//! Settings from command line, environment and `config.toml`, merged layer over layer.

mod env;
mod file;
pub(crate) mod layer;
pub(crate) mod resolved;
