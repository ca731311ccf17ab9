//! Rows of single conversations. Whole screens are drawn by the tests of the view.

use chat_client::PostId;
use jiff::civil::DateTime;
use proptest::prelude::*;

use super::form::RowForm;
use super::*;
use crate::lang::Lang;
use crate::timeline::{PendingMessage, Timeline, TimelineEntry, Viewer};
use crate::width::text_width;
use crate::wrap::plain;

fn at(day: i8, hour: i8, minute: i8) -> DateTime {
    DateTime::constant(2023, 1, day, hour, minute, 0, 0)
}

fn sheet(timeline: &Timeline, width: u16) -> ConversationLayout<'_> {
    let now = at(15, 9, 8);
    ConversationLayout { timeline, lang: Lang::En, width, now, nickname: Some("Keen Bob"), selected: None }
}

fn rows(timeline: &Timeline, width: u16) -> Vec<String> {
    let sheet = sheet(timeline, width);
    let rows = timeline.indices().flat_map(|index| sheet.lay(index, false).rows);
    rows.map(|row| plain(&row).trim_end().to_owned()).collect()
}

fn said(timeline: &mut Timeline, sender: &str, text: &str, at: DateTime) {
    let me = Viewer::new("Keen Bob", Some("Bob"));
    let entry = TimelineEntry::said(Some(sender), text, Some(at), None, &me).marked(Some(sender), &mut timeline.names);
    timeline.push(entry);
}

fn talk() -> Timeline {
    let mut timeline = Timeline::default();
    said(&mut timeline, "Jolly Ann", "good evening", at(14, 23, 7));
    said(&mut timeline, "Jolly Ann", "and good night to all of you here, until tomorrow at eight or so", at(15, 0, 7));
    said(&mut timeline, "Jolly Ann", "or nine", at(15, 0, 7));
    said(&mut timeline, "Jolly Ann", "or ten", at(15, 0, 9));
    said(&mut timeline, "Jolly Ann", "Bob?", at(15, 0, 9));
    said(&mut timeline, "Jolly Ann", "too late", at(15, 0, 15));
    timeline
}

#[test]
fn column_on_a_wide_screen() {
    assert_eq!(
        rows(&talk(), 72),
        [
            "────────────────────── Saturday, 14 January 2023 ───────────────────────",
            "23:07      Jolly Ann │ good evening",
            "────────────────────── Sunday, 15 January 2023 ─────────────────────────",
            "00:07      Jolly Ann │ and good night to all of you here, until tomorrow",
            "                     │ at eight or so",
            "                   · │ or nine",
            "00:09              · │ or ten",
            "00:09      Jolly Ann » Bob?",
            "00:15      Jolly Ann │ too late",
        ]
    );
}

#[test]
fn names_run_in_on_a_narrow_screen() {
    assert_eq!(
        rows(&talk(), 40)[2..7],
        [
            "─────── Sunday, 15 January 2023 ────────",
            "00:07 Jolly Ann: and good night to all",
            "    │ of you here, until tomorrow at",
            "    │ eight or so",
            "00:07 Jolly Ann: or nine",
        ]
    );
    assert_eq!(
        rows(&talk(), 20)[3..9],
        [
            "──── 15 January ────",
            "Jol. Ann: and good",
            "│night to all of you",
            "│here, until",
            "│tomorrow at eight",
            "│or so"
        ]
    );
}

#[test]
fn own_messages_have_a_sign() {
    let mut timeline = Timeline::default();
    let id = |id: &str| PostId::new(id).unwrap();
    let confirmed = chat_client::DeliveryState::Confirmed(chat_client::Receipt::new(id("3"), None));
    use chat_client::DeliveryState::{Queued, Unconfirmed, Written};
    for (name, state) in [("3", confirmed), ("1", Queued), ("2", Written), ("4", Unconfirmed)] {
        timeline.outgoing.add(PendingMessage::new(id(name), chat_client::Text::new("hi").unwrap(), at(15, 9, 7)));
        timeline.outgoing.set_state(&id(name), state, jiff::Timestamp::UNIX_EPOCH);
    }
    assert_eq!(
        rows(&timeline, 72),
        [
            "09:07       Keen Bob ✓ hi",
            "────────────────────── not delivered yet · Ctrl+O retry, edit, discard ─",
            "09:07       Keen Bob … hi queued",
            "09:07       Keen Bob → hi sent",
            "09:07       Keen Bob ? hi unconfirmed",
        ]
    );
}

#[test]
fn fresh_message_has_no_words() {
    let mut timeline = Timeline::default();
    let id = PostId::new("1").unwrap();
    timeline.outgoing.add(PendingMessage::new(id, chat_client::Text::new("hi").unwrap(), at(15, 9, 8)));
    assert_eq!(rows(&timeline, 72), ["09:08       Keen Bob … hi"]);
}

#[test]
fn name_of_two_runs_over_its_column() {
    let mut timeline = Timeline::default();
    said(&mut timeline, "Peaceful Alexandra", "one", at(15, 9, 0));
    assert_eq!(rows(&timeline, 72), ["09:00 Pea. Alexandra │ one"]);
    said(&mut timeline, "Peaked Alexandra", "two, and so many words that they need a second row", at(15, 9, 0));
    assert_eq!(
        rows(&timeline, 72),
        [
            "09:00 Peaceful Alexandra │ one",
            "09:00 Peaked Alexandra │ two, and so many words that they need a second",
            "                     │ row",
        ]
    );
}

#[test]
fn look_alike_is_named_in_full() {
    let mut timeline = Timeline::default();
    said(&mut timeline, "Magnificent Alexandrina", "hi", at(15, 9, 0));
    said(&mut timeline, "Mаgnificent Alexandrina", "I am her", at(15, 9, 0));
    assert_eq!(rows(&timeline, 72)[1], "09:00 Mаg. Alexandr… │ (looks like Magnificent Alexandrina) I am her");
}

#[test]
fn first_name_on_the_screen_is_written() {
    let timeline = talk();
    let sheet = sheet(&timeline, 80);
    for index in timeline.indices() {
        let (laid, first) = (sheet.lay(index, false), sheet.lay(index, true));
        assert_eq!(laid.rows.len(), first.rows.len(), "the height is the same");
        let head = plain(&first.rows[first.head]);
        assert!(head.contains("Jolly Ann") && head.find(':') == Some(2), "{head}");
    }
}

/// What a peer can write, made of letters that are in no text of the program.
fn hostile_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "Ѫ",
        "ѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪѪ",
        " ",
        "\n",
        "\t",
        "\n\n",
        "    Ѫ",
        "https://x.example/ѪѪ",
        "漢",
        "\u{301}",
        "│",
        "»",
        "──── Ѫ",
        "17:07 Ѫ │ Ѫ",
        "╎",
        "✓",
        "· ",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 1..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    /// Nothing of a message is left of its sign or of the line below that, so no message looks like rows of its own.
    #[test]
    fn text_stays_right_of_the_rule(text in hostile_text(), sender in "(Ann|Jolly Ann|Peaceful Alexandra|Magnificent Alexandrina of the Long Name)") {
        let mut timeline = Timeline::default();
        said(&mut timeline, &sender, "before", at(15, 8, 0));
        said(&mut timeline, "Peaked Alexandra", "between", at(15, 8, 1));
        said(&mut timeline, &sender, &text, at(15, 9, 0));
        for width in 20..=200 {
            let form = RowForm::of(width);
            let laid = sheet(&timeline, width).lay(2, false);
            prop_assert_eq!(laid.head, 0);
            for (number, row) in laid.rows.iter().enumerate() {
                let row = plain(row);
                prop_assert!(text_width(&row) <= width, "{} in {}", row, width);
                let cells: Vec<char> = row.chars().collect();
                if number > 0 {
                    let rule = usize::from(form.rule_column());
                    prop_assert!(cells[..rule].iter().all(|c| *c == ' ') && cells[rule] == '│', "{:?} at {}", row, width);
                } else {
                    let label = timeline.names.label(&sender, form.name_width());
                    let start = if width >= 30 { "09:00 " } else { "" };
                    let rest = row.strip_prefix(start).unwrap().trim_start();
                    // A name that runs over the row continues on the next.
                    let shared = label.chars().zip(rest.chars()).take_while(|(one, other)| one == other).count();
                    let after = rest.chars().nth(shared);
                    prop_assert!(shared >= 3, "{:?} at {}", row, width);
                    prop_assert!(after.is_none_or(|c| matches!(c, ' ' | ':' | '│' | '»')), "{:?} at {}", row, width);
                }
            }
        }
    }
}
