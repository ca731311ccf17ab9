//! From the command line to what the services are told: settings, patience, and the talk about
//! states on standard error.

use std::cell::RefCell;
use std::sync::Arc;

use chat_client::{ClientConfig, ConnectError, ConnectionState, Layer, RetryPolicy, Settings, Token};
use chat_frontend::report::chain;
use chat_frontend::time::in_words;
use tokio::sync::watch;

use crate::args::{CommonArgs, ConnectArgs, IdentityArgs};
use crate::error::CliError;
use crate::json::JsonObject;
use crate::output;

/// Which port a command's `--port` means.
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

/// The flags as the topmost layer of the settings.
pub(crate) fn layer(connect: &ConnectArgs, side: PortKind) -> Layer {
    let port = |of: PortKind| if side == of { connect.port } else { None };
    Layer {
        host: connect.host.clone(),
        listen_port: port(PortKind::Listen).or(connect.listen_port),
        write_port: port(PortKind::Write).or(connect.write_port),
        tls: connect.tls.then_some(true),
        ca_file: connect.ca_file.clone(),
        pin: connect.pin.clone(),
        ..Layer::default()
    }
}

/// Adds who writes. A token on the command line works, and others can read it there: say so.
pub(crate) fn add_identity(layer: &mut Layer, identity: &IdentityArgs) -> Result<(), CliError> {
    if let Some(token) = &identity.token {
        output::report(
            "warning: a token on the command line can be seen by others; --token-file or CHAT_TOKEN hide it",
        );
        layer.token = Some(Token::new(token)?);
    }
    layer.token_file.clone_from(&identity.token_file);
    layer.nickname.clone_from(&identity.username);
    layer.credentials_path.clone_from(&identity.credential_path);
    Ok(())
}

pub(crate) fn settings(layer: Layer, common: &CommonArgs) -> Result<Settings, CliError> {
    Ok(Settings::load(layer, common.profile.as_deref())?)
}

/// Says once where the token is about to travel in the clear to another machine. That is how the
/// original works, so it is not refused.
pub(crate) fn warn_of_exposure(config: &ClientConfig) {
    if config.exposes_token() {
        let address = config.write_addr_text();
        output::report(format_args!("warning: the token travels to {address} in the clear; --tls would hide it"));
    }
}

/// The services' configuration, with this command's patience.
pub(crate) fn client_config(
    settings: &Settings,
    connect: &ConnectArgs,
    default: Option<std::time::Duration>,
) -> ClientConfig {
    let mut config = settings.client_config();
    if connect.no_retry {
        config.retry = RetryPolicy::never();
    } else {
        config.retry.max_time = connect.retry_max_time.or(default);
    }
    config
}

/// What keeps a connection from being made at present, for whoever gives up waiting for it.
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

/// Says on standard error what becomes of a connection; what goes well at once is not worth a word.
pub(crate) struct StateReporter {
    side: PortKind,
    states: watch::Receiver<ConnectionState>,
    json: bool,
    troubled: bool,
    last_error: LastError,
}

impl StateReporter {
    pub(crate) fn new(side: PortKind, states: watch::Receiver<ConnectionState>, json: bool) -> Self {
        Self { side, states, json, troubled: false, last_error: LastError::default() }
    }

    /// Waits for the next state and talks about it. Never ends by itself. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        if self.states.changed().await.is_err() {
            // The service is gone; whoever waits beside this knows why.
            std::future::pending::<()>().await;
        }
        self.report();
    }

    /// Why there is no connection.
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
                self.troubled = true;
                let wait = retry_at.saturating_duration_since(tokio::time::Instant::now());
                let (side, cause) = (self.side.name(), chain(&*cause));
                output::report(format_args!("{side} port: {cause}; trying again in {}", in_words(wait)));
            }
            ConnectionState::Online { .. } if self.troubled => {
                self.troubled = false;
                output::report(format_args!("{} port: connected", self.side.name()));
            }
            _ => {}
        }
    }
}

/// Why a service has closed, as the failure of the command.
pub(crate) fn closed(states: &watch::Receiver<ConnectionState>, what: String) -> Option<CliError> {
    match &*states.borrow() {
        ConnectionState::Closed { cause: Some(error) } => Some(CliError::Connect { what, error: Arc::clone(error) }),
        _ => None,
    }
}
