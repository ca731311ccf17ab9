//! The programs that the packages contain: where they come from, and the facts that all packages state.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use sha2::{Digest as _, Sha256};

use crate::tree::Tree;

/// The version of all packages.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The sentence that all packages carry.
pub(crate) const SUMMARY: &str = "line-based chat for terminals and scripts";

/// The programs for users.
pub(crate) const CLIENTS: [Program; 3] = [
    Program { package: "chat-cli", name: "chat" },
    Program { package: "chat-tui", name: "chat-tui" },
    Program { package: "chat-web", name: "chat-web" },
];

/// The program for operators.
pub(crate) const SERVER: Program = Program { package: "chat-server", name: "chat-server" };

/// A program and the crate that builds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    package: &'static str,
    /// The name of the executable.
    pub(crate) name: &'static str,
}

/// Where the programs come from, and where the package goes.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The target to build for. Its C compiler is needed for SQLite: musl-gcc for the default.
    #[arg(long, default_value = "x86_64-unknown-linux-musl")]
    pub(crate) target: String,
    /// The cargo profile to build with.
    #[arg(long, default_value = "release")]
    pub(crate) profile: String,
    /// Take the programs from this directory instead of building them.
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
    /// The directory for the result.
    #[arg(long, value_name = "DIR", default_value = "target/artefacts")]
    pub(crate) out: PathBuf,
}

impl Source {
    /// Builds the programs, unless a directory is given, and returns the directory that contains them.
    pub(crate) fn build(&self) -> Result<PathBuf> {
        if let Some(directory) = &self.programs {
            return Ok(directory.clone());
        }
        let root = env::current_dir().context("could not find the current directory")?;
        let target_dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--locked", "--bins", "--profile", &self.profile, "--target", &self.target]);
        // Always all of them: cargo builds a dependency again when other programs ask it for other features, and a program
        // should be the same in all packages.
        for program in CLIENTS.into_iter().chain([SERVER]) {
            command.args(["--package", program.package]);
        }
        // The paths of this machine end up in panic messages and in assertions of SQLite.
        let (mut rust, c) = without_paths(&root, &target_dir)?;
        if self.target.ends_with("-linux-musl") {
            // Half a megabyte less of each program to read at its start. It is musl that unpacks them, so no other library must
            // be new enough.
            rust.push("-Clink-arg=-Wl,-z,pack-relative-relocs".to_owned());
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"));
        command.env(format!("CFLAGS_{}", self.target.replace('-', "_")), c.join(" "));
        command.env("SOURCE_DATE_EPOCH", time()?.to_string());
        ensure!(command.status().context("could not start cargo")?.success(), "the programs do not build");
        let profile = if self.profile == "dev" { "debug" } else { &self.profile };
        Ok(target_dir.join(&self.target).join(profile))
    }

    /// Returns the machine as Debian and Go name it: `amd64`, `arm64`.
    pub(crate) fn machine(&self) -> &str {
        match self.target.split('-').next().unwrap_or_default() {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        }
    }

    /// Writes a package and its checksum (`NAME.sha256`, as `sha256sum --check` reads it), and prints both.
    pub(crate) fn publish(&self, name: &str, content: &[u8]) -> Result<()> {
        fs::create_dir_all(&self.out).with_context(|| format!("could not create {}", self.out.display()))?;
        let checksum = format!("{}  {name}\n", sha256(content));
        for (name, content) in [(name, content), (&format!("{name}.sha256"), checksum.as_bytes())] {
            let path = self.out.join(name);
            fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))?;
        }
        print!("{checksum}");
        Ok(())
    }
}

/// Adds programs below `bin` from the directory that contains them.
pub(crate) fn add(tree: &mut Tree, bin: &str, directory: &Path, programs: &[Program]) -> Result<()> {
    for program in programs {
        let path = directory.join(program.name);
        let content = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        tree.program(format!("{bin}/{}", program.name), content);
    }
    Ok(())
}

/// Returns the flags for rustc and the C compiler that replace the directories of this machine.
fn without_paths(root: &Path, target_dir: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let home = |home| Some(PathBuf::from(env::var_os(home)?));
    let cargo = home("CARGO_HOME").or_else(|| Some(home("HOME")?.join(".cargo")));
    // Where the sources of the standard library are installed, its paths are those, and elsewhere a name with a hash.
    let library = PathBuf::from(rustc(&["--print", "sysroot"])?.trim()).join("lib/rustlib/src/rust");
    let version = rustc(&["-vV"])?;
    let hash = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
    // Generated sources are in the target directory, which can be anywhere.
    let elsewhere = (!target_dir.starts_with(root)).then(|| target_dir.to_owned());
    let replaced = [
        (Some(root.to_owned()), "/minechat".to_owned()),
        (elsewhere, "/minechat/target".to_owned()),
        (cargo, "/cargo".to_owned()),
        (Some(library), format!("/rustc/{hash}")),
    ];
    let flags = replaced.into_iter().filter_map(|(from, to)| {
        let from = from?.display().to_string();
        Some((format!("--remap-path-prefix={from}={to}"), format!("-ffile-prefix-map={from}={to}")))
    });
    Ok(flags.unzip())
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let done = Command::new("rustc").args(arguments).output().context("could not start rustc")?;
    ensure!(done.status.success(), "rustc failed");
    String::from_utf8(done.stdout).context("rustc printed no text")
}

/// Returns the time of the release in seconds since 1970: `SOURCE_DATE_EPOCH`, else the time of the last commit.
pub(crate) fn time() -> Result<u64> {
    let text = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => {
            let done =
                Command::new("git").args(["log", "-1", "--format=%ct"]).output().context("could not start git")?;
            ensure!(done.status.success(), "no commit here: set SOURCE_DATE_EPOCH");
            String::from_utf8(done.stdout).context("git printed no number")?
        }
    };
    text.trim().parse().context("SOURCE_DATE_EPOCH is not a number of seconds")
}

/// Returns the SHA-256 of some bytes in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the content of a file of the repository.
pub(crate) fn repository_file(path: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))
}
