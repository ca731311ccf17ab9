//! Finds circles of files: strongly connected components with more than one file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::paths::Edges;

/// Files of which each reaches all others.
#[derive(Debug)]
pub(crate) struct Circle {
    pub(crate) files: Vec<PathBuf>,
    /// The imports between them.
    imports: Vec<(PathBuf, PathBuf)>,
}

impl Circle {
    /// Returns the files and the imports between them, for a report.
    pub(crate) fn describe(&self, name: &dyn Fn(&Path) -> String) -> String {
        let mut text: String = self.files.iter().map(|file| name(file)).collect::<Vec<_>>().join(", ");
        for (from, to) in &self.imports {
            text.push_str(&format!("\n    {} uses {}", name(from), name(to)));
        }
        text
    }
}

/// Returns all circles.
pub(crate) fn find(edges: &Edges) -> Vec<Circle> {
    let reach: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        edges.keys().map(|file| (file, reachable(edges, file))).collect();
    let mut circles = Vec::new();
    let mut done: BTreeSet<&PathBuf> = BTreeSet::new();
    for file in edges.keys() {
        let both = |other: &&PathBuf| reach[file].contains(*other) && reach[*other].contains(file);
        let files: BTreeSet<&PathBuf> = edges.keys().filter(both).collect();
        if files.len() < 2 || !done.insert(file) || files.iter().any(|other| other < &file) {
            continue;
        }
        let imports = files.iter().flat_map(|from| edges[*from].iter().map(|to| ((*from).clone(), to.clone())));
        let imports = imports.filter(|(_, to)| files.contains(to)).collect();
        circles.push(Circle { files: files.into_iter().cloned().collect(), imports });
    }
    circles
}

fn reachable<'a>(edges: &'a Edges, from: &PathBuf) -> BTreeSet<&'a PathBuf> {
    let mut seen = BTreeSet::new();
    let mut queue: VecDeque<&PathBuf> = edges[from].iter().collect();
    while let Some(file) = queue.pop_front() {
        if seen.insert(file) {
            queue.extend(edges.get(file).into_iter().flatten());
        }
    }
    seen
}

#[test]
fn finds_direct_and_indirect_circles() {
    let edges: Edges =
        [("a", &["b", "d"][..]), ("b", &["c"]), ("c", &["a"]), ("d", &["e"]), ("e", &["d"]), ("f", &["a"])]
            .into_iter()
            .map(|(from, to)| (from.into(), to.iter().map(PathBuf::from).collect()))
            .collect();
    let circles: Vec<Vec<PathBuf>> = find(&edges).into_iter().map(|circle| circle.files).collect();
    let expected = [&["a", "b", "c"][..], &["d", "e"]];
    assert_eq!(circles, expected.map(|files| files.iter().map(PathBuf::from).collect::<Vec<_>>()));
}
