//! Draws the list of accounts.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::page;
use crate::app::App;
use crate::lang::Phrase;
use crate::theme::Role;
use crate::timeline::clean_name;

/// Draws the screen.
pub(super) fn draw(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    let accounts = app.accounts.list();
    let chosen = app.accounts.chosen();
    let removing = accounts.get(chosen).filter(|_| app.accounts.removing);
    let keys = match removing {
        Some(known) => app.text(Phrase::ReallyRemove(&clean_name(known.account.nickname.as_str()))),
        None => app.text(Phrase::AccountsKeys),
    };
    let title = app.text(Phrase::AccountsTitle);
    let page = page::draw(app, (&title, &title), &keys, (area, 0), canvas);
    if removing.is_some() && app.hint.is_none() {
        // A question is not overlooked.
        canvas.fill(Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }, Role::Trouble);
    }
    let list = page.inner;
    let names = accounts.iter().map(|known| clean_name(known.account.nickname.as_str()));
    let names: Vec<String> = names.chain([app.text(Phrase::NewAccount)]).collect();
    let first = chosen.saturating_sub(usize::from(list.height.saturating_sub(1)));
    for (y, (number, name)) in (list.y..list.bottom()).zip(names.iter().enumerate().skip(first)) {
        let sign = match number {
            _ if number == accounts.len() => "+".to_owned(),
            // Only these have a key.
            0..9 => (number + 1).to_string(),
            _ => " ".to_owned(),
        };
        let forms = name.lines().map(|form| format!("{sign} {form}")).collect::<Vec<_>>().join("\n");
        canvas.choice(list, y, &forms, number == chosen);
    }
}
