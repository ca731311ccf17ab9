//! The structure of the workspace: no import circle between the files of a crate, no dependency between crates that the
//! crate table in `ARCHITECTURE.md` does not list, no type name that two files of the products define, and no main type of
//! a library without an example.
#![allow(clippy::unwrap_used, missing_docs)]

mod circles;
mod crates;
mod examples;
mod modules;
mod paths;
mod types;

use std::path::{Path, PathBuf};

/// Number of circles per crate that are still accepted. The numbers may only become smaller: the test also fails when a
/// crate has fewer circles than listed here, so that a removed circle cannot come back unnoticed.
const KNOWN: &[(&str, usize)] = &[];

/// Crates that are not part of a product. Their names may repeat those of the product that they measure or show.
const NO_PRODUCT: &[&str] = &["bench", "chat-bench", "examples", "testkit"];

/// Type names that may still be defined more than once, with the reason. A name that is defined once must not be here.
const KNOWN_TYPES: &[(&str, &str)] = &[];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn no_import_circle() {
    let mut wrong = String::new();
    for member in crates::members(&workspace()) {
        let mut found = Vec::new();
        for root in modules::roots(&member.dir) {
            found.extend(circles::find(&paths::edges(&modules::load(&root))));
        }
        let known = KNOWN.iter().find(|(name, _)| *name == member.name).map_or(0, |(_, count)| *count);
        if found.len() < known {
            wrong.push_str(&format!("{}: {} circles, change KNOWN from {known}\n", member.name, found.len()));
        }
        if found.len() > known {
            wrong.push_str(&format!("{}: {} circles, at most {known} expected\n", member.name, found.len()));
            for circle in found {
                wrong.push_str(&format!("  {}\n", circle.describe(&|file| member.relative(file))));
            }
        }
    }
    assert!(wrong.is_empty(), "files of a crate import each other:\n{wrong}");
}

#[test]
fn crates_depend_as_documented() {
    let table = crates::Table::parse(&std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap());
    let mut wrong = Vec::new();
    for member in crates::members(&workspace()) {
        let allowed = table.reachable(&member.name);
        for dependency in member.dependencies() {
            if !allowed.contains(&dependency) {
                wrong.push(format!("{} depends on {dependency}", member.name));
            }
        }
    }
    assert!(wrong.is_empty(), "not in the crate table of ARCHITECTURE.md: {wrong:#?}");
}

#[test]
fn type_names_are_unique() {
    let mut definitions = types::Definitions::new();
    for member in crates::members(&workspace()) {
        if !NO_PRODUCT.contains(&member.name.as_str()) {
            for root in modules::roots(&member.dir) {
                types::collect(&modules::load(&root), &mut definitions);
            }
        }
    }
    let mut wrong = Vec::new();
    for (name, files) in definitions {
        let known = KNOWN_TYPES.iter().any(|(known, _)| *known == name);
        if (files.len() > 1) != known {
            wrong.push(format!("{name}: {files:?}"));
        }
    }
    assert!(wrong.is_empty(), "defined twice, or listed in KNOWN_TYPES without need: {wrong:#?}");
}

#[test]
fn main_types_have_an_example() {
    let mut wrong = Vec::new();
    for member in crates::members(&workspace()) {
        // The libraries with a public API.
        let Ok(public_api) = std::fs::read_to_string(member.dir.join("public-api.txt")) else { continue };
        let modules = modules::load(&member.dir.join("src/lib.rs"));
        wrong.extend(
            examples::missing(&modules, &public_api).into_iter().map(|name| format!("{}::{name}", member.name)),
        );
    }
    assert!(wrong.is_empty(), "public types without an example in their documentation: {wrong:?}");
}
