//! Draws charts from the lines that `--json` wrote. It measures nothing and invents nothing: a chart without rows is
//! left out.

mod bars;
mod charts;
mod lines;
mod rows;
mod scale;
mod svg;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// What to draw.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A file of results; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    from: Vec<PathBuf>,
    /// The directory of the charts
    #[arg(long, value_name = "DIR", default_value = "docs/plots")]
    out: PathBuf,
}

/// Draws every chart for which there are results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut all = Vec::new();
    for path in &options.from {
        let lines = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        all.extend(rows::parse(&lines).with_context(|| format!("{} is no file of results", path.display()))?);
    }
    fs::create_dir_all(&options.out)?;
    let mut drawn = 0;
    for chart in &charts::ALL {
        let Some(svg) = chart.draw(&all) else {
            eprintln!("no results for {}", chart.file);
            continue;
        };
        let path = options.out.join(chart.file);
        fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
        drawn += 1;
    }
    ensure!(drawn > 0, "none of the results belongs to a chart");
    Ok(())
}
