//! The loop of plain mode.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};

use super::input::{PlainInput, PlainInputEvent};
use super::mode::{OutputLine, PlainMode};
use crate::effect::Effect;
use crate::event::AppEvent;
use crate::services::Services;
use crate::signals::{EndSignal, Signal, SignalStream};

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
    end: &EndSignal,
) -> (PlainMode, Services, io::Result<bool>) {
    let interrupted = turn(&mut plain, &mut services, &mut news, end).await;
    (plain, services, interrupted)
}

async fn turn(
    plain: &mut PlainMode,
    services: &mut Services,
    news: &mut Receiver<AppEvent>,
    end: &EndSignal,
) -> io::Result<bool> {
    let mut input = PlainInput::open()?;
    let mut signals = SignalStream::without_stop(end)?;
    let ended = turn_with(plain, services, news, &mut input, &mut signals).await;
    // The messages of the end stand on rows of their own.
    io::stdout().write_all(input.erase().as_bytes())?;
    ended
}

async fn turn_with(
    plain: &mut PlainMode,
    services: &mut Services,
    news: &mut Receiver<AppEvent>,
    input: &mut PlainInput,
    signals: &mut SignalStream,
) -> io::Result<bool> {
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
        input.draw()?;
        if io::stderr().is_terminal() {
            plain.terminal = crossterm::terminal::size().ok();
        }
        // All branches are cancel safe: lines, events and signals stay in their channels.
        let effects = tokio::select! {
            events = input.next(|| plain.names()), if plain.wants_lines() => {
                let mut effects = Vec::new();
                for event in events {
                    match event {
                        PlainInputEvent::Line(line) => effects.extend(plain.input(line, Timestamp::now())),
                        PlainInputEvent::End => plain.end_input(),
                    }
                }
                effects
            }
            message = news.recv() => match message {
                Some(message) => plain.event(message, Timestamp::now()),
                None => break,
            },
            signal = signals.next() => match signal {
                Signal::End => {
                    interrupted = true;
                    break;
                }
                Signal::Continue => {
                    input.resume();
                    Vec::new()
                }
                Signal::Stop | Signal::Resized => Vec::new(),
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
        if !write_output(&plain.take_output(), input)? {
            break;
        }
    }
    write_output(&plain.take_output(), input)?;
    for effect in plain.app.quit() {
        if let Effect::Remember(_) = effect {
            services.start(effect);
        }
    }
    Ok(interrupted)
}

/// Writes all lines, in a terminal above the typed row. Returns false when the reader of the messages is gone, which is not an error.
fn write_output(said: &[OutputLine], input: &mut PlainInput) -> io::Result<bool> {
    if said.is_empty() {
        return Ok(true);
    }

    let (mut data, mut talk) = (io::stdout().lock(), io::stderr().lock());
    data.write_all(input.erase().as_bytes())?;
    data.flush()?;
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
