//! Public types whose documentation lacks an example.

use std::collections::BTreeMap;

use syn::{Attribute, Expr, ExprLit, ImplItem, Item, Lit, Meta, Type, Visibility};

use crate::modules::Modules;

/// A type with so many functions of its own is one that a reader looks up to use it.
const FUNCTIONS: usize = 4;

/// Returns the types at the root of the public API with at least [`FUNCTIONS`] functions that have no example.
pub(crate) fn missing(modules: &Modules, public_api: &str) -> Vec<String> {
    let mut functions: BTreeMap<String, usize> = BTreeMap::new();
    let mut without_example = Vec::new();
    let items = || modules.values().flat_map(|module| &module.items);
    for item in items() {
        match item {
            Item::Impl(block) if block.trait_.is_none() => {
                let Type::Path(path) = &*block.self_ty else { continue };
                let Some(name) = path.path.segments.last() else { continue };
                let public = |item: &&ImplItem| matches!(item, ImplItem::Fn(function) if is_public(&function.vis));
                *functions.entry(name.ident.to_string()).or_default() += block.items.iter().filter(public).count();
            }
            Item::Trait(item) => {
                functions.insert(item.ident.to_string(), item.items.len());
            }
            _ => {}
        }
    }
    for item in items() {
        let (name, attributes, visibility) = match item {
            Item::Struct(item) => (&item.ident, &item.attrs, &item.vis),
            Item::Enum(item) => (&item.ident, &item.attrs, &item.vis),
            Item::Trait(item) => (&item.ident, &item.attrs, &item.vis),
            _ => continue,
        };
        let name = name.to_string();
        let is_main = functions.get(&name).is_some_and(|&count| count >= FUNCTIONS) && is_public(visibility);
        if is_main && !has_example(attributes) && is_exported(public_api, &name) {
            without_example.push(name);
        }
    }
    without_example
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn has_example(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => {
            matches!(&pair.value, Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().contains("```"))
        }
        _ => false,
    })
}

/// Returns whether a line of the recorded API defines the type at the root of the library.
fn is_exported(public_api: &str, name: &str) -> bool {
    public_api.lines().any(|line| {
        let rest = ["pub struct ", "pub enum ", "pub trait "].into_iter().find_map(|start| line.strip_prefix(start));
        let path = rest.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).next());
        path.and_then(|path| path.trim_end_matches(':').split_once("::")).is_some_and(|(_, path)| path == name)
    })
}
