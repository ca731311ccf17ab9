//! The paths of a user's files, and what was repaired in them.

pub(crate) mod default_dir;
pub mod paths;
pub(crate) mod warning;
