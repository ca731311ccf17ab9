//! The modules of the page as one file: one request and one compression for all of them.
//!
//! Each module becomes a function that is run once and returns what the module exports, so names of two modules may be
//! equal. Comments and everything else stay as they were written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Returns the module `first` and all that it imports, each before those that import it.
///
/// `None` if a file is missing, or one of them has an import or export of a form that is not used in the page.
pub(super) fn join(first: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (mut joined, mut seen) = (String::new(), BTreeSet::new());
    add(first, &read, &mut seen, &mut joined)?;
    Some(joined)
}

/// Adds a module after those that it imports. A module that was seen is not added again, which ends a circle too.
fn add(
    name: &str,
    read: &impl Fn(&str) -> Option<String>,
    seen: &mut BTreeSet<String>,
    joined: &mut String,
) -> Option<()> {
    if !seen.insert(name.to_owned()) {
        return Some(());
    }
    let (mut body, mut exports) = (String::new(), Vec::new());
    let text = read(&format!("{name}.js"))?;
    for line in text.lines() {
        if let Some(import) = line.strip_prefix("import ") {
            let (names, from) = import.strip_suffix(".js';")?.split_once(" from './")?;
            add(from, read, seen, joined)?;
            let names = names.strip_prefix("* as ").unwrap_or(names);
            // A renamed import would need another form.
            let _ = (!names.contains(" as ")).then(|| writeln!(body, "const {names} = {};", variable(from)))?;
        } else if let Some(declaration) = line.strip_prefix("export ") {
            exports.push(exported(declaration)?);
            body.push_str(declaration);
            body.push('\n');
        } else {
            body.push_str(line);
            body.push('\n');
        }
    }
    let (name, exports) = (variable(name), exports.join(", "));
    // Asynchronous, because a module may wait for another file.
    let _ = writeln!(joined, "const {name} = await (async () => {{\n{body}return {{ {exports} }};\n}})();");
    Some(())
}

/// Returns the name that a declaration gives. `let` is not permitted: its later values would not reach the importers.
fn exported(declaration: &str) -> Option<&str> {
    let kinds = ["async function ", "function ", "const ", "class "];
    let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$').next()?;
    (!name.is_empty()).then_some(name)
}

fn variable(module: &str) -> String {
    format!("module_{module}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, &str)]) -> Option<String> {
        let read = |name: &str| files.iter().find(|file| file.0 == name).map(|file| file.1.to_owned());
        join("main", read)
    }

    #[test]
    fn imported_modules_come_first_and_once() {
        let files = [
            ("main.js", "import * as b from './b.js';\nimport { c, $ } from './c.js';\nb.go(c);\n"),
            ("b.js", "import { c } from './c.js';\nexport function go() {\n  return c;\n}\n"),
            ("c.js", "export const c = 1;\nexport const $ = 2;\n"),
        ];
        let wanted = "const module_c = await (async () => {\nconst c = 1;\nconst $ = 2;\nreturn { c, $ };\n})();\n\
            const module_b = await (async () => {\nconst { c } = module_c;\nfunction go() {\n  return c;\n}\nreturn { go };\n})();\n\
            const module_main = await (async () => {\nconst b = module_b;\nconst { c, $ } = module_c;\nb.go(c);\nreturn {  };\n})();\n";
        assert_eq!(joined(&files).as_deref(), Some(wanted));
    }

    #[test]
    fn refuses_what_it_does_not_join() {
        for text in [
            "import { a as b } from './a.js';",
            "import a from 'a';",
            "import './a.js';",
            "export let a = 1;",
            "export default {};",
            "export { a };",
            "import { a } from './missing.js';",
        ] {
            assert_eq!(joined(&[("main.js", text), ("a.js", "export const a = 1;")]), None, "{text}");
        }
    }
}
