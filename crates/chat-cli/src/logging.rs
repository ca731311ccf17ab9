//! `--logging`: what the services do, on standard error. No token is ever among it: tokens have no
//! `Display`, and their `Debug` is empty.

use std::fmt;
use std::io::IsTerminal as _;

use chat_client::display;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt as _;

/// Starts the log, or leaves it off. `RUST_LOG`-like filters are not offered: there is one level.
pub(crate) fn start(on: bool) {
    if !on {
        return;
    }
    let format = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .fmt_fields(debug_fn(field).delimited(" "))
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let ours = Targets::new().with_default(LevelFilter::WARN).with_target("chat", LevelFilter::DEBUG);
    let ours = ours.with_target("chat_client", LevelFilter::DEBUG).with_target("chat_proto", LevelFilter::DEBUG);
    let registry = tracing_subscriber::registry().with(format).with(ours);
    // Fails only when a log is running already, and then there is one.
    let _ = tracing::subscriber::set_global_default(registry);
}

/// A field and its value, of which something may come from elsewhere: it is made safe for a terminal.
fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = display::clean_for_terminal(&value);
    if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
}
