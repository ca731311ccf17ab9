//! Type names of the product crates: a name means one thing in the whole workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;

use syn::Item;

use crate::modules::Modules;

/// Where each type name is defined.
pub(crate) type Definitions = BTreeMap<String, Vec<PathBuf>>;

/// Adds the types that modules define. Definitions in one file count once: they are alternatives for different platforms
/// or features.
pub(crate) fn collect(modules: &Modules, definitions: &mut Definitions) {
    for module in modules.values() {
        for name in module.items.iter().filter_map(type_name) {
            let files = definitions.entry(name).or_default();
            if !files.contains(&module.file) {
                files.push(module.file.clone());
            }
        }
    }
}

fn type_name(item: &Item) -> Option<String> {
    Some(match item {
        Item::Enum(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}
