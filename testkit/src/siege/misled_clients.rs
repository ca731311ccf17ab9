//! The real clients, led to a server that sends a line without end at each step of the dialogue. They close at their
//! limit and say it, so no stream of gigabytes can be sent to them; each is led there many times.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::endless_lines::MAY_GROW_MIB;
use super::hostile_server::{HostilePort, Step};
use super::kernel;
use super::options::Options;
use super::peer::GUARD;
use super::programs::Programs;
use super::table::Table;

/// How often the memory of a client is read: it lives for milliseconds.
const LOOK: Duration = Duration::from_millis(1);

/// How long a client is let be with a server that only holds the dialogue, to see what it needs anyway.
const IDLE: Duration = Duration::from_millis(500);

/// How long a client may take to say what was wrong, once it has closed. One that has another connection lives on.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// One client at one step.
struct Case {
    name: &'static str,
    program: Which,
    words: &'static [&'static str],
    input: &'static str,
    listen: Step,
    write: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Chat,
    Tui,
}

const LISTEN: &[&str] = &["listen"];
const SEND: &[&str] = &["send", "-u", "me", "-m", "hello"];
const REGISTER: &[&str] = &["register", "-u", "me"];
const PING: &[&str] = &["ping"];
const PLAIN: &[&str] = &["--plain", "--no-local-room", "--nickname", "me"];

/// A client of `chat`.
const fn chat(name: &'static str, words: &'static [&'static str], listen: Step, write: Step) -> Case {
    Case { name, program: Which::Chat, words, input: "", listen, write }
}

/// `chat-tui --plain`.
const fn tui(name: &'static str, listen: Step, write: Step) -> Case {
    Case { name, program: Which::Tui, words: PLAIN, input: "hello\n", listen, write }
}

const CASES: &[Case] = &[
    chat("chat listen, at once", LISTEN, Step::First, Step::Never),
    chat("chat listen, behind a message", LISTEN, Step::Later, Step::Never),
    chat("chat send, in place of the greeting", SEND, Step::Never, Step::First),
    chat("chat send, in place of the account", SEND, Step::Never, Step::Account),
    chat("chat send, in place of the confirmation", SEND, Step::Never, Step::Later),
    chat("chat register, in place of the greeting", REGISTER, Step::Never, Step::First),
    chat("chat register, in place of the account", REGISTER, Step::Never, Step::Account),
    chat("chat ping, listen port", PING, Step::First, Step::Never),
    chat("chat ping, write port", PING, Step::Never, Step::First),
    tui("chat-tui --plain, listen port, behind a message", Step::Later, Step::Never),
    tui("chat-tui --plain, in place of the greeting", Step::Never, Step::First),
    tui("chat-tui --plain, in place of the confirmation", Step::Never, Step::Later),
];

/// How often a client is started until its memory was seen once: a registration that succeeds is over in a millisecond.
const TRIES: usize = 200;

/// What one run of a client has shown.
struct Seen {
    /// `None` when it was over before anybody looked.
    peak: Option<f64>,
    words: String,
}

pub(super) async fn run(programs: &Programs, options: &Options, table: &mut Table) -> Result<()> {
    for case in CASES {
        let idle = idle(programs, case).await?;
        let (mut peak, mut looked, mut sent, mut closed, mut named) = (0.0f64, 0, 0, 0, 0);
        for _ in 0..options.client_runs {
            let (seen, gone) = lead(programs, case, case.listen, case.write, None).await?;
            peak = peak.max(seen.peak.unwrap_or_default());
            looked += usize::from(seen.peak.is_some());
            sent += gone.0;
            closed += usize::from(gone.1 > 0);
            named += usize::from(names_the_limit(&seen.words));
        }
        let runs = options.client_runs;
        table.add(
            "endless line, client",
            format!("{:.0} MiB without a line feed in {runs} runs: {}", sent as f64 / f64::from(1 << 20), case.name),
            format!(
                "peak {peak:.1} MiB in {looked} runs that were seen, idle {idle:.1}; closed {closed}, limit named {named} \
                 of {runs}"
            ),
            "peak at most +32 MiB; closes and names the limit, or what is no greeting",
            looked > 0 && peak - idle <= MAY_GROW_MIB && closed == runs && named == runs,
        );
    }
    Ok(())
}

/// What the client needs with a server that only holds the dialogue.
async fn idle(programs: &Programs, case: &Case) -> Result<f64> {
    for _ in 0..TRIES {
        if let Some(peak) = lead(programs, case, Step::Never, Step::Never, Some(IDLE)).await?.0.peak {
            return Ok(peak);
        }
    }
    bail!("{} was over each time before its memory could be seen", case.name)
}

/// The two limits of a client's lines, or a greeting that is none.
fn names_the_limit(words: &str) -> bool {
    ["limit of 65536 bytes", "limit of 16777216 bytes", "which no chat does"].iter().any(|said| words.contains(said))
}

/// Starts the client with both ports, until it ends by itself or for so long.
async fn lead(
    programs: &Programs,
    case: &Case,
    listen: Step,
    write: Step,
    most: Option<Duration>,
) -> Result<(Seen, (u64, u64))> {
    let (listen, write) = (HostilePort::listen(listen).await?, HostilePort::write(write).await?);
    let home = tempfile::tempdir()?;
    let sent = || {
        let ((a, b), (c, d)) = (listen.sent(), write.sent());
        (a + c, b + d)
    };
    let mut command = command(programs, case, home.path(), &listen, &write);
    let seen = watch(&mut command, case.input, most, || sent().1 > 0).await?;
    // The end of a connection and the end of a process are seen by different tasks.
    let began = Instant::now();
    while most.is_none() && sent().1 == 0 && began.elapsed() < LAST_WORDS {
        sleep(LOOK).await;
    }
    Ok((seen, sent()))
}

fn command(programs: &Programs, case: &Case, home: &Path, listen: &HostilePort, write: &HostilePort) -> Command {
    let program = if case.program == Which::Chat { &programs.chat } else { &programs.tui };
    let mut command = Command::new(program);
    command.args(case.words).env("CHAT_DATA_DIR", home).env("CHAT_CONFIG_DIR", home).env("CHAT_HOST", "127.0.0.1");
    command.env("CHAT_LISTEN_PORT", listen.address.port().to_string());
    command.env("CHAT_WRITE_PORT", write.address.port().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn watch(
    command: &mut Command,
    input: &str,
    most: Option<Duration>,
    has_closed: impl Fn() -> bool,
) -> Result<Seen> {
    let mut child = command.spawn().context("cannot start a client")?;
    let pid = child.id().context("it has ended")?;
    let mut stdin = child.stdin.take().context("no pipe")?;
    stdin.write_all(input.as_bytes()).await?;
    let (mut out, mut err) = (child.stdout.take().context("no pipe")?, child.stderr.take().context("no pipe")?);
    let said = tokio::spawn(async move {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let _ = tokio::join!(out.read_to_end(&mut first), err.read_to_end(&mut second));
        format!("{}{}", String::from_utf8_lossy(&first), String::from_utf8_lossy(&second))
    });
    let (began, mut closed_at, mut peak) = (Instant::now(), None, None::<f64>);
    while child.try_wait()?.is_none() {
        // The process of this instant may have ended in it.
        if let Ok(now) = kernel::peak_mib(pid) {
            peak = Some(peak.map_or(now, |before| before.max(now)));
        }
        if has_closed() {
            closed_at.get_or_insert_with(Instant::now);
        }
        let said_all = closed_at.is_some_and(|at| at.elapsed() > LAST_WORDS);
        if said_all || began.elapsed() > most.unwrap_or(GUARD) {
            child.kill().await?;
            break;
        }
        sleep(LOOK).await;
    }
    drop(stdin);
    Ok(Seen { peak, words: said.await? })
}
