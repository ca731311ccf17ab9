//! `chat ping`: checks both ports of each node, the dialogue and the round trip, and explains problems. It creates no account.

mod target;

use std::time::Duration;

use chat_client::{ClientConfig, ConnectionState, Listener, RetryPolicy, Side as Port, Token, Writer};
use chat_frontend::Exit;
use futures_util::future::join_all;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout};

use self::target::PingTarget;
use crate::account_choice;
use crate::args::{CommonArgs, PingArgs};
use crate::connection::{self, PortKind};
use crate::error::{CliError, NO_GREETING};
use crate::json::{JsonObject, ObjectKind};
use crate::output::{self, Style};
use crate::runtime;
use crate::signals::{Interrupt, OnHangup};

/// The beginning of the write port's first line.
const GREETING: &str = "Hello";

/// How long to wait for a greeting. A server sends it first, so this is generous for one round trip, and short enough
/// for a waiting user.
const GREETING_WITHIN: Duration = Duration::from_secs(3);

/// The part of a first line that is examined, in bytes.
const FIRST_LINE: usize = 200;

pub(super) fn run(args: &PingArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    let interrupt = Interrupt::watch(OnHangup::End).map_err(CliError::Runtime)?;
    let mut layer = connection::layer(&args.connect, PortKind::Write);
    connection::add_identity(&mut layer, &args.identity)?;
    let settings = connection::settings(layer, common)?;
    let mut config = connection::client_config(&settings, &args.connect, &[Port::Listen, Port::Write], None)?;
    config.retry = RetryPolicy::never();
    let named = settings.nickname.is_some() || settings.token.is_some() || settings.token_file.is_some();
    if named {
        connection::warn_of_exposure(&config);
    }
    let token = if named { account_choice::known(&settings)? } else { None };
    if let (Some(name), None) = (&settings.nickname, &token) {
        return Err(CliError::UnknownAccount(name.clone()));
    }
    runtime::block_on(async {
        // Dropping the check closes its connections; it has no result to lose.
        tokio::select! {
            () = interrupt.wait() => Err(CliError::Interrupted),
            done = check(&config, token, common.json) => done,
        }
    })
}

/// The result of checking one port.
#[derive(Default)]
struct PortAnswer {
    took: Duration,
    numbered: Option<bool>,
    nickname: Option<String>,
    round_trip: Option<Duration>,
}

impl PortAnswer {
    fn in_words(&self) -> String {
        let took = in_milliseconds(self.took);
        match (&self.nickname, self.numbered) {
            (Some(nickname), _) => {
                let trip = in_milliseconds(self.round_trip.unwrap_or_default());
                format!("logged in as {nickname} in {took:.1} ms, round trip {trip:.1} ms")
            }
            (None, Some(true)) => format!("open, numbers its messages, {took:.1} ms"),
            (None, Some(false)) => "open, a plain server".to_owned(),
            (None, None) => format!("open, greets, {took:.1} ms"),
        }
    }

    fn object(&self, side: &'static str, address: String) -> JsonObject<'_> {
        JsonObject::new(ObjectKind::Ping {
            side,
            address,
            ms: in_milliseconds(self.took),
            numbered: self.numbered,
            nick: self.nickname.as_deref(),
            round_trip_ms: self.round_trip.map(in_milliseconds),
        })
    }
}

/// Checks both ports of every node, even after a failure: all results help more than one.
async fn check(config: &ClientConfig, token: Option<Token>, json: bool) -> Result<Exit, CliError> {
    let nodes = target::all(config).await;
    // Side by side: a node that does not answer delays no other one. The results have the order of the addresses.
    let checked = join_all(nodes.iter().map(|node| check_node(node, token.clone()))).await;
    let style = Style::new(json, false);
    let mut failed = None;
    for (node, results) in nodes.iter().zip(checked) {
        for ((side, port), result) in [("listen", Port::Listen), ("write", Port::Write)].into_iter().zip(results) {
            match result {
                Ok(answer) => {
                    let address = node.addr_text(port);
                    let mut out = Vec::new();
                    if json {
                        answer.object(side, address).write_to(&mut out);
                    } else {
                        let line = format!("{side} port {address}: {}", answer.in_words());
                        out.extend_from_slice(style.safe(&line).as_bytes());
                        out.push(b'\n');
                    }
                    output::print(&out)?;
                }
                Err(failure) => {
                    if let Some(earlier) = failed.replace(failure) {
                        output::report_failure(&earlier, json);
                    }
                }
            }
        }
    }
    failed.map_or(Ok(Exit::Done), Err)
}

/// Checks the listen port and the write port of one node.
async fn check_node(node: &PingTarget, token: Option<Token>) -> [Result<PortAnswer, CliError>; 2] {
    let listen = listen_port(node).await;
    let write = match token {
        None => greeting(node).await,
        Some(token) => login(node, token).await,
    };
    [listen, write]
}

async fn listen_port(node: &PingTarget) -> Result<PortAnswer, CliError> {
    let start = Instant::now();
    let listener = Listener::builder(node.config.clone()).dial(node.dial()).start();
    let (mut states, numbered) = (listener.state(), listener.numbered());
    let settled = states.wait_for(|state| state.is_online() || state.is_closed()).await.is_ok();
    if let (true, Some(failure)) = (settled, connection::closed(&listener.state(), node.addr_text(Port::Listen))) {
        return Err(failure);
    }
    let numbered = Some(*numbered.borrow() == Some(true));
    Ok(PortAnswer { took: start.elapsed(), numbered, ..PortAnswer::default() })
}

/// Reads the greeting and disconnects: a connection that sends nothing creates no account.
async fn greeting(node: &PingTarget) -> Result<PortAnswer, CliError> {
    let start = Instant::now();
    let address = node.addr_text(Port::Write);
    let failed = |error: chat_client::ConnectError| CliError::Connect { what: address.clone(), error: error.into() };
    let mut stream = chat_client::connect_with(&node.config, Port::Write, node.dial()).await.map_err(failed)?;
    let mut line = Vec::new();
    let read = async {
        while line.len() < FIRST_LINE && !line.contains(&b'\n') {
            if stream.read_buf(&mut line).await? == 0 {
                break;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    let in_time = timeout(node.config.answer_timeout.min(GREETING_WITHIN), read).await;
    if matches!(in_time, Ok(Ok(()))) && line.starts_with(GREETING.as_bytes()) {
        return Ok(PortAnswer { took: start.elapsed(), ..PortAnswer::default() });
    }
    let shown: String = String::from_utf8_lossy(&line).lines().next().unwrap_or_default().chars().take(40).collect();
    Err(CliError::NotAChat(match in_time {
        Err(_) if line.is_empty() => format!("{address} sends nothing{NO_GREETING}"),
        _ if line.is_empty() => format!("{address} closed the connection without a greeting"),
        _ => format!("{address} sends {shown:?}, not the greeting of a chat server"),
    }))
}

async fn login(node: &PingTarget, token: Token) -> Result<PortAnswer, CliError> {
    let start = Instant::now();
    let mut config = node.config.clone();
    // Probe at once instead of after the usual idle time.
    config.keepalive.idle = Duration::from_millis(1);
    let writer = Writer::builder(config).token(token).dial(node.dial()).start();
    let mut states = writer.state();
    let settled = states.wait_for(|state| state.is_online() || state.is_closed()).await.is_ok();
    if let (true, Some(failure)) = (settled, connection::closed(&writer.state(), node.addr_text(Port::Write))) {
        return Err(failure);
    }
    let took = start.elapsed();
    let nickname = writer.account().borrow().as_ref().map(|account| account.nickname.to_string());
    let mut trips = writer.round_trip();
    // Both branches watch a value, so the dropped one loses nothing.
    let round_trip = tokio::select! {
        trip = trips.wait_for(Option::is_some) => trip.ok().and_then(|trip| *trip),
        _ = states.wait_for(ConnectionState::is_closed) => None,
    };
    if let Some(failure) = connection::closed(&writer.state(), node.addr_text(Port::Write)) {
        return Err(failure);
    }
    Ok(PortAnswer { took, nickname, round_trip, numbered: None })
}

fn in_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
