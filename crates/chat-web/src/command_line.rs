//! The command line and the configuration file.

pub(crate) mod arguments;
pub(crate) mod options;
pub(crate) mod value;
