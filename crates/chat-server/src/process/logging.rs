//! The log on standard error or in a file: as text, or as one JSON object per line. It contains no token and nothing that a peer
//! wrote.

use std::fmt::{self, Write};
use std::io::{self, IsTerminal};
use std::time::{SystemTime, UNIX_EPOCH};

use chat_proto::display;
use chat_server::command_line::{LogFormat, LogLevel};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, reload};

use super::log_writer::{LogSink, LogWriter};

/// Reports lines that were dropped.
const DROPPED: &str = "the log was not read; lines were dropped";

/// Changes the level of the log.
#[derive(Debug)]
pub(crate) struct LevelControl(reload::Handle<Targets, Registry>);

impl LevelControl {
    pub(crate) fn set(&self, level: LogLevel) {
        // An error means that the log has ended.
        let _ = self.0.reload(targets(level));
    }
}

/// Starts the log.
///
/// # Errors
/// The thread that writes it could not be started.
pub(crate) fn start(format: LogFormat, level: LogLevel, sink: LogSink) -> io::Result<LevelControl> {
    let is_terminal = matches!(sink, LogSink::StandardError) && io::stderr().is_terminal();
    let writer = LogWriter::start(
        sink,
        match format {
            LogFormat::Text => |count| format!("chat-server: {DROPPED} (count={count})\n"),
            LogFormat::Json => |count| {
                let line = serde_json::json!({ "at": now_ms(), "level": "warn", "message": DROPPED, "count": count });
                format!("{line}\n")
            },
        },
    )?;
    let (filter, control) = reload::Layer::new(targets(level));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry();
    match format {
        LogFormat::Text => {
            let colours = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            let layer = layer.with_ansi(colours).with_target(false).fmt_fields(debug_fn(field).delimited(" "));
            registry.with(layer.with_filter(filter)).init();
        }
        LogFormat::Json => registry.with(layer.event_format(Json).with_filter(filter)).init(),
    }
    Ok(LevelControl(control))
}

/// Returns the filter for a level. Libraries report only what an operator should know.
fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    let targets = Targets::new().with_default(level.min(Level::WARN)).with_target("chat_server", level);
    // The log of the room says the same of each attempt, at a bounded rate.
    targets.with_target("async_nats", (level >= Level::DEBUG).then_some(level))
}

/// Returns the time in milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Writes a field. Its value may contain text from outside, so it is made safe for a terminal.
fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = without_os_codes(&value);
    let value = display::clean_for_terminal(&value);
    if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
}

/// One object per line: time in milliseconds since the Unix epoch, level, message, fields.
struct Json;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for Json {
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(serde_json::Map::new());
        fields.0.insert("at".into(), now_ms().into());
        fields.0.insert("level".into(), event.metadata().level().as_str().to_lowercase().into());
        event.record(&mut fields);
        writeln!(out, "{}", serde_json::Value::Object(fields.0))
    }
}

struct Fields(serde_json::Map<String, serde_json::Value>);

impl Fields {
    /// JSON escapes control characters, but not others that mislead a reader.
    fn insert(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), display::clean_for_terminal(&without_os_codes(value)).into());
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut chain = value.to_string();
        let mut next = value.source();
        while let Some(cause) = next {
            // Writing to a string cannot fail.
            let _ = write!(chain, ": {cause}");
            next = cause.source();
        }
        self.insert(field, &chain);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, &format!("{value:?}"));
    }
}

/// Removes the "(os error 2)" that the standard library appends to the system's messages.
pub(crate) fn without_os_codes(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((code, rest)) if code.parse::<i32>().is_ok() => out.push_str(rest),
            _ => {
                out.push_str(" (os error ");
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_os_codes_only() {
        assert_eq!(without_os_codes("a: in use (os error 98): b (os error -1)"), "a: in use: b");
        assert_eq!(without_os_codes("a (os error x) (os error "), "a (os error x) (os error ");
    }
}
