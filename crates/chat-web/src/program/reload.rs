//! Reads configuration and certificate again on SIGHUP; the certificate also when its files have changed.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use chat_frontend::report::{chain, eprint};
use clap::Parser as _;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::plan::Plan;
use crate::command_line::arguments::WebArguments;
use crate::gateway::Gateway;
use crate::net::tls::WebCertificate;

/// How often to look whether the certificate was renewed, by the times of two files.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(1);

/// The times and sizes of certificate and key; `None` for a file that is missing.
type FileStates = [Option<(SystemTime, u64)>; 2];

/// What a reload needs.
pub(super) struct GatewayReloader {
    /// The certificate in use, and its two files.
    certificate: Option<(WebCertificate, [PathBuf; 2])>,
    ticks: Interval,
    /// The files that were read last, whether they could be used or not.
    seen: FileStates,
    /// What has changed since, until it stays the same: certificate and key are not replaced at the same instant.
    changing: Option<FileStates>,
}

impl GatewayReloader {
    /// Must be called within a runtime.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut ticks = interval(CERTIFICATE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let certificate = plan.certificate.clone().zip(plan.certificate_files());
        let seen = certificate.as_ref().map_or([None; 2], |(_, files)| state(files));
        Self { certificate, ticks, seen, changing: None }
    }

    /// Reads everything again. An error changes nothing, and is reported.
    pub(super) async fn reload(&mut self, gateway: &Gateway) {
        let read = tokio::task::spawn_blocking(|| {
            let arguments = WebArguments::try_parse_from(std::env::args_os()).map_err(|error| error.to_string())?;
            arguments.merged().map_err(|error| chain(&error)).and_then(Plan::new)
        });
        let plan = match read.await.map_err(|error| chain(&error)).and_then(|plan| plan) {
            Ok(plan) => plan,
            Err(reason) => {
                return eprint(&format!(
                    "chat-web: could not reload the configuration, and nothing was changed: {reason}"
                ));
            }
        };
        let config = plan.gateway_config();
        gateway.set_rates(config.register_rate, config.post_rate);
        // Its files may have other names now. Whether there is one at all is decided at the start.
        if let (Some((certificate, files)), Some(new), Some(new_files)) =
            (&mut self.certificate, &plan.certificate, plan.certificate_files())
        {
            certificate.replace(new);
            // They may have changed after they were read: they are read once more.
            self.seen = [None; 2];
            *files = new_files;
        }
        eprint("chat-web: reloaded the rates and the certificate; other options change with a restart");
    }

    /// Waits until the files of the certificate have changed. Never resolves without one. Cancel safe: a change that is
    /// noticed again is harmless.
    pub(super) async fn certificate_changed(&mut self) {
        let Some((_, files)) = &self.certificate else { return std::future::pending().await };
        loop {
            self.ticks.tick().await;
            let files = files.clone();
            let Ok(now) = tokio::task::spawn_blocking(move || state(&files)).await else { continue };
            if now == self.seen {
                self.changing = None;
            } else if self.changing.replace(now) == Some(now) {
                self.seen = now;
                return;
            }
        }
    }

    /// Reads the certificate again. The old one stays in use if the new one cannot be used.
    pub(super) async fn reload_certificate(&self) {
        let Some((certificate, files)) = &self.certificate else { return };
        let [chain_file, key] = files.clone();
        let read = tokio::task::spawn_blocking(move || WebCertificate::from_files(&chain_file, &key)).await;
        let new = read.map_err(|error| chain(&error)).and_then(|new| new.map_err(|error| chain(&error)));
        match new {
            Ok(new) => {
                certificate.replace(&new);
                eprint("chat-web: the certificate was renewed");
            }
            Err(reason) => {
                eprint(&format!("chat-web: could not use the new certificate; the old one stays in use: {reason}"));
            }
        }
    }
}

fn state(files: &[PathBuf; 2]) -> FileStates {
    let state = |path: &PathBuf| {
        let found = path.metadata().ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    [state(&files[0]), state(&files[1])]
}
