//! Compares the public API of each library with its file `crates/NAME/public-api.txt`, so that every change of the API is
//! a visible line in a diff. Reads rustdoc's JSON, which stable toolchains write only with `RUSTC_BOOTSTRAP`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

/// The crates that programs of others use.
const LIBRARIES: [&str; 4] = ["private-files", "chat-proto", "chat-client", "chat-server"];

/// Set for the processes that run this program in place of rustdoc.
const AS_RUSTDOC: &str = "PUBLIC_API_AS_RUSTDOC";

/// Compares the public API of the libraries with the files in the repository; exits with 1 if they differ
#[derive(Debug, Parser)]
#[command(name = "public-api")]
struct Options {
    /// Write the files instead of comparing
    #[arg(long)]
    update: bool,
}

fn main() -> Result<ExitCode> {
    if std::env::var_os(AS_RUSTDOC).is_some() {
        return run_rustdoc();
    }
    let options = Options::parse();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("testkit has no parent directory")?;
    let mut same = true;
    for library in LIBRARIES {
        let api = public_api(workspace, library)?;
        let file = workspace.join("crates").join(library).join("public-api.txt");
        if options.update {
            fs::write(&file, api).with_context(|| format!("could not write {}", file.display()))?;
        } else {
            let committed = fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
            same &= print_difference(library, &committed, &api);
        }
    }
    if !same {
        println!("to accept the changes: cargo run -p testkit --bin public-api -- --update");
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the public API of a library with all its features, one item per line.
fn public_api(workspace: &Path, library: &str) -> Result<String> {
    let json = rustdoc_json(workspace, library)?;
    let builder = public_api::Builder::from_rustdoc_json(json);
    // `Send`, `Sync` and the like are asserted by tests of the crates; derived and blanket implementations would double
    // the length of the files.
    let builder = builder.omit_blanket_impls(true).omit_auto_trait_impls(true).omit_auto_derived_impls(true);
    let api = builder.build().with_context(|| {
        format!("could not read the rustdoc JSON of {library}: after a change of the toolchain, change the version of the dependency public-api")
    })?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

fn rustdoc_json(workspace: &Path, library: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(workspace).args([
        "doc",
        "--quiet",
        "--locked",
        "--lib",
        "--no-deps",
        "--all-features",
        "-p",
        library,
    ]);
    // Only rustdoc gets RUSTC_BOOTSTRAP: build scripts look at it, and would all run again.
    command.env("RUSTDOC", std::env::current_exe()?).env(AS_RUSTDOC, "1");
    command.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints allow");
    ensure!(command.status().context("could not run cargo")?.success(), "cargo doc failed for {library}");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    Ok(target.join("doc").join(format!("{}.json", library.replace('-', "_"))))
}

/// Runs rustdoc with the arguments of this process.
fn run_rustdoc() -> Result<ExitCode> {
    let mut command = Command::new("rustdoc");
    command.args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").env_remove(AS_RUSTDOC);
    let status = command.status().context("could not run rustdoc")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the lines that were removed and added. Returns whether there are none.
fn print_difference(library: &str, committed: &str, current: &str) -> bool {
    let (committed, current): (BTreeSet<&str>, BTreeSet<&str>) =
        (committed.lines().collect(), current.lines().collect());
    for line in committed.difference(&current) {
        println!("{library}: - {line}");
    }
    for line in current.difference(&committed) {
        println!("{library}: + {line}");
    }
    committed == current
}
