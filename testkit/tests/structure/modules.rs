//! The module tree of a crate target, read from its source files. Code under `#[cfg(test)]` is left out: a test may
//! import what it tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree};

/// Path of a module from the crate root; empty for the root.
pub(crate) type ModulePath = Vec<String>;

/// One module, in a file of its own or inline.
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) items: Vec<Item>,
    /// Names that are defined here.
    pub(crate) defined: Vec<String>,
    /// Names that are imported here, with the path that each stands for.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
    /// Paths of glob imports.
    pub(crate) globs: Vec<Vec<String>>,
    /// Imports that are not re-exported, so that the file itself must use them.
    pub(crate) private_imports: Vec<Vec<String>>,
}

/// All modules of one target.
pub(crate) type Modules = BTreeMap<ModulePath, Module>;

/// Returns the root files of a crate: library, programs.
pub(crate) fn roots(dir: &Path) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = ["src/lib.rs", "src/main.rs", "lib.rs"]
        .map(|file| dir.join(file))
        .into_iter()
        .filter(|f| f.is_file())
        .collect();
    if let Ok(programs) = std::fs::read_dir(dir.join("src/bin")) {
        roots.extend(programs.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some()));
    }
    roots.sort();
    assert!(!roots.is_empty(), "{} has no source", dir.display());
    roots
}

/// Reads the module tree below a root file.
pub(crate) fn load(root: &Path) -> Modules {
    let mut modules = Modules::new();
    let children = root.parent().unwrap().to_owned();
    add_file(&mut modules, Vec::new(), root, &children);
    modules
}

fn add_file(modules: &mut Modules, path: ModulePath, file: &Path, children: &Path) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    add(modules, path, file, children, parsed.items);
}

fn add(modules: &mut Modules, path: ModulePath, file: &Path, children: &Path, items: Vec<Item>) {
    let mut module = Module {
        file: file.to_owned(),
        items: Vec::new(),
        defined: Vec::new(),
        imports: BTreeMap::new(),
        globs: Vec::new(),
        private_imports: Vec::new(),
    };
    for item in items {
        if is_test(attributes(&item)) {
            continue;
        }
        match item {
            Item::Mod(child) => {
                let name = child.ident.to_string();
                let child_path: ModulePath = path.iter().cloned().chain([name.clone()]).collect();
                let below = children.join(&name);
                match child.content {
                    Some((_, items)) => add(modules, child_path, file, &below, items),
                    None => {
                        let flat = children.join(format!("{name}.rs"));
                        let nested = below.join("mod.rs");
                        add_file(modules, child_path, if flat.is_file() { &flat } else { &nested }, &below);
                    }
                }
            }
            Item::Use(item) => {
                let private = matches!(item.vis, syn::Visibility::Inherited);
                flatten(&item.tree, &mut Vec::new(), &mut |name, target| {
                    if private {
                        module.private_imports.push(target.clone());
                    }
                    match name {
                        Some(name) => drop(module.imports.insert(name, target)),
                        None => module.globs.push(target),
                    }
                });
            }
            item => {
                module.defined.extend(name(&item));
                module.items.push(item);
            }
        }
    }
    modules.insert(path, module);
}

/// Calls `found` with each name of a use tree and its path; without a name for a glob.
pub(crate) fn flatten(tree: &UseTree, prefix: &mut Vec<String>, found: &mut impl FnMut(Option<String>, Vec<String>)) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => found(prefix.last().cloned(), prefix.clone()),
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            found(Some(name.clone()), [prefix.as_slice(), &[name]].concat());
        }
        UseTree::Rename(rename) => {
            let target = [prefix.as_slice(), &[rename.ident.to_string()]].concat();
            found(Some(rename.rename.to_string()), target);
        }
        UseTree::Glob(_) => found(None, prefix.clone()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, found)),
    }
}

fn name(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::TraitAlias(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns whether the item is compiled for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}
