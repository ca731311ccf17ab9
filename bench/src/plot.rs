//! Draws charts from the files that `--json` wrote. A chart without results is left out.

mod axis;
mod bars;
mod charts;
mod drawing;
mod lines;
mod rows;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// Options of `chat-bench plot`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// File of results; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    from: Vec<PathBuf>,
    /// Directory of the charts
    #[arg(long, value_name = "DIR", default_value = "docs/plots")]
    out: PathBuf,
}

/// Draws every chart for which there are results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut all = Vec::new();
    for path in &options.from {
        let lines = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        all.extend(rows::parse(&lines).with_context(|| format!("{} is not a file of results", path.display()))?);
    }
    fs::create_dir_all(&options.out)?;
    let mut drawn = 0;
    for chart in &charts::ALL {
        let Some(svg) = chart.draw(&all)? else {
            eprintln!("no results for {}", chart.file);
            continue;
        };
        let path = options.out.join(chart.file);
        fs::write(&path, svg).with_context(|| format!("could not write {}", path.display()))?;
        println!("{}", path.display());
        drawn += 1;
    }
    ensure!(drawn > 0, "none of the results belongs to a chart");
    Ok(())
}
