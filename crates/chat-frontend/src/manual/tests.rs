use clap::Command;

use super::{Manual, pages};

const MANUAL: Manual = Manual {
    exit_status: &[("0", "success")],
    environment: &[("TOOL_HOST", "the host")],
    files: &[("~/.tool", "settings")],
    examples: &[("tool run -x", "runs"), ("tool stop", "stops")],
    see_also: &["other(1)"],
};

fn sources() -> Vec<(String, String)> {
    let command = Command::new("tool")
        .about("a tool")
        .subcommand(Command::new("run").about("runs"))
        .subcommand(Command::new("old").hide(true));
    let pages = pages(command, &MANUAL).unwrap();
    pages.into_iter().map(|page| (page.file_name, String::from_utf8(page.source).unwrap())).collect()
}

#[test]
fn one_page_for_each_visible_command() {
    let names: Vec<_> = sources().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["tool.1", "tool-run.1"]);
}

#[test]
fn page_of_the_program_has_all_sections() {
    let source = &sources()[0].1;
    for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"] {
        assert!(
            source.contains(&format!(".SH \"{heading}\"")) || source.contains(&format!(".SH {heading}")),
            "{heading} in {source}"
        );
    }
    assert!(source.contains("tool run \\-x") && source.contains("tool stop"), "{source}");
}

#[test]
fn page_of_a_subcommand_has_its_own_examples() {
    let source = &sources()[1].1;
    assert!(source.contains("tool run \\-x") && !source.contains("tool stop"), "{source}");
    assert!(source.contains("tool(1), other(1)") && !source.contains("ENVIRONMENT"), "{source}");
}
