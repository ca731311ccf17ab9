//! The page in real browsers: Chromium, for the main path Firefox too, `chat-web` and a room as processes, all on ports that
//! the system chooses.
//!
//! It has its own `main`, because a test that cannot run must not read as passed: without Chromium it says so and counts
//! every scenario as skipped, without Firefox those that need it. `cargo test -p chat-web --test browser -- WORD` runs the scenarios whose name has the word.
//! `CHAT_WEB_FAULTS=500` makes the run of random faults longer.
#![allow(clippy::unwrap_used)]

mod access;
mod chat;
mod faults;
mod firefox;
mod page;
mod pictures;
mod promises;
mod room;
mod safety;
mod state;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use world::World;

/// A scenario and its name.
type Scenario = (&'static str, fn(&World));

/// Those that are run by their name only: they write files.
const ON_DEMAND: &[Scenario] = &[("pictures", pictures::draws_the_screens)];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if std::env::var_os(room::ROLE).is_some() {
        return room::serve();
    }
    let all: Vec<Scenario> =
        [state::ALL, chat::ALL, promises::ALL, safety::ALL, access::ALL, faults::ALL, firefox::ALL].concat();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let mut chosen: Vec<_> = all.iter().filter(|(name, _)| wanted(name)).collect();
    chosen.extend(ON_DEMAND.iter().filter(|(name, _)| words.iter().any(|word| word == name)));
    if std::env::args().any(|word| word == "--list") {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    if let Err(why) = testkit::devtools::installed() {
        eprintln!("\n!! The page was NOT tested in a browser: {why}. Install it with: apt-get install chromium\n");
        println!("browser: 0 passed, 0 failed, {} skipped", chosen.len());
        return;
    }
    let mut skipped = 0;
    if let Err(why) = testkit::bidi::installed() {
        let all = chosen.len();
        chosen.retain(|(name, _)| !name.starts_with("firefox::"));
        skipped = all - chosen.len();
        if skipped > 0 {
            eprintln!("\n!! The page was NOT tested in Firefox: {why}. Install it with: apt-get install firefox-esr\n");
        }
    }
    // Each scenario has processes of its own; two at once use the time in which one of them waits.
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((name, scenario)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| scenario(&World::new())));
            let word = if outcome.is_ok() { "ok" } else { "FAILED" };
            println!("test {name} ... {word} ({:.1} s)", begun.elapsed().as_secs_f32());
            if outcome.is_err() {
                failed.lock().unwrap().push(*name);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let failed = failed.into_inner().unwrap();
    println!("\nbrowser: {} passed, {} failed, {skipped} skipped", chosen.len() - failed.len(), failed.len());
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
        std::process::exit(1);
    }
}
