//! Tests of the editor, key by key and at random.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;

fn typed(text: &str) -> LineEditor {
    let mut input = LineEditor::default();
    assert!(input.apply(Edit::Insert(text.to_owned())));
    input
}

#[test]
fn transposes_letters() {
    let mut editor = LineEditor::default();
    for (text, left, expected, cursor) in [
        ("ab", 0, "ba", 2),
        ("abc", 1, "acb", 3),
        ("a", 0, "a", 1),
        ("", 0, "", 0),
        ("x\nab", 2, "x\nab", 2),
        ("яё", 1, "ёя", 4),
    ] {
        editor.replace(text);
        (0..left).for_each(|_| assert!(editor.apply(Edit::Left)));
        editor.apply(Edit::Transpose);
        assert_eq!((editor.text(), editor.cursor), (expected, cursor), "{text:?}");
    }
    editor.apply(Edit::KillAll);
    assert!(editor.is_empty());
    editor.apply(Edit::Yank);
    assert_eq!(editor.text(), "ёя");
}

#[test]
fn edits_whole_graphemes() {
    let mut input = typed("e\u{301}👨‍👩‍👧x");
    input.apply(Edit::Left);
    input.apply(Edit::Backspace);
    assert_eq!(input.text(), "e\u{301}x");
    input.apply(Edit::Backspace);
    assert_eq!(input.text(), "x");
}

#[test]
fn kills_and_yanks_words() {
    let mut input = typed("one two, three");
    input.apply(Edit::KillWordBack);
    assert_eq!(input.text(), "one two, ");
    input.apply(Edit::KillWordBack);
    assert_eq!(input.text(), "one ");
    input.apply(Edit::Yank);
    assert_eq!(input.text(), "one two, ");
}

#[test]
fn recalls_sent_lines_and_the_draft() {
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
fn completes_names_by_their_words() {
    let names = ["Keen Bob", "Jolly bobby", "Ann"];
    let mut input = typed("hi bo");
    assert!(input.complete(names.iter().copied(), false));
    assert_eq!(input.text(), "hi Bob ");
    assert!(input.complete(names.iter().copied(), false));
    assert_eq!(input.text(), "hi Keen Bob ");
    assert!(input.complete(names.iter().copied(), false));
    assert_eq!(input.text(), "hi bobby ");
    assert_eq!(input.candidates().map(|(all, chosen)| (all.len(), chosen)), Some((4, 2)));
    let mut input = typed("an");
    assert!(input.complete(["Sincere Ann", "Keen Ann"].into_iter(), false));
    assert_eq!(input.text(), "Sincere Ann: ", "two users are called Ann");
    let mut input = typed("Keen b");
    assert!(input.complete(names.iter().copied(), false));
    assert_eq!(input.text(), "Keen Bob: ");
    assert!(!typed("zz").complete(names.iter().copied(), false));
}

#[test]
fn cursor_has_a_cell_after_a_full_row() {
    assert_eq!(typed("abcd").rows(4), (vec!["abcd".to_owned(), String::new()], (1, 0)));
    assert_eq!(typed("漢字漢").rows(5).0, ["漢字", "漢"]);
}

#[test]
fn undo_restores_cleared_text() {
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
    fn random_edits_keep_the_boundaries(edits in proptest::collection::vec(any_edit(), 0..60), width in 1u16..30) {
        let mut input = LineEditor::default();
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
    fn moving_changes_no_text(text in "[a-z 漢\n]{0,30}", moves in proptest::collection::vec(0usize..8, 0..30)) {
        let kinds = [Edit::Left, Edit::Right, Edit::WordLeft, Edit::WordRight, Edit::Home, Edit::End, Edit::Up, Edit::Down];
        let mut input = typed(&text);
        for which in moves {
            input.apply(kinds[which].clone());
        }
        prop_assert_eq!(input.text(), text);
    }
}

#[test]
fn keeps_a_draft_over_a_recalled_line() {
    let mut input = typed("sent");
    input.take();
    input.apply(Edit::Insert("before".into()));
    input.apply(Edit::Up);
    assert_eq!(input.text(), "sent");
    input.apply(Edit::KillToStart);
    input.apply(Edit::Insert("a new draft".into()));
    input.apply(Edit::Up);
    input.apply(Edit::Down);
    assert_eq!(input.text(), "before");
    input.apply(Edit::Up);
    assert_eq!(input.text(), "a new draft");
}
