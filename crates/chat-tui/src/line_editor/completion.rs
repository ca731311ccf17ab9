//! Completes nicknames, by their start or by the start of a word in them, commands and paths. The shortest form of a name
//! that means no other user comes first.

use super::editor::{Completion, CompletionKind, LineEditor};

impl LineEditor {
    /// Completes a command at the start of the text. `false` where none fits.
    pub(crate) fn complete_command(&mut self, commands: &[&str], backwards: bool) -> bool {
        if self.completion.as_ref().is_some_and(|completion| completion.kind != CompletionKind::Name) {
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
        self.put(Completion { start: 0, end: self.cursor, candidates, chosen, kind: CompletionKind::Command });
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
            // Names that begin like this come before those with a later word that does.
            let (first, later): (Vec<&str>, Vec<&str>) =
                names.iter().copied().partition(|name| name.to_lowercase().starts_with(&typed));
            let later = later
                .into_iter()
                .filter(|name| name.to_lowercase().split_whitespace().any(|word| word.starts_with(&typed)));
            let mut candidates = Vec::new();
            for name in first.into_iter().chain(later) {
                candidates.extend(short(name, &names).filter(|short| short.to_lowercase().starts_with(&typed)));
                candidates.push(name.to_owned());
            }
            if !candidates.is_empty() {
                self.remember();
                let chosen = if backwards { candidates.len() - 1 } else { 0 };
                let start = line + start;
                self.put(Completion { start, end: self.cursor, candidates, chosen, kind: CompletionKind::Name });
                return true;
            }
        }
        false
    }

    /// Completes the rest of the text with the first of these paths, or the next one if requested again. Returns `false`
    /// if there are none, or the text does not end with `typed` any more.
    pub(crate) fn complete_path(&mut self, typed: &str, paths: Vec<String>) -> bool {
        if paths.is_empty() || self.cursor != self.text.len() || !self.text.ends_with(typed) {
            return false;
        }
        self.remember();
        let start = self.text.len() - typed.len();
        self.put(Completion { start, end: self.cursor, candidates: paths, chosen: 0, kind: CompletionKind::Path });
        true
    }

    /// Returns the alternatives of the last completion and the chosen one, if there is more than one.
    pub(crate) fn candidates(&self) -> Option<(&[String], usize)> {
        let completion = self.completion.as_ref()?;
        (completion.candidates.len() > 1).then_some((&completion.candidates, completion.chosen))
    }

    fn put(&mut self, mut completion: Completion) {
        let name = &completion.candidates[completion.chosen];
        let at_line_start = self.line_start(completion.start) == completion.start;
        let end = match completion.kind {
            CompletionKind::Name if at_line_start => ": ",
            CompletionKind::Name | CompletionKind::Command => " ",
            // A file name, or a directory whose files follow.
            CompletionKind::Path => "",
        };
        let text = format!("{name}{end}");
        self.text.replace_range(completion.start..completion.end, &text);
        completion.end = completion.start + text.len();
        self.cursor = completion.end;
        self.snap();
        self.inserting = false;
        self.completion = Some(completion);
    }
}

/// Returns a name without its first word, which the server has added, if no other name ends like this.
fn short(name: &str, names: &[&str]) -> Option<String> {
    let (_, rest) = name.split_once(' ')?;
    let folded = rest.to_lowercase();
    let ends_like_it = |other: &&&str| {
        let other = other.to_lowercase();
        other == folded || other.strip_suffix(&folded).is_some_and(|before| before.ends_with(' '))
    };
    (!rest.is_empty() && names.iter().filter(ends_like_it).count() == 1).then(|| rest.to_owned())
}
