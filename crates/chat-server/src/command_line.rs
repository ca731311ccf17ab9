//! What the program can be told, on its command line and in its configuration file. For the binary and for tests
//! of it; a program that embeds the server uses [`ServerConfig`](crate::ServerConfig).

mod arguments;
mod config_file;
mod usage_error;

pub use self::{
    arguments::{AccountsCommand, Arguments, LogFormat, Serve, ServerCommand, StoreLocation},
    config_file::ConfigFile,
    usage_error::{ConfigFileError, Fault, UsageError},
};
