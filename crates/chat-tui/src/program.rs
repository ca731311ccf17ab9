//! The program from its arguments to its exit code: it starts the services and one of the two faces, and says what is
//! left when they end. It shows no chat itself.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chat_client::{Settings, display};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use private_files::{Repair, file};
use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::prelude::*;

use crate::app::{App, Start};
use crate::args::TuiArgs;
use crate::fullscreen::Fullscreen;
use crate::lang::{Lang, Phrase};
use crate::local_room::LocalRoomPolicy;
use crate::plain::{self, PlainMode, PlainOutcome};
use crate::services::{Paths, Services, Unsent};
use crate::terminal::TerminalGuard;
use crate::theme::Theme;

/// Runs `chat-tui` with the arguments of this process.
pub fn main() -> ExitCode {
    match run(TuiArgs::from_command_line()) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("chat-tui: {error:#}"));
            ExitCode::from(1)
        }
    }
}

fn run(mut args: TuiArgs) -> anyhow::Result<ExitCode> {
    if args.shows_the_token() {
        complain("chat-tui: others on this machine can see a token on the command line; --token-file hides it");
    }
    let settings = args.layer().map_err(anyhow::Error::new);
    let profile = args.profile.as_deref();
    let settings = match settings.and_then(|layer| Settings::load(layer, profile).map_err(anyhow::Error::new)) {
        Ok(settings) => settings,
        Err(error) => {
            complain(&format!("chat-tui: {error:#}"));
            return Ok(ExitCode::from(2));
        }
    };
    let token = settings.token()?;
    let lang = match &settings.lang {
        Some(lang) => Lang::of_locale(lang),
        None => Lang::from_environment(|name| std::env::var(name).ok()),
    };
    if let Some(path) = &args.log_file {
        log_to(path)?;
    }
    // Missing, the default directory is made; a file elsewhere stands in a directory that is there.
    chat_client::paths::create_private(&settings.data_dir)
        .with_context(|| format!("cannot make {}", settings.data_dir.display()))?;
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let full = is_terminal && !is_dumb && !args.plain;
    let config = settings.client_config();
    let start = Start {
        lang,
        zone: TimeZone::system(),
        now: Timestamp::now(),
        width: 80,
        height: 24,
        place: config.host.clone(),
        register: args.register,
        nickname: settings.nickname.clone(),
        token,
    };
    let paths = Paths {
        data_dir: settings.data_dir,
        history: settings.history_path,
        credentials: settings.credentials_path,
        outbox: settings.outbox_path,
    };
    // The screen, and what the network and the files need: two threads keep them apart.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let local_room = match (args.no_local_room, args.local_room) {
        (true, _) => LocalRoomPolicy::Never,
        (false, true) => LocalRoomPolicy::Always,
        (false, false) => LocalRoomPolicy::Automatic,
    };
    let code = runtime.block_on(async {
        if full {
            #[cfg(debug_assertions)]
            let panic_after_start = args.panic_after_start;
            #[cfg(not(debug_assertions))]
            let panic_after_start = false;
            let screen = TerminalGuard::take()?;
            let (width, height) = screen.size()?;
            let (services, news) = Services::open(config, paths, local_room);
            let app = App::new(Start { width, height, ..start });
            let theme = Theme { colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) };
            let screen = Fullscreen { app, screen, services, news, theme, panic_after_start };
            let (app, services, ended) = screen.run().await;
            say_what_is_left(lang, &app, services.close().await.as_ref());
            ended?;
            anyhow::Ok(ExitCode::SUCCESS)
        } else {
            let (services, news) = Services::open(config, paths, local_room);
            let plain = PlainMode::new(App::new(start), std::io::stdin().is_terminal());
            let (plain, services, interrupted) = plain::run(plain, services, news).await;
            let left = services.close().await;
            say_what_is_left(lang, &plain.app, left.as_ref());
            let interrupted = interrupted?;
            let (unconfirmed, never_sent) = match &left {
                Some(left) => (left.unconfirmed > 0, !left.undone.is_empty()),
                None => (plain.app.chat.timeline.outgoing.waiting() > 0, false),
            };
            let code = match plain.outcome() {
                _ if interrupted => 130,
                PlainOutcome::Unconfirmed => 5,
                _ if unconfirmed => 5,
                PlainOutcome::Unreachable => 4,
                PlainOutcome::Refused => 3,
                _ if never_sent => 4,
                PlainOutcome::Usage => 2,
                PlainOutcome::Done => 0,
            };
            Ok(ExitCode::from(code))
        }
    });
    // A thread that waits for a key or a line would be waited for in turn.
    runtime.shutdown_background();
    code
}

/// Says it where somebody can hear it: the terminal may be closed. An argument, a path or a peer may have brought
/// something that steers it.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", display::clean_keeping_line_breaks(text));
}

fn say_what_is_left(lang: Lang, app: &App, left: Option<&Unsent>) {
    let (kept, lost) = app.chat.timeline.outgoing.left(left);
    if kept > 0 {
        complain(&lang.say(Phrase::PlainLeft(kept)));
    }
    if !lost.is_empty() {
        complain(&lang.say(Phrase::PlainLost(lost.len())));
        // Here it can still be copied.
        lost.iter().for_each(|own| complain(&own.shown));
    }
}

/// A field of the log and its value, of which something may come from elsewhere: it is made safe for a terminal.
fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = display::clean_for_terminal(&value);
    if field.name() == "message" { write!(out, "{value}") } else { write!(out, "{field}={value}") }
}

/// What a peer wrote may be in it, so it is as private as the history.
fn log_to(path: &std::path::Path) -> anyhow::Result<()> {
    let mut warnings: Vec<Repair> = Vec::new();
    let file = file::open_append(path, &mut warnings);
    let file = file.with_context(|| format!("cannot write the log {}", path.display()))?;
    warnings.iter().for_each(|warning| complain(&format!("chat-tui: {warning}")));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Arc::new(file));
    let layer = layer.fmt_fields(debug_fn(field).delimited(" "));
    // What chat's --logging says too; what others say about our bytes is not ours to vouch for.
    let ours = Targets::new().with_default(LevelFilter::WARN).with_target("chat", LevelFilter::DEBUG);
    tracing_subscriber::registry().with(layer).with(ours).init();
    Ok(())
}
