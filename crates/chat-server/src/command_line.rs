//! The command line and the configuration file of the binary. A program that embeds the server uses
//! [`ServerConfig`](crate::ServerConfig).

#[cfg(unix)]
mod admin;
mod arguments;
mod cluster;
mod config_file;
mod keep;
mod nats_servers;
mod options;
mod usage_error;
mod value;

#[cfg(unix)]
pub use self::admin::{AdminArguments, AdminCommand};
pub use self::{
    arguments::{AccountsCommand, Arguments, ServerCommand, StoreLocation, data_directory},
    cluster::{ClusterArguments, ClusterCommand},
    config_file::ConfigFile,
    options::Options,
    usage_error::{ConfigFileError, Fault, UsageError},
    value::{LogFormat, LogLevel},
};
