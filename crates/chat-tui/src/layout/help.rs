//! The rows of the help.

use crate::lang::Lang;
use crate::theme::Role;
use crate::width::text_width;
use crate::wrap::{Row, wrap};

/// Returns the help as rows of `width` cells.
pub(crate) fn help_rows(lang: Lang, width: u16) -> Vec<Row<Role>> {
    let mut rows = Vec::new();
    for (key, what) in lang.help() {
        if key.is_empty() {
            if !rows.is_empty() {
                rows.push(Row::new());
            }
            rows.extend(wrap(&[(Role::Title, *what)], width, 0));
        } else if width >= 50 {
            let key = format!("{key}{}", " ".repeat(usize::from(20u16.saturating_sub(text_width(key)))));
            rows.extend(wrap(&[(Role::Key, key.as_str()), (Role::Text, " "), (Role::Text, what)], width, 21));
        } else {
            rows.extend(wrap(&[(Role::Key, key), (Role::Text, ": "), (Role::Text, what)], width, 2));
        }
    }
    rows
}
