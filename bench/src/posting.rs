//! Posting over one connection to the server with its store on disk, where confirmed means fsynced, compared with stores
//! that promise the same. Deliveries are measured in `fan_out`, `chat send` in `sending`.

mod jetstream;
mod kept;
mod redis;
mod window;

use anyhow::Result;

use self::jetstream::JetStream;
use self::kept::Kept;
use self::redis::Redis;
use self::window::Posted;
use crate::comparison::RunOptions;
use crate::measure::{Contender, interleave};
use crate::peers::{self, Peer};
use crate::report::{self, Column};
use crate::results::Results;

/// Options of `chat-bench post`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Unconfirmed posts; one table each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 32, 256, 1_024])]
    in_flight: Vec<u64>,
    /// Posts per round [default: 2000 times the number in flight, at most 200000]
    #[arg(long)]
    messages: Option<u64>,
    /// Compare with the server under each of these values of its --keep instead, such as 4MB or 1d
    #[arg(long, value_name = "RULE")]
    keep: Vec<String>,
    #[command(flatten)]
    run: RunOptions,
}

const COLUMNS: [Column<Posted>; 6] = [
    Column::new("confirmed per second", |posted: &Posted| posted.sample.rate()).with_range().with_ratio(),
    Column::new("CPU s per million", |posted: &Posted| posted.sample.cpu_per_million()).with_ratio(),
    Column::new("p50 ms", |posted| posted.p50_s * 1e3),
    Column::new("p99 ms", |posted| posted.p99_s * 1e3),
    Column::new("generator CPU s per million", |posted| posted.sample.load_cpu_per_million()),
    Column::new("peak MiB", |posted| posted.sample.peak_kib as f64 / 1024.0),
];

/// Returns the servers that are compared.
fn stores(options: &Options) -> Result<Vec<Box<dyn Peer>>> {
    let server = &options.run.server;
    if !options.keep.is_empty() {
        let mut stores = peers::select(&["ours".to_owned()], server)?;
        stores.extend(options.keep.iter().map(|rule| Box::new(Kept::new(server, rule)) as Box<dyn Peer>));
        return Ok(stores);
    }
    let mut stores = peers::select(&["ours".to_owned(), "ours-ids".to_owned()], server)?;
    stores.push(Box::new(Redis(server.clone())));
    stores.push(Box::new(JetStream::new(server)));
    Ok(stores)
}

/// Measures every window and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    let stores = stores(options)?;
    let mut results = Results::open(options.run.json.as_deref())?;
    for &in_flight in &options.in_flight {
        let messages = options.messages.unwrap_or((2_000 * in_flight).min(200_000));
        let round = |store: &dyn Peer| window::post(store, messages, in_flight);
        let contenders = stores.iter().map(|store| Contender::new(store.name(), move || round(store.as_ref())));
        let all = interleave(options.run.rounds, contenders.collect());
        report::print(&format!("Posting over one connection, {in_flight} in flight"), &all, &COLUMNS);
        results.add("post", in_flight, &all)?;
    }
    Ok(())
}
