//! The part of the conversation that is held in memory: a window of bounded size over the history,
//! usually its end, and after it the own messages that are on their way. It knows neither files nor
//! the screen: pages of history are asked for by effects and come as values, heights are arguments.

mod entry;
mod own;
mod page;
mod scroll;

use std::collections::VecDeque;

pub(crate) use entry::{Entry, GapLine, GapReason, Kind, Mark, Reader, Said, clean_name};
pub(crate) use own::{Failure, Outgoing, Own, OwnState};
pub(crate) use page::{Page, PageLine, Wanted};
use scroll::Anchor;

/// How many entries are held. Scrolled back, up to twice as many, so that pages are not read again
/// at every turn.
pub(crate) const WINDOW: usize = 2_000;

/// How many gaps and notices are remembered.
const MAX_ASIDES: usize = 200;

/// The window and where the reader stands in it.
#[derive(Debug)]
pub(crate) struct Timeline {
    entries: VecDeque<Entry>,
    /// Gaps and notices of this run, each with the place in the history file that it came after: they
    /// are in no file, and come back with the page that they belong to.
    asides: Vec<(u64, Entry)>,
    /// The index of the first entry. An entry keeps its index while the window moves, so that an
    /// anchor stays where the reader is.
    first: i64,
    older: Older,
    newer: Newer,
    anchor: Anchor,
    /// How many messages have come since the reader left the end.
    below: usize,
    /// The end of the newest message that is known to be in the history file.
    newest: u64,
    /// Messages before this place in the history file have been read.
    read_to: Option<u64>,
    /// Where the unread mark is shown; it stays there while the messages behind it are being read.
    unread_line: Option<u64>,
    /// Somebody looks at the screen.
    present: bool,
    pub(crate) outgoing: Outgoing,
}

/// What lies before the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Older {
    More,
    /// The page that ends at this place is on its way.
    Asked(u64),
    Nothing,
}

/// What lies behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newer {
    /// The window ends where the conversation does.
    Live,
    /// The end of the conversation is only in the file.
    More,
    /// The page that begins at this place is on its way.
    Asked(u64),
    TailAsked,
}

/// One thing to show: what was said, or an own message on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Item<'a> {
    Entry(&'a Entry),
    Own(&'a Own),
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            asides: Vec::new(),
            first: 0,
            older: Older::Nothing,
            newer: Newer::Live,
            anchor: Anchor::End,
            below: 0,
            newest: 0,
            read_to: None,
            unread_line: None,
            present: true,
            outgoing: Outgoing::default(),
        }
    }
}

impl Timeline {
    /// The indices of everything that can be shown, the own messages on their way included.
    pub(crate) fn indices(&self) -> std::ops::Range<i64> {
        let own = if self.is_live() { self.outgoing.as_slice().len() } else { 0 };
        self.first..self.end() + to_index(own)
    }

    /// What has this index.
    pub(crate) fn item(&self, index: i64) -> Option<Item<'_>> {
        let at = usize::try_from(index - self.first).ok()?;
        match self.entries.get(at) {
            Some(entry) => Some(Item::Entry(entry)),
            None if self.is_live() => self.outgoing.as_slice().get(at - self.entries.len()).map(Item::Own),
            None => None,
        }
    }

    /// The entry before `index`, for separators.
    pub(crate) fn entry_before(&self, index: i64) -> Option<&Entry> {
        let at = usize::try_from(index - self.first).ok()?;
        self.entries.get(at.min(self.entries.len()).checked_sub(1)?)
    }

    /// How many messages have come since the reader left the end.
    pub(crate) fn below(&self) -> usize {
        self.below
    }

    /// Whether the window ends where the conversation does.
    pub(crate) fn is_live(&self) -> bool {
        self.newer == Newer::Live
    }

    /// Whether the window begins where the history does.
    pub(crate) fn starts_at_the_beginning(&self) -> bool {
        self.older == Older::Nothing
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.outgoing.as_slice().is_empty()
    }

    /// The last `count` entries, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// A message or a gap that has just come. `false`: it is not in the window.
    pub(crate) fn push(&mut self, entry: Entry) -> bool {
        if let Some(mark) = entry.mark {
            if mark.start < self.newest {
                // A page that was read meanwhile has brought it.
                return false;
            }
            if self.present && self.follows() && self.unread_line == Some(self.newest) {
                self.unread_line = Some(mark.end);
            }
            self.newest = mark.end;
            self.note_reading();
        }
        if entry.as_said().is_some_and(|said| said.own) {
            // Who writes has read.
            self.read_everything();
        }
        if self.anchor != Anchor::End && entry.as_said().is_some() {
            self.below += 1;
        }
        if self.is_live() && self.anchor != Anchor::End && self.entries.len() >= 2 * WINDOW && entry.mark.is_some() {
            // The reader is far back and the room talks on: what is new stays in the file for now.
            self.newer = Newer::More;
        }
        if entry.as_said().is_none() {
            // Before the first page has come, the end is wherever that page ends.
            let after = if self.newest == 0 { u64::MAX } else { self.newest };
            self.asides.push((after, entry.clone()));
            if self.asides.len() > MAX_ASIDES {
                self.asides.remove(0);
            }
        }
        let in_no_file = entry.mark.is_none() && entry.as_said().is_some() && self.newest == 0;
        if !self.is_live() && !in_no_file {
            // It comes with its page. A message that is in no file has only this place to be.
            return false;
        }
        self.entries.push_back(entry);
        self.trim_front();
        true
    }

    /// Another account reads: what is in the file is read again, with other eyes.
    pub(crate) fn read_again(&mut self) {
        self.anchor = Anchor::End;
        self.newer = Newer::More;
    }

    /// An own message whose echo is not to be waited for any longer becomes part of what was said.
    pub(crate) fn settle(&mut self, own: &Own, me: &Reader) {
        let mut entry = Entry::said(me.nickname.as_deref(), &own.text, Some(own.at), None, me);
        if let Kind::Said(said) = &mut entry.kind {
            said.confirmed = true;
        }
        self.push(entry);
    }

    /// Says where reading ended in an earlier run.
    pub(crate) fn set_read_to(&mut self, place: Option<u64>) {
        self.read_to = place;
        self.unread_line = place;
    }

    /// The place to remember for the next run.
    pub(crate) fn read_to(&self) -> Option<u64> {
        self.read_to
    }

    /// Whether somebody looks at the screen. Who goes away leaves the mark behind.
    pub(crate) fn set_present(&mut self, present: bool) {
        if self.present && !present && self.follows() {
            self.note_reading();
            self.unread_line = self.read_to;
        }
        self.present = present;
        self.note_reading();
    }

    /// Whether the unread mark stands before the item with this index.
    pub(crate) fn unread_begins_at(&self, index: i64) -> bool {
        let Some(line) = self.unread_line else { return false };
        let Some(Item::Entry(entry)) = self.item(index) else { return false };
        let unread = entry.mark.is_some_and(|mark| mark.start >= line);
        // Notices and gaps have no place in the file: look past a few of them.
        let marked = (1..=8).find_map(|back| self.entry_before(index - back + 1).and_then(|entry| entry.mark));
        unread && marked.is_some_and(|mark| mark.start < line)
    }

    /// What is shown at the end counts as read. The mark stays where it is.
    fn note_reading(&mut self) {
        if self.present && self.follows() && self.is_live() && self.newest > 0 {
            self.read_to = Some(self.newest);
        }
    }

    fn read_everything(&mut self) {
        if self.is_live() && self.newest > 0 {
            self.read_to = Some(self.newest);
            self.unread_line = self.read_to;
        }
    }

    fn end(&self) -> i64 {
        self.first + to_index(self.entries.len())
    }

    /// Keeps the window bounded at its old end. Where the reader is stays in it, if it can be read
    /// again from the file.
    fn trim_front(&mut self) {
        let limit = if self.anchor == Anchor::End { WINDOW } else { 2 * WINDOW + 1 };
        while self.entries.len() > limit {
            if let Some(gone) = self.entries.pop_front() {
                self.first += 1;
                if gone.mark.is_some() && self.older == Older::Nothing {
                    self.older = Older::More;
                }
            }
        }
        self.clamp_anchor();
    }
}

pub(crate) fn to_index(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn line(number: u64) -> Entry {
        let mark = Mark { start: number * 10, end: number * 10 + 10 };
        Entry::said(Some("Bob"), &number.to_string(), None, Some(mark), &Reader::default())
    }

    fn page(range: std::ops::Range<u64>, of: u64) -> Page {
        let lines = range.clone().map(|number| PageLine {
            at: None,
            sender: Some("Bob".into()),
            text: number.to_string(),
            mark: Mark { start: number * 10, end: number * 10 + 10 },
        });
        Page { lines: lines.collect(), at_start: range.start == 0, at_end: range.end == of, end: range.end * 10 }
    }

    fn texts(timeline: &Timeline) -> Vec<u64> {
        let entries = timeline.entries.iter().filter_map(Entry::as_said);
        entries.map(|said| said.text.parse().unwrap()).collect()
    }

    const ROW: fn(&Timeline, i64) -> usize = |_, _| 1;

    #[test]
    fn the_window_is_bounded_and_can_be_read_again() {
        let mut timeline = Timeline::default();
        (0..3_000).for_each(|number| assert!(timeline.push(line(number))));
        assert_eq!(timeline.entries.len(), WINDOW);
        timeline.to_top(20, ROW);
        assert_eq!(timeline.wanted(), Some(Wanted::Before(10_000)));
        assert_eq!(timeline.wanted(), None);
        timeline.take_older(page(800..1_000, 3_000), &Reader::default());
        assert_eq!(texts(&timeline), (800..3_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_far_back_is_not_pushed_and_finds_the_end_again() {
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
        timeline.to_end();
        assert_eq!(timeline.wanted(), Some(Wanted::Tail));
        timeline.take_tail(page(8_800..9_000, 9_000), &Reader::default());
        assert!(timeline.is_live());
        assert_eq!(texts(&timeline), (8_800..9_000).collect::<Vec<_>>());
    }

    #[test]
    fn what_came_while_a_page_was_read_is_neither_lost_nor_doubled() {
        let mut timeline = Timeline::default();
        timeline.push(line(7));
        timeline.push(line(8));
        timeline.take_tail(page(3..8, 8), &Reader::default());
        timeline.push(line(8));
        timeline.push(line(9));
        assert_eq!(texts(&timeline), [3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn the_unread_mark_stands_between_read_and_unread() {
        let mut timeline = Timeline::default();
        timeline.set_read_to(Some(50));
        timeline.take_tail(page(3..8, 8), &Reader::default());
        let marked: Vec<i64> = timeline.indices().filter(|&index| timeline.unread_begins_at(index)).collect();
        assert_eq!(marked.len(), 1);
        assert!(matches!(timeline.item(marked[0]), Some(Item::Entry(entry)) if entry.mark.unwrap().start == 50));
        timeline.set_present(false);
        assert!(!timeline.indices().any(|index| timeline.unread_begins_at(index)));
        assert_eq!(timeline.read_to(), Some(80));
        timeline.push(line(8));
        assert_eq!(timeline.indices().filter(|&index| timeline.unread_begins_at(index)).count(), 1);
        assert_eq!(timeline.read_to(), Some(80));
    }

    #[test]
    fn who_watches_has_read_and_sees_no_mark() {
        let mut timeline = Timeline::default();
        timeline.take_tail(page(0..3, 3), &Reader::default());
        timeline.set_present(false);
        timeline.set_present(true);
        timeline.push(line(3));
        timeline.push(line(4));
        assert!(!timeline.indices().any(|index| timeline.unread_begins_at(index)));
        assert_eq!(timeline.read_to(), Some(50));
    }

    #[test]
    fn a_gap_comes_back_with_its_page() {
        let mut timeline = Timeline::default();
        timeline.push(Entry::notice("welcome".into(), false, DateTime::default()));
        timeline.read_again();
        assert_eq!(timeline.wanted(), Some(Wanted::Tail));
        timeline.push(Entry::notice("meanwhile".into(), false, DateTime::default()));
        timeline.take_tail(page(0..2, 2), &Reader::default());
        timeline.push(line(2));
        timeline.push(Entry::notice("gap".into(), false, DateTime::default()));
        timeline.push(line(3));
        let notices = |timeline: &Timeline| -> Vec<usize> {
            let numbered = timeline.entries.iter().enumerate();
            numbered.filter(|(_, entry)| entry.as_said().is_none()).map(|(at, _)| at).collect()
        };
        assert_eq!(notices(&timeline), [2, 3, 5]);
        timeline.read_again();
        timeline.wanted();
        timeline.take_tail(page(0..4, 4), &Reader::default());
        assert_eq!(notices(&timeline), [2, 3, 5]);
    }

    #[test]
    fn without_a_file_nothing_goes_away() {
        let mut timeline = Timeline::default();
        timeline.read_again();
        timeline.wanted();
        let unmarked = |text: &str| Entry::said(Some("Bob"), text, None, None, &Reader::default());
        timeline.push(unmarked("1"));
        timeline.take_tail(Page { lines: Vec::new(), at_start: true, at_end: true, end: 0 }, &Reader::default());
        timeline.push(unmarked("2"));
        assert_eq!(texts(&timeline), [1, 2]);
    }

    #[test]
    fn what_another_program_has_written_meanwhile_is_not_shown_twice() {
        let mut timeline = Timeline::default();
        timeline.read_again();
        timeline.wanted();
        for number in [6, 7, 8] {
            timeline.push(Entry::said(Some("Bob"), &number.to_string(), None, None, &Reader::default()));
        }
        timeline.take_tail(page(3..8, 8), &Reader::default());
        assert_eq!(texts(&timeline), [3, 4, 5, 6, 7, 8]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u8),
        Scroll(i8),
        End,
        Top,
        Serve,
        Jump(u16),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1u8..=255).prop_map(Step::Push),
            any::<i8>().prop_map(Step::Scroll),
            Just(Step::End),
            Just(Step::Top),
            Just(Step::Serve),
            any::<u16>().prop_map(Step::Jump),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        /// The window is always one unbroken stretch of the conversation, of bounded size; back at the
        /// end and served, its last message is the last that was said.
        #[test]
        fn no_sequence_of_steps_loses_or_doubles_a_message(steps in proptest::collection::vec(any_step(), 1..80)) {
            let mut timeline = Timeline::default();
            let (mut written, me) = (0u64, Reader::default());
            let serve = |timeline: &mut Timeline, written: u64| while let Some(wanted) = timeline.wanted() {
                let after = |offset: u64| page(offset / 10..written.min(offset / 10 + 100), written);
                match wanted {
                    Wanted::Before(offset) => timeline.take_older(page((offset / 10).saturating_sub(100)..offset / 10, written), &me),
                    Wanted::After(offset) => timeline.take_newer(after(offset), &me),
                    Wanted::Tail => timeline.take_tail(page(written.saturating_sub(100)..written, written), &me),
                    Wanted::Around(offset) => timeline.take_around(after(offset.saturating_sub(500) / 10 * 10), offset, &me),
                }
            };
            for step in steps {
                match step {
                    Step::Push(count) => for _ in 0..u64::from(count) * 4 {
                        timeline.push(line(written));
                        written += 1;
                    },
                    Step::Scroll(rows) => timeline.scroll(isize::from(rows) * 20, 10, ROW),
                    Step::End => timeline.to_end(),
                    Step::Top => timeline.to_top(10, ROW),
                    Step::Serve => serve(&mut timeline, written),
                    Step::Jump(to) => if written > 0 { timeline.go_around(u64::from(to) % written * 10) },
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
            timeline.to_end();
            serve(&mut timeline, written);
            prop_assert!(timeline.is_live());
            prop_assert_eq!(texts(&timeline).last().copied(), written.checked_sub(1));
        }
    }
}
