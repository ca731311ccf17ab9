//! Draws the dialogs in the middle of the screen: a wrong token, quitting.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use crate::app::App;
use crate::lang::Phrase;
use crate::theme::Role;

/// Draws the dialog about an unknown token.
pub(super) fn wrong_token(app: &App, choice: usize, area: Rect, canvas: &mut Canvas<'_>) {
    let choices = [app.text(Phrase::OtherAccount), app.text(Phrase::NewAccount), app.text(Phrase::Leave)];
    let (title, text) = (app.text(Phrase::WrongTokenTitle), app.text(Phrase::WrongToken));
    question(app, (&title, &text), (&choices, choice), area, canvas);
}

/// Draws the question whether to quit although others are connected to the room of this program.
pub(super) fn leave(app: &App, choice: usize, area: Rect, canvas: &mut Canvas<'_>) {
    let choices = [app.text(Phrase::Stay), app.text(Phrase::Leave)];
    let (title, text) = (app.text(Phrase::LeaveTitle), app.text(Phrase::LeaveOthers(app.guests())));
    question(app, (&title, &text), (&choices, choice), area, canvas);
}

/// Draws a question in a window. On a small screen the choices come first, and the last line of the text is its short
/// form.
fn question(
    app: &App,
    (title, text): (&str, &str),
    (choices, chosen): (&[String], usize),
    area: Rect,
    canvas: &mut Canvas<'_>,
) {
    let count = u16::try_from(choices.len()).unwrap_or(u16::MAX);
    let (long, short) = text.split_once('\n').unwrap_or((text, text));
    let small = area.width < 50 || area.height < 10;
    let wanted = canvas.rows_of(long, 56) + count + 5;
    let inner = canvas.window(middle(area, 60, if small { area.height } else { wanted }), &format!("! {title}"));
    let keys = app.text(Phrase::ChoiceKeys);
    canvas.form(inner.x, inner.bottom().saturating_sub(1), inner.width, &keys, Role::Dim);
    let text_area = Rect { height: inner.height.saturating_sub(1), ..inner };
    let first = if small {
        let text = if area.height < 10 || area.width < 30 { short } else { long };
        canvas.paragraph(text_area, inner.y + count, text, Role::Dim);
        inner.y
    } else {
        canvas.paragraph(text_area, inner.y, long, Role::Text) + 1
    };
    let list = Rect { y: first, height: inner.bottom().saturating_sub(1 + first), ..inner };
    for (y, (number, text)) in (list.y..list.bottom()).zip(choices.iter().enumerate()) {
        let forms = text.lines().map(|form| format!("{} {form}", number + 1)).collect::<Vec<_>>().join("\n");
        canvas.choice(list, y, &forms, number == chosen);
    }
}

fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height)
}
