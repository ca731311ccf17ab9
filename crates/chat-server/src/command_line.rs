//! The command line and the configuration file of the binary. A program that embeds the server uses
//! [`ServerConfig`](crate::ServerConfig).

mod arguments;
mod config_file;
mod usage_error;

pub use self::{
    arguments::{AccountsCommand, Arguments, LogFormat, Serve, ServerCommand, StoreLocation},
    config_file::ConfigFile,
    usage_error::{ConfigFileError, Fault, UsageError},
};
