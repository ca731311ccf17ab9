//! The real clients against a server that sends an endless line at each step of the dialogue. A client must close at its
//! limit and name it. Because it closes early, it is run many times instead of being sent gigabytes once.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::hostile_server::{HostilePort, Step};
use super::options::Options;
use super::server_limits::MAY_GROW_MIB;
use super::table::Table;
use crate::process;
use crate::programs::{GUARD, Programs};

/// Time between two reads of a client's memory, which runs for milliseconds only.
const POLL: Duration = Duration::from_millis(1);

/// Time a client runs against a server without an endless line, to measure its normal memory.
const IDLE: Duration = Duration::from_millis(500);

/// Time a client has to report the error after it has closed. One with another connection does not end.
const ERROR_REPORT: Duration = Duration::from_secs(1);

/// One client and one step.
struct Case {
    name: &'static str,
    program: Program,
    arguments: &'static [&'static str],
    input: &'static str,
    listen: Step,
    write: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Chat,
    Tui,
}

const LISTEN: &[&str] = &["listen"];
const SEND: &[&str] = &["send", "-u", "me", "-m", "hello"];
const REGISTER: &[&str] = &["register", "-u", "me"];
const PING: &[&str] = &["ping"];
const PLAIN: &[&str] = &["--plain", "--no-local-room", "--nickname", "me"];

/// Returns a case of `chat`.
const fn chat(name: &'static str, arguments: &'static [&'static str], listen: Step, write: Step) -> Case {
    Case { name, program: Program::Chat, arguments, input: "", listen, write }
}

/// Returns a case of `chat-tui --plain`.
const fn tui(name: &'static str, listen: Step, write: Step) -> Case {
    Case { name, program: Program::Tui, arguments: PLAIN, input: "hello\n", listen, write }
}

const CASES: &[Case] = &[
    chat("chat listen, in place of the first line", LISTEN, Step::First, Step::Never),
    chat("chat listen, after a message", LISTEN, Step::Later, Step::Never),
    chat("chat send, in place of the greeting", SEND, Step::Never, Step::First),
    chat("chat send, in place of the account", SEND, Step::Never, Step::Account),
    chat("chat send, in place of the confirmation", SEND, Step::Never, Step::Later),
    chat("chat register, in place of the greeting", REGISTER, Step::Never, Step::First),
    chat("chat register, in place of the account", REGISTER, Step::Never, Step::Account),
    chat("chat ping, listen port", PING, Step::First, Step::Never),
    chat("chat ping, write port", PING, Step::Never, Step::First),
    tui("chat-tui --plain, listen port, after a message", Step::Later, Step::Never),
    tui("chat-tui --plain, in place of the greeting", Step::Never, Step::First),
    tui("chat-tui --plain, in place of the confirmation", Step::Never, Step::Later),
];

/// Attempts to read a client's memory once: a successful registration ends within a millisecond.
const TRIES: usize = 200;

/// Observations of one run of a client.
struct Observed {
    /// Peak memory in MiB; `None` when the client ended before the first poll.
    peak: Option<f64>,
    output: String,
}

pub(super) async fn run(programs: &Programs, options: &Options, table: &mut Table) -> Result<()> {
    for case in CASES {
        let idle = idle(programs, case).await?;
        let (mut peak, mut measured, mut sent, mut closed, mut named) = (0.0f64, 0, 0, 0, 0);
        for _ in 0..options.client_runs {
            let (observed, received) = run_client(programs, case, case.listen, case.write, None).await?;
            peak = peak.max(observed.peak.unwrap_or_default());
            measured += usize::from(observed.peak.is_some());
            sent += received.0;
            closed += usize::from(received.1 > 0);
            named += usize::from(names_the_limit(&observed.output));
        }
        let runs = options.client_runs;
        table.add(
            "endless line, client",
            format!("{:.0} MiB without a line feed in {runs} runs: {}", sent as f64 / f64::from(1 << 20), case.name),
            format!(
                "peak {peak:.1} MiB in {measured} measured runs, idle {idle:.1}; closed {closed}, limit named {named} \
                 of {runs}"
            ),
            "peak at most +32 MiB; closes and names the limit or the wrong greeting",
            measured > 0 && peak - idle <= MAY_GROW_MIB && closed == runs && named == runs,
        );
    }
    Ok(())
}

/// Returns the memory of the client against a server without an endless line.
async fn idle(programs: &Programs, case: &Case) -> Result<f64> {
    for _ in 0..TRIES {
        if let Some(peak) = run_client(programs, case, Step::Never, Step::Never, Some(IDLE)).await?.0.peak {
            return Ok(peak);
        }
    }
    bail!("{} always ended before its memory could be read", case.name)
}

/// Returns whether the output names one of the two line limits, or the wrong greeting.
fn names_the_limit(output: &str) -> bool {
    ["limit of 65536 bytes", "limit of 16777216 bytes", "not the greeting of a chat server"]
        .iter()
        .any(|part| output.contains(part))
}

/// Runs the client against both ports until it ends, or for at most `most`. Returns the observations, the bytes it was
/// sent, and the number of connections it closed.
async fn run_client(
    programs: &Programs,
    case: &Case,
    listen: Step,
    write: Step,
    most: Option<Duration>,
) -> Result<(Observed, (u64, u64))> {
    let (listen, write) = (HostilePort::listen(listen).await?, HostilePort::write(write).await?);
    let home = tempfile::tempdir()?;
    let sent = || {
        let ((a, b), (c, d)) = (listen.sent(), write.sent());
        (a + c, b + d)
    };
    let mut command = command(programs, case, home.path(), &listen, &write);
    let observed = observe(&mut command, case.input, most, || sent().1 > 0).await?;
    // The end of the process may be noticed before the end of its connection.
    let began = Instant::now();
    while most.is_none() && sent().1 == 0 && began.elapsed() < ERROR_REPORT {
        sleep(POLL).await;
    }
    Ok((observed, sent()))
}

fn command(programs: &Programs, case: &Case, home: &Path, listen: &HostilePort, write: &HostilePort) -> Command {
    let program = if case.program == Program::Chat { &programs.chat } else { &programs.tui };
    let mut command = Command::new(program);
    command.args(case.arguments).env("CHAT_DATA_DIR", home).env("CHAT_CONFIG_DIR", home).env("CHAT_HOST", "127.0.0.1");
    command.env("CHAT_LISTEN_PORT", listen.address.port().to_string());
    command.env("CHAT_WRITE_PORT", write.address.port().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn observe(
    command: &mut Command,
    input: &str,
    most: Option<Duration>,
    has_closed: impl Fn() -> bool,
) -> Result<Observed> {
    let mut child = command.spawn().context("could not start a client")?;
    let pid = child.id().context("the client has ended")?;
    let mut stdin = child.stdin.take().context("no pipe")?;
    stdin.write_all(input.as_bytes()).await?;
    let (mut out, mut err) = (child.stdout.take().context("no pipe")?, child.stderr.take().context("no pipe")?);
    let output = tokio::spawn(async move {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let _ = tokio::join!(out.read_to_end(&mut first), err.read_to_end(&mut second));
        format!("{}{}", String::from_utf8_lossy(&first), String::from_utf8_lossy(&second))
    });
    let (began, mut closed_at, mut peak) = (Instant::now(), None, None::<f64>);
    while child.try_wait()?.is_none() {
        // Fails if the process has ended since `try_wait`.
        if let Ok(now) = process::peak_mib(pid) {
            peak = Some(peak.map_or(now, |before| before.max(now)));
        }
        if has_closed() {
            closed_at.get_or_insert_with(Instant::now);
        }
        let reported = closed_at.is_some_and(|at| at.elapsed() > ERROR_REPORT);
        if reported || began.elapsed() > most.unwrap_or(GUARD) {
            child.kill().await?;
            break;
        }
        sleep(POLL).await;
    }
    drop(stdin);
    Ok(Observed { peak, output: output.await? })
}
