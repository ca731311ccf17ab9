//! Every relative link of a document leads to a file, and its fragment to a heading there.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::{fs, iter};

use crate::root;

/// Returns the Markdown files of the repository that people read, by their path from its root.
fn documents() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut directories = vec![PathBuf::new(), "docs".into(), "docs/decisions".into(), "dist".into(), ".github".into()];
    directories.extend(children("crates"));
    for directory in directories {
        for path in children(directory.to_str().unwrap()).filter(|path| path.extension().is_some_and(|end| end == "md"))
        {
            found.insert(path.clone(), fs::read_to_string(root().join(path)).unwrap());
        }
    }
    found
}

fn children(directory: &str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(root().join(directory)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path().strip_prefix(root()).unwrap().to_owned())
}

/// Returns the text outside of fenced blocks and of inline code.
fn prose(document: &str) -> String {
    let mut fenced = false;
    let lines = document.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    let text: Vec<&str> = lines.collect();
    text.join("\n").split('`').step_by(2).collect()
}

/// Returns the targets of the links `[text](target)` and `[name]: target`.
fn links(document: &str) -> Vec<String> {
    let prose = prose(document);
    let inline = prose.match_indices("](").filter_map(|(at, _)| Some(prose[at + 2..].split_once(')')?.0.to_owned()));
    let named = prose.lines().filter_map(|line| Some(line.strip_prefix('[')?.split_once("]: ")?.1.to_owned()));
    inline.chain(named).collect()
}

/// Returns the fragments of the headings, as code hosts and mdBook make them.
fn fragments(document: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found: Vec<String> = Vec::new();
    for line in document.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if fenced || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let repeated = iter::once(slug.clone()).chain((1..).map(|number| format!("{slug}-{number}")));
        found.extend(repeated.into_iter().find(|slug| !found.contains(slug)));
    }
    found
}

/// Returns the path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(normal.pop(), "{} leaves the repository", path.display()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    assert!(documents.len() > 40, "{}", documents.len());
    let mut broken = Vec::new();
    for (path, document) in &documents {
        for link in links(document) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) =
                link.split_once('#').map_or((link.as_str(), None), |(file, part)| (file, Some(part)));
            let target = if file.is_empty() { path.clone() } else { normal(&path.parent().unwrap().join(file)) };
            let exists = root().join(&target).exists();
            let has_heading = fragment.is_none_or(|fragment| {
                documents.get(&target).is_none_or(|text| fragments(text).iter().any(|found| found == fragment))
            });
            if !exists || !has_heading {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn the_book_contains_every_page() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: Vec<PathBuf> = links(&summary).iter().map(|link| normal(&Path::new("docs").join(link))).collect();
    // The decisions are added when the book is made.
    let is_chapter = |page: &PathBuf| page.parent() == Some(Path::new("docs")) && !page.ends_with("SUMMARY.md");
    for page in documents().into_keys().filter(is_chapter) {
        assert!(listed.contains(&page), "docs/SUMMARY.md has no link to {}", page.display());
    }
}

/// Crates of these names in the registry belong to other projects.
#[test]
fn no_other_project_is_installed() {
    for (path, document) in documents() {
        let mut commands =
            document.split("cargo install").skip(1).map(|rest| rest.split(['`', '\n', '|']).next().unwrap());
        let wrong = commands.find(|command| {
            !command.contains("--path")
                && command.split_whitespace().any(|word| ["chat-cli", "chat-tui"].contains(&word))
        });
        assert_eq!(wrong, None, "{}", path.display());
    }
}
