//! What happens, on standard error: as text, or as one JSON object a line. Nothing that a peer wrote
//! is logged, and no token.

use std::fmt::{self, Write};
use std::io::IsTerminal;
use std::time::{SystemTime, UNIX_EPOCH};

use chat_proto::display;
use chat_server::command_line::LogFormat;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

/// Starts the log, which shows information, warnings and errors.
pub(crate) fn start(format: LogFormat) {
    let ours = Targets::new().with_default(Level::WARN).with_target("chat_server", Level::INFO);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry();
    match format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
            let layer = layer.with_ansi(colours).with_target(false).fmt_fields(debug_fn(field).delimited(" "));
            registry.with(layer.with_filter(ours)).init();
        }
        LogFormat::Json => registry.with(layer.event_format(Json).with_filter(ours)).init(),
    }
}

/// A field and its value, of which something may come from elsewhere: it is made safe for a terminal.
fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = display::clean_for_terminal(&value);
    if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
}

/// One object a line: time in milliseconds since 1970, level, message, fields.
struct Json;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for Json {
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(serde_json::Map::new());
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        fields.0.insert("at".into(), u64::try_from(at).unwrap_or(u64::MAX).into());
        fields.0.insert("level".into(), event.metadata().level().as_str().to_lowercase().into());
        event.record(&mut fields);
        writeln!(out, "{}", serde_json::Value::Object(fields.0))
    }
}

struct Fields(serde_json::Map<String, serde_json::Value>);

impl Fields {
    /// JSON escapes control characters, and leaves others that mislead whoever looks at it.
    fn insert(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), display::clean_for_terminal(value).into());
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
