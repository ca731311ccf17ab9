//! Completes nicknames, by their start or by the start of a word in them, and commands.

use super::editor::{Completion, LineEditor};

impl LineEditor {
    /// Completes a command at the start of the text. `false` where none fits.
    pub(crate) fn complete_command(&mut self, commands: &[&str], backwards: bool) -> bool {
        if self.completion.as_ref().is_some_and(|completion| completion.command) {
            return self.complete(std::iter::empty(), backwards);
        }
        let typed = self.text[..self.cursor].to_lowercase();
        if !typed.starts_with('/') {
            return false;
        }
        let candidates: Vec<String> =
            commands.iter().filter(|command| command.starts_with(&typed)).map(|&command| command.to_owned()).collect();
        if candidates.is_empty() {
            return false;
        }
        self.remember();
        let chosen = if backwards { candidates.len() - 1 } else { 0 };
        self.put(Completion { start: 0, end: self.cursor, candidates, chosen, command: true });
        true
    }

    /// Completes the word before the cursor with the first of `names` that matches, or the next one if requested again.
    /// Returns `false` if none matches.
    pub(crate) fn complete<'a>(&mut self, names: impl Iterator<Item = &'a str>, backwards: bool) -> bool {
        if let Some(mut completion) = self.completion.take() {
            let count = completion.candidates.len();
            completion.chosen = (completion.chosen + if backwards { count - 1 } else { 1 }) % count;
            self.put(completion);
            return true;
        }
        let line = self.line_start(self.cursor);
        let before = &self.text[line..self.cursor];
        // A nickname may contain spaces, so the longest run of words that matches a name is used.
        let starts = before.char_indices().filter(|&(at, _)| at == 0 || before[..at].ends_with(char::is_whitespace));
        let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
        let names: Vec<&str> = names.collect();
        for start in starts {
            let typed = before[start..].trim_start_matches('@').to_lowercase();
            if typed.trim().is_empty() {
                continue;
            }
            let mut candidates: Vec<String> = names
                .iter()
                .filter(|name| name.to_lowercase().starts_with(&typed))
                .map(|&name| name.to_owned())
                .collect();
            let inner = names.iter().filter(|name| {
                let lower = name.to_lowercase();
                !lower.starts_with(&typed) && lower.split_whitespace().any(|word| word.starts_with(&typed))
            });
            candidates.extend(inner.map(|&name| name.to_owned()));
            if !candidates.is_empty() {
                self.remember();
                let chosen = if backwards { candidates.len() - 1 } else { 0 };
                let start = line + start;
                self.put(Completion { start, end: self.cursor, candidates, chosen, command: false });
                return true;
            }
        }
        false
    }

    fn put(&mut self, mut completion: Completion) {
        let name = &completion.candidates[completion.chosen];
        let at_line_start = self.line_start(completion.start) == completion.start;
        let text = format!("{name}{}", if at_line_start && !completion.command { ": " } else { " " });
        self.text.replace_range(completion.start..completion.end, &text);
        completion.end = completion.start + text.len();
        self.cursor = completion.end;
        self.snap();
        self.inserting = false;
        self.completion = Some(completion);
    }
}
