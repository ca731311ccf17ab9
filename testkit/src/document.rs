//! The shell commands of a Markdown document, so that tests can run them as they are written.

/// A fenced block of shell commands: `sh` or `bash`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellBlock {
    /// The heading of its section, `## …`; empty before the first one.
    pub section: String,
    /// The line of the document on which the commands start, from 1.
    pub line: usize,
    /// What follows the language after a comma: `no_run`, `until_stopped`.
    pub attribute: Option<String>,
    /// The commands.
    pub script: String,
}

/// Returns the blocks of a document in their order.
#[must_use]
pub fn shell_blocks(document: &str) -> Vec<ShellBlock> {
    let mut blocks = Vec::new();
    let mut open: Option<Option<ShellBlock>> = None;
    let mut section = "";
    for (index, line) in document.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let (language, attribute) = info.split_once(',').map_or((info, None), |(a, b)| (a, Some(b)));
                open = Some(matches!(language, "sh" | "bash").then(|| ShellBlock {
                    section: section.to_owned(),
                    line: index + 2,
                    attribute: attribute.map(str::to_owned),
                    script: String::new(),
                }));
            }
            (Some(_), Some(_)) => blocks.extend(open.take().flatten()),
            (Some(Some(block)), None) => {
                block.script.push_str(line);
                block.script.push('\n');
            }
            (None, None) => section = line.strip_prefix("## ").unwrap_or(section),
            _ => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_blocks_and_their_attributes() {
        let document = "text\n```sh\nchat ping\n```\n## Listen\n```toml\n## 1\n```\n```bash,no_run\n## x\nexit\n```\n";
        let block = |section: &str, line, attribute: Option<&str>, script: &str| ShellBlock {
            section: section.to_owned(),
            line,
            attribute: attribute.map(str::to_owned),
            script: script.to_owned(),
        };
        let expected = [block("", 3, None, "chat ping\n"), block("Listen", 10, Some("no_run"), "## x\nexit\n")];
        assert_eq!(shell_blocks(document), expected);
    }
}
