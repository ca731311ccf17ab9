//! Reads configuration and certificate again on SIGHUP; the certificate also when its files have changed.

use std::path::PathBuf;
use std::time::Duration;

use chat_frontend::report::{chain, eprint};
use clap::Parser as _;
use private_files::{FileVersions, ReplacedFiles};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::plan::Plan;
use crate::command_line::arguments::WebArguments;
use crate::gateway::Gateway;
use crate::net::tls::WebCertificate;

/// How often to look whether the certificate was renewed, by the times of two files.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(1);

/// What a reload needs.
pub(super) struct GatewayReloader {
    /// The certificate in use, and its two files.
    certificate: Option<(WebCertificate, [PathBuf; 2])>,
    ticks: Interval,
    replaced: ReplacedFiles,
}

impl GatewayReloader {
    /// Must be called within a runtime.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut ticks = interval(CERTIFICATE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let certificate = plan.certificate.clone().zip(plan.certificate_files());
        Self { certificate, ticks, replaced: ReplacedFiles::new(plan.certificate_versions.clone()) }
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
            self.replaced = ReplacedFiles::new(plan.certificate_versions);
            *files = new_files;
            eprint("chat-web: reloaded the rates and the certificate; other options change with a restart");
        } else {
            eprint("chat-web: reloaded the rates; other options change with a restart");
        }
    }

    /// Waits until the files of the certificate have changed. Never resolves without one. Cancel safe: a change that is
    /// noticed again is harmless.
    pub(super) async fn certificate_changed(&mut self) {
        let Some((_, files)) = &self.certificate else { return std::future::pending().await };
        loop {
            self.ticks.tick().await;
            let files = files.clone();
            let now = tokio::task::spawn_blocking(move || FileVersions::of(&files)).await;
            if now.is_ok_and(|now| self.replaced.look(now)) {
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
