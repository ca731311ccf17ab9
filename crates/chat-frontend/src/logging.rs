//! The log of both programs: one level, one format, fields that are safe for a terminal. It never contains a token:
//! tokens have no `Display`, and their `Debug` is empty.

use std::fmt;
use std::io::{IsTerminal as _, Write};
use std::sync::Mutex;

use chat_client::display;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::streams::CountedStderr;

/// Writes the log to standard error from now on. A second call changes nothing.
pub fn to_stderr() {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(|| CountedStderr)
        .fmt_fields(debug_fn(field).delimited(" "))
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    // An error means that a log exists already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer).with(targets()));
}

/// Writes the log to a file from now on, each line in one call. A second call changes nothing.
pub fn to_file(file: impl Write + Send + 'static) {
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .fmt_fields(debug_fn(field).delimited(" "));
    // An error means that a log exists already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer).with(targets()));
}

/// Our crates at debug level. Other crates may quote the bytes they carry, so they get warnings only.
fn targets() -> Targets {
    Targets::new().with_default(LevelFilter::WARN).with_target("chat", LevelFilter::DEBUG)
}

/// Writes a field and its value, which may quote a peer.
fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = display::clean_for_terminal(&value);
    if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
}
