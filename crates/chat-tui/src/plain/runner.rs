//! The loop of plain mode.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};

use super::mode::{OutputLine, PlainMode};
use super::stdin::read_lines;
use crate::effect::Effect;
use crate::event::AppEvent;
use crate::services::Services;
use crate::signals::{Signal, SignalStream};

/// How long outstanding messages may take after the end of the input.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long echoes of confirmed messages may take after that.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs until the input has ended and everything is reported, or a signal arrives. Returns `true` if interrupted, and
/// in any case the services, still running.
pub(crate) async fn run(
    mut plain: PlainMode,
    mut services: Services,
    mut news: Receiver<AppEvent>,
) -> (PlainMode, Services, io::Result<bool>) {
    let interrupted = turn(&mut plain, &mut services, &mut news).await;
    (plain, services, interrupted)
}

async fn turn(plain: &mut PlainMode, services: &mut Services, news: &mut Receiver<AppEvent>) -> io::Result<bool> {
    let mut lines = read_lines()?;
    let mut signals = SignalStream::without_stop()?;
    let mut interrupted = false;
    let mut ended_at: Option<Instant> = None;
    let mut echo_until: Option<Instant> = None;
    while !plain.app.quitting && !plain.is_finished() {
        if plain.input_has_ended() && ended_at.is_none() {
            ended_at = Some(Instant::now());
        }
        if plain.waits_for_echoes() && echo_until.is_none() {
            echo_until = Some(Instant::now() + ECHO_TIMEOUT);
        }
        let last = ended_at.map(|at| at + DRAIN_TIMEOUT);
        // All branches are cancel safe: lines, events and signals stay in their channels.
        let effects = tokio::select! {
            line = lines.recv(), if plain.wants_lines() => match line {
                Some(line) => plain.input(line, Timestamp::now()),
                None => {
                    plain.end_input();
                    Vec::new()
                }
            },
            message = news.recv() => match message {
                Some(message) => plain.event(message, Timestamp::now()),
                None => break,
            },
            signal = signals.next() => match signal {
                Signal::End => {
                    interrupted = true;
                    break;
                }
                Signal::Stop | Signal::Continue | Signal::Resized => Vec::new(),
            },
            () = sleep_until(echo_until.unwrap_or_else(Instant::now)), if echo_until.is_some() => break,
            () = sleep_until(last.unwrap_or_else(Instant::now)), if last.is_some() => {
                plain.give_up(DRAIN_TIMEOUT.as_secs());
                break;
            }
        };
        for effect in effects {
            services.start(effect);
        }
        if !write_output(&plain.take_output())? {
            break;
        }
    }
    write_output(&plain.take_output())?;
    for effect in plain.app.quit() {
        if let Effect::Remember(_) = effect {
            services.start(effect);
        }
    }
    Ok(interrupted)
}

/// Writes all lines. Returns false when the reader of the messages is gone, which is not an error.
fn write_output(said: &[OutputLine]) -> io::Result<bool> {
    let (mut data, mut talk) = (io::stdout().lock(), io::stderr().lock());
    for one in said {
        let written = match one {
            OutputLine::Message(line) => writeln!(data, "{line}").and_then(|()| data.flush()),
            // A report that cannot be written ends nothing.
            OutputLine::Report(line) => writeln!(talk, "{line}").or(Ok(())),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            other => other?,
        }
    }
    Ok(true)
}
