//! Reads configuration, certificate and log file again, on SIGHUP; the certificate also when its file has changed.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chat_server::command_line::{Arguments, Options};
use chat_server::{ServerHandle, StartError, TlsCertificate, TlsPorts};
use private_files::{FileVersions, ReplacedFiles};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::process::log_writer::{self, LogSink};
use crate::process::logging::LevelControl;
use crate::process::rlimits;

/// How often to look whether the certificate was renewed, by the times of two files.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(1);

/// What a reload needs.
pub(crate) struct Reloader {
    /// The command line, which is read again because it overrides the file.
    words: Vec<OsString>,
    /// The options that are in effect.
    options: Options,
    tls: Option<TlsPorts>,
    level: LevelControl,
    ticks: Interval,
    replaced: ReplacedFiles,
}

/// Everything that is read before anything is changed.
struct Prepared {
    options: Options,
    /// With the versions of its files.
    certificate: Option<(FileVersions, TlsCertificate)>,
    sink: LogSink,
}

impl Reloader {
    /// `versions`: of the files of the certificate, from before they were read.
    pub(crate) fn new(
        words: Vec<OsString>,
        options: Options,
        tls: Option<TlsPorts>,
        versions: FileVersions,
        level: LevelControl,
    ) -> Self {
        let mut ticks = interval(CERTIFICATE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { words, options, tls, level, ticks, replaced: ReplacedFiles::new(versions) }
    }

    /// Reads everything again. An error changes nothing, and is logged.
    pub(crate) async fn reload(&mut self, server: &ServerHandle) {
        let (words, tls) = (self.words.clone(), self.tls.is_some());
        let prepared = blocking(move || prepare(words, tls)).await;
        match prepared {
            Ok(prepared) => self.apply(prepared, server),
            Err(error) => tracing::error!(
                error = AsRef::<dyn std::error::Error>::as_ref(&error),
                "could not reload the configuration; nothing was changed"
            ),
        }
    }

    /// Waits until the files of the certificate have changed. Never resolves without TLS. Cancel safe: a change that is
    /// noticed again is harmless.
    pub(crate) async fn certificate_changed(&mut self) {
        if self.tls.is_none() {
            std::future::pending::<()>().await;
        }
        loop {
            self.ticks.tick().await;
            let options = self.options.clone();
            let now = tokio::task::spawn_blocking(move || certificate_versions(&options)).await;
            if now.is_ok_and(|now| self.replaced.look(now)) {
                return;
            }
        }
    }

    /// Reads the certificate again. The old one stays in use if the new one cannot be used.
    pub(crate) async fn reload_certificate(&self) {
        let (Some(tls), options) = (&self.tls, self.options.clone()) else { return };
        match blocking(move || Ok(read_certificate(&options)?)).await {
            Ok(Some((_, certificate))) => {
                tls.set_certificate(certificate);
                tracing::info!("the certificate was renewed");
            }
            Ok(None) => {}
            Err(error) => tracing::error!(
                error = AsRef::<dyn std::error::Error>::as_ref(&error),
                "could not use the new certificate; the old one stays in use"
            ),
        }
    }

    fn apply(&mut self, Prepared { options: new, certificate, sink }: Prepared, server: &ServerHandle) {
        let options = self.options.reloaded(&new);
        for key in options.differences(&new) {
            tracing::warn!(%key, "the option cannot change while the server runs: restart it to apply the change");
        }
        let changed = self.options.differences(&options);
        self.options = options;
        let is_log_file = matches!(sink, LogSink::File(_));
        if (is_log_file || changed.iter().any(|key| key == "log-file")) && !log_writer::continue_in(sink) {
            tracing::warn!("could not open the log again, because it is not read");
        }
        self.level.set(self.options.log_level.unwrap_or_default());
        let limits = self.options.limits();
        rlimits::raise_open_files(limits.connections);
        server.set_limits(limits);
        if let (Some(tls), Some((versions, certificate))) = (&self.tls, certificate) {
            tls.set_certificate(certificate);
            self.replaced = ReplacedFiles::new(versions);
        }
        tracing::info!(changed = %changed.join(" "), "reloaded the configuration");
    }
}

/// Reads everything that a reload needs.
fn prepare(words: Vec<OsString>, tls: bool) -> Result<Prepared> {
    let options = Arguments::from_command_line(words)?.options;
    let certificate = if tls { read_certificate(&options)? } else { None };
    let sink = open_log(options.log_file.as_deref())?;
    Ok(Prepared { options, certificate, sink })
}

/// Opens the log.
///
/// # Errors
/// With the name of the file.
pub(crate) fn open_log(path: Option<&Path>) -> Result<LogSink> {
    LogSink::open(path).with_context(|| format!("could not open {}", path.unwrap_or(Path::new("the log")).display()))
}

fn read_certificate(options: &Options) -> Result<Option<(FileVersions, TlsCertificate)>, StartError> {
    let versions = certificate_versions(options);
    match (&options.tls_cert, &options.tls_key) {
        (Some(cert), Some(key)) => Ok(Some((versions, TlsCertificate::from_files(cert, key)?))),
        _ => Ok(None),
    }
}

/// Returns the versions of certificate and key.
pub(crate) fn certificate_versions(options: &Options) -> FileVersions {
    FileVersions::of([&options.tls_cert, &options.tls_key].into_iter().flatten())
}

/// Runs a function that reads files on a thread that may block.
async fn blocking<T: Send + 'static>(read: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(read).await.context("could not read the configuration")?
}
