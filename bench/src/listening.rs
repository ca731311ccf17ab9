//! Listening to a history file: the real `chat listen` beside what else writes lines from a socket into a file, in bulk
//! and live. The rounds are in `round`, the programs in `program`.

mod lines_codec;
mod program;
mod round;
mod source;

use std::path::PathBuf;

use anyhow::Result;

pub use self::lines_codec::listen as listen_with_lines_codec;
use self::{
    program::{Place, Program},
    round::Work,
};
use crate::{
    measure::{Contender, Sample, interleave},
    report::{self, Column},
    results::Results,
    server_process::beside,
};

/// What to measure. Files are made in the directory for temporary files (`TMPDIR`).
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The program [default: chat beside this one]
    #[arg(long, value_name = "PATH")]
    chat: Option<PathBuf>,
    /// How often everybody takes a turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Lines of about 60 bytes; slow programs get fewer. Live, those of three seconds if not given
    #[arg(long)]
    lines: Option<u64>,
    /// Only the programs whose names contain this
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Keep every round here, as lines of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const BULK_LINES: u64 = 2_000_000;
const LIVE_PER_SECOND: u32 = 20_000;
const LIVE_SECONDS: u64 = 3;

/// A second of CPU for a million lines is a microsecond a line.
const COLUMNS: [Column; 4] = [
    Column::new("CPU s per million", Sample::cpu_per_million).with_range().with_ratio(),
    Column::new("lines a second", Sample::rate),
    Column::new("generator CPU s per million", Sample::load_cpu_per_million),
    Column::new("peak MiB", |sample| sample.peak_kib as f64 / 1024.0),
];

/// As fast as they come.
pub fn run(options: &Options) -> Result<()> {
    let lines = options.lines.unwrap_or(BULK_LINES);
    let work = |program: Program| Work { lines: (lines / program.bulk_share()).max(1), per_second: None };
    measure(options, "listen", &format!("Listening in bulk, {lines} lines into a history file"), work)
}

/// One line a packet, at a rate.
pub fn run_live(options: &Options) -> Result<()> {
    let work = |program: Program| {
        let per_second = program.live_rate().min(LIVE_PER_SECOND);
        Work { lines: options.lines.unwrap_or(LIVE_SECONDS * u64::from(per_second)), per_second: Some(per_second) }
    };
    measure(options, "listen-live", &format!("Listening live, one line a packet, {LIVE_PER_SECOND} a second"), work)
}

fn measure(options: &Options, scenario: &str, title: &str, work: impl Fn(Program) -> Work) -> Result<()> {
    let place = Place::new(beside(options.chat.as_deref(), "chat")?)?;
    let wanted = |program: &Program| {
        options.only.is_empty() || options.only.iter().any(|part| program.name().contains(part.as_str()))
    };
    let contenders = Program::ALL.into_iter().filter(wanted).map(|program| {
        let (work, place) = (work(program), &place);
        let name = match work.per_second {
            Some(rate) if rate < LIVE_PER_SECOND => format!("{}, {rate} a second", program.name()),
            _ => program.name().to_owned(),
        };
        Contender::new(name, move || round::run(program, place, work))
    });
    let all = interleave(options.rounds, contenders.collect());
    report::print(title, &all, &COLUMNS);
    Results::open(options.json.as_deref())?.add(scenario, 0, &all)
}
