//! Runs the program: the room, the port, the lines for the person who started it, and the end.

mod messages;
mod plan;
mod reload;
mod signals;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chat_frontend::local_room::{Announcement, RoomNotice};
use chat_frontend::report::{chain, eprint};
use chat_frontend::signals::{EndRules, EndSignal};
use chat_frontend::{Exit, logging, streams};
use clap::Parser as _;
use tokio::sync::mpsc;

use self::messages::{link, notice_text, welcome};
use self::plan::Plan;
use self::reload::GatewayReloader;
use self::signals::HangupSignals;
use crate::command_line::arguments::WebArguments;
use crate::command_line::options::LogSetting;
use crate::gateway::Gateway;
use crate::net::port::WebPort;
use crate::ops::OpsPort;

/// How long the end may take after a signal.
const CLOSE_LIMIT: Duration = Duration::from_secs(20);

/// Runs `chat-web` with the arguments of this process.
pub fn main() -> ExitCode {
    chat_frontend::forbid_core_dumps();
    let arguments = WebArguments::parse();
    let has_file = arguments.config.is_some();
    let plan = match arguments.merged().map_err(|error| chain(&error)).and_then(Plan::new) {
        Ok(plan) => plan,
        Err(reason) => {
            eprint(&format!("chat-web: {reason}"));
            return Exit::Usage.into();
        }
    };
    if plan.log == LogSetting::Text {
        logging::to_stderr();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&chain(&error)),
    };
    let code = match runtime.block_on(run(plan, has_file)) {
        Ok(()) => Exit::Done.into(),
        Err(reason) => failed(&reason),
    };
    // A file operation that is stuck must not delay the end.
    runtime.shutdown_background();
    code
}

fn failed(reason: &str) -> ExitCode {
    eprint(&format!("chat-web: {reason}"));
    Exit::Local.into()
}

/// Runs until the end. `has_file`: there is a configuration file, which can be read again.
async fn run(plan: Plan, has_file: bool) -> Result<(), String> {
    // Without anything to read again SIGHUP is the end of the terminal, and of the program.
    let reloads = has_file || plan.certificate.is_some();
    let unhandled = |error| format!("could not handle signals: {}", chain(&error));
    let rules = EndRules { own_hangup: reloads, ..EndRules::default() };
    let end = EndSignal::watch(rules, || {}).map_err(unhandled)?;
    let mut hangups = HangupSignals::listen(reloads).map_err(unhandled)?;
    let port = WebPort::open(plan.http, plan.certificate.clone());
    let port = port
        .await
        .map_err(|error| format!("could not open {}: {}; --http names another address", plan.http, chain(&error)))?;
    let address = port.address().map_err(|error| chain(&error))?;
    let ops = match plan.metrics {
        None => None,
        Some(address) => {
            let port = OpsPort::open(address).await;
            Some(port.map_err(|error| format!("could not open {address}: {}", chain(&error)))?)
        }
    };
    let (notices, mut news) = mpsc::channel(16);
    let room = plan.open_room(notices)?;
    let mut ready = room.ready();
    // An error means that the room has failed, which its notice says.
    let _ = ready.wait_for(|ready| *ready).await;
    let heed = |notice: &RoomNotice| {
        eprint(&notice_text(notice));
        if matches!(notice, RoomNotice::Started(_) | RoomNotice::Joined) && plan.share.is_none() {
            port.admit_own_user_only();
        }
    };
    // A room that is not shared has no limits for those who would come through this page.
    let unshared = |notice: &RoomNotice| {
        let has_failed = matches!(notice, RoomNotice::Failed(_)) && plan.share.is_some();
        has_failed.then(|| notice_text(notice).trim_start_matches("chat-web: ").to_owned())
    };
    while let Ok(notice) = news.try_recv() {
        if let Some(reason) = unshared(&notice) {
            return Err(reason);
        }
        heed(&notice);
    }
    let gateway = Gateway::start(plan.gateway_config());
    let ops_address = ops.as_ref().and_then(|ops| ops.address().ok());
    let text = welcome(&plan, address, ops_address);
    streams::write_stdout(text.as_bytes())
        .map_err(|error| format!("could not write standard output: {}", chain(&error)))?;
    // Held until the end: `/share` of chat-tui shows the link.
    let _announced = match plan.share {
        None => None,
        Some(_) => {
            let (dir, link) = (plan.data_dir.clone(), link(&plan, address));
            tokio::task::spawn_blocking(move || Announcement::of_page(&dir, &link)).await.ok().flatten()
        }
    };
    let ops = Arc::new(ops);
    let serving_ops = async {
        match ops.as_ref() {
            Some(ops) => ops.serve(&gateway).await,
            None => std::future::pending().await,
        }
    };
    let watching = async {
        let refusals = room.refusals();
        let mut state = gateway.room_state();
        loop {
            tokio::select! {
                Some(notice) = news.recv() => match unshared(&notice) {
                    Some(reason) => return reason,
                    None => heed(&notice),
                },
                Ok(()) = state.changed() => {
                    // The room that another program served may have ended; then this one continues it.
                    if state.borrow_and_update().cause().is_some() {
                        let _ = refusals.try_send(());
                    }
                }
            }
        }
    };
    let mut reloader = GatewayReloader::new(&plan);
    let reloading = async {
        loop {
            tokio::select! {
                () = hangups.next() => reloader.reload(&gateway).await,
                () = reloader.certificate_changed() => reloader.reload_certificate().await,
            }
        }
    };
    let ended = tokio::select! {
        () = port.serve(&gateway) => Ok(()),
        () = reloading => Ok(()),
        () = serving_ops => Ok(()),
        reason = watching => Err(reason),
        () = end.wait() => Ok(()),
    };
    end.grant(CLOSE_LIMIT);
    // No new connections while the pages are told.
    drop(port);
    gateway.drain().await;
    room.close().await;
    ended
}
