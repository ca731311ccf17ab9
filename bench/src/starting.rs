//! Start time by the size of store and history: `chat-server` from exec to its ready line, `chat-tui` from exec to the
//! newest line of the history on the screen.

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

/// How the server ended before the measured start.
#[derive(Clone, Copy)]
enum End {
    Closed,
    Killed,
}

/// Measures every size and prints the tables. All files are in the page cache, because they have just been written.
pub(crate) fn run(options: &Options) -> Result<()> {
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
