//! The book: the documents of the repository as pages for a browser, made by mdBook. The sources are copied with their
//! directories, so that links between docs/ and the rest of the repository work in the book too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::programs::repository_file;

/// The documents at the top of the repository.
const TOP: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "RELEASE.md",
    "SECURITY.md",
];

/// The directories that documents link to.
const DIRECTORIES: [&str; 2] = ["docs", "examples"];

/// Builds the book in `out/html`.
pub(crate) fn write(out: &Path) -> Result<()> {
    let source = stage(out)?;
    let html = std::path::absolute(out.join("html"))?;
    let mut command = Command::new("mdbook");
    command.arg("build").arg(&source).arg("--dest-dir").arg(&html);
    let status = command.status().context("could not start mdbook: cargo install mdbook --version 0.5.4 --locked")?;
    ensure!(status.success(), "mdbook failed");
    println!("{}", html.join("index.html").display());
    Ok(())
}

/// Copies the sources to `out/source` and returns that directory.
fn stage(out: &Path) -> Result<PathBuf> {
    let source = out.join("source");
    if source.exists() {
        fs::remove_dir_all(&source).with_context(|| format!("could not empty {}", source.display()))?;
    }
    fs::create_dir_all(&source).with_context(|| format!("could not create {}", source.display()))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in TOP.into_iter().chain(["LICENSE-APACHE", "LICENSE-MIT", "book.toml"]) {
        fs::copy(root.join(name), source.join(name)).with_context(|| format!("could not copy {name}"))?;
    }
    for name in DIRECTORIES {
        copy(&root.join(name), &source.join(name))?;
    }
    let summary = from_the_top(&repository_file("docs/SUMMARY.md")?) + &decisions(&source.join("docs/decisions"))?;
    fs::write(source.join("SUMMARY.md"), summary).context("could not write SUMMARY.md")?;
    fs::remove_file(source.join("docs/SUMMARY.md")).context("could not remove the copy of SUMMARY.md")?;
    Ok(source)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("could not create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("could not read {}", from.display()))? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("could not copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// Returns the table of contents with paths from the top of the repository instead of docs/.
fn from_the_top(summary: &str) -> String {
    summary.replace("](", "](docs/").replace("](docs/../", "](")
}

/// Returns the entries of the decisions, whose number grows. They follow the page that lists them, which is the last one.
fn decisions(directory: &Path) -> Result<String> {
    let mut entries = String::new();
    let mut names: Vec<_> = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    names.sort();
    for name in names.iter().filter_map(|name| name.to_str()).filter(|name| *name != "README.md") {
        let text = fs::read_to_string(directory.join(name)).with_context(|| format!("could not read {name}"))?;
        let title = text.lines().next().unwrap_or_default().trim_start_matches('#').trim();
        entries += &format!("  - [{title}](docs/decisions/{name})\n");
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chapter_is_staged() {
        let dir = tempfile::tempdir().unwrap();
        let source = stage(dir.path()).unwrap();
        let summary = fs::read_to_string(source.join("SUMMARY.md")).unwrap();
        let chapters: Vec<&str> =
            summary.lines().filter_map(|line| line.split_once("](")?.1.strip_suffix(')')).collect();
        assert!(chapters.len() > 30 && chapters.contains(&"docs/start.md"), "{chapters:?}");
        for chapter in chapters {
            assert!(source.join(chapter).is_file(), "{chapter} is not in the book");
        }
    }
}
