//! The crates of the workspace: their manifests, and the crate table of `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One workspace member.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    manifest: toml::Table,
}

/// Returns all members of the workspace, found by their manifests.
pub(crate) fn members(workspace: &Path) -> Vec<Member> {
    let crates = std::fs::read_dir(workspace.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut dirs: Vec<PathBuf> =
        crates.chain(["bench", "examples", "testkit"].map(|dir| workspace.join(dir))).collect();
    dirs.sort();
    let mut members = Vec::new();
    for dir in dirs {
        let Ok(text) = std::fs::read_to_string(dir.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = text.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        members.push(Member { name, dir, manifest });
    }
    assert!(members.len() >= 9, "only {} members found", members.len());
    members
}

impl Member {
    /// Returns a path below the member's directory, for reports.
    pub(crate) fn relative(&self, file: &Path) -> String {
        file.strip_prefix(&self.dir).unwrap_or(file).display().to_string()
    }

    /// Returns the workspace crates that the member needs outside of tests.
    pub(crate) fn dependencies(&self) -> BTreeSet<String> {
        let mut tables = vec![&self.manifest];
        if let Some(targets) = self.manifest.get("target").and_then(toml::Value::as_table) {
            tables.extend(targets.values().filter_map(toml::Value::as_table));
        }
        let sections =
            tables.into_iter().flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")]);
        let names = sections.flatten().filter_map(toml::Value::as_table).flat_map(|section| section.keys());
        names.filter(|name| OURS.iter().any(|ours| name.starts_with(ours))).cloned().collect()
    }
}

/// Prefixes of the names of our own crates.
const OURS: [&str; 4] = ["chat-", "private-files", "testkit", "examples"];

/// The crate table: what each crate depends on directly.
pub(crate) struct Table {
    rows: BTreeMap<String, BTreeSet<String>>,
}

impl Table {
    /// Parses the markdown table with the columns `crate`, `purpose` and `depends on`.
    pub(crate) fn parse(document: &str) -> Self {
        let mut lines = document.lines().skip_while(|line| !line.starts_with("| crate | purpose | depends on |"));
        assert!(lines.next().is_some(), "ARCHITECTURE.md has no table `| crate | purpose | depends on |`");
        let mut rows = BTreeMap::new();
        let mut libraries = BTreeSet::new();
        for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let [name, _, dependencies, ..] = cells[..] else { panic!("too few cells in {line:?}") };
            let name = quoted(name).into_iter().next().unwrap_or_else(|| panic!("no crate in {line:?}"));
            // Rows are ordered from the bottom up, and the programs have no library.
            let dependencies =
                if dependencies.contains("all libraries") { libraries.clone() } else { quoted(dependencies) };
            for dependency in &dependencies {
                assert!(rows.contains_key(dependency), "{name} depends on {dependency}, whose row is not above it");
            }
            if !["chat-cli", "examples"].contains(&name.as_str()) {
                libraries.insert(name.clone());
            }
            rows.insert(name, dependencies);
        }
        Self { rows }
    }

    /// Returns the crates that `name` may use: those of its row, and theirs.
    pub(crate) fn reachable(&self, name: &str) -> BTreeSet<String> {
        // The table calls the crate by the name of its folder.
        let row = self.rows.get(name).or_else(|| self.rows.get(name.strip_prefix("chat-").unwrap_or(name)));
        let mut all = row.unwrap_or_else(|| panic!("{name} is not in the crate table of ARCHITECTURE.md")).clone();
        for dependency in all.clone() {
            all.extend(self.reachable(&dependency));
        }
        all
    }
}

/// Returns the words in backquotes.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn reaches_through_rows() {
    let table = Table::parse(
        "| crate | purpose | depends on | used by |\n|---|---|---|---|\n| `low` | x | – | `mid` |\n\
         | `mid` | x | `low` | – |\n| `top` | x | `mid` | – |\n\ntext",
    );
    assert_eq!(table.reachable("top"), ["low", "mid"].map(str::to_owned).into());
    assert_eq!(table.reachable("low"), BTreeSet::new());
}
