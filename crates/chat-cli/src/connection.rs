//! Converts the command line to the configuration of the services, and reports connection states on standard error.

use std::cell::RefCell;
use std::sync::Arc;

use chat_client::{
    ClientConfig, ConnectError, ConnectionState, DeclineCode, Hold, HoldReason, Layer, RetryPolicy, Settings, Side,
    Token,
};
use chat_frontend::report::chain;
use chat_frontend::time::in_words;
use tokio::sync::watch;

use crate::args::{CommonArgs, ConnectArgs, IdentityArgs};
use crate::error::{CliError, advice_while_retrying};
use crate::json::JsonObject;
use crate::output;

/// The port that `--port` of a command refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortKind {
    Listen,
    Write,
}

impl PortKind {
    fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Write => "write",
        }
    }
}

/// Returns the flags as the topmost layer of the settings.
pub(crate) fn layer(connect: &ConnectArgs, side: PortKind) -> Layer {
    let port = |of: PortKind| if side == of { connect.port } else { None };
    let mut layer = Layer::default();
    layer.host = (!connect.host.is_empty()).then(|| connect.host.join(","));
    layer.listen_port = port(PortKind::Listen).or(connect.listen_port);
    layer.write_port = port(PortKind::Write).or(connect.write_port);
    layer.tls = connect.tls.then_some(true);
    layer.ca_file.clone_from(&connect.ca_file);
    layer.pin.clone_from(&connect.pin);
    layer
}

/// Adds the account. A token on the command line works, but other users can read it, so this is reported.
pub(crate) fn add_identity(layer: &mut Layer, identity: &IdentityArgs) -> Result<(), CliError> {
    if let Some(token) = &identity.token {
        output::report("warning: other users can see a token on the command line: use --token-file or CHAT_TOKEN");
        layer.token = Some(Token::new(token)?);
    }
    layer.token_file.clone_from(&identity.token_file);
    layer.nickname.clone_from(&identity.username);
    layer.credentials_path.clone_from(&identity.credential_path);
    Ok(())
}

pub(crate) fn settings(layer: Layer, common: &CommonArgs) -> Result<Settings, CliError> {
    let settings = Settings::load(layer, common.profile.as_deref())?;
    for warning in &settings.warnings {
        output::report(format_args!("warning: {warning}"));
    }
    Ok(settings)
}

/// Warns if the token will be sent unencrypted to another machine. The original does this, so it is not refused.
pub(crate) fn warn_of_exposure(config: &ClientConfig) {
    if config.exposes_token() {
        let address = config.addresses_text(Side::Write);
        output::report(format_args!("warning: sending the token to {address} unencrypted: use --tls"));
    }
}

/// Returns the configuration of the services, with this command's deadlines.
///
/// # Errors
/// If the host of one of these ports cannot be one. It is found before anything is reported or done with the host.
pub(crate) fn client_config(
    settings: &Settings,
    connect: &ConnectArgs,
    ports: &[Side],
    default: Option<std::time::Duration>,
) -> Result<ClientConfig, CliError> {
    let mut config = settings.client_config();
    if connect.no_retry {
        config.retry = RetryPolicy::never();
    } else {
        config.retry.max_time = connect.retry_max_time.or(default);
    }
    for &port in ports {
        let failed = |error| CliError::Connect { what: config.addr_text(port), error: Arc::new(error) };
        config.checked_host(port).map_err(failed)?;
    }
    Ok(config)
}

/// The current reason why there is no connection, for a timeout message.
#[derive(Debug, Default)]
pub(crate) struct LastError(RefCell<Option<Arc<ConnectError>>>);

impl LastError {
    pub(crate) fn set(&self, error: Option<Arc<ConnectError>>) {
        self.0.replace(error);
    }

    pub(crate) fn last(&self) -> Option<Arc<ConnectError>> {
        self.0.borrow().clone()
    }
}

/// Reports the states of a connection on standard error. An immediate success is not reported.
pub(crate) struct StateReporter {
    side: PortKind,
    states: watch::Receiver<ConnectionState>,
    json: bool,
    troubled: bool,
    last_error: LastError,
    /// Why a writer waits although it is online.
    hold: Option<watch::Receiver<Option<Hold>>>,
    log_is_away: bool,
}

impl StateReporter {
    pub(crate) fn new(side: PortKind, states: watch::Receiver<ConnectionState>, json: bool) -> Self {
        Self { side, states, json, troubled: false, last_error: LastError::default(), hold: None, log_is_away: false }
    }

    /// Reports also when the log of the room is away.
    pub(crate) fn with_hold(mut self, hold: watch::Receiver<Option<Hold>>) -> Self {
        self.hold = Some(hold);
        self
    }

    /// Waits for the next state and reports it. Never returns an end. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        // Both branches watch a value: a change that is not handled now is handled in the next turn.
        let changed = tokio::select! {
            biased;
            changed = self.states.changed() => changed.map(|()| true),
            changed = changed(self.hold.as_mut()) => changed.map(|()| false),
        };
        match changed {
            Ok(true) => self.report(),
            Ok(false) => self.report_hold(),
            // The service has ended; the caller waits for its result elsewhere.
            Err(_) => std::future::pending().await,
        }
    }

    /// Reports once that the log is away, and once that it is back.
    fn report_hold(&mut self) {
        let Some(hold) = &mut self.hold else { return };
        let away = hold.borrow_and_update().as_ref().is_some_and(is_log_away);
        if away == self.log_is_away || !self.states.borrow().is_online() {
            return;
        }
        self.log_is_away = away;
        let name = self.side.name();
        if self.json {
            let object = JsonObject::state(name, &self.states.borrow());
            output::report_object(&if away { object.held_by("unavailable") } else { object });
        } else if away {
            output::report(format_args!("{name} port: {AWAY}"));
        } else {
            output::report(format_args!("{name} port: the log of the room is back"));
        }
    }

    /// Returns the reason why there is no connection.
    pub(crate) fn last_error(&self) -> &LastError {
        &self.last_error
    }

    fn report(&mut self) {
        let state = self.states.borrow_and_update().clone();
        match &state {
            ConnectionState::Waiting { cause, .. } => self.last_error.set(Some(Arc::clone(cause))),
            ConnectionState::Online { .. } => self.last_error.set(None),
            _ => {}
        }
        tracing::info!(side = self.side.name(), state = JsonObject::state_name(&state), "the connection changed");
        if self.json {
            output::report_object(&JsonObject::state(self.side.name(), &state));
            return;
        }
        match state {
            ConnectionState::Waiting { retry_at, cause, .. } => {
                let advice = if self.troubled { "" } else { advice_while_retrying(&cause) };
                self.troubled = true;
                let wait = retry_at.saturating_duration_since(tokio::time::Instant::now());
                let (side, cause) = (self.side.name(), chain(&*cause));
                output::report(format_args!("{side} port: {cause}{advice}; retrying in {}", in_words(wait)));
            }
            ConnectionState::Online { .. } if self.troubled => {
                self.troubled = false;
                output::report(format_args!("{} port: connected", self.side.name()));
            }
            _ => {}
        }
    }
}

/// What people are told about messages that wait for the log.
const AWAY: &str = "the log of the room is away: not confirmed yet; will be sent when it is back";

fn is_log_away(hold: &Hold) -> bool {
    hold.reason == HoldReason::Server(DeclineCode::Unavailable)
}

/// Waits for a change; without a value there is none.
async fn changed(hold: Option<&mut watch::Receiver<Option<Hold>>>) -> Result<(), watch::error::RecvError> {
    match hold {
        Some(hold) => hold.changed().await,
        None => std::future::pending().await,
    }
}

/// Returns the error of a closed service, as the error of the command.
pub(crate) fn closed(states: &watch::Receiver<ConnectionState>, what: String) -> Option<CliError> {
    match &*states.borrow() {
        ConnectionState::Closed { cause: Some(error) } => Some(CliError::Connect { what, error: Arc::clone(error) }),
        _ => None,
    }
}
