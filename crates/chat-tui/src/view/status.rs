//! Draws the status line: the nickname, both connections, the round trip and the waiting messages, in the longest form
//! that fits.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::App;
use crate::lang::Phrase;
use crate::link::{LinkSide, LinkState};
use crate::theme::Role;
use crate::width::{fit, text_width};

/// Draws the line.
pub(super) fn line(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    let forms = forms(app);
    let fits = forms.iter().find(|text| text_width(text) <= area.width).or(forms.last());
    canvas.fill(area, Role::Status);
    canvas.text(area.x, area.y, area.width, fits.map_or("", String::as_str), Role::Status);
}

/// Draws the connection problems, if any.
pub(super) fn trouble(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    let (listening, writing) = (app.links.listening.cause(), app.links.writing.cause());
    let mut text = String::new();
    match (listening, writing) {
        (Some(one), Some(other)) if one == other => text.push_str(&app.text(Phrase::Cause(one))),
        _ => {
            for (side, cause) in [(LinkSide::Listening, listening), (LinkSide::Writing, writing)] {
                if let Some(cause) = cause {
                    let separator = if text.is_empty() { "" } else { " · " };
                    text.push_str(&format!("{separator}{} {}", arrow(side), app.text(Phrase::Cause(cause))));
                }
            }
        }
    }
    if text.is_empty() {
        return;
    }
    let key = if can_retry(app) { format!(" · {}", app.text(Phrase::RetryKey)) } else { String::new() };
    // What is cut off is the reason, never the key.
    let text = fit(&clean(&text), area.width.saturating_sub(text_width(&key))).into_owned();
    canvas.text(area.x, area.y, area.width, &format!("{text}{key}"), Role::Trouble);
}

/// Returns the same content in ever shorter forms; the nickname is dropped before the connections.
fn forms(app: &App) -> Vec<String> {
    let links = [link(app, LinkSide::Listening), link(app, LinkSide::Writing)];
    let pace = app.links.round_trip.map(|time| match time.as_millis() {
        0 => "<1 ms".to_owned(),
        ms => format!("{ms} ms"),
    });
    let waiting = app.chat.timeline.outgoing.waiting();
    let (waits, waits_short) = match waiting {
        0 => (None, None),
        _ => (Some(app.text(Phrase::Waiting(waiting))), Some(format!("…{waiting}"))),
    };
    let key = app.text(if can_retry(app) { Phrase::RetryKey } else { Phrase::HelpKey });
    let tiny = format!("{} {}", tiny(app, LinkSide::Listening), tiny(app, LinkSide::Writing));
    let join = |parts: &[Option<&String>]| {
        let parts: Vec<&str> = parts.iter().flatten().map(|part| part.as_str()).collect();
        format!(" {} ", parts.join(" │ "))
    };
    let (name, [listening, writing]) = (name(app), &links);
    let (pace, waits, waits_short) = (pace.as_ref(), waits.as_ref(), waits_short.as_ref());
    vec![
        join(&[Some(&name), Some(listening), Some(writing), pace, waits, Some(&key)]),
        join(&[Some(&name), Some(listening), Some(writing), pace, waits]),
        join(&[Some(&name), Some(listening), Some(writing), waits]),
        join(&[Some(&name), Some(listening), Some(writing), waits_short]),
        join(&[Some(listening), Some(writing), waits]),
        join(&[Some(listening), Some(writing), waits_short]),
        join(&[Some(&name), Some(&tiny), waits_short]),
        short(app),
    ]
}

/// Returns the shortest form, which keeps the connections and whether any message waits.
fn short(app: &App) -> String {
    let mut parts = format!("{} {}", tiny(app, LinkSide::Listening), tiny(app, LinkSide::Writing));
    let waiting = app.chat.timeline.outgoing.waiting();
    if waiting > 0 {
        parts.push_str(&format!(" …{waiting}"));
    }
    if can_retry(app) {
        parts.push_str(" ^R");
    } else {
        parts.push_str(&format!(" {}", name(app)));
    }
    parts
}

fn name(app: &App) -> String {
    app.nickname().unwrap_or_else(|| "…".to_owned())
}

fn link(app: &App, side: LinkSide) -> String {
    let state = app.links.side(side);
    app.text(Phrase::Link { side, state, seconds: state.seconds_left(app.now) })
}

fn tiny(app: &App, side: LinkSide) -> String {
    let state = app.links.side(side);
    let text = match state {
        LinkState::Off => "-".to_owned(),
        LinkState::Connecting { .. } => "…".to_owned(),
        LinkState::Online => "ok".to_owned(),
        LinkState::Waiting { attempt, .. } => format!("{}s#{attempt}", state.seconds_left(app.now).unwrap_or(0)),
        LinkState::Closed { .. } => "✗".to_owned(),
    };
    format!("{}{text}", arrow(side))
}

fn arrow(side: LinkSide) -> char {
    match side {
        LinkSide::Listening => '↓',
        LinkSide::Writing => '↑',
    }
}

fn can_retry(app: &App) -> bool {
    app.links.counts_down()
}

/// Cleans a cause, which may quote a server.
fn clean(text: &str) -> String {
    chat_client::display::clean_for_terminal(text).into_owned()
}
