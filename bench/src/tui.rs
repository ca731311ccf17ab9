//! Measures `chat-tui` as a person meets it: the real program in a terminal, timed by what its screen shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::past::{self, RARE};
use crate::process;
use crate::quantile::{median, quantile};
use crate::room::Room;
use crate::table::Table;
use crate::terminal::Terminal;

const WIDTH: u16 = 120;
const HEIGHT: u16 = 40;
const SHORT: usize = 1_000;
const LONG: usize = 1_000_000;
const STARTS: usize = 9;
const KEYS: usize = 400;
const MESSAGES_PER_SECOND: u32 = 5_000;
const SEARCHES: usize = 5;
/// What is typed before the line is emptied again.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The program [default: chat-tui beside this one]
    #[arg(long, value_name = "PATH")]
    chat_tui: Option<PathBuf>,
}

/// Measures all of it and prints the table.
pub fn run(options: &Options) -> Result<()> {
    let program = match &options.chat_tui {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("chat-tui"),
    };
    ensure!(
        program.is_file(),
        "there is no {}; build it with `cargo build --release -p chat-tui` or name it with --chat-tui",
        program.display()
    );
    let program = program.canonicalize()?;
    let room = Room::open()?;
    let homes = [(SHORT, home(&room, SHORT)?), (LONG, home(&room, LONG)?)];
    let mut table = Table::default();
    cold_start(&program, &room, &homes, &mut table)?;
    search_and_resize(&program, &room, homes[1].1.path(), &mut table)?;
    keys(&program, &room, homes[0].1.path(), &mut table)?;
    table.print();
    println!("\nFrame cost: `cargo bench -p chat-tui`");
    Ok(())
}

/// A home with an account and a history.
pub fn home(room: &Room, lines: usize) -> Result<TempDir> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    past::write_history(&data.join("history.txt"), lines)?;
    fs::write(data.join("creds.jsonstream"), format!("{}\n", room.register("Bench")?))?;
    for (path, mode) in [("creds.jsonstream", 0o600), ("history.txt", 0o600), ("", 0o700)] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(data.join(path), fs::Permissions::from_mode(mode))?;
    }
    Ok(home)
}

/// Starts the program in a terminal of the usual size.
pub fn start(program: &Path, home: &Path, arguments: &[String]) -> Result<Terminal> {
    Terminal::start(program, home, arguments, WIDTH, HEIGHT)
}

fn online(terminal: &Terminal) -> Result<()> {
    terminal.wait("both connections", |rows| {
        rows.iter().any(|row| row.contains("listening: online") && row.contains("writing: online"))
    })?;
    Ok(())
}

/// Both lengths in turn, so that what else the machine does meets both.
fn cold_start(program: &Path, room: &Room, homes: &[(usize, TempDir); 2], table: &mut Table) -> Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    let mut cpu = [Vec::new(), Vec::new()];
    let mut memory = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        for (which, (lines, home)) in homes.iter().enumerate() {
            let terminal = start(program, home.path(), &room.arguments()?)?;
            let shown = terminal.wait_for(&past::last_line(*lines))?;
            times[which].push((shown - terminal.begun()).as_secs_f64() * 1e3);
            online(&terminal)?;
            memory[which].push(process::peak_kib(terminal.pid()?)? as f64 / 1024.0);
            cpu[which].push(process::cpu_seconds(terminal.pid()?)? * 1e3);
        }
    }
    for (which, (lines, _)) in homes.iter().enumerate() {
        let what = format!("exec to the last line on the screen, {lines} lines of history, median of {STARTS}");
        table.at_most(&what, median(&times[which]), 50.0, "ms");
        let range = (quantile(&times[which], 0.0), quantile(&times[which], 1.0));
        table.shown("– fastest and slowest", format!("{:.1} and {:.1} ms", range.0, range.1));
        table.shown("– processor time until online", format!("{:.1} ms", median(&cpu[which])));
        table.at_most("– peak memory once online (VmHWM)", median(&memory[which]), 30.0, "MiB");
    }
    table.shown("start, long history over short", format!("{:.2}x", median(&times[1]) / median(&times[0])));
    Ok(())
}

fn search_and_resize(program: &Path, room: &Room, home: &Path, table: &mut Table) -> Result<()> {
    let mut terminal = start(program, home, &room.arguments()?)?;
    online(&terminal)?;
    let mut resizes = Vec::new();
    for (width, height) in [(80, 24), (WIDTH, HEIGHT), (100, 30), (200, 50), (WIDTH, HEIGHT)] {
        let asked = Instant::now();
        terminal.resize(width, height)?;
        let drawn = terminal.wait("the input line at the new foot", |rows| {
            rows.len() == usize::from(height) && rows.last().is_some_and(|row| row.starts_with('>'))
        })?;
        resizes.push(drawn.saturating_duration_since(asked).as_secs_f64() * 1e3);
    }
    table.shown("resize to the new frame, median of 5", format!("{:.1} ms", median(&resizes)));
    let (mut ours, mut theirs, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    let file = home.join("data/history.txt");
    let peer = ["rg", "grep"].into_iter().find(|name| once(name, &file).is_ok()).context("neither rg nor grep")?;
    for _ in 0..SEARCHES {
        terminal.keys(&format!("\x06{RARE}"))?;
        terminal.wait_for(&format!("Find: {RARE}"))?;
        let (asked, before) = (Instant::now(), process::cpu_seconds(terminal.pid()?)?);
        terminal.keys("\r")?;
        let found = terminal.wait_for(&format!("line 9 of an {RARE}"))?;
        ours.push((found - asked).as_secs_f64() * 1e3);
        cpu.push((process::cpu_seconds(terminal.pid()?)? - before) * 1e3);
        terminal.keys("\x1b")?;
        terminal.wait("the search closed", |rows| !rows.iter().any(|row| row.contains("Search the history")))?;
        theirs.push(once(peer, &file)?.as_secs_f64() * 1e3);
    }
    let what = format!("search, rare word at the oldest end of {LONG} lines, over `{peer} -c`, medians of {SEARCHES}");
    let ratio = median(&ours) / median(&theirs);
    // The target names ripgrep; another peer says nothing about it.
    if peer == "rg" {
        table.at_most(&what, ratio, 3.0, "x");
    } else {
        table.shown(&what, format!("{ratio:.2}x"));
    }
    table.shown("– ours, theirs", format!("{:.1} ms, {:.1} ms", median(&ours), median(&theirs)));
    table.shown("– ours, processor time", format!("{:.0} ms", median(&cpu)));
    let memory = process::peak_kib(terminal.pid()?)? as f64 / 1024.0;
    table.at_most("– peak memory after it", memory, 30.0, "MiB");
    Ok(())
}

/// Searches the file once with another program.
fn once(program: &str, file: &Path) -> Result<Duration> {
    let begun = Instant::now();
    // Into a pipe: grep stops at the first hit where it sees that its output is /dev/null.
    let output = Command::new(program).arg("-c").arg(RARE).arg(file).stdin(Stdio::null()).output()?;
    let passed = begun.elapsed();
    ensure!(output.stdout == b"1\n", "{program} did not find the one line");
    Ok(passed)
}

fn keys(program: &Path, room: &Room, home: &Path, table: &mut Table) -> Result<()> {
    let mut terminal = start(program, home, &room.arguments()?)?;
    online(&terminal)?;
    let flood = room.flood(MESSAGES_PER_SECOND)?;
    terminal.wait_for("of a room in which much is said")?;
    let (begun, posted) = (Instant::now(), flood.posted());
    let cpu = process::cpu_seconds(terminal.pid()?)?;
    let mut random = fastrand::Rng::with_seed(1);
    let mut times = Vec::new();
    let mut typed = String::from("> ");
    for letter in ALPHABET.chars().cycle().take(KEYS) {
        // As a fast typist does, and never in step with the frames.
        thread::sleep(Duration::from_micros(random.u64(10_000..40_000)));
        typed.push(letter);
        let pressed = Instant::now();
        terminal.keys(letter.encode_utf8(&mut [0; 4]))?;
        let shown = terminal.wait("the letter", |rows| rows.last().is_some_and(|row| row.trim_end() == typed))?;
        times.push(shown.saturating_duration_since(pressed).as_secs_f64() * 1e3);
        if typed.len() == ALPHABET.len() + 2 {
            terminal.keys("\x15")?;
            terminal.wait("an empty line", |rows| rows.last().is_some_and(|row| row.trim_end() == ">"))?;
            typed.truncate(2);
        }
    }
    let passed = begun.elapsed().as_secs_f64();
    let cpu = process::cpu_seconds(terminal.pid()?)? - cpu;
    let rate = (flood.posted() - posted) as f64 / passed;
    table.shown("messages a second while typing", format!("{rate:.0}"));
    table.shown("key to frame, p50", format!("{:.1} ms", median(&times)));
    table.at_most(&format!("key to frame, p99 of {KEYS} keys"), quantile(&times, 0.99), 16.0, "ms");
    table.shown("key to frame, slowest", format!("{:.1} ms", quantile(&times, 1.0)));
    table.shown("– the program's share of one processor", format!("{:.0} %", cpu / passed * 100.0));
    table.shown("– peak memory", format!("{:.1} MiB", process::peak_kib(terminal.pid()?)? as f64 / 1024.0));
    Ok(())
}
