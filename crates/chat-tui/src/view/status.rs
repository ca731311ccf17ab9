//! Draws the header and the status line. While all is well the status line says little; in trouble it is loud, and what is
//! shortened is the reason, never the key that helps. The line is always one row, so that the conversation never moves.

use jiff::civil::DateTime;
use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::App;
use crate::lang::Phrase;
use crate::link::{LinkSide, LinkState};
use crate::theme::Role;
use crate::timeline::Selection;
use crate::width::{fit, text_width};

/// Draws the header: the room, the user, and the date of the uppermost row.
pub(super) fn header(app: &App, uppermost: Option<DateTime>, area: Rect, canvas: &mut Canvas<'_>) {
    canvas.fill(area, Role::Status);
    let x = canvas.text(area.x, area.y, area.width, &format!(" {}", app.place), Role::Status);
    let x = match app.nickname() {
        Some(nickname) => canvas.text(x, area.y, area.right() - x, &format!(" · {nickname}"), Role::Status),
        None => x,
    };
    let date = uppermost.unwrap_or(app.local(app.now)).date();
    let dates = [app.text(Phrase::Date(date)), app.text(Phrase::ShortDate(date))];
    let room = (area.right() - x).saturating_sub(3);
    if let Some(date) = dates.iter().find(|date| text_width(date) <= room) {
        canvas.text(area.right() - 1 - text_width(date), area.y, room, date, Role::StatusAside);
    }
}

/// Draws the status line: the connections, what is below or an answer to the last key, and what waits.
pub(super) fn line(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    let trouble = trouble(app);
    let (role, aside) = match trouble {
        Some(_) => (Role::Trouble, Role::Trouble),
        None => (Role::Status, Role::StatusAside),
    };
    if let Some(selected) = app.chat.selected.as_ref().filter(|_| app.hint.is_none()) {
        // Keys are not loud, also in an outage.
        canvas.fill(area, Role::Status);
        let keys = app.text(Phrase::SelectionKeys { own: matches!(selected, Selection::Own(_)) });
        canvas.form(area.x + 1, area.y, area.width.saturating_sub(2), &keys, Role::Status);
        return;
    }
    if let Some(hint) = app.hint.as_ref().filter(|hint| text_width(&hint.marked()) > area.width.saturating_sub(2)) {
        // It covers rows of the conversation for its time, so that none moves.
        canvas.upwards(area, app.height / 2, &hint.marked(), role);
        return;
    }
    canvas.fill(area, role);
    let mut parts = StatusParts {
        room: area.width.saturating_sub(2),
        left: trouble.unwrap_or_else(|| well(app)),
        middle: middle(app),
        right: right(app),
    };
    parts.add_way_to_unread(app);
    // What helps with the current task is shortened last.
    let order: &[StatusPart] = match (&app.hint, role) {
        (Some(_), _) => &[StatusPart::Right, StatusPart::Left],
        (None, Role::Trouble) => &[StatusPart::Left, StatusPart::Right, StatusPart::Middle],
        _ => &[StatusPart::Right, StatusPart::Left, StatusPart::Middle],
    };
    parts.shorten(order);
    let [left, middle, right] = parts.texts();
    let (start, end) = (area.x + 1, area.right().saturating_sub(1));
    let after = canvas.text(start, area.y, end.saturating_sub(start), left, role);
    let right_at = end.saturating_sub(text_width(right));
    canvas.text(right_at, area.y, end.saturating_sub(right_at), right, aside);
    if !middle.is_empty() {
        let least = if left.is_empty() { start } else { after + 2 };
        let most = right_at.saturating_sub(if right.is_empty() { 0 } else { 2 });
        let width = text_width(middle).min(most.saturating_sub(least));
        // Below the texts of messages on a wide screen, otherwise at the right.
        let x = if area.width >= 72 { least.max(TEXT_COLUMN).min(most - width) } else { most - width };
        canvas.text(x, area.y, width, middle, role);
    }
}

/// Where the texts of messages begin at 80 columns.
const TEXT_COLUMN: u16 = 23;

/// The three parts of the line, each in ever shorter forms.
struct StatusParts {
    room: u16,
    left: Vec<String>,
    middle: Vec<String>,
    right: Vec<String>,
}

#[derive(Clone, Copy)]
enum StatusPart {
    Left,
    Middle,
    Right,
}

impl StatusParts {
    /// Names the key that leads to the first new message, if nothing else has to be shortened for it.
    fn add_way_to_unread(&mut self, app: &App) {
        let back = app.text(Phrase::ScrolledBack);
        let Some(shown) = self.middle.first().filter(|_| app.hint.is_none() && app.chat.timeline.has_unread()) else {
            return;
        };
        if let Some(before) = shown.strip_suffix(&back) {
            self.middle.insert(0, format!("{before}{} · {back}", app.text(Phrase::FirstNewKey)));
            if self.width() > self.room {
                self.middle.remove(0);
            }
        }
    }

    /// Drops longer forms, in turn, until all parts fit or none has a shorter one.
    fn shorten(&mut self, order: &[StatusPart]) {
        while self.width() > self.room {
            let mut shortened = false;
            for part in order {
                let forms = match part {
                    StatusPart::Left => &mut self.left,
                    StatusPart::Middle => &mut self.middle,
                    StatusPart::Right => &mut self.right,
                };
                if forms.len() > 1 {
                    forms.remove(0);
                    shortened = true;
                    if self.width() <= self.room {
                        return;
                    }
                }
            }
            if !shortened {
                return;
            }
        }
    }

    fn texts(&self) -> [&str; 3] {
        [&self.left, &self.middle, &self.right].map(|forms| forms.first().map_or("", String::as_str))
    }

    fn width(&self) -> u16 {
        let [left, middle, right] = self.texts().map(text_width);
        let gap = |cells: u16| if cells == 0 { 0 } else { cells + 2 };
        left + gap(middle) + gap(right)
    }
}

/// Returns what the line says while both connections are up, or come up for the first time.
fn well(app: &App) -> Vec<String> {
    if !app.links.both_online() {
        return vec![format!("◐ {}", app.text(Phrase::Connecting(1))), "◐".to_owned()];
    }
    let online = app.text(Phrase::Online);
    match app.links.round_trip.map(|time| time.as_millis()) {
        Some(ms) => {
            let pace = if ms == 0 { "<1 ms".to_owned() } else { format!("{ms} ms") };
            vec![format!("● {online}  {pace}"), format!("● {pace}"), "●".to_owned()]
        }
        None => vec![format!("● {online}"), "●".to_owned()],
    }
}

/// Returns what the line says while a connection is down; `None` if there is no trouble.
fn trouble(app: &App) -> Option<Vec<String>> {
    let sides = [LinkSide::Listening, LinkSide::Writing];
    let down: Vec<LinkSide> = sides.into_iter().filter(|side| is_trouble(app.links.side(*side))).collect();
    let side = *down.iter().min_by_key(|side| app.links.side(**side).seconds_left(app.now).unwrap_or(i64::MAX))?;
    let state = app.links.side(side);
    let half = sides.iter().any(|side| app.links.side(*side).is_online());
    let cause = down.iter().find_map(|side| app.links.side(*side).cause());
    let seconds = state.seconds_left(app.now);
    let attempt = match state {
        LinkState::Waiting { attempt, .. } | LinkState::Connecting { attempt, .. } => *attempt,
        _ => 0,
    };
    let cause_text = cause.map(|cause| clean(&app.text(Phrase::Cause(cause))));
    let brief = cause.map(|cause| app.text(Phrase::BriefCause(cause)));
    let head = cause_text.as_deref().map(|text| text.split(": ").next().unwrap_or(text).to_owned());
    let key = app.text(Phrase::RetryKey);
    let join = |mark: &str, parts: &[Option<&str>]| {
        let parts: Vec<&str> = parts.iter().flatten().copied().collect();
        format!("{mark} {}", parts.join(" · "))
    };
    let (cause_text, head, brief) = (cause_text.as_deref(), head.as_deref(), brief.as_deref());
    let timed = |seconds: i64| app.text(Phrase::RetryIn { seconds, attempt });
    if half {
        let what = match side {
            LinkSide::Listening => app.text(Phrase::NotListening),
            LinkSide::Writing => app.text(Phrase::NotSending),
        };
        let arrow = if side == LinkSide::Listening { "◐↓" } else { "◐↑" };
        let Some(seconds) = seconds else {
            let what = what.as_str();
            return Some(vec![
                join("◐", &[Some(what), cause_text]),
                join("◐", &[Some(what), head]),
                format!("◐ {what}"),
            ]);
        };
        let (retry, short) = (timed(seconds), app.text(Phrase::Seconds(seconds)));
        return Some(vec![
            join("◐", &[Some(&what), cause_text, Some(&retry), Some(&key)]),
            join("◐", &[Some(&what), head, Some(&retry), Some(&key)]),
            join("◐", &[Some(&what), Some(&retry), Some(&key)]),
            join("◐", &[Some(&what), Some(&short), Some("F5")]),
            format!("{arrow} {short}  F5"),
        ]);
    }
    let Some(seconds) = seconds else {
        let (connecting, brief_connecting) = (app.text(Phrase::Connecting(attempt)), app.text(Phrase::Connecting(0)));
        return Some(match cause {
            Some(_) if attempt > 0 => vec![
                join("!", &[cause_text, Some(&connecting)]),
                join("!", &[head, Some(&connecting)]),
                join("!", &[brief, Some(&brief_connecting)]),
                join("!", &[brief]),
            ],
            Some(_) => vec![join("!", &[cause_text]), join("!", &[head]), join("!", &[brief])],
            None => vec![format!("! {connecting}"), format!("! {brief_connecting}"), "!".to_owned()],
        });
    };
    let (retry, short) = (timed(seconds), app.text(Phrase::Seconds(seconds)));
    Some(vec![
        join("!", &[cause_text, Some(&retry), Some(&key)]),
        join("!", &[head, Some(&retry), Some(&key)]),
        join("!", &[brief, Some(&retry), Some(&key)]),
        join("!", &[brief, Some(&short), Some("F5")]),
        format!("! {short}  F5"),
    ])
}

/// Returns whether the user should know about a state: not about a first attempt.
fn is_trouble(state: &LinkState) -> bool {
    match state {
        LinkState::Off | LinkState::Online => false,
        LinkState::Connecting { attempt, .. } => *attempt > 1,
        LinkState::LogAway | LinkState::Waiting { .. } | LinkState::Closed { .. } => true,
    }
}

/// Returns the answer to the last key, or what is below the screen.
fn middle(app: &App) -> Vec<String> {
    if let Some(hint) = &app.hint {
        return vec![hint.marked()];
    }
    if app.chat.timeline.follows() {
        return vec![String::new()];
    }
    let back = app.text(Phrase::ScrolledBack);
    let below = app.chat.timeline.below_count();
    if below.all == 0 {
        return vec![format!("↑ {back}"), "↑".to_owned()];
    }
    let new = app.text(Phrase::NewBelow(below.all));
    let mut forms = vec![format!("↓ {new} · {back}"), format!("↓ {new}"), format!("↓{}", below.all)];
    if below.mentions > 0 {
        let named = app.text(Phrase::ForYou(below.mentions));
        forms.splice(..2, [format!("↓ {new}, {named} · {back}"), format!("↓ {new}, {named}"), format!("↓ {new}!")]);
    }
    forms
}

/// Returns what waits, and the key for the help.
fn right(app: &App) -> Vec<String> {
    let help = app.text(Phrase::HelpKey);
    match app.chat.timeline.outgoing.waiting() {
        0 => vec![help, String::new()],
        n => {
            let waits = app.text(Phrase::Waits(n));
            vec![format!("{waits}  {help}"), waits, format!("…{n}")]
        }
    }
}

/// Cleans a cause, which may quote a server.
fn clean(text: &str) -> String {
    fit(&chat_client::display::clean_for_terminal(text), 200).into_owned()
}
