//! Draws the list of accounts.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::App;
use crate::areas;
use crate::lang::Phrase;
use crate::theme::Role;
use crate::timeline::clean_name;

/// Draws the screen.
pub(super) fn draw(app: &App, area: Rect, canvas: &mut Canvas<'_>) {
    let inner = canvas.window(areas::dialog(area.width, area.height), &app.text(Phrase::AccountsTitle));
    let accounts = app.accounts.list();
    let names = accounts.iter().map(|known| clean_name(known.account.nickname.as_str()));
    let names: Vec<String> = names.chain([app.text(Phrase::NewAccount)]).collect();
    let list = Rect { height: inner.height.saturating_sub(2), ..inner };
    let first = app.accounts.chosen().saturating_sub(usize::from(list.height.saturating_sub(1)));
    for (y, (number, name)) in (list.y..list.bottom()).zip(names.iter().enumerate().skip(first)) {
        let text = if number < accounts.len() { format!("{} {name}", number + 1) } else { format!("+ {name}") };
        canvas.choice(list, y, &text, number == app.accounts.chosen());
    }
    let bottom = inner.bottom().saturating_sub(1);
    let removing = accounts.get(app.accounts.chosen()).filter(|_| app.accounts.removing);
    match removing {
        Some(known) => {
            let name = clean_name(known.account.nickname.as_str());
            canvas.text(inner.x, bottom, inner.width, &app.text(Phrase::ReallyRemove(&name)), Role::Warning);
        }
        None => {
            canvas.text(inner.x, bottom, inner.width, &app.text(Phrase::AccountsKeys), Role::Dim);
        }
    }
}
