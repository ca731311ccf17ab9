//! Reads the history file: pages around a place, and the search, backwards from the end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chat_client::display;
use chat_frontend::report::chain;
use regex::bytes::{Regex, RegexBuilder};

use super::context::ServiceContext;
use crate::event::{AppEvent, NoticeText, SearchHit};
use crate::timeline::{HistoryPage, PageLine, PageRequest};

/// The lines of a page: several screens.
const PAGE: usize = 400;

/// How often the progress of a search is reported.
const REPORT: Duration = Duration::from_millis(50);

/// The most results of a search.
const MAX_HITS: usize = 1_000;

/// Reads a page.
pub(super) fn page(shared: &ServiceContext, wanted: PageRequest) {
    match read(shared, wanted) {
        Ok(page) => shared.send_blocking(AppEvent::Page(wanted, page)),
        Err(error) => {
            shared.send_blocking(AppEvent::Notice { text: NoticeText::File(chain(&error)), error: true });
            // An unreadable history only leaves the view of the past empty.
            let page = HistoryPage { lines: Vec::new(), at_start: true, at_end: true, end: 0 };
            shared.send_blocking(AppEvent::Page(wanted, page));
        }
    }
}

fn read(shared: &ServiceContext, wanted: PageRequest) -> Result<HistoryPage, chat_client::HistoryError> {
    let history = shared.history_log().view()?;
    let length = history.end();
    let (lines, whole_before) = match wanted {
        PageRequest::Tail => (history.before(length, PAGE)?, PAGE),
        PageRequest::Before(place) => (history.before(place, PAGE)?, PAGE),
        PageRequest::After(place) => (history.after(place, PAGE)?, 0),
        PageRequest::Around(place) => {
            let mut lines = history.before(place, PAGE / 2)?;
            lines.extend(history.after(place, PAGE / 2)?);
            (lines, 0)
        }
    };
    let at_start = lines.first().map_or(length == 0 || whole_before > 0, |line| line.mark.start == history.start());
    let end = match (lines.last(), wanted) {
        (Some(line), _) => line.mark.end,
        (None, PageRequest::After(place)) => place,
        (None, _) => 0,
    };
    // The file may have grown while it was read; the next page then has the rest.
    let at_end = end >= length;
    Ok(HistoryPage { lines, at_start, at_end, end })
}

/// Searches backwards from the end; stops when another search, or none, is wanted.
pub(super) fn search(shared: &ServiceContext, number: u64, query: &str) {
    let wanted = || shared.searching.load(Ordering::Acquire) == number;
    let finish = || shared.send_blocking(AppEvent::Searched { search: number, percent: 100 });
    let finder = match finder(query) {
        Ok(finder) => finder,
        Err(error) => {
            return shared.send_blocking(AppEvent::SearchFailed { search: number, reason: reason(&error) });
        }
    };
    let opened = shared.history_log().view();
    let history = match opened {
        Ok(history) => history,
        Err(error) => {
            shared.send_blocking(AppEvent::Notice { text: NoticeText::File(chain(&error)), error: true });
            return finish();
        }
    };
    let length = history.end();
    let mut place = length;
    let (mut hits, mut found) = (Vec::new(), 0);
    let mut reported = Instant::now();
    let mut first = true;
    let mut looked_at = 0u64;
    while wanted() && found < MAX_HITS {
        let mut look = |block: &[u8]| {
            if !wanted() {
                // The returned value ends the search.
                return Some(0);
            }
            looked_at += u64::try_from(block.len()).unwrap_or(0);
            if reported.elapsed() >= REPORT {
                reported = Instant::now();
                let percent = looked_at.saturating_mul(100).checked_div(length).unwrap_or(100).min(99);
                let percent = u8::try_from(percent).unwrap_or(99);
                shared.send_blocking(AppEvent::Searched { search: number, percent });
            }
            finder.find(block).map(|found| found.start())
        };
        match history.find_before(place, &mut look) {
            Ok(Some(line)) if wanted() => {
                place = line.mark.start;
                found += 1;
                hits.push(hit(line, &finder));
                if first || hits.len() >= 100 {
                    first = false;
                    shared.send_blocking(AppEvent::Found { search: number, hits: std::mem::take(&mut hits) });
                }
            }
            Ok(_) => break,
            Err(error) => {
                shared.send_blocking(AppEvent::Notice { text: NoticeText::File(chain(&error)), error: true });
                break;
            }
        }
        // Progress is the position of the search, not the number of blocks read.
        looked_at = length - place;
    }
    if wanted() {
        shared.send_blocking(AppEvent::Found { search: number, hits });
        finish();
    }
}

fn hit(line: PageLine, finder: &Regex) -> SearchHit {
    // As it is shown: cleaning may move the matches.
    let text = display::clean_keeping_line_breaks(&line.text).into_owned();
    let matches = finder.find_iter(text.as_bytes()).map(|found| found.range());
    // The expression matches bytes, and a range of text ends between characters.
    let ranges = matches.filter(|range| !range.is_empty() && text.get(range.clone()).is_some()).collect();
    SearchHit { at: line.at, sender: line.sender, text, ranges, mark: line.mark }
}

/// What was typed, in any case, with `е` for `ё`; between slashes, a regular expression.
fn finder(query: &str) -> Result<Regex, regex::Error> {
    let pattern = match query.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        Some(expression) if !expression.is_empty() => expression.to_owned(),
        _ => {
            let literal = regex::escape(query.trim());
            literal.chars().map(|c| if "еёЕЁ".contains(c) { "[её]".to_owned() } else { c.to_string() }).collect()
        }
    };
    RegexBuilder::new(&pattern).case_insensitive(true).multi_line(true).build()
}

/// Returns the last line of a syntax error, which names the fault; the lines before it show the position.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hit_knows_where_it_matches() {
        let line = |text: &str| PageLine {
            at: None,
            sender: Some("Ring Master".into()),
            text: text.into(),
            mark: crate::timeline::FileSpan { start: 0, end: 1 },
        };
        let found = hit(line("a\u{202e}ring, Ring"), &finder("ring").unwrap());
        assert_eq!(found.ranges.iter().map(|range| &found.text[range.clone()]).collect::<Vec<_>>(), ["ring", "Ring"]);
        assert!(hit(line("else"), &finder("ring").unwrap()).ranges.is_empty());
    }

    #[test]
    fn slashes_mark_a_regular_expression() {
        assert!(finder("a.b").unwrap().is_match("xA.By".as_bytes()));
        assert!(!finder("a.b").unwrap().is_match(b"acb"));
        assert!(finder("/a.b/").unwrap().is_match(b"acb"));
        assert!(finder("ПРИВЕТ").unwrap().is_match("[14.01.23 17:07] Боб: привет".as_bytes()));
        assert!(finder("ежик").unwrap().is_match("Ёжик".as_bytes()));
        assert_eq!(finder("/[/").map_err(|error| reason(&error)).unwrap_err(), "unclosed character class");
    }
}
