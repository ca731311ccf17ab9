//! Start time by the size of store and history: `chat-server` from exec to its ready line, `chat-tui` from exec to the
//! newest line of the history on the screen; and by the number of accounts, with what a login costs then.

mod logins;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use tempfile::TempDir;

use crate::embedded_room::EmbeddedRoom;
use crate::measure::{Contender, Sample, interleave};
use crate::report::{self, Column};
use crate::results::Results;
use crate::server_process::{ServerOptions, ServerProcess, workspace_program};
use crate::{history_file, store_files, tui};
use testkit::process;

/// Options of `chat-bench start`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Messages in the store and lines in the history; one table each
    #[arg(long, value_delimiter = ',', default_values_t = [0, 10_000, 100_000, 1_000_000])]
    messages: Vec<u64>,
    /// Accounts in the store, without messages; one table each, and those of the messages are left out
    #[arg(long, value_delimiter = ',')]
    accounts: Vec<u64>,
    /// Rounds of each program
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Write every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Path of chat-tui [default: in the directory of this program]
    #[arg(long, value_name = "PATH")]
    chat_tui: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
}

const COLUMNS: [Column; 3] = [
    Column::new("ms until ready", |sample: &Sample| sample.wall_s * 1e3).with_range(),
    Column::new("CPU ms until ready", |sample| sample.cpu_s * 1e3),
    Column::new("peak MiB", |sample| sample.peak_kib as f64 / 1024.0),
];

const LOGINS: [Column; 3] = [
    Column::new("ms each", |sample: &Sample| sample.wall_s / sample.units * 1e3).with_range(),
    Column::new("CPU s per million", Sample::cpu_per_million),
    Column::new("peak MiB", |sample| sample.peak_kib as f64 / 1024.0),
];

/// How the server ended before the measured start.
#[derive(Clone, Copy)]
enum End {
    Closed,
    Killed,
}

/// Measures every size and prints the tables. All files are in the page cache, because they have just been written.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.accounts.is_empty() {
        return with_accounts(options);
    }
    let chat_tui = workspace_program(options.chat_tui.as_deref(), "chat-tui")?.canonicalize()?;
    let mut results = Results::open(options.json.as_deref())?;
    let room = EmbeddedRoom::open()?;
    for &messages in &options.messages {
        // A store for each kind of end, because each start finds what the previous one left.
        let (closed, killed) = (options.server.directory()?, options.server.directory()?);
        for store in [&closed, &killed] {
            store_files::fill(store.path(), messages)?;
        }
        server(&options.server, &killed, End::Killed)?;
        let home = tui::home(&room, messages as usize)?;
        let contenders = vec![
            Contender::new("chat-server, closed before", || server(&options.server, &closed, End::Closed)),
            Contender::new("chat-server, killed before", || server(&options.server, &killed, End::Killed)),
            Contender::new("chat-tui", || {
                let arguments = room.arguments()?;
                terminal(&chat_tui, &home, &arguments, messages)
            }),
        ];
        let all = interleave(options.rounds, contenders);
        report::print(&format!("From exec to ready, {messages} messages"), &all, &COLUMNS);
        results.add("start", messages, &all)?;
    }
    Ok(())
}

/// Measures starts on accounts, and logins of those that are not in memory yet, of those that are, and with wrong tokens.
fn with_accounts(options: &Options) -> Result<()> {
    let mut results = Results::open(options.json.as_deref())?;
    for &accounts in &options.accounts {
        let (closed, killed) = (options.server.directory()?, options.server.directory()?);
        for store in [&closed, &killed] {
            store_files::fill_accounts(store.path(), accounts)?;
        }
        server(&options.server, &killed, End::Killed)?;
        let contenders = vec![
            Contender::new("closed before", || server(&options.server, &closed, End::Closed)),
            Contender::new("killed before", || server(&options.server, &killed, End::Killed)),
        ];
        let all = interleave(options.rounds, contenders);
        report::print(&format!("chat-server from exec to ready, {accounts} accounts"), &all, &COLUMNS);
        results.add("start-accounts", accounts, &all)?;
        let logins = interleave(options.rounds, logins::contenders(&options.server, closed.path(), accounts));
        report::print(&format!("Logins one after another, {accounts} accounts"), &logins, &LOGINS);
        results.add("logins", accounts, &logins)?;
    }
    Ok(())
}

fn server(options: &ServerOptions, store: &TempDir, end: End) -> Result<Sample> {
    let begun = Instant::now();
    let server = ServerProcess::start_in(options, store.path(), &[])?;
    let wall_s = begun.elapsed().as_secs_f64();
    let sample = sample(wall_s, server.pid())?;
    match end {
        End::Closed => server.stop()?,
        End::Killed => drop(server),
    }
    Ok(sample)
}

fn terminal(program: &Path, home: &TempDir, arguments: &[String], lines: u64) -> Result<Sample> {
    let terminal = tui::start(program, home.path(), arguments)?;
    let shown = match lines {
        0 => terminal.wait("the input line", |rows| rows.last().is_some_and(|row| row.starts_with('>')))?,
        lines => terminal.wait_for(&history_file::last_line(lines as usize))?,
    };
    sample((shown - terminal.begun()).as_secs_f64(), terminal.pid()?)
}

fn sample(wall_s: f64, pid: u32) -> Result<Sample> {
    let (cpu_s, peak_kib) = (process::cpu_seconds(pid)?, process::peak_kib(pid)?);
    Ok(Sample { units: 1.0, wall_s, cpu_s, load_cpu_s: 0.0, peak_kib })
}
