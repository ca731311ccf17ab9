//! Resolves the paths of a crate to the files that define what they name. Re-exports are followed, so importing through
//! a parent module or the crate root counts as importing the defining file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use crate::modules::{Module, ModulePath, Modules, flatten};

/// The files that each file uses.
pub(crate) type Edges = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// Re-exports are followed this far; a longer chain is a loop of globs.
const MAX_DEPTH: usize = 16;

/// Returns which file uses which.
pub(crate) fn edges(modules: &Modules) -> Edges {
    let mut edges = Edges::new();
    for (path, module) in modules {
        let mut collector = Collector::default();
        module.items.iter().for_each(|item| collector.visit_item(item));
        let used = edges.entry(module.file.clone()).or_default();
        for target in collector.paths.iter().chain(&module.private_imports) {
            if let Some(file) = defining_file(modules, path, target, 0)
                && *file != module.file
            {
                used.insert(file.clone());
            }
        }
    }
    edges
}

/// What a path names.
enum Found<'a> {
    Module,
    Item(&'a PathBuf),
}

fn defining_file<'a>(modules: &'a Modules, from: &[String], path: &[String], depth: usize) -> Option<&'a PathBuf> {
    match resolve(modules, from, path, depth)? {
        Found::Item(file) => Some(file),
        // A module alone names nothing yet; the paths through it do.
        Found::Module => None,
    }
}

fn resolve<'a>(modules: &'a Modules, from: &[String], path: &[String], depth: usize) -> Option<Found<'a>> {
    let mut current: ModulePath = from.to_vec();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            current.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|segment| segment == "super") {
                current.pop()?;
                rest = &rest[1..];
            }
        }
        _ => {}
    }
    follow(modules, current, rest, depth)
}

fn follow<'a>(modules: &'a Modules, mut current: ModulePath, path: &[String], depth: usize) -> Option<Found<'a>> {
    if depth > MAX_DEPTH {
        return None;
    }
    for (index, segment) in path.iter().enumerate() {
        let module: &Module = modules.get(&current)?;
        let child: ModulePath = current.iter().chain([segment]).cloned().collect();
        if modules.contains_key(&child) {
            current = child;
            continue;
        }
        if module.defined.contains(segment) {
            return Some(Found::Item(&module.file));
        }
        let rest = &path[index + 1..];
        if let Some(target) = module.imports.get(segment) {
            // An import of an external crate of the same name, as in `use tempfile;`.
            if target.len() == 1 && target[0] == *segment {
                return None;
            }
            return resolve(modules, &current, &[target, rest].concat(), depth + 1);
        }
        let through_glob = |glob: &Vec<String>| {
            let target = [glob.as_slice(), &path[index..]].concat();
            resolve(modules, &current, &target, depth + 1)
        };
        return module.globs.iter().find_map(through_glob);
    }
    Some(Found::Module)
}

/// Collects all paths of the code of a module, inside macros as well.
#[derive(Default)]
struct Collector {
    paths: BTreeSet<Vec<String>>,
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // An import inside a function.
        flatten(&item.tree, &mut Vec::new(), &mut |_, target| {
            self.paths.insert(target);
        });
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }
}

impl Collector {
    /// Takes identifiers that are joined by `::` as paths.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    self.tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.paths.insert(std::mem::take(path));
        }
    }
}
