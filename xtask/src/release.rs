//! The last step of RELEASE.md: makes the tag, and refuses when something is not true.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::programs::{VERSION, repository_file};

/// The version of cargo-semver-checks that reads the documentation of the current toolchain.
const SEMVER_CHECKS: &str = "0.51.0";

/// The libraries with a public API.
const LIBRARIES: [&str; 4] = ["private-files", "chat-proto", "chat-client", "chat-server"];

/// What a release depends on, as found in the repository.
#[derive(Debug, Default)]
struct Facts {
    /// The version in Cargo.toml.
    manifest: String,
    /// The versions in Cargo.toml under which our crates depend on each other.
    dependencies: Vec<String>,
    changelog: String,
    branch: String,
    /// The output of `git status --porcelain`.
    changes: String,
    head: String,
    /// The commit on which `.ci/run` has passed last.
    checked: String,
    tags: Vec<String>,
}

/// Makes the tag of a version, unless `check` asks for the checks alone.
pub(crate) fn run(version: &str, check: bool) -> Result<()> {
    let facts = Facts::find()?;
    let mut problems = facts.problems(version);
    if let Err(error) = facts.compare_libraries() {
        problems.push(format!("{error:#}"));
    }
    if !problems.is_empty() {
        for problem in &problems {
            eprintln!("not true: {problem}");
        }
        bail!("{version} is not released");
    }
    if check {
        println!("{version} can be released");
        return Ok(());
    }
    tag(Path::new("."), version, &section(&facts.changelog, version).unwrap_or_default())?;
    println!("made the tag v{version}; publish it with: git push origin v{version}");
    Ok(())
}

impl Facts {
    fn find() -> Result<Self> {
        let manifest = repository_file("Cargo.toml")?;
        let dependencies = manifest.lines().filter(|line| line.contains("path = ")).filter_map(|line| {
            let (_, after) = line.split_once("version = \"")?;
            Some(after.split_once('"')?.0.to_owned())
        });
        Ok(Self {
            manifest: VERSION.to_owned(),
            dependencies: dependencies.collect(),
            changelog: repository_file("CHANGELOG.md")?,
            branch: git(&["rev-parse", "--abbrev-ref", "HEAD"])?,
            changes: git(&["status", "--porcelain"])?,
            head: git(&["rev-parse", "HEAD"])?,
            checked: fs::read_to_string("target/ci-passed").unwrap_or_default().trim().to_owned(),
            tags: git(&["tag", "--list", "v*", "--sort=-version:refname"])?.lines().map(str::to_owned).collect(),
        })
    }

    /// Returns what is not true, in the order in which it is corrected.
    fn problems(&self, version: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let mut expect = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
        let parts: Vec<&str> = version.split('.').collect();
        let is_number = |part: &&str| part.parse::<u32>().is_ok_and(|number| number.to_string() == **part);
        expect(parts.len() == 3 && parts.iter().all(is_number), format!("{version} is not a version: write 1.2.3"));
        expect(self.manifest == version, format!("the version in Cargo.toml is {}", self.manifest));
        for dependency in self.dependencies.iter().filter(|dependency| *dependency != version) {
            expect(false, format!("a crate in Cargo.toml is required as {dependency}"));
        }
        match section(&self.changelog, version) {
            None => expect(false, format!("CHANGELOG.md has no section \"## [{version}] - YYYY-MM-DD\"")),
            Some(text) => expect(!text.is_empty(), format!("the section of {version} in CHANGELOG.md is empty")),
        }
        let unreleased = section(&self.changelog, "Unreleased").unwrap_or_default();
        expect(unreleased.is_empty(), "CHANGELOG.md has changes under [Unreleased]: move them".to_owned());
        expect(self.branch == "main", format!("the branch is {}, not main", self.branch));
        expect(self.changes.is_empty(), "there are changes that are not committed".to_owned());
        let tag = format!("v{version}");
        expect(!self.tags.contains(&tag), format!("the tag {tag} exists"));
        expect(self.checked == self.head, "the whole of .ci/run has not passed on this commit".to_owned());
        problems
    }

    /// Compares the public API of the libraries with the last release.
    fn compare_libraries(&self) -> Result<()> {
        let Some(last) = self.tags.first() else {
            println!("no earlier release: there is no API to compare with");
            return Ok(());
        };
        let version =
            Command::new("cargo").args(["semver-checks", "--version"]).output().context("could not start cargo")?;
        ensure!(
            version.status.success(),
            "the API cannot be compared with that of {last}: cargo install cargo-semver-checks --version {SEMVER_CHECKS} --locked"
        );
        let mut command = Command::new("cargo");
        command.args(["semver-checks", "check-release", "--all-features", "--baseline-rev", last]);
        for library in LIBRARIES {
            command.args(["--package", library]);
        }
        let status = command.status().context("could not start cargo")?;
        ensure!(status.success(), "the version is too low for the changes of the API since {last}");
        Ok(())
    }
}

/// Makes the tag of a version in a repository.
fn tag(repository: &Path, version: &str, notes: &str) -> Result<()> {
    let repository = repository.to_str().context("the path of the repository is not UTF-8")?;
    let (name, text) = (format!("v{version}"), format!("minechat {version}\n\n{notes}"));
    // By default git takes headings for comments.
    git(&["-C", repository, "tag", "--annotate", "--cleanup", "whitespace", &name, "--message", &text])?;
    Ok(())
}

/// Returns the text of a section of the changelog. A version needs a date.
fn section(changelog: &str, version: &str) -> Option<String> {
    let heading = format!("## [{version}]");
    let mut lines = changelog.lines().skip_while(|line| !line.starts_with(&heading));
    let rest = lines.next()?.strip_prefix(&heading)?;
    if version != "Unreleased" {
        rest.strip_prefix(" - ")?.parse::<jiff::civil::Date>().ok()?;
    }
    let text: Vec<&str> = lines.take_while(|line| !line.starts_with("## ")).collect();
    Some(text.join("\n").trim().to_owned())
}

fn git(arguments: &[&str]) -> Result<String> {
    let done = Command::new("git").args(arguments).output().context("could not start git")?;
    ensure!(done.status.success(), "git {}: {}", arguments.join(" "), String::from_utf8_lossy(&done.stderr).trim());
    Ok(String::from_utf8(done.stdout).context("git printed no text")?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- A thing.\n\n\
                             ## [0.1.0] - 2026-11-29\n\n- The first one.\n";

    fn facts() -> Facts {
        Facts {
            manifest: "0.2.0".to_owned(),
            dependencies: vec!["0.2.0".to_owned()],
            changelog: CHANGELOG.to_owned(),
            branch: "main".to_owned(),
            changes: String::new(),
            head: "abc".to_owned(),
            checked: "abc".to_owned(),
            tags: vec!["v0.1.0".to_owned()],
        }
    }

    #[test]
    fn a_complete_release_has_no_problem() {
        assert_eq!(facts().problems("0.2.0"), Vec::<String>::new());
    }

    #[test]
    fn names_each_thing_that_is_not_true() {
        let wrong = |change: fn(&mut Facts), version: &str, expected: &str| {
            let mut facts = facts();
            change(&mut facts);
            let problems = facts.problems(version);
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:?}");
        };
        wrong(|_| {}, "0.3.0", "the version in Cargo.toml is 0.2.0");
        wrong(|_| {}, "0.3.0", "has no section");
        wrong(|_| {}, "v0.2.0", "is not a version");
        wrong(|_| {}, "0.02.0", "is not a version");
        wrong(|facts| facts.dependencies.push("0.1.0".to_owned()), "0.2.0", "required as 0.1.0");
        wrong(|facts| facts.changelog = CHANGELOG.replace("\n### Added\n\n- A thing.\n", ""), "0.2.0", "is empty");
        wrong(|facts| facts.changelog = CHANGELOG.replace(" - 2026-12-01", ""), "0.2.0", "has no section");
        wrong(|facts| facts.changelog = CHANGELOG.replace("d]\n", "d]\n- More.\n"), "0.2.0", "under [Unreleased]");
        wrong(|facts| facts.branch = "rel".to_owned(), "0.2.0", "not main");
        wrong(|facts| facts.changes = " M README.md".to_owned(), "0.2.0", "not committed");
        wrong(|facts| facts.tags.push("v0.2.0".to_owned()), "0.2.0", "the tag v0.2.0 exists");
        wrong(|facts| facts.checked = String::new(), "0.2.0", ".ci/run has not passed");
    }

    #[test]
    fn the_tag_has_the_headings_of_the_changelog() {
        let dir = tempfile::tempdir().unwrap();
        let here = |arguments: &[&str]| git(&[&["-C", dir.path().to_str().unwrap()], arguments].concat()).unwrap();
        here(&["init", "--quiet"]);
        for (key, value) in [("user.name", "A"), ("user.email", "a@example.invalid")] {
            here(&["config", key, value]);
        }
        here(&["commit", "--quiet", "--allow-empty", "--message", "a commit"]);
        tag(dir.path(), "0.2.0", "### Added\n\n- A thing.").unwrap();
        assert_eq!(here(&["tag", "--list", "--format=%(contents)"]), "minechat 0.2.0\n\n### Added\n\n- A thing.");
    }

    #[test]
    fn a_section_ends_with_the_next() {
        assert_eq!(section(CHANGELOG, "0.2.0").as_deref(), Some("### Added\n\n- A thing."));
        assert_eq!(section(CHANGELOG, "Unreleased").as_deref(), Some(""));
    }
}
