//! Measures `chat-tui` in a pseudo-terminal by what its screen shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::embedded_room::EmbeddedRoom;
use crate::history_file::{self, RARE};
use crate::server_process::workspace_program;
use crate::table::Table;
use crate::terminal::Terminal;
use testkit::process;
use testkit::quantile::{median, quantile};

const WIDTH: u16 = 120;
const HEIGHT: u16 = 40;
const SHORT: usize = 1_000;
const LONG: usize = 1_000_000;
const STARTS: usize = 9;
const KEYS: usize = 400;
const MESSAGES_PER_SECOND: u32 = 5_000;
const SEARCHES: usize = 5;
/// Letters that are typed before the line is cleared.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

/// Options of `chat-bench tui`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Path of chat-tui [default: in the directory of this program]
    #[arg(long, value_name = "PATH")]
    chat_tui: Option<PathBuf>,
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = workspace_program(options.chat_tui.as_deref(), "chat-tui")?.canonicalize()?;
    let room = EmbeddedRoom::open()?;
    let homes = [(SHORT, home(&room, SHORT)?), (LONG, home(&room, LONG)?)];
    let mut table = Table::default();
    cold_start(&program, &room, &homes, &mut table)?;
    search_and_resize(&program, &room, homes[1].1.path(), &mut table)?;
    keys(&program, &room, homes[0].1.path(), &mut table)?;
    table.print();
    println!("\nFrame cost: `cargo bench -p chat-tui`");
    Ok(())
}

/// Creates a home directory with an account and a history.
pub(crate) fn home(room: &EmbeddedRoom, lines: usize) -> Result<TempDir> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    history_file::write_history(&data.join("history.txt"), lines)?;
    fs::write(data.join("creds.jsonstream"), format!("{}\n", room.register("Bench")?))?;
    for (path, mode) in [("creds.jsonstream", 0o600), ("history.txt", 0o600), ("", 0o700)] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(data.join(path), fs::Permissions::from_mode(mode))?;
    }
    Ok(home)
}

/// Starts the program in a terminal of 120x40.
pub(crate) fn start(program: &Path, home: &Path, arguments: &[String]) -> Result<Terminal> {
    Terminal::start(program, home, arguments, WIDTH, HEIGHT)
}

fn wait_until_online(terminal: &Terminal) -> Result<()> {
    terminal.wait("both connections", |rows| rows.iter().any(|row| row.contains("● online")))?;
    Ok(())
}

/// Measures both lengths alternately, so that other load of the machine affects both alike.
fn cold_start(program: &Path, room: &EmbeddedRoom, homes: &[(usize, TempDir); 2], table: &mut Table) -> Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    let mut cpu = [Vec::new(), Vec::new()];
    let mut memory = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        for (which, (lines, home)) in homes.iter().enumerate() {
            let terminal = start(program, home.path(), &room.arguments()?)?;
            let shown = terminal.wait_for(&history_file::last_line(*lines))?;
            times[which].push((shown - terminal.begun()).as_secs_f64() * 1e3);
            wait_until_online(&terminal)?;
            memory[which].push(process::peak_kib(terminal.pid()?)? as f64 / 1024.0);
            cpu[which].push(process::cpu_seconds(terminal.pid()?)? * 1e3);
        }
    }
    for (which, (lines, _)) in homes.iter().enumerate() {
        let what = format!("exec to the last line on the screen, {lines} lines of history, median of {STARTS}");
        table.at_most(&what, median(&times[which]), 50.0, "ms");
        let range = (quantile(&times[which], 0.0), quantile(&times[which], 1.0));
        table.shown("– fastest and slowest", format!("{:.1} and {:.1} ms", range.0, range.1));
        table.shown("– CPU time until online", format!("{:.1} ms", median(&cpu[which])));
        table.at_most("– peak memory once online (VmHWM)", median(&memory[which]), 30.0, "MiB");
    }
    table.shown("start, long history over short", format!("{:.2}x", median(&times[1]) / median(&times[0])));
    Ok(())
}

fn search_and_resize(program: &Path, room: &EmbeddedRoom, home: &Path, table: &mut Table) -> Result<()> {
    let mut terminal = start(program, home, &room.arguments()?)?;
    wait_until_online(&terminal)?;
    let mut resizes = Vec::new();
    for (width, height) in [(80, 24), (WIDTH, HEIGHT), (100, 30), (200, 50), (WIDTH, HEIGHT)] {
        let requested = Instant::now();
        terminal.resize(width, height)?;
        let drawn = terminal.wait("the input line in the last row", |rows| {
            rows.len() == usize::from(height) && rows.last().is_some_and(|row| row.starts_with('>'))
        })?;
        resizes.push(drawn.saturating_duration_since(requested).as_secs_f64() * 1e3);
    }
    table.shown("resize to the new frame, median of 5", format!("{:.1} ms", median(&resizes)));
    let (mut ours, mut theirs, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    let file = home.join("data/history.txt");
    let peer = ["rg", "grep"]
        .into_iter()
        .find(|name| search_with(name, &file).is_ok())
        .context("neither rg nor grep is installed")?;
    for _ in 0..SEARCHES {
        terminal.keys(&format!("\x06{RARE}"))?;
        terminal.wait_for(&format!("find: {RARE}"))?;
        let (requested, before) = (Instant::now(), process::cpu_seconds(terminal.pid()?)?);
        terminal.keys("\r")?;
        let found = terminal.wait_for(&format!("line 9 of an {RARE}"))?;
        ours.push((found - requested).as_secs_f64() * 1e3);
        cpu.push((process::cpu_seconds(terminal.pid()?)? - before) * 1e3);
        terminal.keys("\x1b")?;
        terminal.wait("the search closed", |rows| !rows.iter().any(|row| row.contains("find:")))?;
        theirs.push(search_with(peer, &file)?.as_secs_f64() * 1e3);
    }
    let what = format!("search, rare word at the oldest end of {LONG} lines, over `{peer} -c`, medians of {SEARCHES}");
    let ratio = median(&ours) / median(&theirs);
    // The target is a ratio to ripgrep.
    if peer == "rg" {
        table.at_most(&what, ratio, 3.0, "x");
    } else {
        table.shown(&what, format!("{ratio:.2}x"));
    }
    table.shown("– ours, theirs", format!("{:.1} ms, {:.1} ms", median(&ours), median(&theirs)));
    table.shown("– ours, CPU time", format!("{:.0} ms", median(&cpu)));
    let memory = process::peak_kib(terminal.pid()?)? as f64 / 1024.0;
    table.at_most("– peak memory after the search", memory, 30.0, "MiB");
    Ok(())
}

/// Searches the file with another program. Returns the time it took.
fn search_with(program: &str, file: &Path) -> Result<Duration> {
    let begun = Instant::now();
    // The output is a pipe, because grep stops at the first match when its output is /dev/null.
    let output = Command::new(program).arg("-c").arg(RARE).arg(file).stdin(Stdio::null()).output()?;
    let passed = begun.elapsed();
    ensure!(output.stdout == b"1\n", "{program} did not find the one line");
    Ok(passed)
}

fn keys(program: &Path, room: &EmbeddedRoom, home: &Path, table: &mut Table) -> Result<()> {
    let mut terminal = start(program, home, &room.arguments()?)?;
    wait_until_online(&terminal)?;
    let writer = room.post_at_rate(MESSAGES_PER_SECOND)?;
    terminal.wait_for("of a busy room")?;
    let (begun, posted) = (Instant::now(), writer.posted());
    let cpu = process::cpu_seconds(terminal.pid()?)?;
    let mut random = fastrand::Rng::with_seed(1);
    let mut times = Vec::new();
    let mut typed = String::from("> ");
    for letter in ALPHABET.chars().cycle().take(KEYS) {
        // Random pauses of a fast typist, so that keys are not in step with the frames.
        thread::sleep(Duration::from_micros(random.u64(10_000..40_000)));
        typed.push(letter);
        let pressed = Instant::now();
        terminal.keys(letter.encode_utf8(&mut [0; 4]))?;
        let shown = terminal.wait("the letter", |rows| rows.last().is_some_and(|row| row.trim_end() == typed))?;
        times.push(shown.saturating_duration_since(pressed).as_secs_f64() * 1e3);
        if typed.len() == ALPHABET.len() + 2 {
            terminal.keys("\x15")?;
            terminal.wait("an empty line", |rows| {
                rows.last().is_some_and(|row| row.trim_end() == ">" || row.trim_end() == "> write a message")
            })?;
            typed.truncate(2);
        }
    }
    let passed = begun.elapsed().as_secs_f64();
    let cpu = process::cpu_seconds(terminal.pid()?)? - cpu;
    let rate = (writer.posted() - posted) as f64 / passed;
    table.shown("messages per second while typing", format!("{rate:.0}"));
    table.shown("key to frame, p50", format!("{:.1} ms", median(&times)));
    table.at_most(&format!("key to frame, p99 of {KEYS} keys"), quantile(&times, 0.99), 16.0, "ms");
    table.shown("key to frame, slowest", format!("{:.1} ms", quantile(&times, 1.0)));
    table.shown("– CPU usage of one core", format!("{:.0} %", cpu / passed * 100.0));
    table.shown("– peak memory", format!("{:.1} MiB", process::peak_kib(terminal.pid()?)? as f64 / 1024.0));
    Ok(())
}
