//! Runs the program: parses the arguments, starts the services and the screen or plain mode, reports what was not
//! delivered, and returns the exit code.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use chat_client::{Settings, Side};
use chat_frontend::local_room::LocalRoomPolicy;
use chat_frontend::report::{chain, eprint};
use chat_frontend::{Exit, logging};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use private_files::Repair;

use crate::app::{App, Start};
use crate::args::TuiArgs;
use crate::environment::Environment;
use crate::fullscreen::Fullscreen;
use crate::lang::{Lang, Phrase};
use crate::log_file::ClientLog;
use crate::paths::Paths;
use crate::plain::{self, PlainMode, PlainOutcome};
use crate::services::Services;
use crate::signals::{EndRules, EndSignal};
use crate::terminal::{self, TerminalGuard};
use crate::theme::ThemeSetting;
use crate::timeline::Unsent;

/// How long the services may take to end after a signal: the sum of their own limits.
const CLOSE_LIMIT: Duration = Duration::from_secs(20);

/// How long the last words after a signal may take to be written.
const REPORT_LIMIT: Duration = Duration::from_millis(1500);

/// Runs `chat-tui` with the arguments of this process.
pub fn main() -> ExitCode {
    chat_frontend::forbid_core_dumps();
    match run(TuiArgs::from_command_line()) {
        Ok(code) => code,
        Err(error) => {
            eprint(&format!("chat-tui: {}", chain(error.as_ref())));
            Exit::Local.into()
        }
    }
}

fn run(mut args: TuiArgs) -> anyhow::Result<ExitCode> {
    if args.shows_the_token() {
        eprint(
            "chat-tui: warning: other users of this computer can see a token on the command line; --token-file hides it",
        );
    }
    let settings = args.layer().map_err(anyhow::Error::new);
    let profile = args.profile.as_deref();
    let settings = match settings.and_then(|layer| Settings::load(layer, profile).map_err(anyhow::Error::new)) {
        Ok(settings) => settings,
        Err(error) => {
            eprint(&format!("chat-tui: {}", chain(error.as_ref())));
            return Ok(Exit::Usage.into());
        }
    };
    let config = settings.client_config();
    // Before anything is read or connected: no attempt can find such a host.
    if let Err(error) = config.checked_host(Side::Write).and(config.checked_host(Side::Listen)) {
        eprint(&format!("chat-tui: {}", chain(&error)));
        return Ok(Exit::Usage.into());
    }
    let token = settings.token()?;
    let lang = match &settings.lang {
        Some(lang) => Lang::of_locale(lang),
        None => Lang::from_environment(|name| std::env::var(name).ok()),
    };
    if let Some(path) = &args.log_file {
        log_to(path)?;
    }
    let paths = paths(&settings)?;
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let full = is_terminal && !is_dumb && !args.plain;
    // From here on a full pipe or a terminal that is not read delays no signal.
    let last = || {
        terminal::give_back_at_once();
        plain::restore_typing_mode();
    };
    let end = EndSignal::watch(EndRules::default(), last).context("could not handle signals")?;
    // Before the screen is taken: tmux is asked by a program of its own.
    let theme = match settings.theme.as_deref().map(|name| (name, ThemeSetting::parse(name))) {
        None => ThemeSetting::Auto,
        Some((_, Some(theme))) => theme,
        Some((name, None)) => {
            eprint(&format!("chat-tui: {name:?} is not a theme: use auto, dark, light, neutral or none"));
            return Ok(Exit::Usage.into());
        }
    };
    let environment = full.then(|| Environment::detect(theme));
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
    // Two threads keep the screen apart from network and files.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let local_room = match (args.share, args.no_local_room, args.local_room) {
        (Some(address), _, _) => LocalRoomPolicy::Shared(address),
        (None, true, _) => LocalRoomPolicy::Never,
        // Without a home directory its data has no place.
        (None, false, false) if paths.data_dir.as_os_str().is_empty() => LocalRoomPolicy::Never,
        (None, false, true) => LocalRoomPolicy::Always,
        (None, false, false) => LocalRoomPolicy::Automatic,
    };
    if paths.data_dir.as_os_str().is_empty() && !matches!(local_room, LocalRoomPolicy::Never) {
        anyhow::bail!("no home directory found, so the local room has no place; --data-dir names one");
    }
    let code = runtime.block_on(async {
        if let Some(environment) = environment {
            #[cfg(debug_assertions)]
            let panic_after_start = args.panic_after_start;
            #[cfg(not(debug_assertions))]
            let panic_after_start = false;
            let screen = TerminalGuard::take(environment)?;
            let (width, height) = screen.size()?;
            let (services, news) = Services::open(config, paths, local_room, true);
            let app = App::new(Start { width, height, ..start });
            let screen = Fullscreen { app, screen, services, news, environment, panic_after_start };
            let (app, services, ended) = screen.run(&end).await;
            report_unsent(lang, &app, close(services, &end).await.as_ref());
            ended?;
            let code = if end.has_come() { Exit::Interrupted } else { Exit::Done };
            anyhow::Ok(ExitCode::from(code))
        } else {
            let (services, news) = Services::open(config, paths, local_room, false);
            let plain = PlainMode::new(App::new(start), std::io::stdin().is_terminal());
            let (plain, services, interrupted) = plain::run(plain, services, news, &end).await;
            let left = close(services, &end).await;
            report_unsent(lang, plain.app(), left.as_ref());
            let interrupted = interrupted?;
            let (unconfirmed, never_sent) = match &left {
                Some(left) => (left.unconfirmed > 0, !left.undone.is_empty()),
                None => (plain.app().chat.timeline.outgoing.waiting() > 0, false),
            };
            let code = match plain.outcome() {
                _ if interrupted => Exit::Interrupted,
                PlainOutcome::Unconfirmed => Exit::Unconfirmed,
                _ if unconfirmed => Exit::Unconfirmed,
                PlainOutcome::Unreachable => Exit::Unreachable,
                PlainOutcome::Refused => Exit::Refused,
                _ if never_sent => Exit::Unreachable,
                PlainOutcome::Usage => Exit::Usage,
                PlainOutcome::Done => Exit::Done,
            };
            Ok(code.into())
        }
    });
    // Does not wait for a thread that is blocked on a key or a line.
    runtime.shutdown_background();
    code
}

/// Closes the services. After a signal they have their own limits, and then the report has its limit.
async fn close(services: Services, end: &EndSignal) -> Option<Unsent> {
    end.grant(CLOSE_LIMIT);
    let left = services.close().await;
    end.grant(REPORT_LIMIT);
    left
}

/// Returns the files of the run. The default directory is created if it is missing; the directory of a file elsewhere
/// must exist.
fn paths(settings: &Settings) -> anyhow::Result<Paths> {
    let paths = Paths {
        data_dir: settings.data_dir.clone(),
        history: settings.history_file()?.to_owned(),
        credentials: settings.credentials_file()?.to_owned(),
        outbox: settings.outbox_file()?.to_owned(),
        rooms: settings.rooms_path.clone(),
    };
    if !paths.data_dir.as_os_str().is_empty() {
        chat_client::paths::create_private(&paths.data_dir).with_context(|| {
            format!("could not create {}; --data-dir names another directory", paths.data_dir.display())
        })?;
    }
    Ok(paths)
}

fn report_unsent(lang: Lang, app: &App, left: Option<&Unsent>) {
    let (kept, lost) = app.chat.timeline.outgoing.left(left);
    if kept > 0 {
        eprint(&lang.text(Phrase::PlainLeft(kept)));
    }
    if !lost.is_empty() {
        eprint(&lang.text(Phrase::PlainLost(lost.len())));
        // On the normal screen the text can still be copied.
        lost.iter().for_each(|own| eprint(&own.shown));
    }
}

/// Opens the log.
fn log_to(path: &std::path::Path) -> anyhow::Result<()> {
    let mut warnings: Vec<Repair> = Vec::new();
    let file = ClientLog::open(path, &mut warnings);
    let file = file.with_context(|| format!("could not write the log {}", path.display()))?;
    warnings.iter().for_each(|warning| eprint(&format!("chat-tui: {warning}")));
    logging::to_file(file);
    Ok(())
}
