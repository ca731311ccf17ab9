//! Listening into a history file: `chat listen` compared with other programs that write lines from a socket to a file.

mod lines_codec;
mod program;
mod round;
mod source;

use std::path::PathBuf;

use anyhow::Result;

pub(crate) use self::lines_codec::listen as listen_with_lines_codec;
use self::{
    program::{Program, ProgramFiles},
    round::Lines,
};
use crate::{
    measure::{Contender, Sample, interleave},
    report::{self, Column},
    results::Results,
    server_process::workspace_program,
};

/// Options of `chat-bench listen` and `listen-live`. History files are created in the directory for temporary files
/// (`TMPDIR`).
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Path of chat [default: in the directory of this program]
    #[arg(long, value_name = "PATH")]
    chat: Option<PathBuf>,
    /// Rounds of each program
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Lines of about 60 bytes per round; fewer for slow programs [default: 2000000, live those of 3 seconds]
    #[arg(long)]
    lines: Option<u64>,
    /// Measure only programs whose name contains this
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Write every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const BULK_LINES: u64 = 2_000_000;
const LIVE_PER_SECOND: u32 = 20_000;
const LIVE_SECONDS: u64 = 3;

/// Columns; 1 s of CPU per million lines is 1 µs per line.
const COLUMNS: [Column; 4] = [
    Column::new("CPU s per million", Sample::cpu_per_million).with_range().with_ratio(),
    Column::new("lines per second", Sample::rate),
    Column::new("generator CPU s per million", Sample::load_cpu_per_million),
    Column::new("peak MiB", |sample| sample.peak_kib as f64 / 1024.0),
];

/// Measures lines that arrive as fast as possible.
pub(crate) fn run(options: &Options) -> Result<()> {
    let lines = options.lines.unwrap_or(BULK_LINES);
    let title = format!("Listening in bulk, {lines} lines into a history file");
    measure(options, "listen", &title, |program| Lines {
        count: (lines / program.bulk_divisor()).max(1),
        per_second: None,
    })
}

/// Measures one line per packet at a fixed rate.
pub(crate) fn run_live(options: &Options) -> Result<()> {
    let title = format!("Listening live, one line per packet, {LIVE_PER_SECOND} per second");
    measure(options, "listen-live", &title, |program| {
        let per_second = program.live_rate().min(LIVE_PER_SECOND);
        Lines { count: options.lines.unwrap_or(LIVE_SECONDS * u64::from(per_second)), per_second: Some(per_second) }
    })
}

fn measure(options: &Options, scenario: &str, title: &str, lines: impl Fn(Program) -> Lines) -> Result<()> {
    let files = ProgramFiles::new(workspace_program(options.chat.as_deref(), "chat")?)?;
    let wanted = |program: &Program| {
        options.only.is_empty() || options.only.iter().any(|part| program.name().contains(part.as_str()))
    };
    let contenders = Program::ALL.into_iter().filter(wanted).map(|program| {
        let (lines, files) = (lines(program), &files);
        let name = match lines.per_second {
            Some(rate) if rate < LIVE_PER_SECOND => format!("{}, {rate} a second", program.name()),
            _ => program.name().to_owned(),
        };
        Contender::new(name, move || round::run(program, files, lines))
    });
    let all = interleave(options.rounds, contenders.collect());
    report::print(title, &all, &COLUMNS);
    Results::open(options.json.as_deref())?.add(scenario, 0, &all)
}
