//! Tests of the window over the history while it is filled and scrolled.

use chat_client::{Position, StreamId};
use jiff::civil::DateTime;
use proptest::prelude::*;

use super::window::WINDOW;
use super::*;

fn line(number: u64) -> TimelineEntry {
    let mark = FileSpan { start: number * 10, end: number * 10 + 10 };
    TimelineEntry::said(Some("Bob"), &number.to_string(), None, Some(mark), &Viewer::default())
}

fn page(range: std::ops::Range<u64>, of: u64) -> HistoryPage {
    let lines = range.clone().map(|number| PageLine {
        at: None,
        sender: Some("Bob".into()),
        text: number.to_string(),
        mark: FileSpan { start: number * 10, end: number * 10 + 10 },
    });
    HistoryPage { lines: lines.collect(), at_start: range.start == 0, at_end: range.end == of, end: range.end * 10 }
}

fn texts(timeline: &Timeline) -> Vec<u64> {
    let entries = timeline.entries.iter().filter_map(TimelineEntry::as_message);
    entries.map(|said| said.text.parse().unwrap()).collect()
}

const ROW: fn(&Timeline, i64) -> usize = |_, _| 1;

#[test]
fn window_is_bounded_and_reloadable() {
    let mut timeline = Timeline::default();
    (0..3_000).for_each(|number| assert!(timeline.push(line(number))));
    assert_eq!(timeline.entries.len(), WINDOW);
    timeline.go_to_top(20, ROW);
    assert_eq!(timeline.wanted(), Some(PageRequest::Before(10_000)));
    assert_eq!(timeline.wanted(), None);
    timeline.take_older(page(800..1_000, 3_000), &Viewer::default());
    assert_eq!(texts(&timeline), (800..3_000).collect::<Vec<_>>());
}

#[test]
fn scrolled_reader_keeps_place_and_returns() {
    let mut timeline = Timeline::default();
    (0..2_000).for_each(|number| assert!(timeline.push(line(number))));
    timeline.scroll(-1_000, 20, ROW);
    let before = timeline.bottom(20, ROW);
    (2_000..9_000).for_each(|number| {
        timeline.push(line(number));
    });
    assert_eq!(timeline.bottom(20, ROW), before);
    assert_eq!(timeline.below(), 7_000);
    assert!(!timeline.is_live());
    timeline.go_to_end();
    assert_eq!(timeline.wanted(), Some(PageRequest::Tail));
    timeline.take_tail(page(8_800..9_000, 9_000), &Viewer::default());
    assert!(timeline.is_live());
    assert_eq!(texts(&timeline), (8_800..9_000).collect::<Vec<_>>());
}

#[test]
fn messages_during_a_page_load_come_once() {
    let mut timeline = Timeline::default();
    timeline.push(line(7));
    timeline.push(line(8));
    timeline.take_tail(page(3..8, 8), &Viewer::default());
    timeline.push(line(8));
    timeline.push(line(9));
    assert_eq!(texts(&timeline), [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn unread_mark_is_before_unread() {
    let mut timeline = Timeline::default();
    timeline.set_read_to(Some(50));
    timeline.take_tail(page(3..8, 8), &Viewer::default());
    let marked: Vec<i64> = timeline.indices().filter(|&index| timeline.unread_begins_at(index)).collect();
    assert_eq!(marked.len(), 1);
    assert!(matches!(timeline.item(marked[0]), Some(TimelineItem::Entry(entry)) if entry.mark.unwrap().start == 50));
    timeline.set_present(false);
    assert!(!timeline.indices().any(|index| timeline.unread_begins_at(index)));
    assert_eq!(timeline.read_to(), Some(80));
    timeline.push(line(8));
    assert_eq!(timeline.indices().filter(|&index| timeline.unread_begins_at(index)).count(), 1);
    assert_eq!(timeline.read_to(), Some(80));
}

#[test]
fn messages_before_the_start_are_unread() {
    let mut timeline = Timeline::default();
    timeline.set_read_to(Some(30));
    timeline.take_tail(page(0..3, 3), &Viewer::default());
    timeline.push_missed(line(3));
    timeline.push(line(4));
    let marked: Vec<i64> = timeline.indices().filter(|&index| timeline.unread_begins_at(index)).collect();
    assert_eq!(marked, [3]);
    assert_eq!(timeline.read_to(), Some(50));
}

#[test]
fn present_reader_sees_no_mark() {
    let mut timeline = Timeline::default();
    timeline.take_tail(page(0..3, 3), &Viewer::default());
    timeline.set_present(false);
    timeline.set_present(true);
    timeline.push(line(3));
    timeline.push(line(4));
    assert!(!timeline.indices().any(|index| timeline.unread_begins_at(index)));
    assert_eq!(timeline.read_to(), Some(50));
}

#[test]
fn gap_returns_with_its_page() {
    let mut timeline = Timeline::default();
    timeline.push(TimelineEntry::notice("welcome".into(), false, DateTime::default()));
    timeline.read_again();
    assert_eq!(timeline.wanted(), Some(PageRequest::Tail));
    timeline.push(TimelineEntry::notice("meanwhile".into(), false, DateTime::default()));
    timeline.take_tail(page(0..2, 2), &Viewer::default());
    timeline.push(line(2));
    timeline.push(TimelineEntry::notice("gap".into(), false, DateTime::default()));
    timeline.push(line(3));
    let notices = |timeline: &Timeline| -> Vec<usize> {
        let numbered = timeline.entries.iter().enumerate();
        numbered.filter(|(_, entry)| entry.as_message().is_none()).map(|(at, _)| at).collect()
    };
    assert_eq!(notices(&timeline), [2, 3, 5]);
    timeline.read_again();
    timeline.wanted();
    timeline.take_tail(page(0..4, 4), &Viewer::default());
    assert_eq!(notices(&timeline), [2, 3, 5]);
}

#[test]
fn keeps_everything_without_a_file() {
    let mut timeline = Timeline::default();
    timeline.read_again();
    timeline.wanted();
    let unmarked = |text: &str| TimelineEntry::said(Some("Bob"), text, None, None, &Viewer::default());
    timeline.push(unmarked("1"));
    timeline.take_tail(HistoryPage { lines: Vec::new(), at_start: true, at_end: true, end: 0 }, &Viewer::default());
    timeline.push(unmarked("2"));
    assert_eq!(texts(&timeline), [1, 2]);
}

#[test]
fn what_another_program_wrote_is_read_too() {
    let mut timeline = Timeline::default();
    timeline.take_tail(page(0..2, 2), &Viewer::default());
    for number in [2, 3] {
        timeline.push(TimelineEntry::said(Some("Bob"), &number.to_string(), None, None, &Viewer::default()));
    }
    assert_eq!(timeline.read_to(), Some(20));
    timeline.note_end_of_file(40);
    assert_eq!(timeline.read_to(), Some(40));
    timeline.push(line(4));
    assert_eq!(timeline.read_to(), Some(50));
    assert_eq!(texts(&timeline), [0, 1, 2, 3, 4]);
}

#[test]
fn unrecorded_entries_return_with_a_page() {
    let mut timeline = Timeline::default();
    timeline.take_tail(page(0..2, 2), &Viewer::default());
    for number in [100, 101] {
        timeline.push(TimelineEntry::said(Some("Bob"), &number.to_string(), None, None, &Viewer::default()));
    }
    timeline.go_around(0);
    timeline.take_around(page(0..2, 2), 0, &Viewer::default());
    assert_eq!(texts(&timeline), [0, 1, 100, 101]);
    timeline.read_again();
    timeline.wanted();
    timeline.take_tail(page(0..3, 3), &Viewer::default());
    assert_eq!(texts(&timeline), [0, 1, 100, 101, 2]);
}

#[test]
fn foreign_lines_are_not_shown_twice() {
    let mut timeline = Timeline::default();
    timeline.read_again();
    timeline.wanted();
    for number in [6, 7, 8] {
        timeline.push(TimelineEntry::said(Some("Bob"), &number.to_string(), None, None, &Viewer::default()));
    }
    timeline.take_tail(page(3..8, 8), &Viewer::default());
    assert_eq!(texts(&timeline), [3, 4, 5, 6, 7, 8]);
}

#[derive(Debug, Clone)]
enum RegistrationStep {
    Push(u8),
    Scroll(i8),
    End,
    Top,
    Serve,
    Jump(u16),
}

fn any_step() -> impl Strategy<Value = RegistrationStep> {
    prop_oneof![
        (1u8..=255).prop_map(RegistrationStep::Push),
        any::<i8>().prop_map(RegistrationStep::Scroll),
        Just(RegistrationStep::End),
        Just(RegistrationStep::Top),
        Just(RegistrationStep::Serve),
        any::<u16>().prop_map(RegistrationStep::Jump),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// The window is always one unbroken part of the conversation, of bounded size; back at the end, its last message
    /// is the last one received.
    #[test]
    fn random_steps_lose_no_message(steps in proptest::collection::vec(any_step(), 1..80)) {
        let mut timeline = Timeline::default();
        let (mut written, me) = (0u64, Viewer::default());
        let serve = |timeline: &mut Timeline, written: u64| while let Some(wanted) = timeline.wanted() {
            let after = |offset: u64| page(offset / 10..written.min(offset / 10 + 100), written);
            match wanted {
                PageRequest::Before(offset) => timeline.take_older(page((offset / 10).saturating_sub(100)..offset / 10, written), &me),
                PageRequest::After(offset) => timeline.take_newer(after(offset), &me),
                PageRequest::Tail => timeline.take_tail(page(written.saturating_sub(100)..written, written), &me),
                PageRequest::Around(offset) => timeline.take_around(after(offset.saturating_sub(500) / 10 * 10), offset, &me),
            }
        };
        for step in steps {
            match step {
                RegistrationStep::Push(count) => for _ in 0..u64::from(count) * 4 {
                    timeline.push(line(written));
                    written += 1;
                },
                RegistrationStep::Scroll(rows) => timeline.scroll(isize::from(rows) * 20, 10, ROW),
                RegistrationStep::End => timeline.go_to_end(),
                RegistrationStep::Top => timeline.go_to_top(10, ROW),
                RegistrationStep::Serve => serve(&mut timeline, written),
                RegistrationStep::Jump(to) => if written > 0 { timeline.go_around(u64::from(to) % written * 10) },
            }
            let texts = texts(&timeline);
            prop_assert!(texts.windows(2).all(|pair| pair[0] + 1 == pair[1]));
            prop_assert!(texts.len() <= 2 * WINDOW + 101);
            let (bottom, hidden) = timeline.bottom(10, ROW);
            prop_assert!(timeline.indices().is_empty() || timeline.indices().contains(&bottom), "{bottom} {hidden}");
            if timeline.is_live() && written > 0 {
                prop_assert_eq!(texts.last().copied(), Some(written - 1));
            }
        }
        timeline.go_to_end();
        serve(&mut timeline, written);
        prop_assert!(timeline.is_live());
        prop_assert_eq!(texts(&timeline).last().copied(), written.checked_sub(1));
    }
}

#[test]
fn a_removed_message_loses_its_text() {
    let place = |seq| Position { stream: StreamId::new("k3f9").unwrap(), seq };
    let mut timeline = Timeline::default();
    for seq in 4..6 {
        timeline.push(line(seq).numbered(Some(place(seq))));
    }
    assert!(timeline.mark_removed(&place(4), "[removed by root: spam]"));
    assert!(!timeline.mark_removed(&place(1), "[removed]"), "it is not here");
    let texts: Vec<_> = timeline.entries.iter().filter_map(|entry| entry.as_message()).map(|said| &said.text).collect();
    assert_eq!(texts, ["[removed by root: spam]", "5"]);
}

/// A message of the history file with this number: some are own ones, some name the reader.
fn numbered(number: u64, me: &Viewer) -> TimelineEntry {
    let mark = FileSpan { start: number * 10, end: number * 10 + 10 };
    let sender = if number.is_multiple_of(5) { "Keen Bob" } else { "Jolly Ann" };
    let text = if number.is_multiple_of(3) { "Bob, look" } else { "hello" };
    TimelineEntry::said(Some(sender), text, None, Some(mark), me)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is counted with each message is what a walk over the window counts.
    #[test]
    fn unread_tally_is_the_count(steps in prop::collection::vec((0..8u8, 1..900u64), 1..40)) {
        let me = Viewer::new("Keen Bob", None);
        let mut timeline = Timeline::default();
        let mut next = 0;
        for (step, count) in steps {
            match step {
                0 => timeline.set_present(true),
                1 => timeline.set_present(false),
                2 => timeline.go_to_end(),
                3 => timeline.go_to_top(20, ROW),
                4 => {
                    let before = timeline.wanted();
                    let (from, to) = match before {
                        Some(PageRequest::Before(end)) => (end / 10 - (end / 10).min(count), end / 10),
                        Some(PageRequest::After(start)) => (start / 10, (start / 10 + count).min(next)),
                        Some(PageRequest::Around(at)) => (at / 10, (at / 10 + count).min(next)),
                        Some(PageRequest::Tail) => (next - next.min(count), next),
                        None => continue,
                    };
                    let page = page(from..to, next);
                    match before.unwrap() {
                        PageRequest::Tail => timeline.take_tail(page, &me),
                        PageRequest::Before(_) => timeline.take_older(page, &me),
                        PageRequest::After(_) => timeline.take_newer(page, &me),
                        PageRequest::Around(place) => timeline.take_around(page, place, &me),
                    }
                }
                5 => timeline.go_around(count.min(next) * 10),
                _ => (0..count).for_each(|_| {
                    timeline.push(numbered(next, &me));
                    next += 1;
                }),
            }
            let (unread, begins): (_, Vec<_>) = (timeline.unread(), timeline.indices().filter(|at| timeline.unread_begins_at(*at)).collect());
            timeline.recount_unread();
            prop_assert_eq!(unread, timeline.unread());
            let recounted: Vec<_> = timeline.indices().filter(|at| timeline.unread_begins_at(*at)).collect();
            prop_assert_eq!(begins, recounted);
        }
    }
}
