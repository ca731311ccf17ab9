//! The line that a person types into: several lines of text edited by graphemes, with the usual
//! shell keys, undo, a kill buffer and the lines sent before. It knows neither keys nor the screen.

use unicode_segmentation::UnicodeSegmentation;

use crate::width::{TAB, shown};

/// The most bytes that are held: four times the longest message, so that a paste which is too long
/// can still be cut down by hand.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// How many sent lines are remembered.
const MAX_HISTORY: usize = 200;

/// How many steps can be undone.
const MAX_UNDO: usize = 100;

/// The editor and what it remembers.
#[derive(Debug, Default, Clone)]
pub(crate) struct Input {
    text: String,
    /// A byte offset in `text`, always at a grapheme boundary.
    cursor: usize,
    killed: String,
    sent: Vec<String>,
    /// Which of `sent` is shown, and what was typed before looking back.
    recalled: Option<(usize, String)>,
    undo: Vec<(String, usize)>,
    /// Consecutive insertions are one step of undo.
    inserting: bool,
    completion: Option<Completion>,
}

#[derive(Debug, Clone)]
struct Completion {
    start: usize,
    end: usize,
    candidates: Vec<String>,
    chosen: usize,
}

/// One thing to do to the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    Insert(String),
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    KillToEnd,
    KillToStart,
    KillWordBack,
    KillWordForward,
    Yank,
    Undo,
}

impl Input {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Does `edit`. `false`: it would have made the text longer than [`MAX_BYTES`] and was not done.
    pub(crate) fn apply(&mut self, edit: Edit) -> bool {
        self.completion = None;
        let inserting = matches!(edit, Edit::Insert(_));
        match edit {
            Edit::Insert(text) => {
                if self.text.len() + text.len() > MAX_BYTES {
                    return false;
                }
                if !self.inserting || text.chars().any(char::is_whitespace) {
                    self.remember();
                }
                let clean = text.replace("\r\n", "\n").replace('\r', "\n");
                self.text.insert_str(self.cursor, &clean);
                self.cursor += clean.len();
                self.snap();
            }
            Edit::Backspace => self.remove(self.left(), self.cursor, false),
            Edit::Delete => self.remove(self.cursor, self.right(), false),
            Edit::Left => self.cursor = self.left(),
            Edit::Right => self.cursor = self.right(),
            Edit::WordLeft => self.cursor = self.word_left(),
            Edit::WordRight => self.cursor = self.word_right(),
            Edit::Home => self.cursor = self.line_start(self.cursor),
            Edit::End => self.cursor = self.line_end(self.cursor),
            Edit::Up => self.up(),
            Edit::Down => self.down(),
            Edit::KillToEnd => {
                let end = self.line_end(self.cursor);
                // At the end of a line the line break itself goes, as in every shell editor.
                self.remove(self.cursor, if end == self.cursor { self.right() } else { end }, true);
            }
            Edit::KillToStart => {
                let start = self.line_start(self.cursor);
                self.remove(if start == self.cursor { self.left() } else { start }, self.cursor, true);
            }
            Edit::KillWordBack => self.remove(self.word_left(), self.cursor, true),
            Edit::KillWordForward => self.remove(self.cursor, self.word_right(), true),
            Edit::Yank => {
                if self.text.len() + self.killed.len() > MAX_BYTES {
                    return false;
                }
                self.remember();
                self.text.insert_str(self.cursor, &self.killed);
                self.cursor += self.killed.len();
                self.snap();
            }
            Edit::Undo => {
                if let Some((text, cursor)) = self.undo.pop() {
                    self.text = text;
                    self.cursor = cursor;
                }
            }
        }
        self.inserting = inserting;
        true
    }

    /// Puts `text` in place of what is there, which can be undone; the cursor goes to its end.
    pub(crate) fn replace(&mut self, text: &str) {
        self.remember();
        self.recalled = None;
        self.completion = None;
        self.text.clear();
        self.text.push_str(text);
        self.cursor = self.text.len();
    }

    /// Empties the line into the kill buffer, from where it can be had back.
    pub(crate) fn clear(&mut self) {
        self.remove(0, self.text.len(), true);
        self.recalled = None;
    }

    /// Takes the text out and remembers it among the sent lines.
    pub(crate) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.recalled = None;
        self.completion = None;
        self.undo.clear();
        self.inserting = false;
        if self.sent.last() != Some(&text) && !text.trim().is_empty() {
            self.sent.push(text.clone());
            if self.sent.len() > MAX_HISTORY {
                self.sent.remove(0);
            }
        }
        text
    }

    /// Completes the word before the cursor with the first of `names` that fits it, the next one when
    /// asked again. `false` where nothing fits.
    pub(crate) fn complete<'a>(&mut self, names: impl Iterator<Item = &'a str>, backwards: bool) -> bool {
        if let Some(mut completion) = self.completion.take() {
            let count = completion.candidates.len();
            completion.chosen = (completion.chosen + if backwards { count - 1 } else { 1 }) % count;
            self.put(completion);
            return true;
        }
        let line = self.line_start(self.cursor);
        let before = &self.text[line..self.cursor];
        // A nickname may hold spaces, so the longest run of words that fits a name wins.
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
                self.put(Completion { start, end: self.cursor, candidates, chosen });
                return true;
            }
        }
        false
    }

    /// The text as rows of at most `width` cells, and the row and column of the cursor among them.
    pub(crate) fn rows(&self, width: u16) -> (Vec<String>, (usize, u16)) {
        let width = width.max(2);
        let mut rows = vec![String::new()];
        let mut column = 0;
        let mut place = None;
        for (at, grapheme) in self.text.grapheme_indices(true) {
            let (text, cells) = match grapheme {
                "\n" => ("".into(), 0),
                "\t" => {
                    let cells = (TAB - column % TAB).min(width);
                    (" ".repeat(usize::from(cells)).into(), cells)
                }
                _ => shown(grapheme),
            };
            if column + cells > width {
                rows.push(String::new());
                column = 0;
            }
            if at == self.cursor {
                place = Some((rows.len() - 1, column));
            }
            if grapheme == "\n" {
                rows.push(String::new());
                column = 0;
            } else if let Some(row) = rows.last_mut() {
                row.push_str(&text);
                column += cells;
            }
        }
        let (row, column) = match place {
            Some(place) => place,
            None => {
                if column >= width {
                    rows.push(String::new());
                    column = 0;
                }
                (rows.len() - 1, column)
            }
        };
        // The cursor needs a cell of its own: after a full row it stands at the start of the next.
        if column >= width {
            if row + 1 == rows.len() {
                rows.push(String::new());
            }
            return (rows, (row + 1, 0));
        }
        (rows, (row, column))
    }

    fn put(&mut self, mut completion: Completion) {
        let name = &completion.candidates[completion.chosen];
        let at_line_start = self.line_start(completion.start) == completion.start;
        let text = format!("{name}{}", if at_line_start { ": " } else { " " });
        self.text.replace_range(completion.start..completion.end, &text);
        completion.end = completion.start + text.len();
        self.cursor = completion.end;
        self.snap();
        self.inserting = false;
        self.completion = Some(completion);
    }

    fn remove(&mut self, from: usize, to: usize, kill: bool) {
        if from >= to {
            return;
        }
        self.remember();
        let removed: String = self.text.drain(from..to).collect();
        if kill {
            self.killed = removed;
        }
        self.cursor = from;
        self.snap();
    }

    fn remember(&mut self) {
        if self.undo.last().is_some_and(|(text, _)| *text == self.text) {
            return;
        }
        if self.undo.len() == MAX_UNDO {
            self.undo.remove(0);
        }
        self.undo.push((self.text.clone(), self.cursor));
    }

    /// An edit may have joined what stands around the cursor into one grapheme: steps to its end.
    fn snap(&mut self) {
        let mut end = 0;
        for grapheme in self.text.graphemes(true) {
            if end >= self.cursor {
                break;
            }
            end += grapheme.len();
        }
        self.cursor = end;
    }

    fn left(&self) -> usize {
        let before = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor - before.map_or(0, str::len)
    }

    fn right(&self) -> usize {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor + after.map_or(0, str::len)
    }

    fn word_left(&self) -> usize {
        let mut words = self.text[..self.cursor].split_word_bound_indices();
        words.rfind(|(_, word)| word.contains(char::is_alphanumeric)).map_or(0, |(at, _)| at)
    }

    fn word_right(&self) -> usize {
        let mut words = self.text[self.cursor..].split_word_bound_indices();
        let word = words.find(|(_, word)| word.contains(char::is_alphanumeric));
        word.map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |lf| lf + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |lf| at + lf)
    }

    fn up(&mut self) {
        let start = self.line_start(self.cursor);
        if start > 0 {
            let column = self.text[start..self.cursor].graphemes(true).count();
            self.cursor = self.at_column(self.line_start(start - 1), column);
            return;
        }
        let shown = match &self.recalled {
            Some((shown, _)) => *shown,
            None => self.sent.len(),
        };
        if let Some(previous) = shown.checked_sub(1) {
            self.recall(previous);
        }
    }

    fn down(&mut self) {
        let end = self.line_end(self.cursor);
        if end < self.text.len() {
            let column = self.text[self.line_start(self.cursor)..self.cursor].graphemes(true).count();
            self.cursor = self.at_column(end + 1, column);
            return;
        }
        if let Some((shown, _)) = self.recalled {
            self.recall(shown + 1);
        }
    }

    /// Shows the sent line `which`, or the draft behind the last one. What was changed in a recalled
    /// line goes to the undo buffer.
    fn recall(&mut self, which: usize) {
        self.remember();
        let draft = match self.recalled.take() {
            Some((_, draft)) => draft,
            None => std::mem::take(&mut self.text),
        };
        match self.sent.get(which) {
            Some(line) => {
                self.text.clone_from(line);
                self.recalled = Some((which, draft));
            }
            None => self.text = draft,
        }
        self.cursor = self.text.len();
    }

    fn at_column(&self, line: usize, column: usize) -> usize {
        let end = self.line_end(line);
        line + self.text[line..end].graphemes(true).take(column).map(str::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(text: &str) -> Input {
        let mut input = Input::default();
        assert!(input.apply(Edit::Insert(text.to_owned())));
        input
    }

    #[test]
    fn graphemes_are_edited_whole() {
        let mut input = typed("e\u{301}👨‍👩‍👧x");
        input.apply(Edit::Left);
        input.apply(Edit::Backspace);
        assert_eq!(input.text(), "e\u{301}x");
        input.apply(Edit::Backspace);
        assert_eq!(input.text(), "x");
    }

    #[test]
    fn words_are_killed_and_yanked() {
        let mut input = typed("one two, three");
        input.apply(Edit::KillWordBack);
        assert_eq!(input.text(), "one two, ");
        input.apply(Edit::KillWordBack);
        assert_eq!(input.text(), "one ");
        input.apply(Edit::Yank);
        assert_eq!(input.text(), "one two, ");
    }

    #[test]
    fn sent_lines_come_back_and_the_draft_survives() {
        let mut input = typed("first");
        input.take();
        input.apply(Edit::Insert("second".into()));
        input.take();
        input.apply(Edit::Insert("draft".into()));
        input.apply(Edit::Up);
        input.apply(Edit::Up);
        assert_eq!(input.text(), "first");
        input.apply(Edit::Up);
        assert_eq!(input.text(), "first");
        input.apply(Edit::Down);
        input.apply(Edit::Down);
        assert_eq!(input.text(), "draft");
    }

    #[test]
    fn up_and_down_move_between_lines_first() {
        let mut input = typed("abc\nde");
        input.apply(Edit::Up);
        assert_eq!(input.rows(20).1, (0, 2));
        input.apply(Edit::Down);
        assert_eq!(input.rows(20).1, (1, 2));
    }

    #[test]
    fn names_complete_by_their_start_and_by_their_words() {
        let names = ["Keen Bob", "Jolly bobby", "Ann"];
        let mut input = typed("hi bo");
        assert!(input.complete(names.iter().copied(), false));
        assert_eq!(input.text(), "hi Keen Bob ");
        assert!(input.complete(names.iter().copied(), false));
        assert_eq!(input.text(), "hi Jolly bobby ");
        let mut input = typed("Keen b");
        assert!(input.complete(names.iter().copied(), false));
        assert_eq!(input.text(), "Keen Bob: ");
        assert!(!typed("zz").complete(names.iter().copied(), false));
    }

    #[test]
    fn the_cursor_has_a_cell_after_a_full_row() {
        assert_eq!(typed("abcd").rows(4), (vec!["abcd".to_owned(), String::new()], (1, 0)));
        assert_eq!(typed("漢字漢").rows(5).0, ["漢字", "漢"]);
    }

    #[test]
    fn undo_brings_back_what_was_cleared() {
        let mut input = typed("long text");
        input.clear();
        assert!(input.is_empty());
        input.apply(Edit::Undo);
        assert_eq!(input.text(), "long text");
    }

    fn any_edit() -> impl Strategy<Value = Edit> {
        prop_oneof![
            "[a 漢e\u{301}\u{200d}👩🇷\n\r\t]{0,4}".prop_map(Edit::Insert),
            proptest::sample::select(vec![
                Edit::Backspace,
                Edit::Delete,
                Edit::Left,
                Edit::Right,
                Edit::WordLeft,
                Edit::WordRight,
                Edit::Home,
                Edit::End,
                Edit::Up,
                Edit::Down,
                Edit::KillToEnd,
                Edit::KillToStart,
                Edit::KillWordBack,
                Edit::KillWordForward,
                Edit::Yank,
                Edit::Undo,
            ]),
        ]
    }

    proptest! {
        #[test]
        fn no_sequence_of_edits_panics_or_leaves_the_boundaries(edits in proptest::collection::vec(any_edit(), 0..60), width in 1u16..30) {
            let mut input = Input::default();
            for edit in edits {
                input.apply(edit);
                prop_assert!(input.text.is_char_boundary(input.cursor));
                prop_assert!(input.cursor == input.text.len()
                    || input.text.grapheme_indices(true).any(|(at, _)| at == input.cursor));
                let (rows, (row, column)) = input.rows(width);
                prop_assert!(row < rows.len() && column < width.max(2));
                input.complete(["aa", "漢 a"].into_iter(), false);
            }
            let before = input.text.clone();
            prop_assert_eq!(input.take(), before);
        }

        #[test]
        fn moving_changes_nothing(text in "[a-z 漢\n]{0,30}", moves in proptest::collection::vec(0usize..8, 0..30)) {
            let kinds = [Edit::Left, Edit::Right, Edit::WordLeft, Edit::WordRight, Edit::Home, Edit::End, Edit::Up, Edit::Down];
            let mut input = typed(&text);
            for which in moves {
                input.apply(kinds[which].clone());
            }
            prop_assert_eq!(input.text(), text);
        }
    }
}
