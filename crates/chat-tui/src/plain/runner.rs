//! The loop of plain mode: lines in, lines out.

use std::io::{self, BufRead, Read, Write};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep_until};

use super::{OutputLine, PlainMode};
use crate::effect::Effect;
use crate::event::AppEvent;
use crate::services::Services;
use crate::signals::{Signal, SignalStream};

/// No line is as long; what could be sent is shorter by far.
const LONGEST: u64 = 64 * 1024;

/// After the end of the input, what is under way gets this long.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// And what has been confirmed gets this long to be heard.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs until the input has ended and everything is said, or a signal comes. `true`: interrupted. The services come
/// back, still running, whatever happened.
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
        let effects = tokio::select! {
            line = lines.recv(), if plain.wants_lines() => match line {
                Some(line) => plain.input(line, Timestamp::now()),
                None => {
                    plain.end_input();
                    Vec::new()
                }
            },
            message = news.recv() => match message {
                Some(message) => plain.message(message, Timestamp::now()),
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

/// Says everything. `false`: nobody reads the messages any more, which is no error.
fn write_output(said: &[OutputLine]) -> io::Result<bool> {
    let (mut data, mut talk) = (io::stdout().lock(), io::stderr().lock());
    for one in said {
        let written = match one {
            OutputLine::Message(line) => writeln!(data, "{line}").and_then(|()| data.flush()),
            // Talk that nobody hears ends nothing.
            OutputLine::Report(line) => writeln!(talk, "{line}").or(Ok(())),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            other => other?,
        }
    }
    Ok(true)
}

/// What came from standard input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputLine {
    Text(String),
    /// What could not be read is replaced.
    NotUtf8(String),
    TooLong,
}

/// Reads lines in a thread of their own: standard input cannot be waited for in any other way that
/// works for files, pipes and terminals alike.
fn read_lines() -> io::Result<Receiver<InputLine>> {
    let (sender, receiver) = channel(64);
    std::thread::Builder::new().name("lines".into()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(line)) = next_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

/// The next line; of one that no message can hold nothing is kept.
pub(super) fn next_line(input: &mut impl BufRead) -> io::Result<Option<InputLine>> {
    let mut bytes = Vec::new();
    if input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LONGEST {
        input.skip_until(b'\n')?;
        return Ok(Some(InputLine::TooLong));
    }
    let text = |text: &str| text.trim_end_matches(['\n', '\r']).to_owned();
    Ok(Some(match std::str::from_utf8(&bytes) {
        Ok(line) => InputLine::Text(text(line)),
        Err(_) => InputLine::NotUtf8(text(&String::from_utf8_lossy(&bytes))),
    }))
}
